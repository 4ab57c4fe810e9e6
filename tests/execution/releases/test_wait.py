"""A step that bakes for long really waits without a machine where the CI system can, and its second look makes good the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.execution.jenkins.runner import Fault, Scenario, run_build
from tests.execution.releases.test_canary import BACK_ENDS, SPEC, Release, ends

BAKE, WAIT = 14, 6  # a look every second: 5 s are watched first, and 3 at the end
LONG = SPEC.replace(
    "steps: [10, 50]\n      bake: 4s", f"steps: [50]\n      bake: {BAKE}s\n      watch_first: 5s"
)
STEPS = ("live-deploy", "live-50-watch", "live-50", "live")


def times(folder: Path, node: str) -> list[float]:
    """Return when a node looked, as the snapshots tell that it kept."""
    (path,) = {p.read_bytes(): p for p in folder.rglob(f"s--{node}/snapshots.jsonl")}.values()
    return [json.loads(line)["time"] for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_a_step_bakes_as_long_as_stated_whether_the_system_waits_or_not(
    back_end: str, tmp_path: Path
) -> None:
    release = Release(tmp_path, back_end, LONG)
    run = release.run()
    assert run.green, run.log[-3000:]
    assert ends(run) == {**dict.fromkeys(("train", "sound", *STEPS), "passed"), "live-rollback": "skipped"}
    assert release.served["log"] == ["deploy", "set-weight 50", "set-weight 50", "promote"]
    first, looked = (times(tmp_path, id) for id in ("live-50-watch", "live-50"))
    assert looked[: len(first)] == first
    waited = looked[len(first)] - first[-1]
    assert (
        waited >= WAIT or back_end == "github"
    )  # act knows no environments, and so no timer: the job goes on at once
    assert looked[-1] - looked[0] >= BAKE - 1  # the last look is less than `every` before the end


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_a_candidate_that_goes_bad_is_stopped_by_the_first_look(back_end: str, tmp_path: Path) -> None:
    release = Release(tmp_path, back_end, LONG, BAD="0.2")
    run = release.run()
    assert not run.green
    assert ends(run)["live-50-watch"] == "failed", run.log[-3000:]
    assert ends(run)["live-50"] == "skipped"
    assert release.served["log"] == ["deploy", "set-weight 50", "set-weight 0", "rollback"]


def test_jenkins_holds_no_agent_while_it_waits(tmp_path: Path) -> None:
    run = run_build(scenario_of(Release(tmp_path, "jenkins", LONG), []))
    (wait,) = run.of("sleep")
    assert (wait["stage"], wait["allocation"]) == ("live-50", None)
    open_before = len(run.of("node")) - len([e for e in run.of("node") if e["number"] > wait["number"]])
    assert open_before == len([e for e in run.of("node-end") if e["number"] < wait["number"]])
    assert run.result == "SUCCESS", run.log[-3000:]


def test_jenkins_rolls_back_once_what_is_aborted_while_it_waits(tmp_path: Path) -> None:
    release = Release(tmp_path, "jenkins", LONG)
    run = run_build(scenario_of(release, [Fault("sleep", "abort")]))
    assert run.result == "ABORTED"
    assert release.served["log"] == ["deploy", "set-weight 50", "set-weight 0", "rollback"]
    assert release.served["live"] == "old"
    assert not run.of("sh", node="live-50")
    assert len(run.of("sh", node="live-rollback")) == 1


def scenario_of(release: Release, faults: list[Fault]) -> Scenario:
    causes: list[dict[str, Any]] = [{"_class": "jenkins.branch.BranchEventCause"}]
    return Scenario(
        release.scratch.repo, env={"BRANCH_NAME": "main", "BRANCH_IS_PRIMARY": "true"}, causes=causes, faults=faults,
        number=2, time_limit=300,
    )  # fmt: skip
