"""Whom webhooks tell of a run, and what: facts by name, and text that does nothing where it is shown."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from mlcc.notify import main
from tests.notify.ended import Ended, keep, write
from tests.runtime.loopback import Server, serve

CHAT = "  chat: {when: {status: failure, branch: main}, slack: {secret: CHAT}}\n"
HOOK = "  hook: {when: {status: [failure, success]}, webhook: {secret: CHAT}}\n"
RED = ["'train' failed: it ended with 1"]
TRAIN = {"train": ("failed", "fail", "it ended with 1")}


def told(hook: Server, notices: str, **left: Any) -> list[dict[str, Any]]:
    """Return what a webhook was told of a run."""
    keep(CHAT=f"{hook.url}/services/T0/hidden")
    assert Ended(notices).left(**left).tell() == []
    return [json.loads(asked.body) for asked in hook.asked]


def test_slack_gets_blocks_whose_texts_are_plain(hook: Server) -> None:
    (body,) = told(hook, CHAT, nodes=TRAIN, causes=RED)
    assert body == {
        "text": "❌ credit: the run failed on main",
        "blocks": [
            {"type": "section", "text": {"type": "plain_text", "text": "❌ credit: the run failed on main", "emoji": False}},
            {"type": "section", "text": {"type": "plain_text", "text": "• 'train' failed: it ended with 1", "emoji": False}},
            {"type": "context", "elements": [
                {"type": "mrkdwn", "text": "push, commit `c0ffee000000`, <https://ci.example/runs/4711|run>"},
            ]},
        ],
    }  # fmt: skip


def test_a_webhook_gets_every_fact_by_its_name(hook: Server) -> None:
    (body,) = told(hook, HOOK, nodes=TRAIN, causes=RED)
    text = body.pop("text")
    assert body == {
        "pipeline": "credit", "outcome": "the run failed", "event": "push", "branch": "main", "tag": "",
        "commit": "c0ffee" + "0" * 34, "run_id": "4711", "run_url": "https://ci.example/runs/4711",
        "causes": RED, "more_causes": 0, "well": False,
    }  # fmt: skip
    assert text == (
        "❌ credit: the run failed on main\n`'train' failed: it ended with 1`\n"
        "push, commit c0ffee000000, run https://ci.example/runs/4711"
    )


def test_a_green_run_is_told_to_who_wants_to_know(hook: Server) -> None:
    (body,) = told(hook, HOOK + CHAT, nodes={"train": ("passed", "pass", "")})
    assert body["text"].startswith("✅ credit: the run passed on main\n")
    assert body["well"] is True


@pytest.mark.parametrize(
    ("when", "facts", "number"),
    [
        ("status: failure", {}, 1),
        ("status: failure", {"branch": "release/1"}, 1),
        ("status: failure, branch: main", {"branch": "release/1"}, 0),
        ("status: failure, branch: 'release/*'", {"branch": "release/1"}, 1),
        ("status: failure, event: schedule", {}, 0),
        ("status: failure, trigger: nightly", {"event": "schedule", "trigger": "nightly"}, 1),
        ("status: failure, trigger: nightly", {"event": "schedule", "trigger": ""}, 0),
        ("status: failure, tag: 'v*'", {"event": "tag", "branch": "", "tag": "v1"}, 1),
        ("status: failure, tag: 'v*'", {}, 0),
        ("status: failure", {"event": "pull_request"}, 0),  # it has a page of its own
        ("status: failure, event: pull_request", {"event": "pull_request"}, 1),
        ("status: failure, event: pull_request", {"event": "pull_request", "fork": "true"}, 0),
        ("status: success", {}, 0),
        ("status: rollback", {}, 0),
        ("job: train, status: failure", {}, 1),
        ("job: train, status: success", {}, 0),
        ("gate: drift, verdict: [fail, error]", {}, 1),
        ("gate: drift, verdict: [pass, error]", {}, 0),
        ("gate: drift, verdict: fail, status: success", {}, 0),
    ],
)
def test_who_is_told(hook: Server, when: str, facts: dict[str, str], number: int) -> None:
    nodes = {**TRAIN, "drift": ("failed", "fail", "psi of age is 0.4")}
    assert (
        len(
            told(
                hook,
                f"  a: {{when: {{{when}}}, slack: {{secret: CHAT}}}}\n",
                nodes=nodes,
                causes=RED,
                **facts,
            )
        )
        == number
    )


def test_a_gate_that_was_lost_errs_and_one_that_did_not_run_is_nothing(hook: Server) -> None:
    notice = "  a: {when: {gate: drift, verdict: error}, slack: {secret: CHAT}}\n"
    assert told(hook, notice, nodes={"drift": ("skipped", "", "'train' failed")}) == []
    (body,) = told(
        hook,
        notice,
        nodes={"drift": ("lost", "", "it left no state")},
        causes=["'drift' was lost: it left no state"],
    )
    assert body["text"] == "❌ credit: the verdict of the gate drift is error on main"
    assert "• drift: it left no state" in json.dumps(body, ensure_ascii=False)


def test_drift_is_told_though_the_run_is_green(hook: Server) -> None:
    notice = "  a: {when: [{gate: drift, verdict: fail}, {status: failure}], webhook: {secret: CHAT}}\n"
    (body,) = told(hook, notice, nodes={"drift": ("failed", "fail", "psi of age is 0.4")})
    assert (body["outcome"], body["causes"]) == (
        "the verdict of the gate drift is fail",
        ["drift: psi of age is 0.4"],
    )


def test_a_rollback_is_told(hook: Server) -> None:
    notice = "  a: {when: {status: [failure, rollback]}, webhook: {secret: CHAT}}\n"
    nodes = {"live": ("failed", "fail", "it ended with 1"), "live-rollback": ("passed", "pass", "")}
    (body,) = told(hook, notice, nodes=nodes, causes=["'live' failed: it ended with 1"])
    assert body["outcome"] == "the run failed and the run rolled a release back"


@pytest.mark.parametrize(
    "result",
    [
        None, "", "{", "[]", '{"green": true}', '{"commit": "", "green": "true", "causes": [], "nodes": {}}',
        '{"commit": "other", "green": true, "causes": [], "nodes": {}}',
        '{"commit": "", "green": true, "causes": [], "nodes": {"train": {"end": "passed"}}}',
        '{"commit": "", "green": NaN, "causes": [], "nodes": {}}',
    ],
)  # fmt: skip
def test_a_run_without_a_sound_result_has_failed(hook: Server, result: str | None) -> None:
    keep(CHAT=hook.url)
    ended = Ended(
        "  a: {when: {status: failure}, webhook: {secret: CHAT}}\n  b: {when: {status: success}, slack: {secret: CHAT}}\n"
    ).left()
    place = Path("_mlcc/s--final/result.json")
    place.unlink()
    if result is not None:
        place.write_text(result)
    assert ended.tell() == []
    (body,) = [json.loads(asked.body) for asked in hook.asked]
    assert (body["outcome"], body["causes"]) == ("the run failed", ["the final node left no result"])


def test_a_run_whose_selecting_failed_is_told_by_what_the_ci_system_says(hook: Server) -> None:
    keep(CHAT=hook.url)
    ended = Ended("  a: {when: {status: failure, branch: main}, webhook: {secret: CHAT}}\n")
    write(
        "s--final/result.json",
        {"commit": "", "green": False, "causes": ["the selecting node left no selection"], "nodes": {}},
    )
    assert ended.tell() == []
    (body,) = [json.loads(asked.body) for asked in hook.asked]
    assert (body["branch"], body["causes"]) == ("main", ["the selecting node left no selection"])


HOSTILE = [
    "<!channel> <@U1> <https://evil.example|click>", "@everyone `x` *b* _i_", "a\nb\r\n::error::x", "\x1b[31mred\x00\u202e",
    '"}],"text":"', "x" * 10_000, "&lt;!here&gt;", "##[command]x",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_text_from_outside_does_nothing(hook: Server, text: str) -> None:
    notices = CHAT.replace(", branch: main", "") + HOOK
    bodies = told(hook, notices, nodes=TRAIN, causes=[text] * 9, branch=text, run_url=text)
    plain, slack = sorted(bodies, key=lambda body: "blocks" in body)
    for shown in (plain["text"], *_texts(slack)):
        assert not any(mark in shown for mark in ("<", "@", "\r", "\x1b", "\x00", "\u202e", "##["))
    assert all(len(shown) <= 3000 for shown in _texts(slack))
    assert plain["run_url"] == ""
    assert len(plain["causes"]) == 1  # it is one cause, however often it is said


def _texts(body: dict[str, Any]) -> list[str]:
    blocks = body["blocks"]
    return [body["text"], *(b["text"]["text"] if "text" in b else b["elements"][0]["text"] for b in blocks)]


def test_the_first_causes_are_told_and_how_many_there_are(hook: Server) -> None:
    (body,) = told(hook, HOOK, causes=[f"'n{number}' failed: x" for number in range(8)])
    assert (body["causes"], body["more_causes"]) == ([f"'n{number}' failed: x" for number in range(5)], 3)
    assert "`and 3 more`" in body["text"]


def test_a_run_that_the_spec_has_no_trigger_for_is_told_to_nobody(hook: Server) -> None:
    keep(CHAT=hook.url)
    ended = Ended(HOOK).left(branch="topic")
    ended.platform.known = ended.platform.known._replace(branch="topic", unasked=True)
    assert ended.tell() == []
    assert hook.asked == []


# --- what isn't delivered ---------------------------------------------------------------------------------


def test_what_does_not_arrive_is_a_warning_without_the_address(waits: list[float]) -> None:
    with serve(lambda _: (500, b"hidden")) as server:
        keep(CHAT=f"{server.url}/hidden")
        ended = Ended(CHAT).left(causes=RED)
        assert ended.tell() == ["'chat' is not told how the run ended: it answered 500"]
    assert len(server.asked) == 3
    assert waits == [1.0, 4.0]
    assert ended.platform.summaries == ["'chat' is not told how the run ended: it answered 500."]


@pytest.mark.parametrize("address", ["", "http://hooks.example/x", "file:///etc/passwd", "https://a b"])
def test_an_address_that_is_none_is_a_warning(address: str) -> None:
    keep(CHAT=address)
    assert Ended(CHAT).left(causes=RED).tell() == [
        "'chat' is not told how the run ended: its webhook isn't set in the CI system, or isn't an https address"
    ]


def test_one_that_cannot_be_told_keeps_nobody_else_from_it(hook: Server, waits: list[float]) -> None:
    keep(CHAT="https://127.0.0.1:9/x", OTHER=hook.url)
    other = "  other: {when: {status: failure}, slack: {secret: OTHER}}\n"
    (warning,) = Ended(CHAT + other).left(causes=RED).tell()
    assert warning.startswith("'chat' is not told how the run ended: it can't be reached (")
    assert len(hook.asked) == 1


def test_all_together_have_one_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "NOTIFY_SECONDS", 0.2)
    done = threading.Event()

    def hang(_: object) -> tuple[int, bytes]:
        done.wait(30)
        return 200, b""

    with serve(hang) as server:
        keep(CHAT=server.url)
        warnings = Ended(CHAT + HOOK).left(causes=RED).tell()
        done.set()
    assert warnings == [
        f"'{id}' is not told how the run ended: it took more than 0 s" for id in ("chat", "hook")
    ]


def test_what_nobody_foresaw_is_a_warning_without_its_text(
    hook: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> bytes:
        raise ValueError("hidden")

    monkeypatch.setattr(main, "slack_body", broken)
    keep(CHAT=hook.url)
    assert Ended(CHAT).left(causes=RED).tell() == ["'chat' is not told how the run ended: ValueError"]
