"""GitHub as the runtime sees it: facts from variables and the payload, an API and a token service on loopback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from mlcc.backends.github.platform import GitHub
from mlcc.runtime.records import RunError
from tests.runtime.loopback import Asked, serve

SHA = "c" * 40


@pytest.fixture
def github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that sets variables and the payload, and returns the platform."""

    def make(payload: Any = None, **env: str) -> GitHub:
        path = tmp_path / "event.json"
        path.write_text(payload if isinstance(payload, str) else json.dumps(payload or {}))
        known = {
            "GITHUB_EVENT_PATH": str(path), "GITHUB_SHA": SHA, "GITHUB_REPOSITORY": "o/r", "GITHUB_RUN_ID": "7",
            "GITHUB_RUN_NUMBER": "3", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REF_NAME": "main",
            "GITHUB_REF_TYPE": "branch", "GITHUB_EVENT_NAME": "push",
        }  # fmt: skip
        for name, value in {**known, **env}.items():
            monkeypatch.setenv(name, value)
        return GitHub()

    return make


def pull(head: Any, base: Any = "o/r") -> dict[str, Any]:
    def side(name: Any, sha: str) -> dict[str, Any]:
        return {"sha": sha, "repo": None if name is None else {"full_name": name}}

    return {"number": 5, "pull_request": {"head": side(head, "a" * 40), "base": side(base, "b" * 40)}}


def test_a_push(github: Any) -> None:
    facts = github().facts()
    assert (facts.event, facts.commit, facts.branch, facts.tag, facts.fork) == (
        "push",
        SHA,
        "main",
        "",
        False,
    )
    assert (facts.repository, facts.run_id, facts.run_number) == ("o/r", "7", "3")
    assert facts.run_url == "https://github.com/o/r/actions/runs/7"


def test_a_tag(github: Any) -> None:
    facts = github(GITHUB_REF_TYPE="tag", GITHUB_REF_NAME="v1").facts()
    assert (facts.event, facts.branch, facts.tag) == ("tag", "", "v1")


def test_a_pull_request(github: Any) -> None:
    facts = github(
        pull("o/r"), GITHUB_EVENT_NAME="pull_request", GITHUB_BASE_REF="main", GITHUB_REF_NAME="5/merge"
    ).facts()
    assert (facts.event, facts.branch, facts.pull_request, facts.fork) == ("pull_request", "main", "5", False)
    assert (facts.base, facts.head) == ("b" * 40, "a" * 40)


@pytest.mark.parametrize(
    "payload",
    [
        pull("fork/r"),
        pull(None),
        pull("", ""),
        pull(None, None),
        pull("o/r", "x/r"),
        {},
        {"pull_request": {}},
    ],
)
def test_s10_a_pull_request_is_a_fork_s_unless_it_surely_is_not(github: Any, payload: Any) -> None:
    assert github(payload, GITHUB_EVENT_NAME="pull_request").facts().fork is True


def test_a_schedule_a_form_and_a_dispatch(github: Any) -> None:
    assert github({"schedule": "1 2 * * *"}, GITHUB_EVENT_NAME="schedule").facts().hint == "1 2 * * *"
    assert github({"action": "new-data"}, GITHUB_EVENT_NAME="repository_dispatch").facts().hint == "new-data"
    inputs = {"mlcc_form": "retrain", "rate": 0.5, "full": True, "none": None, "text": "x"}
    facts = github({"inputs": inputs}, GITHUB_EVENT_NAME="workflow_dispatch").facts()
    assert facts.hint == "retrain"
    assert facts.inputs == {"rate": "0.5", "full": "true", "none": "", "text": "x"}


@pytest.mark.parametrize("name", ["pull_request_target", "workflow_run", "issue_comment", ""])
def test_other_events_are_refused(github: Any, name: str) -> None:
    with pytest.raises(RunError, match="isn't one that this pipeline is compiled for"):
        github(GITHUB_EVENT_NAME=name).facts()


@pytest.mark.parametrize("payload", ["", "{", "[]", "null", '"x"'])
def test_a_payload_that_cannot_be_read_is_an_error(github: Any, payload: str) -> None:
    with pytest.raises(RunError, match="payload"):
        github(payload or " ").facts()


# --- the API --------------------------------------------------------------------------------------


def api(github: Any, url: str, **env: str) -> GitHub:
    known = {
        "GITHUB_API_URL": url,
        "MLCC_TOKEN": "t0ken",
        "GITHUB_WORKFLOW_REF": "o/r/.github/workflows/p.yml@refs/heads/main",
    }
    made = github(**{**known, **env})
    assert isinstance(made, GitHub)
    return made


def test_the_last_green_commit_is_asked_for(github: Any) -> None:
    def answer(_: Asked) -> tuple[int, bytes]:
        return 200, json.dumps({"total_count": 1, "workflow_runs": [{"head_sha": "d" * 40}]}).encode()

    with serve(answer) as server:
        assert api(github, server.url).last_green("release/1 &x=ü") == "d" * 40
    (asked,) = server.asked
    parts = urlsplit(asked.path)
    assert parts.path == "/repos/o/r/actions/workflows/p.yml/runs"
    query = parse_qs(parts.query)
    assert {name: query[name] for name in ("branch", "event", "status")} == {
        "branch": ["release/1 &x=ü"], "event": ["push"], "status": ["success"],
    }  # fmt: skip
    assert asked.headers["Authorization"] == "Bearer t0ken"


