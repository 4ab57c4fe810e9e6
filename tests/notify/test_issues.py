"""One issue for each thing that is wrong: opened once, kept up to date, closed when all is well; others' are left alone."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.notify.ended import Ended, keep
from tests.notify.tracker_server import TOKEN, Tracker, serve_tracker

NOTICE = (
    "  ml: {when: [{gate: drift, verdict: [fail, error]}, {status: failure, branch: main}], "
    "issue: {labels: [ml, drift], token: {secret: TRACKER}}}\n"
)
DRIFTED = {"drift": ("failed", "fail", "psi of age is 0.4")}
SOUND = {"drift": ("passed", "pass", "")}
RED = ["'train' failed: it ended with 1"]


@pytest.fixture(params=["github", "gitlab"])
def tracker(request: pytest.FixtureRequest) -> Iterator[Tracker]:
    with serve_tracker(request.param) as running:
        yield running


def ended(tracker: Tracker, notices: str = NOTICE, token: str = TOKEN) -> Ended:
    os.environ["MLCC_TOKEN"] = token
    keep(TRACKER=token)
    run = Ended(notices)
    run.platform.where = (tracker.kind, tracker.api, tracker.project)
    return run


def test_an_issue_is_opened(tracker: Tracker) -> None:
    assert ended(tracker).left(nodes=DRIFTED).tell() == []
    (issue,) = tracker.open
    assert issue["title"] == "credit: the verdict of the gate drift is fail on main"
    assert issue["labels"] == ["ml", "drift"]
    marker, *lines = issue["body"].splitlines()
    assert marker.startswith("<!-- mlcc:notice ")
    assert marker.endswith(" run 41 4711 -->")
    assert lines == [
        "In credit on main: the verdict of the gate drift is fail", "", "- drift: psi of age is 0.4", "",
        "Of push, commit c0ffee000000, [run 41](https://ci.example/runs/4711)", "",
        "_The pipeline keeps this issue up to date, and closes it when a run of the branch shows that all is well again._",
    ]  # fmt: skip
    assert tracker.tokens == {f"Bearer {TOKEN}"}


def test_the_next_run_changes_it_and_says_so_once(tracker: Tracker) -> None:
    ended(tracker).left(nodes=DRIFTED).tell()
    worse = {"drift": ("failed", "fail", "psi of age is 0.9")}
    for _ in range(2):  # a run may be told of again, where its last node is run again
        assert ended(tracker).left(nodes=worse, run_id="4712", run_number="42").tell() == []
    (issue,) = tracker.issues.values()
    assert "psi of age is 0.9" in issue["body"]
    assert " run 42 4712 -->" in issue["body"]
    (comment,) = issue["comments"]
    assert comment.startswith(
        "In credit on main: the verdict of the gate drift is fail\n\n- drift: psi of age is 0.9\n"
    )


def test_it_is_closed_when_all_is_well_again(tracker: Tracker) -> None:
    ended(tracker).left(nodes=DRIFTED).tell()
    assert ended(tracker).left(nodes=SOUND, run_id="4712", run_number="42").tell() == []
    (issue,) = tracker.issues.values()
    assert issue["open"] is False
    assert issue["comments"] == [
        "All is well again: push, commit c0ffee000000, [run 42](https://ci.example/runs/4711)\n"
    ]
    ended(tracker).left(nodes=SOUND, run_id="4713", run_number="43").tell()
    assert len(issue["comments"]) == 1
    ended(tracker).left(nodes=DRIFTED, run_id="4714", run_number="44").tell()
    assert [one["number"] for one in tracker.open] == [2]


@pytest.mark.parametrize("end", [("skipped", "", "x"), ("lost", "", "x"), ("passed", "inconclusive", "")])
def test_what_did_not_pass_closes_nothing(tracker: Tracker, end: tuple[str, str, str]) -> None:
    ended(tracker).left(nodes=DRIFTED).tell()
    assert ended(tracker).left(nodes={"drift": end}, run_id="4712", run_number="42").tell() == []
    assert len(tracker.open) == 1


def test_a_run_that_did_not_look_closes_nothing(tracker: Tracker) -> None:
    ended(tracker).left(nodes=DRIFTED).tell()
    ended(tracker).left(nodes={"train": ("passed", "pass", "")}, run_id="4712", run_number="42").tell()
    assert len(tracker.open) == 1


def test_each_branch_and_each_thing_has_an_issue_of_its_own(tracker: Tracker) -> None:
    ended(tracker).left(nodes=DRIFTED, causes=RED).tell()
    ended(tracker).left(
        nodes=DRIFTED, causes=RED, branch="release/1"
    ).tell()  # its failure is told of main alone
    assert [one["title"] for one in tracker.open] == [
        "credit: the verdict of the gate drift is fail on main",
        "credit: the run failed on main",
        "credit: the verdict of the gate drift is fail on release/1",
    ]
    ended(tracker).left(nodes=SOUND, run_id="4712", run_number="42").tell()
    assert [one["title"] for one in tracker.open] == [
        "credit: the verdict of the gate drift is fail on release/1"
    ]


def test_a_run_by_another_event_closes_nothing_of_a_red_one(tracker: Tracker) -> None:
    """It has other nodes: that a nightly run is green says nothing of what failed in a push."""
    ended(tracker).left(causes=RED).tell()
    nightly = {"event": "schedule", "trigger": "nightly"}
    ended(tracker).left(run_id="4712", run_number="42", **nightly).tell()
    assert len(tracker.open) == 1
    ended(tracker).left(causes=RED, run_id="4713", run_number="43", **nightly).tell()
    assert len(tracker.open) == 2
    ended(tracker).left(run_id="4714", run_number="44").tell()
    assert [one["number"] for one in tracker.open] == [2]


def test_an_older_run_that_ends_later_changes_nothing(tracker: Tracker) -> None:
    ended(tracker).left(nodes=DRIFTED, run_id="4712", run_number="42").tell()
    ended(tracker).left(nodes=SOUND, run_id="4711", run_number="41").tell()
    ended(tracker).left(nodes=DRIFTED, run_id="4711", run_number="41").tell()
    (issue,) = tracker.open
    assert (issue["comments"], tracker.writes) == ([], ["POST"])


def test_a_rolled_back_release_is_closed_by_people(tracker: Tracker) -> None:
    notice = "  ml: {when: {status: rollback}, issue: {token: {secret: TRACKER}}}\n"
    undone = {"live": ("failed", "fail", "x"), "live-rollback": ("passed", "pass", "")}
    ended(tracker, notice).left(nodes=undone, causes=["'live' failed: x"]).tell()
    ended(tracker, notice).left(nodes={"live": ("passed", "pass", "")}, run_id="4712", run_number="42").tell()
    assert len(tracker.open) == 1


def test_issues_of_others_are_left_alone(tracker: Tracker) -> None:
    ended(tracker).left(nodes=DRIFTED).tell()
    mark = tracker.issues[1]["body"]
    tracker.issues.clear()
    for number in range(130):
        tracker.add(f"seen: {mark}" if number % 2 else "something else")
    tracker.add(mark, author="mallory")
    pull = tracker.add(mark, pull=True) if tracker.kind == "github" else tracker.add("pull")
    own = tracker.add(mark)
    for number in range(130):
        tracker.add(f"later {number}")
    assert ended(tracker).left(nodes=SOUND, run_id="4712", run_number="42").tell() == []
    assert [one["number"] for one in tracker.issues.values() if not one["open"]] == [own["number"]]
    assert pull["comments"] == []


@pytest.mark.parametrize("lost", [1, 2])
def test_a_lost_answer_opens_no_second_one_and_says_nothing_twice(
    tracker: Tracker, waits: list[float], lost: int
) -> None:
    tracker.lost = 1
    assert ended(tracker).left(nodes=DRIFTED).tell() == []
    assert len(tracker.issues) == 1
    tracker.lost = lost
    assert ended(tracker).left(nodes=DRIFTED, run_id="4712", run_number="42").tell() == []
    (issue,) = tracker.issues.values()
    assert len(issue["comments"]) <= 1
    assert " run 42 4712 -->" in issue["body"]
    assert waits


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (401, "the token isn't accepted (401)"), (403, "the token may not write issues (403)"),
        (404, "the token sees no such repository (404)"), (410, "the repository has no issues (410)"),
        (422, "the forge refused (422)"),
    ],
)  # fmt: skip
def test_a_refusal_is_a_warning(tracker: Tracker, status: int, why: str) -> None:
    tracker.failures = [status]
    assert ended(tracker).left(nodes=DRIFTED).tell() == [f"'ml' is not told how the run ended: {why}"]


def test_a_server_that_fails_is_asked_five_times(tracker: Tracker, waits: list[float]) -> None:
    tracker.failures = [500] * 5
    assert ended(tracker).left(nodes=DRIFTED).tell() == [
        "'ml' is not told how the run ended: the forge answered with 500, and it was tried 5 times"
    ]
    assert waits == [1.0, 2.0, 4.0, 8.0]


def test_without_a_token_it_is_a_warning(tracker: Tracker) -> None:
    assert ended(tracker, token="").left(nodes=DRIFTED).tell() == [
        "'ml' is not told how the run ended: the token for it isn't set in the CI system"
    ]


def test_a_run_that_says_nothing_of_it_asks_nothing(tracker: Tracker) -> None:
    run = ended(tracker, NOTICE.replace(", {status: failure, branch: main}", "")).left(nodes={})
    assert run.tell() == []
    assert tracker.tokens == set()


@pytest.mark.parametrize(
    "text",
    [
        "@everyone <b>x</b> #1 !2 ~label",
        "/close\n/assign @me",
        "a](http://evil.example)",
        "--> <!-- x",
        "[x]: y",
        "x" * 9000,
    ],
)
def test_text_from_outside_is_no_markup_and_no_command(tracker: Tracker, text: str) -> None:
    run = ended(tracker).left(nodes={"drift": ("failed", "fail", text)}, branch=text, run_url=text)
    assert run.tell() == []
    (issue,) = tracker.open
    _, body = issue["body"].split(" -->\n", 1)
    assert not set(body) & set("@#<>[]!~") - set("#")
    assert not any(line.startswith("/") for line in body.splitlines())
    assert len(issue["title"]) <= 200
    assert "\n" not in issue["title"]
