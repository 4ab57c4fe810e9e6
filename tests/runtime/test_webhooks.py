"""What a webhook does changes nothing of a release, and text from outside is harmless in a message."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable

import pytest

from mlcc.runtime import webhooks
from tests.runtime.conftest import Make
from tests.runtime.loopback import Asked, Server, serve
from tests.runtime.project import Project
from tests.runtime.told import released, stepped, texts

pytestmark = pytest.mark.usefixtures("no_waits")


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
    monkeypatch.setattr(webhooks, "TRY_SECONDS", 0.1)
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
    monkeypatch.setattr(webhooks, "TELLING_SECONDS", 0.3)
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
    assert webhooks.harmless(text) == shown


def test_a_cause_has_a_length() -> None:
    assert webhooks.harmless("&" * 5000) == "&amp;" * 599 + "…"


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
