"""Runs a case's Jenkinsfile on the project's own runner."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Any

from mlcc.plan import Text, UsePython
from tests.execution.equivalence.case import SECRET, Data, Scratch
from tests.execution.equivalence.runner import Run, gathered
from tests.execution.github.scratch import pull_request_payload, tag_payload
from tests.execution.jenkins.runner import Scenario, run_build

# Of getBuildCauses: https://javadoc.jenkins.io/hudson/model/Cause.html, plugins branch-api and parameterized-scheduler.
PUSHED = "jenkins.branch.BranchEventCause"
BY_HAND = "hudson.model.Cause$UserIdCause"
SCHEDULED = "org.jenkinsci.plugins.parameterizedscheduler.ParameterizedTimerTriggerCause"
FROM_OUTSIDE = "hudson.model.Cause$RemoteCause"


# A Python that makes environments with its own packages: `-m venv [OPTION...] FOLDER`.
ENVIRONMENT = """\
set -eu
case "$*" in
  --version) echo "Python {version}"; exit;;
  "-m venv "*) {python} "$@" --without-pip;;
  *) exec {python} "$@";;
esac
for folder; do :; done
for packages in "$folder"/lib/python*/site-packages; do
  {python} -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > "$packages/agent.pth"
done
"""


class Jenkins:
    """See runner.Runner."""

    name = "jenkins"

    def run(self, scratch: Scratch, python: str = sys.executable) -> Run:
        """Run one build of the job that a multibranch project has for the event's branch, change or tag."""
        run = run_build(
            Scenario(
                scratch.repo,
                agent_env={"PATH": _path(scratch, python)},
                credentials={"TOKEN": SECRET},
                number=2,
                time_limit=600,
                **_started(scratch),
            )
        )
        return gathered([run.folder / "stashes", run.folder / "artifacts"], run.result == "SUCCESS", run.log)


def _path(scratch: Scratch, python: str) -> str:
    """Return the PATH of an agent on which `python` stands for each version that the spec asks for.

    The environment that a node makes with it sees its packages, so that nothing has to be installed anew.
    """
    folder = scratch.repo.parent / "agent"
    folder.mkdir(exist_ok=True)
    steps = [step for node in scratch.plan.nodes.values() for step in node.steps]
    asked = [step.version for step in steps if isinstance(step, UsePython)]
    quoted = shlex.quote(python)
    for version in {version.text for version in asked if isinstance(version, Text)}:
        minor = ".".join(version.split(".")[:2])
        _command(folder / f"python{minor}", ENVIRONMENT.format(version=version, python=quoted))
    for name in ("pip", "pip3"):
        _command(folder / name, 'exec python3 -m pip "$@"\n')
    base = getattr(sys, "_base_executable", sys.executable)  # has no packages
    _command(folder / "python3", f'exec {shlex.quote(base)} "$@"\n')
    return ":".join([str(folder), str(Path(python).parent), os.environ["PATH"]])


def _command(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}", encoding="utf-8")
    path.chmod(0o755)


def _started(scratch: Scratch) -> Data:
    """Return what Jenkins knows of an event: the commit, its variables, parameters, causes and earlier builds."""
    event, repo = scratch.event, scratch.repo
    match event.kind:
        case "pull_request":
            pull_request_payload(repo, scratch.branch, fork=event.fork)  # makes the merge that Jenkins builds
            fork = {"CHANGE_FORK": "somebody"} if event.fork else {}
            change = {"CHANGE_ID": "1", "CHANGE_TARGET": "main", "CHANGE_BRANCH": scratch.branch}
            return _build("refs/pull/1/merge", {"BRANCH_NAME": "PR-1", **change, **fork}, PUSHED)
        case "tag":
            tag_payload(repo, str(event.tag))
            tag = str(event.tag)
            return _build(f"refs/tags/{tag}", {"BRANCH_NAME": tag, "TAG_NAME": tag}, PUSHED)
        case "push":
            known = {"number": 1, "result": "SUCCESS", "variables": {"MLCC_GREEN_COMMIT": scratch.base}}
            env = {"BRANCH_NAME": scratch.branch}
            build = _build(f"refs/heads/{scratch.branch}", env, PUSHED)
            return {**build, "previous": [known] if scratch.base else []}
        case "manual":
            inputs = {f"MLCC_INPUT_{name}": value for name, value in event.inputs.items()}
            if scratch.plan.triggers.choices:
                inputs["MLCC_FORM"] = str(event.trigger)
            return _build("refs/heads/main", {"BRANCH_NAME": "main"}, BY_HAND, inputs)
        case "schedule":
            return _build(
                "refs/heads/main", {"BRANCH_NAME": "main"}, SCHEDULED, {"MLCC_TRIGGER": str(event.trigger)}
            )
        case _:
            return _build(
                "refs/heads/main", {"BRANCH_NAME": "main"}, FROM_OUTSIDE, {"MLCC_TRIGGER": str(event.trigger)}
            )


def _build(commit: str, env: dict[str, str], cause: str, params: dict[str, Any] | None = None) -> Data:
    primary = {"BRANCH_IS_PRIMARY": "true"} if env["BRANCH_NAME"] == "main" else {}
    return {
        "commit": commit,
        "env": {**env, **primary},
        "params": params or {},
        "causes": [{"_class": cause}],
    }


RUNNER = Jenkins()
