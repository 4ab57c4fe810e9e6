"""Who wants to know is told once what became of a release, whatever the webhook does; no address is ever shown."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mlcc.runtime import notices
from mlcc.runtime.node import undo_main
from tests.plans import HEAD
from tests.runtime.conftest import Make
from tests.runtime.loopback import Asked, Server, serve
from tests.runtime.project import Project
from tests.runtime.test_cancel import start, wait_for

SPEC = (
    HEAD
    + """environments: {live: {}}
artifacts: {model: {kind: model, path: model.bin}}
notify: {team: {webhook: {secret: HOOK}}}
releases:
  live:
    deploys: [model]
    run: COMMAND
    rollback: UNDO
"""
)
STEPS = (
    HEAD
    + """environments: {live: {}}
artifacts: {model: {kind: model, path: model.bin}}
notify: {team: {webhook: {secret: HOOK}}}
releases:
  live:
    deploys: [model]
    adapter: {command: serve}
    canary: {steps: [5], observations: {command: look}, metrics: {errors: {rate: {max: 0.01}}}}
"""
)
PASSED = '{"gate": "live-5", "verdict": "pass", "summary": "sound"}'
SOUND = f"mkdir -p _mlcc/s--live-5; echo '{PASSED}' > _mlcc/s--live-5/verdict.json"


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Take no time between tries, and return how long each would have been waited for."""
    waited: list[float] = []

    class Clock:
        monotonic = staticmethod(time.monotonic)
        sleep = staticmethod(waited.append)

    monkeypatch.setattr("mlcc.runtime.notices.time", Clock)
    return waited


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A webhook that takes everything."""
    with serve(lambda _: (200, b"ok")) as server:
        yield server


def released(
    make: Make, hook: Server | str, command: str, undo: str = "{run: 'true'}", keys: str = ""
) -> Project:
    text = SPEC.replace("COMMAND", json.dumps(command)).replace("UNDO", undo) + keys
    return ready(make, text, hook)


def ready(make: Make, text: str, hook: Server | str) -> Project:
    project = make(text, {"model.bin": "weights\n", ".gitignore": "_mlcc/\nlog\nready\n"})
    project.select(run_url="https://ci.example/runs/7")
    os.environ["MLCC_SECRET_HOOK"] = hook if isinstance(hook, str) else f"{hook.url}/services/T0/hidden"
    return project


def stepped(make: Make, hook: Server, spec: str = STEPS, **commands: str) -> Project:
    """Return a project whose release goes by steps that run these commands."""
    project = ready(make, spec, hook)
    path = project.root / ".mlcc" / "plan.json"
    plan = json.loads(path.read_text())
    runs = {"live-deploy": "true", "live-5": SOUND, "live": "true", "live-rollback": "true"}
    for id, run in {**runs, **{name.replace("_", "-"): text for name, text in commands.items()}}.items():
        plan["nodes"][id]["run"] = [run]
    path.write_text(json.dumps(plan))
    project.commit("other commands")
    project.select()
    return project


def texts(hook: Server) -> list[str]:
    bodies = [json.loads(asked.body) for asked in hook.asked]
    assert all(set(body) == {"text"} for body in bodies)
    return [body["text"] for body in bodies]


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
    project = stepped(
        make, hook, STEPS.replace("{steps: [5]", "{on_inconclusive: hold, steps: [5]"), live_5=left
    )
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


# --- what the webhook does --------------------------------------------------------------------------


def answers(*statuses: int) -> Callable[[Asked], tuple[int, bytes]]:
    left = list(statuses)
    return lambda _: (left.pop(0), b"hidden")


def told_by(
    make: Make, answer: Callable[[Asked], tuple[int, bytes]], **headers: str
) -> tuple[Project, Server]:
    with serve(answer) as server:
        server.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        project = released(make, server, "true")
        assert project.node("live") == 0
    assert all(
        "hidden" not in warning and "127.0.0.1" not in warning for warning in project.platform.warnings
    )
    return project, server


def test_it_is_tried_again(make: Make, no_waits: list[float]) -> None:
    project, server = told_by(make, answers(500, 500, 200))
    assert len(server.asked) == 3
    assert len({asked.body for asked in server.asked}) == 1
    assert no_waits == [1.0, 4.0]
    assert project.platform.warnings == []


def test_after_three_tries_it_is_a_warning(make: Make) -> None:
    project, server = told_by(make, answers(500, 502, 503, 200))
    assert len(server.asked) == 3
    assert project.platform.warnings == ["live: no message to 'team' (promoted): it answered 503"]
    assert project.ended("live") == ("passed", "pass", "")


@pytest.mark.parametrize(
    ("asked", "waits"),
    [
        ("3", 3.0),
        ("2.5", 2.5),
        ("86400", 15.0),
        ("nan", 1.0),
        ("-1", 1.0),
        ("Fri, 27 Nov 2026 00:00:00 GMT", 1.0),
    ],
)
def test_it_waits_as_long_as_it_is_asked_within_bounds(
    make: Make, no_waits: list[float], asked: str, waits: float
) -> None:
    project, server = told_by(make, answers(429, 200), Retry_After=asked)
    assert len(server.asked) == 2
    assert no_waits == [waits]
    assert project.platform.warnings == []


def test_no_redirect_is_followed(make: Make, hook: Server) -> None:
    project, server = told_by(make, answers(302), Location=f"{hook.url}/elsewhere")
    assert len(server.asked) == 1
    assert hook.asked == []
    assert project.platform.warnings == [
        "live: no message to 'team' (promoted): it answered 302, and redirects aren't followed"
    ]


def test_a_refusal_is_not_tried_again(make: Make) -> None:
    project, server = told_by(make, answers(404))
    assert len(server.asked) == 1
    assert project.platform.warnings == ["live: no message to 'team' (promoted): it answered 404"]


def test_a_refused_connection_is_a_warning(make: Make) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/hidden"
    project = released(make, address, "true")
    assert project.node("live") == 0
    (warning,) = project.platform.warnings
    assert warning == "live: no message to 'team' (promoted): it can't be reached (URLError)"


def test_who_never_answers_is_given_up(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "TRY_SECONDS", 0.1)
    done = threading.Event()

    def hang(_: Asked) -> tuple[int, bytes]:
        done.wait(30)
        return 200, b""

    with serve(hang) as server:
        project = released(make, server, "true")
        assert project.node("live") == 0
        done.set()
    assert len(server.asked) == 3
    (warning,) = project.platform.warnings
    assert warning.startswith("live: no message to 'team' (promoted): it can't be reached (")


def test_all_webhooks_together_have_one_time(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that sends a byte now and then, which no timeout of a connection ends."""
    monkeypatch.setattr(notices, "TELLING_SECONDS", 0.3)
    done = threading.Event()

    def hang(_: Asked) -> tuple[int, bytes]:
        done.wait(30)
        return 200, b""

    with serve(hang) as server:
        project = released(make, server, "true")
        assert project.node("live") == 0
        done.set()
    assert project.platform.warnings == ["live: no message to 'team' (promoted): it didn't answer in time"]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "http://example.com/hidden",
        "ftp://127.0.0.1/hidden",
        "file:///etc/hidden",
        "https://a\nhidden",
        "hidden",
    ],
)
def test_an_address_that_no_message_may_go_to_is_a_warning(make: Make, address: str) -> None:
    project = released(make, address, "true")
    assert project.node("live") == 0
    assert project.platform.warnings == [
        "live: no message to 'team' (promoted): its webhook isn't set in the CI system, or isn't an https address"
    ]