ANSWERS = [
    (200, b'{"workflow_runs": []}'), (200, b"{}"), (200, b"[]"), (200, b"{"), (200, b""), (404, b"{}"), (403, b"{}"),
    (500, b"oops"), (200, b'{"workflow_runs": null}'), (200, b'{"workflow_runs": "x"}'), (200, b"\xff"),
]  # fmt: skip


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_without_a_commit_means_unknown(github: Any, answer: tuple[int, bytes]) -> None:
    with serve(lambda _: answer) as server:
        assert api(github, server.url).last_green("main") is None


def test_without_a_server_a_token_or_a_name_it_is_unknown(github: Any) -> None:
    assert api(github, "http://127.0.0.1:1").last_green("main") is None
    assert api(github, "http://example.org").last_green("main") is None  # never without encryption
    with serve(lambda _: (200, b"{}")) as server:
        assert api(github, server.url, MLCC_TOKEN="").last_green("main") is None
        assert api(github, server.url, GITHUB_WORKFLOW_REF="").last_green("main") is None
    assert server.asked == []


# --- tokens ---------------------------------------------------------------------------------------


def test_a_token_is_asked_for_with_its_audience_and_masked(
    github: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve(lambda _: (200, b'{"value": "ey.x.y"}')) as server:
        platform = github(
            ACTIONS_ID_TOKEN_REQUEST_URL=server.url + "/token?api-version=2",
            ACTIONS_ID_TOKEN_REQUEST_TOKEN="r3quest",
        )
        assert platform.id_token("sts.amazonaws.com") == "ey.x.y"
        platform.id_token("//iam/x y&z")
    first, second = server.asked
    assert parse_qs(urlsplit(first.path).query) == {"api-version": ["2"], "audience": ["sts.amazonaws.com"]}
    assert parse_qs(urlsplit(second.path).query)["audience"] == ["//iam/x y&z"]
    assert first.headers["Authorization"] == "Bearer r3quest"
    assert "::add-mask::ey.x.y" in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    "answer", [(200, b"{}"), (200, b'{"value": ""}'), (403, b"{}"), (200, b"[]"), (500, b"")]
)
def test_no_token_is_an_error(github: Any, answer: tuple[int, bytes]) -> None:
    with serve(lambda _: answer) as server:
        platform = github(
            ACTIONS_ID_TOKEN_REQUEST_URL=server.url + "/?a=b", ACTIONS_ID_TOKEN_REQUEST_TOKEN="r"
        )
        with pytest.raises(RunError, match="no OpenID Connect token"):
            platform.id_token("x")


def test_a_job_that_may_not_ask_is_told_so(github: Any) -> None:
    with pytest.raises(RunError, match="may not ask"):
        github(ACTIONS_ID_TOKEN_REQUEST_URL="", ACTIONS_ID_TOKEN_REQUEST_TOKEN="").id_token("x")


# --- what it is told ------------------------------------------------------------------------------


def test_outputs_summaries_and_warnings(
    github: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    platform = github(GITHUB_OUTPUT=str(tmp_path / "out"), GITHUB_STEP_SUMMARY=str(tmp_path / "sum"))
    platform.put_output("skip", ",a,")
    platform.put_output("deny", ",")
    platform.put_summary("# x")
    platform.warn("100%\n::error::y\r")
    assert (tmp_path / "out").read_text() == "skip=,a,\ndeny=,\n"
    assert (tmp_path / "sum").read_text() == "# x\n"
    assert capsys.readouterr().out == "::warning::100%25%0A::error::y%0D\n"


def test_results_of_the_jobs_before(github: Any) -> None:
    needs = {"select": {"result": "success", "outputs": {}}, "a": {"result": "skipped"}}
    assert github(MLCC_NEEDS=json.dumps(needs)).results() == {"select": "success", "a": "skipped"}


@pytest.mark.parametrize("needs", ["", "{", "[]", '{"a": 1}', '{"a": {}}', '{"a": null}', "null"])
def test_results_that_cannot_be_read_are_an_error(github: Any, needs: str) -> None:
    with pytest.raises(RunError, match="MLCC_NEEDS"):
        github(MLCC_NEEDS=needs).results()


def test_only_what_github_calls_cancelled_was(github: Any) -> None:
    """Unless GitHub says so, a rollback has to run: also where its job is told of no other."""
    needs = json.dumps({"live": {"result": "cancelled"}, "stage": {"result": "failure"}})
    assert github(MLCC_NEEDS=needs).was_cancelled("live")
    assert not github(MLCC_NEEDS=needs).was_cancelled("stage")
    for told in ("{}", "null", ""):
        assert not github(MLCC_NEEDS=told).was_cancelled("live")


@pytest.mark.parametrize(
    ("approved", "attempt", "refused"),
    [("2", "2", False), ("1", "2", True), ("", "1", True), (None, "2", False), ("2", "", True)],
)
def test_an_approval_is_one_of_its_attempt(
    monkeypatch: pytest.MonkeyPatch, approved: str | None, attempt: str, refused: bool
) -> None:
    monkeypatch.setenv("GITHUB_RUN_ATTEMPT", attempt)
    monkeypatch.delenv("MLCC_APPROVED", raising=False)
    if approved is not None:
        monkeypatch.setenv("MLCC_APPROVED", approved)
    assert bool(GitHub().approval_problem()) is refused
