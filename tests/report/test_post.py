"""One comment, kept up to date, by the emitted script against servers that speak as GitHub and GitLab do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlcc.report.forges import by_address, github, gitlab
from mlcc.report.main import write_comment
from mlcc.report.post import publish_comment
from mlcc.runtime.records import RunError
from tests.report.forge_server import TOKEN, Forge, serve
from tests.report.sample import write_run
from tests.runtime.project import report_script

KINDS = ["github", "gitlab"]
OURS = "<!-- mlcc:churn run 41 -->\nold"
BOT = "github-actions[bot]"


@pytest.fixture(params=KINDS)
def forge(request: pytest.FixtureRequest) -> Iterator[Forge]:
    with serve(Forge(request.param)) as running:
        yield running


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr("mlcc.runtime.rest.time.sleep", found.append)
    return found


def publish(
    forge: Forge, number: int = 42, body: str = "<!-- mlcc:churn run 42 -->\nnew", token: str = TOKEN
) -> str:
    if forge.kind == "github":
        place = github(forge.api, forge.project, str(forge.number), BOT if not forge.user else "")
    else:
        place = gitlab(forge.api, forge.project, str(forge.number))
    return publish_comment(place, token, "churn", number, body)


def test_the_first_run_writes_it_and_the_next_ones_change_it(forge: Forge) -> None:
    assert publish(forge) == "the comment is written"
    assert publish(forge, 43, "<!-- mlcc:churn run 43 -->\nnewer") == "the comment is up to date"
    assert list(forge.comments.values()) == [(BOT, "<!-- mlcc:churn run 43 -->\nnewer")]
    assert forge.writes == ["POST", "PATCH" if forge.kind == "github" else "PUT"]
    assert forge.tokens == {f"Bearer {TOKEN}"}


def test_the_same_text_is_not_written_again(forge: Forge) -> None:
    publish(forge)
    publish(forge)
    assert forge.writes == ["POST"]


def test_it_is_found_among_hundreds(forge: Forge) -> None:
    for number in range(130):
        forge.add("someone", f"comment {number}")
    mine = forge.add(BOT, OURS)
    for number in range(130):
        forge.add("someone", f"comment {number}")
    assert publish(forge) == "the comment is up to date"
    assert forge.comments[mine] == (BOT, "<!-- mlcc:churn run 42 -->\nnew")
    assert len(forge.comments) == 261
    assert sum("comments" in path or "notes" in path for verb, path in forge.asked if verb == "GET") in (2, 3)


def test_others_comments_stay_as_they_are(forge: Forge) -> None:
    others = {
        forge.add("mallory", OURS): OURS,
        forge.add(BOT, f"> {OURS}"): f"> {OURS}",
        forge.add(BOT, OURS.replace("churn", "other")): OURS.replace("churn", "other"),
        forge.add(BOT, "hello"): "hello",
    }
    assert publish(forge) == "the comment is written"
    assert {id: forge.comments[id][1] for id in others} == others
    assert len(forge.comments) == len(others) + 1


def test_two_of_ours_are_both_kept_up_to_date(forge: Forge) -> None:
    ids = [forge.add(BOT, OURS), forge.add(BOT, OURS)]
    assert publish(forge) == "the comment is up to date"
    assert [forge.comments[id][1] for id in ids] == ["<!-- mlcc:churn run 42 -->\nnew"] * 2
    assert len(forge.comments) == 2


def test_an_older_run_doesnt_overwrite_a_later_ones(forge: Forge) -> None:
    later = forge.add(BOT, "<!-- mlcc:churn run 50 -->\nlater")
    assert publish(forge) == "a later run has written the comment already"
    assert forge.comments[later][1].endswith("later")
    assert forge.writes == []


def test_a_job_s_own_token_need_not_say_who_it_is() -> None:
    with serve(Forge("github", user=False)) as forge:
        forge.add(BOT, OURS)
        assert publish(forge) == "the comment is up to date"
        assert all(not path.startswith("/user") for _, path in forge.asked)


@pytest.mark.parametrize(
    ("status", "headers", "waited"),
    [
        (429, {"Retry-After": "7"}, 7.0),
        (403, {"Retry-After": "60"}, 60.0),
        (403, {"X-RateLimit-Remaining": "0"}, 1.0),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}, 1.0),
        (500, {}, 1.0),
        (503, {"Retry-After": "soon"}, 1.0),
        (504, {}, 1.0),
    ],
)
def test_what_may_pass_is_waited_for(
    forge: Forge, waits: list[float], status: int, headers: dict[str, str], waited: float
) -> None:
    forge.failures = [(status, headers)]
    assert publish(forge) == "the comment is written"
    assert waits == [waited]


def test_waits_grow_and_end(forge: Forge, waits: list[float]) -> None:
    forge.failures = [(502, {})] * 50
    with pytest.raises(RunError, match="the forge answered with 502, and it was tried 5 times"):
        publish(forge)
    assert waits == [1.0, 2.0, 4.0, 8.0]
    assert len(forge.asked) == 5


def test_who_asks_for_too_long_a_wait_is_not_waited_for(forge: Forge, waits: list[float]) -> None:
    forge.failures = [(429, {"Retry-After": "3600"})]
    with pytest.raises(RunError, match="the forge answered with 429, and it was tried 1 times"):
        publish(forge)
    assert waits == []


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, r"the token isn't accepted \(401\)"),
        (403, r"the token may not write comments \(403\)"),
        (404, r"the token sees no such pull request \(404\)"),
        (422, r"the forge refused \(422\)"),
    ],
)
def test_what_wont_pass_is_said_at_once(forge: Forge, waits: list[float], status: int, reason: str) -> None:
    forge.failures = [(status, {})]
    with pytest.raises(RunError, match=reason):
        publish(forge)
    assert len(forge.asked) == 1


def test_an_answer_that_was_lost_makes_no_second_comment(forge: Forge, waits: list[float]) -> None:
    forge.lost = 1
    assert publish(forge) == "the comment is up to date"
    assert len(forge.comments) == 1
    assert forge.writes == ["POST"]


def test_a_redirection_doesnt_take_the_token_along(forge: Forge) -> None:
    with serve(Forge(forge.kind)) as other:
        forge.failures = [(302, {"Location": f"{other.api}/user"})]
        with pytest.raises(RunError, match=r"the forge refused \(302\)"):
            publish(forge)
        assert other.asked == []


def test_the_next_page_is_at_the_same_address(forge: Forge) -> None:
    with serve(Forge(forge.kind)) as other:
        for _ in range(150):
            forge.add("someone", "x")
        forge.url = other.url  # where its Link headers lead
        with pytest.raises(RunError, match="the forge's next page is at another address"):
            publish(forge)
        assert other.asked == []


def test_nobody_answers(waits: list[float]) -> None:
    with serve(Forge("github")) as forge:
        pass
    with pytest.raises(
        RunError, match=r"the forge gave no proper answer \(URLError\), and it was tried 5 times"
    ):
        publish(forge)


@pytest.mark.parametrize(
    ("url", "api", "path"),
    [
        ("https://github.com/acme/churn/pull/17", "https://api.github.com", "/repos/acme/churn/issues/17/comments"),
        ("https://git.acme.example/a/b/pull/1", "https://git.acme.example/api/v3", "/repos/a/b/issues/1/comments"),
        ("https://gl.test/g/s/p/-/merge_requests/3", "https://gl.test/api/v4", "/projects/g%2Fs%2Fp/merge_requests/3/notes"),
        ("https://gl.example/g/p/merge_requests/3", "https://gl.example/api/v4", "/projects/g%2Fp/merge_requests/3/notes"),
    ],
)  # fmt: skip
def test_the_address_of_a_change_tells_its_forge(url: str, api: str, path: str) -> None:
    found = by_address(url)
    assert (found.api, found.comments) == (api, api + path)


@pytest.mark.parametrize(
    "url",
    ["", "https://bitbucket.org/a/b/pull-requests/1", "https://gitea.example/a/b/pulls/1", "https://github.com/a/b/pull/x",
     "https://github.com/a/b/pull/1/files", "javascript:/a/b/pull/1", "https://github.com/pull/1"],
)  # fmt: skip
def test_other_addresses_get_no_comment(url: str) -> None:
    with pytest.raises(RunError, match="neither GitHub's nor GitLab's"):
        by_address(url)


# --- the script -----------------------------------------------------------------------------------


def run(root: Path, platform: str, **env: str) -> subprocess.CompletedProcess[str]:
    script = root / ".mlcc" / "report.py"
    script.write_text(report_script(), "utf-8")
    given = {"PATH": os.environ["PATH"], "MLCC_PLATFORM": platform, "MLCC_TOKEN": TOKEN, **env}
    command = [sys.executable, "-I", str(script), "comment"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, env=given)


def settings(forge: Forge, platform: str) -> dict[str, str]:
    if platform == "github":
        return {"GITHUB_API_URL": forge.api}
    if platform == "gitlab":
        return {"CI_API_V4_URL": forge.api, "CI_PROJECT_ID": forge.project}
    kind = "pull" if forge.kind == "github" else "-/merge_requests"
    return {"CHANGE_URL": f"{forge.url}/{forge.project}/{kind}/17"}


def repository(root: Path, url: str) -> None:
    for words in (["init", "-q"], ["remote", "add", "origin", f"{url}/acme/churn.git"]):
        subprocess.run(["git", *words], cwd=root, check=True)


@pytest.mark.parametrize(
    ("platform", "kind"), [("github", "github"), ("gitlab", "gitlab"), ("jenkins", "gitlab")]
)
def test_the_script_comments(root: Path, platform: str, kind: str) -> None:
    write_run(root)
    with serve(Forge(kind)) as forge:
        repository(root, forge.url)
        done = run(root, platform, **settings(forge, platform))
        assert (done.returncode, done.stdout, done.stderr) == (0, "mlcc: the comment is written\n", "")
        ((_, body),) = forge.comments.values()
        assert body.startswith("<!-- mlcc:churn run 42 -->\n## ❌ churn\n")
        assert run(root, platform, **settings(forge, platform)).stdout == "mlcc: the comment is up to date\n"
        assert len(forge.comments) == 1
        assert TOKEN not in done.stdout + body


def test_a_project_in_a_folder_has_a_comment_of_its_own(root: Path) -> None:
    from tests.report.sample import PLAN

    write_run(root, {**PLAN, "home": "models/churn"})
    with serve(Forge("github")) as forge:
        run(root, "github", **settings(forge, "github"))
        ((_, body),) = forge.comments.values()
        assert body.startswith("<!-- mlcc:models%2Fchurn%2Fchurn run 42 -->\n")


def test_a_fork_is_told_so_in_the_summary_and_nobody_is_asked(root: Path) -> None:
    write_run(root, facts={"fork": "true"})
    with serve(Forge("github")) as forge:
        done = run(root, "github", GITHUB_STEP_SUMMARY=str(root / "summary.md"), **settings(forge, "github"))
        assert done.returncode == 0
        why = "it comes from another repository, whose runs get no token that may write here"
        assert done.stdout == f"::warning::no comment on the pull request: {why}\n"
        assert (root / "summary.md").read_text() == f"No comment on the pull request: {why}.\n"
        assert forge.asked == []


def test_a_run_of_no_pull_request_asks_nobody(root: Path) -> None:
    write_run(root, facts={"pull_request": ""})
    with serve(Forge("github")) as forge:
        done = run(root, "github", **settings(forge, "github"))
        assert (done.returncode, forge.asked) == (0, [])
        assert "there is nothing to comment on" in done.stdout


@pytest.mark.parametrize(
    ("platform", "env", "why"),
    [
        ("github", {"MLCC_TOKEN": ""}, "the token for it isn't set in the CI system"),
        (
            "github",
            {"GITHUB_API_URL": "http://evil.example"},
            "the forge's address isn't an https one, so it gets no token",
        ),
        (
            "gitlab",
            {"CI_API_V4_URL": "https://evil.example/api/v4"},
            "isn't at the host that the repository was cloned from",
        ),
        (
            "jenkins",
            {"CHANGE_URL": "http://evil.example/a/b/pull/1"},
            "the forge's address isn't an https one",
        ),
        (
            "jenkins",
            {"CHANGE_URL": "https://bitbucket.org/a/b/pull-requests/1"},
            "neither GitHub's nor GitLab's",
        ),
    ],
)
def test_whatever_is_wrong_is_a_warning(root: Path, platform: str, env: dict[str, str], why: str) -> None:
    write_run(root)
    repository(root, "https://gitlab.example")
    done = run(root, platform, **env)
    assert (done.returncode, done.stderr) == (0, "")
    assert why in done.stdout
    assert "warning" in done.stdout


def test_what_nobody_foresaw_is_a_warning(root: Path) -> None:
    write_run(root)
    with serve(Forge("github")) as forge:
        forge.comments[1] = (None, 3)  # type: ignore[assignment]  # no shape that the documentation has
        done = run(root, "github", **settings(forge, "github"))
        assert (done.returncode, done.stderr) == (0, "")


def test_it_takes_no_longer_than_it_may(
    root: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    write_run(root)
    monkeypatch.setattr("mlcc.report.main.COMMENT_SECONDS", 1)
    with serve(Forge("github")) as forge:
        forge.failures = [(429, {"Retry-After": "50"})]
        for name, value in {
            "MLCC_PLATFORM": "github",
            "MLCC_TOKEN": TOKEN,
            "GITHUB_API_URL": forge.api,
        }.items():
            monkeypatch.setenv(name, value)
        assert write_comment() == 0
    assert capfd.readouterr().out == "::warning::no comment on the pull request: it took more than 1 s\n"


def test_an_unknown_ci_system_is_an_error(root: Path) -> None:
    write_run(root)
    assert run(root, "").returncode == 2