# --- text from outside ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "a <!channel> & <https://evil.example|here>",
            "a &lt;!channel&gt; &amp; &lt;https://evil.example|here&gt;",
        ),
        ("@everyone @here", "＠everyone ＠here"),
        ("a`b", "a'b"),
        ("a\r\n::error::b\x1b[31m\u202e\x00", "a ::error::b [31m"),
        ("\ud800", ""),
    ],
)
def test_text_from_outside_is_harmless(text: str, shown: str) -> None:
    assert notices.harmless(text) == shown


def test_a_cause_has_a_length() -> None:
    assert notices.harmless("&" * 5000) == "&amp;" * 599 + "…"


def test_a_hostile_cause_reaches_the_message_as_text(make: Make, hook: Server) -> None:
    found = {
        "gate": "live-5",
        "verdict": "fail",
        "summary": "`<!channel> @everyone\n*x* <http://evil.example|ok>",
    }
    left = f"mkdir -p _mlcc/s--live-5; echo '{json.dumps(found)}' > _mlcc/s--live-5/verdict.json; exit 1"
    project = stepped(make, hook, live_5=left)
    project.node("live-deploy")
    project.node("live-5")
    (text,) = texts(hook)
    assert text.split("\n")[1] == (
        "`'&lt;!channel&gt; ＠everyone *x* &lt;http://evil.example|ok&gt;; it was rolled back`"
    )


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


def undo_main_of(project: Project, node: str) -> int:
    os.environ["MLCC_NODE"] = node
    return undo_main(project.platform)
