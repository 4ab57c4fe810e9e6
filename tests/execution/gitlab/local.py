"""Really run a compiled GitLab pipeline on this machine, without a container engine and without a network.

gitlab-ci-local (npm) runs the parent's selecting job, then the child pipeline that this wrote, every job in a fresh
copy of the repository that holds only the artifacts which GitLab would give it. Images and services are left out: the
machine's Python runs everything. Not emulated, and therefore checked elsewhere: timeouts, resource groups,
environments, approval, what waits before a delayed job, caches between runs, tokens.

gitlab-ci-local never ends a job that it skips, so that nothing after it starts, though GitLab starts jobs with
`when: always` (app/services/ci/process_build_service.rb): the stages that are left are started here, one by one.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mlcc.backends.gitlab.platform import NOTIFY_JOB
from tests.execution.github.act import _own_python
from tests.execution.github.scratch import git
from tests.static.checks import TOOLS, missing_tool, tool

RUN_ID = "1001"
_TIMEOUT = 600
_RESULT = re.compile(r"^\s*(PASS|WARN|FAIL)\s+(.+?)\s*$")
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_KEYS = ("stages", "workflow", "default", "variables")
_INSTALL = "npm ci --ignore-scripts --prefix tests/tools"


class LocalError(Exception):
    """The pipeline did not run as a whole, so that there are no results to compare."""


@dataclass(frozen=True, slots=True)
class LocalRun:
    """What a run left behind.

    `jobs` has the child's jobs that ran, each leg as ``JOB: [LEG]``: passed, warned (a failure that stops nothing) or
    failed. `selected` are the jobs that the selecting job left in the child. `artifacts` holds the records of all.
    """

    select: str
    jobs: dict[str, str]
    selected: list[str]
    log: str
    artifacts: Path

    def record(self, path: str) -> Any:
        """A JSON file below ``_mlcc``."""
        return json.loads((self.artifacts / path).read_text(encoding="utf-8"))

    @property
    def ends(self) -> dict[str, str]:
        """How the nodes ended, as the final one tells it."""
        nodes = self.record("s--final/result.json")["nodes"]
        return {id: node["end"] for id, node in nodes.items()}

    @property
    def green(self) -> bool:
        """The colour that the final job states."""
        green = bool(self.record("s--final/result.json")["green"])
        assert green is (self.jobs["final"] == "passed")
        return green


def run_pipeline(
    repo: Path,
    variables: Mapping[str, str] | None = None,
    *,
    settings: Mapping[str, str] | None = None,
    ref: str = "main",
    python: str | None = None,
    select: str = "select",
) -> LocalRun:
    """Run the pipeline of `ref`'s tip, with these pipeline variables (by default those of a push).

    `settings` are the project's variables, which every job gets; `select` is the selecting job of a monorepo's project.

    `python` is what jobs find on their path (by default an own environment that sees the packages of this one, so
    that an installation changes nothing here). Raises `LocalError` when a job has no result.
    """
    count = len(list(repo.parent.glob("run-*")))
    folder = repo.parent / f"run-{count}"
    folder.mkdir()
    runner = _Runner(folder, python)
    checkout = folder / "checkout"
    git(repo, "clone", "-q", "--branch", ref, f"file://{repo}", str(checkout))
    # GitLab's jobs are cloned from the instance whose interface they ask.
    git(checkout, "config", "remote.origin.url", "http://127.0.0.1/scratch/repo.git")
    runner.settings = dict(settings or {})
    given = {
        "CI_PIPELINE_SOURCE": "push",
        "CI_PIPELINE_ID": RUN_ID,
        "CI_PIPELINE_IID": "1",
        **(variables or {}),
    }
    results, log = runner.run(checkout, ".gitlab-ci.yml", [select], given)
    if select not in results:
        raise LocalError(f"the selecting job did not run\n{log[-4000:]}")
    records = folder / "records"
    _collect(checkout, records)
    child = next(records.glob("child.yml"), None)
    if results[select] != "passed" or child is None:
        return LocalRun(results[select], {}, [], log, records)
    pipeline = yaml.safe_load(child.read_text(encoding="utf-8"))
    _in_one_script(pipeline)
    _delayed(pipeline)
    (checkout / "child.yml").write_text(yaml.safe_dump(pipeline, sort_keys=False), encoding="utf-8")
    (checkout / ".git/info/exclude").write_text("child.yml\n", encoding="utf-8")
    jobs, more = _run_child(runner, checkout, pipeline)
    _collect(checkout, records)
    selected = [name for name in pipeline if name not in (*_KEYS, "final", NOTIFY_JOB)]
    return LocalRun("passed", jobs, selected, log + more, records)


def _in_one_script(pipeline: Mapping[str, Any]) -> None:
    """Put every `after_script` behind its script, in a shell of its own.

    gitlab-ci-local gives it a fresh copy of the repository and then keeps nothing of either; GitLab's runner runs it in
    the same folder, and the job ends as its script did (https://docs.gitlab.com/ci/yaml/#after_script).
    """
    for name, job in pipeline.items():
        if name not in _KEYS and "after_script" in job:
            first, after = "\n".join(job["script"]), "\n".join(job.pop("after_script"))
            job["script"] = [
                "code=0",
                f"({first}) || code=$?",
                f"({after}) || true",
                'exit "$code"',
            ]


def _delayed(pipeline: Mapping[str, Any]) -> None:
    """Let delayed jobs wait in their scripts: gitlab-ci-local takes `start_in`, and starts them at once."""
    for name, job in pipeline.items():
        for stated in [job, *job.get("rules", ())] if name not in _KEYS else ():
            if stated.get("when") == "delayed":
                job["script"] = [f"sleep {stated['start_in'].removesuffix(' seconds')}", *job["script"]]


def _run_child(runner: _Runner, checkout: Path, pipeline: Mapping[str, Any]) -> tuple[dict[str, str], str]:
    variables = {"CI_PIPELINE_SOURCE": "parent_pipeline", "CI_PIPELINE_ID": "1002", "MLCC_RUN": RUN_ID}
    results, log = runner.run(checkout, "child.yml", [], variables)
    for stage in pipeline["stages"][1:]:
        names = [name for name, job in pipeline.items() if name not in _KEYS and job["stage"] == stage]
        if not all(name in results for name in names):
            late, more = runner.run(checkout, "child.yml", names, variables)
            results, log = {**results, **late}, log + more
    if "final" not in results:
        raise LocalError(f"the final job did not run\n{log[-4000:]}")
    return results, log


def _collect(checkout: Path, records: Path) -> None:
    """Bring all that jobs kept below ``_mlcc`` into one folder."""
    for kept in sorted(checkout.glob(".gitlab-ci-local/artifacts/*")):
        for found in kept.rglob("_mlcc"):
            shutil.copytree(found, records, dirs_exist_ok=True)


class _Runner:
    """gitlab-ci-local in an environment that nothing of the machine's user reaches."""

    def __init__(self, folder: Path, python: str | None) -> None:
        node = next(TOOLS.glob("node_modules/node-linux-*/bin/node"), None)
        script = TOOLS / "node_modules" / "gitlab-ci-local" / "dist" / "index.js"
        if node is None or not script.is_file():
            missing_tool("gitlab-ci-local", _INSTALL)
            raise AssertionError("unreachable: the test was skipped or failed")
        tool("rsync", "apt-get install rsync")
        self.command = [str(node), str(script)]
        self.settings: dict[str, str] = {}
        system = folder / "system"
        system.mkdir()
        python = python or _own_python(folder / "venv")
        for name, arguments in {"python": "", "python3": "", "pip": " -m pip", "pip3": " -m pip"}.items():
            path = system / name
            path.write_text(f'#!/bin/sh\nexec {shlex.quote(python)}{arguments} "$@"\n', encoding="utf-8")
            path.chmod(0o755)
        scripts = str(Path(python).parent) if python != sys.executable else ""
        tools = [str(Path(path).parent) for name in ("bash", "git", "rsync") if (path := shutil.which(name))]
        paths = dict.fromkeys([str(system), scripts, *tools, "/usr/bin", "/bin"])
        home = folder / "home"
        home.mkdir()
        self.environment = {
            "PATH": ":".join(path for path in paths if path),
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GCL_IGNORE_PREDEFINED_VARS": "CI_PIPELINE_SOURCE,CI_PIPELINE_ID,CI_PIPELINE_IID,CI_COMMIT_BRANCH",
        }

    def run(
        self, checkout: Path, file: str, jobs: Sequence[str], variables: Mapping[str, str]
    ) -> tuple[dict[str, str], str]:
        """Run jobs of a file, by default all; returns the results of those that ran, and the log."""
        command = [*self.command, *jobs, "--file", file]
        command += [
            "--force-shell-executor",
            "--shell-isolation",
            "--no-artifacts-to-source",
            "--concurrency=2",
        ]
        command += [
            word
            for name, value in {**self.settings, **variables}.items()
            for word in ("--variable", f"{name}={value}")
        ]
        process = subprocess.Popen(
            command,
            env=self.environment,
            cwd=checkout,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=_TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            raise LocalError(f"gitlab-ci-local did not end within {_TIMEOUT} s\n{output[-4000:]}") from None
        log = _COLOURS.sub("", output)
        found = [match for line in log.splitlines() if (match := _RESULT.match(line))]
        words = {"PASS": "passed", "WARN": "warned", "FAIL": "failed"}
        results = {_job(match[2]): words[match[1]] for match in found}
        if not results:
            raise LocalError(
                f"gitlab-ci-local ran no job, and ended with {process.returncode}\n{log[-4000:]}"
            )
        return results, log


def _job(text: str) -> str:
    """The name in a line of results; a failure is followed by the step that failed."""
    return re.sub(r"\s{2,}.*$|\s+pre_script$", "", text)
