"""The flights model goes live on loopback, on every CI system: through nginx, judged by Prometheus, under steady requests.

What is released is examples/flights/live, a commit for each candidate. All of one CI system share a host.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mlcc.backends import BACKENDS
from mlcc.compiler import analyse
from mlcc.semantics import Event
from tests.execution.equivalence.case import Case, Scratch
from tests.execution.equivalence.runner import Run
from tests.execution.equivalence.runners import runner
from tests.static.checks import tool

ROOT = Path(__file__).resolve().parents[3]
LIVE = ROOT / "examples" / "flights" / "live"
# The machines that the CI systems' runners know here.
MACHINES = {
    "{github: self-hosted, gitlab: flights, jenkins: flights}": "{github: ubuntu-24.04, gitlab: flights, jenkins: linux}"
}
STEPS = ("production-deploy", "production-25", "production-50", "production")
PUSH = Event("push", branch="main")
LATER = Event("schedule", branch="main", trigger="reconcile")


def example() -> ModuleType:
    """Return examples/canary_demo.py."""
    spec = importlib.util.spec_from_file_location("canary_demo", ROOT / "examples" / "canary_demo.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an environment with the servers' pinned packages, which all hosts share."""
    venv = tmp_path_factory.mktemp("servers") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    pip = [str(venv / "bin" / "pip"), "install", "--quiet", "--require-hashes", "-r", "requirements.txt"]
    subprocess.run(pip, cwd=LIVE, check=True, timeout=900)
    (venv / "complete").touch()
    return venv


class Host:
    """A host, its repository, and a CI system that releases from there."""

    def __init__(self, folder: Path, back_end: str, packages: Path) -> None:
        tool("nginx", "apt-get install nginx-light")
        tool("prometheus", "apt-get install prometheus")
        self.back_end, self.demo = back_end, example()
        self.site = self.demo.Site(folder / "host", MACHINES)
        (self.site.root / "venv").symlink_to(packages)
        for key in ("uploadpack.allowAnySHA1InWant", "uploadpack.allowFilter"):  # as GitHub allows it
            self.site.do("git", "config", key, "true")
        self.plan = analyse(self.site.repo / "mlcc.yaml", self.site.repo).plan

    def run(self, event: Event) -> Run:
        """Run the pipeline for an event."""
        scratch = Scratch(
            Case("live", {}, event), self.plan, self.site.repo, "main", None, self.site.root / "trace"
        )
        return runner(self.back_end).run(scratch)

    def release(self, candidate: str) -> Run:
        """Commit a candidate, and run the pipeline of the push."""
        files = self.demo.candidates()[candidate]
        self.site.commit(files)
        run = self.run(PUSH)
        self.site.do("git", "reset", "-q", "--hard", "HEAD~")
        return run

    def served(self) -> tuple[str, str]:
        """Return what nginx has: what is live, and the candidate."""
        told = self.site.told()
        return told["live"], told["candidate"]

    def run_until_lost(self) -> None:
        """Run the pipeline, and kill all that it starts from the first judged step on, as if its machines were lost."""
        ended = threading.Event()

        def kill() -> None:
            self.demo.wait_until(lambda: self.site.told()["weight"] > 0, 120)
            time.sleep(2)
            while not ended.wait(0.02):
                for pid in pipeline_processes(self.site.root):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        try:
            run = self.run(PUSH)
        finally:
            ended.set()
            killer.join()
        assert not run.green
        assert "production-25" not in ends(run)


def pipeline_processes(root: Path) -> list[int]:
    """Return the emitted scripts that run in a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if b".mlcc/" in (path / "cmdline").read_bytes() and (path / "cwd").readlink().is_relative_to(
                root
            ):
                found.append(int(path.name))
    return found


def ends(run: Run) -> Mapping[str, str]:
    return {id: node["end"] for id, node in run.result.get("nodes", {}).items()}


@pytest.mark.parametrize("back_end", tuple(BACKENDS))
def test_only_the_good_candidate_goes_live_and_no_request_is_lost(
    back_end: str, tmp_path: Path, packages: Path
) -> None:
    host = Host(tmp_path, back_end, packages)
    with host.site.serving(), host.site.load() as load:
        assert host.served() == ("production-first", "")
        check_rolled_back(host, "errors", "rate of errors")
        check_rolled_back(host, "slow", "rate of slow (over 100 ms)")
        check_rolled_back(host, "worse", "rate of wrong")
        host.run_until_lost()
        check_left_until_its_lease_ends(host)
        run = host.release("good")
        assert [state["cause"] for state in run.states.values() if state["end"] == "failed"] == []
        assert run.green, run.log[-3000:]
        assert {id: ends(run)[id] for id in STEPS} == dict.fromkeys(STEPS, "passed")
        live, candidate = host.served()
        assert live.startswith("production-")
        assert live != "production-first"
        assert candidate == ""
        answered = load.answers["200"]  # by the server that a job has started, now that the run is over
        host.demo.wait_until(lambda: load.answers["200"] > answered + 200)
    answers: dict[str, Any] = load.answers
    assert set(answers) == {"200", "500"}  # the candidate with errors answers 500
    assert answers["200"] >= 2000
    assert 0 < answers["500"] < answers["200"] / 50


def check_rolled_back(host: Host, candidate: str, why: str) -> None:
    run = host.release(candidate)
    assert not run.green
    assert host.served() == ("production-first", ""), candidate
    assert ends(run)["production-25"] == "failed", run.log[-3000:]
    cause = run.states["production-25", ""]["cause"]
    assert f"the candidate's {why} " in cause
    assert cause.endswith("it was rolled back")


def check_left_until_its_lease_ends(host: Host) -> None:
    live, candidate = host.served()
    assert live == "production-first"
    assert candidate.startswith("production-")
    time.sleep(max(host.site.leased_until() - time.time(), 0) + 0.1)
    run = host.run(LATER)
    assert run.green, run.log[-3000:]
    assert ends(run)["production-reconcile"] == "passed"
    assert host.served() == ("production-first", "")
