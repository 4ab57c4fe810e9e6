"""Who wants to know is told once what became of a release, whatever the webhook does; no address is ever shown."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import pytest

from mlcc.runtime import notices
from tests.runtime.conftest import Make
from tests.runtime.loopback import Server
from tests.runtime.test_cancel import start, wait_for
from tests.runtime.told import (
    HELD,
    SPEC,
    TOOK_NOTHING,
    ready,
    released,
    stepped,
    texts,
    undo_main_of,
)

pytestmark = pytest.mark.usefixtures("no_waits")


def test_a_promotion_is_told(make: Make, hook: Server) -> None:
    project = released(make, hook, "true")
    assert project.node("live") == 0
    assert project.node("live-rollback") == 0
    commit = project.git("rev-parse", "HEAD")[:12]
    name = project.plan.name
    assert texts(hook) == [
        f"✅ {name}: the release 'live' is live in 'live'\ncommit {commit}, run https://ci.example/runs/7"
    ]
    (asked,) = hook.asked
    assert asked.path == "/services/T0/hidden"
    assert asked.headers["Content-Type"] == "application/json"
    assert project.state("live")["event"] == "promoted"
    assert project.state("live")["told"] == ["team"]


def test_a_rollback_is_told_once_and_says_why(make: Make, hook: Server) -> None:
    project = released(make, hook, "exit 3")
    project.node("live")
    project.node("live-rollback")
    (text,) = texts(hook)
    assert text.startswith(f"↩️ {project.plan.name}: the release 'live' was rolled back in 'live'\n")
    assert "`its command ended with 3; it was rolled back`" in text


def test_a_rollback_by_its_own_node_is_told_once(make: Make, hook: Server) -> None:
    project = released(make, hook, "exit 3")
    assert project.node("live-rollback") == 0  # the machine of the release was lost
    assert ["was rolled back" in text for text in texts(hook)] == [True]


def test_what_cannot_be_undone_has_failed(make: Make, hook: Server) -> None:
    project = released(make, hook, "exit 3", "none")
    project.node("live")
    assert ["failed in" in text for text in texts(hook)] == [True]


def test_a_rollback_that_works_later_is_no_failure(make: Make, hook: Server) -> None:
    project = released(make, hook, "exit 3", """{run: 'echo tried >> log; test "$(wc -l < log)" -gt 1'}""")
    project.node("live")
    assert texts(hook) == []
    project.node("live-rollback")
    assert ["was rolled back" in text for text in texts(hook)] == [True]


def test_a_rollback_that_never_works_is_told_once(make: Make, hook: Server) -> None:
    project = released(make, hook, "exit 3", "{run: 'exit 4'}")
    project.node("live")
    undo_main_of(project, "live")
    project.node("live-rollback")
    assert ["failed in" in text for text in texts(hook)] == [True]


def test_each_step_tells_what_it_alone_knows(make: Make, hook: Server) -> None:
    project = stepped(make, hook)
    for id in ("live-deploy", "live-5", "live", "live-rollback"):
        project.node(id)
    assert ["is live" in text for text in texts(hook)] == [True]


def test_a_deployment_that_fails_has_failed(make: Make, hook: Server) -> None:
    project = stepped(make, hook, live_deploy="exit 2")
    for id in ("live-deploy", "live-5", "live", "live-rollback"):
        project.node(id)
    (text,) = texts(hook)
    assert "failed in" in text
    assert "its command ended with 2; it was rolled back" in text


def test_a_step_that_fails_is_told_as_rolled_back(make: Make, hook: Server) -> None:
    project = stepped(make, hook, live_5="exit 1")
    for id in ("live-deploy", "live-5", "live", "live-rollback"):
        project.node(id)
    assert ["was rolled back" in text for text in texts(hook)] == [True]


def test_a_step_that_finds_nothing_to_undo_has_failed(make: Make, hook: Server) -> None:
    project = stepped(make, hook, live_5="exit 1", live_rollback=TOOK_NOTHING)
    for id in ("live-deploy", "live-5", "live", "live-rollback"):
        project.node(id)
    (text,) = texts(hook)
    assert "failed in" in text
    assert "nothing of it was there to undo" in text


def test_a_step_whose_machine_was_lost_is_told_as_rolled_back(make: Make, hook: Server) -> None:
    project = stepped(make, hook)
    project.node("live-deploy")
    project.node("live-rollback")
    assert ["was rolled back" in text for text in texts(hook)] == [True]


def test_a_deployment_whose_machine_was_lost_has_failed(make: Make, hook: Server) -> None:
    project = stepped(make, hook)
    project.node("live-rollback")
    assert ["failed in" in text for text in texts(hook)] == [True]


def test_an_inconclusive_step_that_is_held_is_told_once(make: Make, hook: Server) -> None:
    found = {"gate": "live-5", "verdict": "inconclusive", "summary": "too few requests"}
    left = f"mkdir -p _mlcc/s--live-5; echo '{json.dumps(found)}' > _mlcc/s--live-5/verdict.json; exit 3"
    project = stepped(make, hook, HELD, live_5=left)
    for id in ("live-deploy", "live-5"):
        project.node(id)
    assert undo_main_of(project, "live-5") == 0
    for id in ("live", "live-rollback"):
        project.node(id)
    (text,) = texts(hook)
    assert "is held in 'live', and waits for a person" in text
    assert "too few requests" in text
    assert "log" not in project.state("live-5")


def test_only_who_wants_to_know_is_told(make: Make, hook: Server) -> None:
    text = (
        SPEC.replace("COMMAND", "'true'")
        .replace("UNDO", "none")
        .replace("{secret: HOOK}}", "{secret: HOOK}, events: [failed]}")
    )
    project = ready(make, text, hook)
    assert project.node("live") == 0
    assert texts(hook) == []
    assert "failed" in json.dumps(json.loads((project.root / ".mlcc/plan.json").read_text())["nodes"]["live"])


def test_no_command_sees_the_address(make: Make, hook: Server, capfd: pytest.CaptureFixture[str]) -> None:
    project = released(make, hook, "env; exit 3", "{run: env; exit 4}", "    finally: env\n")
    project.node("live")
    project.node("live-rollback")
    out, err = capfd.readouterr()
    kept = (project.root / "_mlcc").rglob("*.json")
    for text in (
        out,
        err,
        *project.platform.warnings,
        *project.platform.summaries,
        *(path.read_text() for path in kept),
    ):
        assert "hidden" not in text
    assert len(texts(hook)) == 1


# --- cancelled and killed runs ----------------------------------------------------------------------


def test_a_cancelled_release_is_told_after_it_is_undone(make: Make, hook: Server) -> None:
    project = released(make, hook, "echo $$ > ready; sleep 60", "{run: 'echo undone >> log'}")
    with start(project, "node", MLCC_NODE="live") as node:
        wait_for(project.root / "ready")
        node.send_signal(signal.SIGTERM)
        node.communicate(timeout=30)
    assert (project.root / "log").read_text() == "undone\n"
    assert ["the run was cancelled; it was rolled back" in text for text in texts(hook)] == [True]
    undo_main_of(project, "live")
    project.node("live-rollback")
    assert len(hook.asked) == 1


def test_what_could_not_be_told_in_a_hurry_is_told_by_the_job(make: Make, hook: Server) -> None:
    project = released(make, "http://127.0.0.1:1/hidden", "echo $$ > ready; sleep 60")
    with start(project, "node", MLCC_NODE="live") as node:
        wait_for(project.root / "ready")
        node.send_signal(signal.SIGTERM)
        node.communicate(timeout=30)
    assert project.state("live").get("told", []) == []
    os.environ["MLCC_SECRET_HOOK"] = f"{hook.url}/hidden"
    assert undo_main_of(project, "live") == 0
    project.node("live-rollback")
    assert ["was rolled back" in text for text in texts(hook)] == [True]


def test_what_no_step_could_tell_the_rollbacks_node_tells(make: Make, hook: Server) -> None:
    project = released(make, hook, "exit 3")
    project.node("live")
    project.forge("s--live/state.json", told=[])
    project.node("live-rollback")
    first, second = texts(hook)
    assert first == second


def test_what_a_cancel_kept_from_beginning_is_not_told(make: Make, hook: Server) -> None:
    project = released(make, hook, "exit 3")
    state: dict[str, Any] = {
        "end": "failed",
        "cancelled": True,
        "cause": "the run was cancelled",
        "inputs": {},
    }
    selection = project.record("s--select/selection.json")
    plan = json.loads((project.root / ".mlcc/plan.json").read_text())
    notices.conclude("live", state, plan, selection, project.platform, last=False)
    assert state["event"] == ""
    assert texts(hook) == []


def test_a_killed_release_is_told_by_its_job(make: Make, hook: Server) -> None:
    project = released(make, hook, "echo $$ > ready; sleep 60")
    with start(project, "node", MLCC_NODE="live") as node:
        child = wait_for(project.root / "ready")
        node.kill()
        node.wait(30)
        os.killpg(int(child), signal.SIGKILL)
    assert texts(hook) == []
    assert undo_main_of(project, "live") == 0
    assert undo_main_of(project, "live") == 0
    project.node("live-rollback")
    assert ["its process was killed; it was rolled back" in text for text in texts(hook)] == [True]


def test_what_a_killed_promotion_could_not_tell_its_job_tells(make: Make, hook: Server) -> None:
    project = released(make, hook, "echo began >> log")
    assert project.node("live") == 0
    state = project.state("live")
    del state["event"], state["told"], state["log"]
    (project.root / "_mlcc/s--live/state.json").write_text(json.dumps(state))
    hook.asked.clear()
    assert undo_main_of(project, "live") == 0
    assert ["is live" in text for text in texts(hook)] == [True]
    assert project.state("live")["log"]["time"] == state["ended"]
    assert (project.root / "log").read_text() == "began\n"
