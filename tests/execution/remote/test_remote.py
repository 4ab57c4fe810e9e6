"""Work that runs somewhere else is really submitted, asked after and ended, on every CI system."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlcc.backends import BACKENDS
from mlcc.compiler import analyse, compile_files
from mlcc.semantics import Event
from tests.execution.equivalence.case import Case, Scratch
from tests.execution.equivalence.runner import Run
from tests.execution.equivalence.runners import runner
from tests.execution.github.scratch import git, scratch_repo
from tests.execution.jenkins.runner import BuildRun, Fault, Scenario, run_build

SPEC = """version: 1
name: far
triggers: {push: {branches: [main]}}
artifacts:
  code: {kind: code, path: src/}
  model: {kind: model, path: build/model.json}
jobs:
  train:
    reads: [code]
    writes: [model]
    env: ENV
    timeout: 60s
    remote:
      submit: bash work.sh submit
      poll: exec bash work.sh poll
      cancel: bash work.sh cancel
      collect: bash work.sh collect
      every: 1s
      resume: false
  use: {run: 'test -s build/model.json', reads: [model]}
"""
WORK = Path(__file__).with_name("work.sh").read_text("utf-8")
BACK_ENDS = tuple(BACKENDS)


class Training:
    """One repository that trains somewhere else, and what was asked of that."""

    def __init__(self, folder: Path, back_end: str, mode: str, spec: str = SPEC) -> None:
        self.trace = folder / "asked"
        env = json.dumps({"TRACE": str(self.trace), "MODE": mode})
        files = {
            "mlcc.yaml": spec.replace("ENV", env),
            "src/a.py": "a = 1\n",
            "work.sh": WORK,
            ".gitignore": "_mlcc/\nbuild/\n",
        }
        project = folder / "project"
        for path, content in files.items():
            (project / path).parent.mkdir(parents=True, exist_ok=True)
            (project / path).write_text(content, "utf-8")
        analysis = analyse(project / "mlcc.yaml", project)
        compiled = {file.path: file.text for file in compile_files(analysis, [back_end])}
        self.repo = scratch_repo(folder, {**files, **compiled})
        case = Case("remote", {}, Event("push", branch="main"))
        branch = git(self.repo, "rev-parse", "--abbrev-ref", "HEAD")
        self.scratch = Scratch(case, analysis.plan, self.repo, branch, None, folder / "noted")
        self.back_end = back_end

    def run(self) -> Run:
        return runner(self.back_end).run(self.scratch)

    def build(self, *faults: Fault, **more: Any) -> BuildRun:
        """Run one build on Jenkins, to which something happens."""
        causes = [{"_class": "jenkins.branch.BranchEventCause"}]
        env = {"BRANCH_NAME": "main", "BRANCH_IS_PRIMARY": "true"}
        return run_build(
            Scenario(self.repo, env=env, causes=causes, faults=faults, number=2, time_limit=300, **more)
        )

    @property
    def asked(self) -> list[str]:
        return self.trace.read_text("utf-8").splitlines()


def ends(run: Run) -> dict[str, str]:
    return {id: node["end"] for id, node in run.result["nodes"].items()}


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_it_is_submitted_polled_and_collected(back_end: str, tmp_path: Path) -> None:
    training = Training(tmp_path, back_end, "")
    run = training.run()
    assert run.green, run.log[-3000:]
    assert ends(run) == {"train": "passed", "use": "passed"}
    assert training.asked == ["submit", *["poll job-1"] * 3, "collect job-1"]


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_work_that_failed_is_submitted_again_by_a_retry_alone(back_end: str, tmp_path: Path) -> None:
    training = Training(
        tmp_path, back_end, "fail", SPEC.replace("timeout: 60s", "timeout: 60s\n    retry: 1")
    )
    run = training.run()
    assert not run.green
    assert ends(run) == {"train": "failed", "use": "skipped"}, run.log[-3000:]
    assert training.asked == ["submit", *["poll job-1"] * 2, "submit", *["poll job-2"] * 2]
    first, second = (tmp_path / "asked.keys").read_text("utf-8").split()
    assert first != second


@pytest.mark.parametrize("mode", ["never", "hang"])
@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_its_time_is_bounded_and_then_it_is_cancelled(back_end: str, mode: str, tmp_path: Path) -> None:
    training = Training(tmp_path, back_end, mode, SPEC.replace("timeout: 60s", "timeout: 5s"))
    run = training.run()
    assert not run.green
    assert ends(run) == {"train": "failed", "use": "skipped"}, run.log[-3000:]
    assert run.states["train", ""]["cause"] == "it didn't end within 5 s; its remote job was cancelled"
    assert training.asked[0] == "submit"
    assert set(training.asked[1:-1]) == {"poll job-1"}
    assert training.asked[-1] == "cancel job-1"


@pytest.mark.parametrize("mode", ["kill", "stop"])
@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_what_nobody_goes_on_with_is_cancelled_once(back_end: str, mode: str, tmp_path: Path) -> None:
    """The runtime is killed, or told to stop, as when a run is cancelled, while it asks."""
    training = Training(tmp_path, back_end, mode)
    run = training.run()
    assert not run.green
    assert ends(run) == {"train": "failed", "use": "skipped"}, run.log[-3000:]
    assert training.asked == ["submit", *["poll job-1"] * 2, "cancel job-1"]


def test_jenkins_holds_no_agent_while_it_waits(tmp_path: Path) -> None:
    training = Training(tmp_path, "jenkins", "")
    run = training.build()
    assert run.result == "SUCCESS", run.log[-3000:]
    waits = run.of("sleep")
    assert [(wait["stage"], wait["allocation"]) for wait in waits] == [("train", None)] * 2
    for wait in waits:
        begun = [event for event in run.of("node") if event["number"] < wait["number"]]
        ended = [event for event in run.of("node-end") if event["number"] < wait["number"]]
        assert len(begun) == len(ended)


def test_jenkins_cancels_once_what_is_aborted_while_it_waits(tmp_path: Path) -> None:
    training = Training(tmp_path, "jenkins", "never")
    run = training.build(Fault("sleep", "abort"))
    assert run.result == "ABORTED"
    assert training.asked == ["submit", "poll job-1", "cancel job-1"]


def test_jenkins_cancels_once_what_is_aborted_while_it_asks(tmp_path: Path) -> None:
    training = Training(tmp_path, "jenkins", "hang")
    run = training.build(Fault("sh", "abort", stage="train", after=3))
    assert run.result == "ABORTED"
    assert training.asked == ["submit", "poll job-1", "cancel job-1"], run.log[-3000:]


def resuming(folder: Path) -> str:
    """Return the spec with a store on a disk that all machines share."""
    (folder / "store").mkdir()
    uri = f"store: {{uri: 'file://{folder}/store'}}\nartifacts:"
    return SPEC.replace("artifacts:", uri, 1).replace("resume: false", "resume: true")


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_a_run_after_a_killed_one_submits_nothing_again(back_end: str, tmp_path: Path) -> None:
    training = Training(tmp_path, back_end, "kill-once", resuming(tmp_path))
    run = training.run()
    assert not run.green
    assert ends(run) == {"train": "failed", "use": "skipped"}, run.log[-3000:]
    assert training.asked == ["submit", *["poll job-1"] * 2]
    run = training.run()
    assert run.green, run.log[-3000:]
    assert training.asked == ["submit", *["poll job-1"] * 3, "collect job-1"]
    (record,) = (tmp_path / "store" / "remote").iterdir()
    assert json.loads(record.read_text("utf-8"))["ended"] == "done"


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_a_run_after_a_cancelled_one_submits_again(back_end: str, tmp_path: Path) -> None:
    training = Training(tmp_path, back_end, "stop", resuming(tmp_path))
    run = training.run()
    assert not run.green
    assert training.asked == ["submit", *["poll job-1"] * 2, "cancel job-1"], run.log[-3000:]
    assert not training.run().green
    assert training.asked[4:] == ["submit", *["poll job-2"] * 2, "cancel job-2"]


def test_jenkins_goes_on_with_what_a_lost_agent_left(tmp_path: Path) -> None:
    training = Training(tmp_path, "jenkins", "", resuming(tmp_path))
    run = training.build(Fault("node", "lose", stage="train", env={}, allocation=3))
    assert run.result == "FAILURE"
    assert training.asked == ["submit", "poll job-1"]
    run = training.build()
    assert run.result == "SUCCESS", run.log[-3000:]
    assert training.asked == ["submit", *["poll job-1"] * 3, "collect job-1"]
