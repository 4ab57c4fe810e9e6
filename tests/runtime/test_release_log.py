"""The release log of a run: a line for what went live, for what was taken away, and for what could not be."""

from __future__ import annotations

import json
import os
import re
from typing import Any

import pytest

from mlcc.runtime import released
from mlcc.runtime.steps import undo_main
from mlcc.signals.tables import signals
from tests.runtime.conftest import Make
from tests.runtime.project import Project
from tests.runtime.told import SPEC, STEPS, TOOK_NOTHING, commanded

NOTIFY = "notify: {team: {webhook: {secret: HOOK}}}\n"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each look at the clock be a minute after the one before."""
    minutes = iter(range(60))

    def now() -> str:
        return f"2026-03-02T12:{next(minutes):02}:00Z"

    monkeypatch.setattr(released, "utc_now", now)
    monkeypatch.setattr("mlcc.runtime.attempt.utc_now", now)


def one(make: Make, command: str, undo: str = "{run: 'true'}") -> Project:
    text = SPEC.replace(NOTIFY, "").replace("COMMAND", json.dumps(command)).replace("UNDO", undo)
    project = make(text, {"model.bin": "weights\n", ".gitignore": "_mlcc/\nlog\n"})
    project.select()
    return project


def steps(make: Make, **commands: str) -> Project:
    project = make(STEPS.replace(NOTIFY, ""), {"model.bin": "weights\n", ".gitignore": "_mlcc/\nlog\n"})
    return commanded(project, **commands)


def through(project: Project, *nodes: str) -> list[dict[str, Any]]:
    """Run nodes and the final one, and return the release log."""
    for id in nodes:
        project.node(id)
    project.final()
    path = project.root / "_mlcc/s--final/releases.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    assert all(TIME.fullmatch(line["time"]) for line in lines)
    return lines


ALL = ("live-deploy", "live-5", "live", "live-rollback")


def test_what_went_live(make: Make) -> None:
    project = steps(make)
    (line,) = through(project, *ALL)
    assert line == {
        "time": project.state("live")["ended"], "action": "release", "environment": "live", "release": "live",
        "commit": project.git("rev-parse", "HEAD"), "pipeline": "p", "run": "7",
        "digests": {"model": project.state("live")["inputs"]["model"]},
    }  # fmt: skip


def test_a_candidate_with_requests_reached_users(make: Make) -> None:
    project = steps(make, live_5="exit 1")
    (line,) = through(project, *ALL)
    found = (line["action"], line["live"], line["reached"], line["cause"])
    assert found == ("rollback", False, True, "its command ended with 1; it was rolled back")
    assert line["since"] == project.state("live-5")["since"] < line["time"]
    assert line["digests"] == {"model": project.state("live-deploy")["inputs"]["model"]}


def test_a_promotion_that_fails_reached_users_since_the_first_step(make: Make) -> None:
    project = steps(make, live="exit 1")
    (line,) = through(project, *ALL)
    assert (line["action"], line["live"]) == ("rollback", False)
    assert line["since"] == project.state("live-5")["since"]


def test_a_deployment_that_fails_reached_nobody(make: Make) -> None:
    (line,) = through(steps(make, live_deploy="exit 1"), *ALL)
    assert (line["action"], line["live"], line["reached"]) == ("rollback", False, False)
    assert "since" not in line


@pytest.mark.parametrize("failing", ["live_deploy", "live_5"])
def test_a_release_of_which_nothing_was_there_is_not_logged(make: Make, failing: str) -> None:
    project = steps(make, **{failing: "exit 1"}, live_rollback=TOOK_NOTHING)
    assert through(project, *ALL) == []


def test_who_was_killed_while_it_undid_a_release_may_have_taken_it_away(make: Make) -> None:
    project = steps(make, live_5="exit 1", live_rollback="exit 2")
    for id in ("live-deploy", "live-5"):
        project.node(id)
    path = project.root / ".mlcc" / "plan.json"
    plan = json.loads(path.read_text())
    plan["nodes"]["live-rollback"]["run"] = [TOOK_NOTHING]
    path.write_text(json.dumps(plan))
    os.environ["MLCC_NODE"] = "live-5"
    assert undo_main(project.platform) == 0
    (line,) = through(project, "live", "live-rollback")
    assert line["action"] == "rollback"


def test_a_deployment_that_fails_and_stays_is_told_by_its_rollback(make: Make) -> None:
    project = steps(make, live_deploy="exit 1", live_rollback="exit 2")
    assert through(project, *ALL) == []


def test_what_nothing_can_undo_is_an_incident(make: Make) -> None:
    project = one(make, "exit 3", "none")
    (line,) = through(project, "live")
    assert (line["action"], line["live"], line["reached"]) == ("incident", False, True)


def test_what_is_undone_late_is_an_incident_and_its_rollback(make: Make) -> None:
    project = one(make, "exit 3", """{run: 'echo tried >> log; test "$(wc -l < log)" -gt 2'}""")
    project.node("live")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLCC_NODE", "live")
        assert undo_main(project.platform) == 1
    first, second = through(project, "live-rollback")
    assert [line["action"] for line in (first, second)] == ["incident", "rollback"]
    assert first["since"] == second["since"] < first["time"] < second["time"]
    (prod,) = signals(project.root / "_mlcc").releases
    assert (prod["tried"], prod["failed"], prod["not_restored"]) == (1, 1, 0)


def test_a_lost_machine_may_have_reached_users(make: Make) -> None:
    project = steps(make)
    (line,) = through(project, "live-deploy", "live-rollback")
    assert (line["action"], line["live"], line["reached"]) == ("rollback", False, True)
    assert line["digests"] == {"model": project.state("live-deploy")["inputs"]["model"]}


def test_a_run_without_a_release_leaves_no_log(make: Make) -> None:
    project = one(make, "true")
    os.environ["MLCC_NODE"] = "live"
    assert through(project) == []
    assert not (project.root / "_mlcc/s--final/releases.jsonl").exists()


def test_states_and_the_log_of_a_run_count_once(make: Make) -> None:
    project = steps(make)
    through(project, *ALL)
    (both,) = signals(project.root / "_mlcc").releases
    (project.root / "_mlcc/s--final/releases.jsonl").unlink()
    (alone,) = signals(project.root / "_mlcc").releases
    assert both == alone
    assert both["releases"] == 1


def test_a_log_that_is_no_line_is_left_out(make: Make) -> None:
    project = steps(make)
    for id in ALL:
        project.node(id)
    project.forge("s--live/state.json", log="hostile")
    assert project.final() == 0
    assert signals(project.root / "_mlcc").releases == []


UNDO = "{push: {branches: [main]}, manual: {undo: {}}, schedule: {hourly: '7 * * * *'}}"


def undoing(make: Make, node: str, told: str, **facts: str) -> list[dict[str, Any]]:
    """Return the log where a node of a trigger of its own says what it took away."""
    spec = STEPS.replace(NOTIFY, "").replace("{push: {branches: [main]}}", UNDO)
    spec += "    rollback: {manual: undo, reconcile: hourly}\n"
    project = make(spec, {"model.bin": "weights\n", ".gitignore": "_mlcc/\nlog\n"})
    path = project.root / ".mlcc" / "plan.json"
    plan = json.loads(path.read_text())
    plan["nodes"][node]["run"] = [f"printf '{told}' >> \"$MLCC_OUTPUTS\""]
    path.write_text(json.dumps(plan))
    project.commit("other commands")
    assert project.select(**facts)["selected"] == [node]
    return through(project, node)


BY_HAND = {"event": "manual", "hint": "undo"}
BY_SCHEDULE = {"event": "schedule", "hint": "hourly"}


def test_what_a_person_takes_away(make: Make) -> None:
    (line,) = undoing(make, "live-restore", "UNDONE=live-7\\nREACHED=live\\nLIVE=live-6\\n", **BY_HAND)
    assert (line["action"], line["live"], line["reached"]) == ("rollback", True, True)
    assert line["cause"] == "'live-7' was taken away: 'live-6' is live"


@pytest.mark.parametrize(("reached", "users"), [("share", True), ("", False)])
def test_what_outlived_its_lease(make: Make, reached: str, users: bool) -> None:
    told = f"UNDONE=live-7\\nREACHED={reached}\\nLIVE=live-6\\n"
    (line,) = undoing(make, "live-reconcile", told, **BY_SCHEDULE)
    assert (line["action"], line["live"], line["reached"]) == ("rollback", False, users)


def test_a_schedule_that_finds_nothing_says_nothing(make: Make) -> None:
    assert undoing(make, "live-reconcile", "UNDONE=\\nREACHED=\\nLIVE=live-6\\n", **BY_SCHEDULE) == []


def test_an_undoing_that_does_not_say_what_it_did_fails(make: Make) -> None:
    assert undoing(make, "live-restore", "UNDONE=live-7\\n", **BY_HAND) == []


def test_a_command_that_undoes_by_hand_took_away_what_was_live(make: Make) -> None:
    spec = (
        SPEC.replace(NOTIFY, "")
        .replace("COMMAND", "'true'")
        .replace("UNDO", "{run: echo undone >> log, manual: undo}")
    )
    project = make(
        spec.replace("{push: {branches: [main]}}", UNDO), {"model.bin": "w\n", ".gitignore": "_mlcc/\nlog\n"}
    )
    assert project.select(**BY_HAND)["selected"] == ["live-restore"]
    (line,) = through(project, "live-restore")
    assert (line["action"], line["live"], line["cause"]) == ("rollback", True, "")
    assert (project.root / "log").read_text() == "undone\n"
