"""GitLab as the runtime sees it: facts from variables, the delivered selection and secrets, an API on loopback."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlcc.backends.gitlab.lower import lower
from mlcc.backends.gitlab.overlay import Overlay
from mlcc.backends.gitlab.platform import GitLab, packed_selection
from mlcc.backends.gitlab.render import render_child
from mlcc.plan.document import document, to_runtime
from mlcc.runtime.records import RunError
from mlcc.runtime.values import runner_env
from tests.plans import plan_of
from tests.runtime.loopback import Asked, serve

SHA = "c" * 40
SPEC = """\
version: 1
name: p
triggers:
  push: {branches: [main]}
  pull_request: {branches: [main]}
  schedule: {weekly: "1 2 * * 1"}
  manual: {retrain: {inputs: {rate: {type: number}, full-run: {type: boolean}}}}
  dispatch: [new-data]
jobs:
  a: {run: 'true', env: {TOKEN: {secret: TOKEN}, PLACE: {var: PLACE}, SHA: {var: CI_COMMIT_SHA}}}
  b: {run: 'true', needs: [a]}
"""
RECORD: dict[str, Any] = {
    "commit": SHA, "base_commit": "", "selected": ["a"], "reasons": {"a": "x", "b": "y"}, "inputs": {},
    "facts": {"run_id": "7", "event": "push", "fork": ""}, "by_verdict": {}, "event": {},
}  # fmt: skip


@pytest.fixture
def gitlab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that sets variables in a project's folder, and returns the platform."""
    for name in [name for name in os.environ if name.startswith(("CI_", "MLCC_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def make(home: str = "", **env: str) -> GitLab:
        made = plan_of(SPEC, home=home)
        Path(".mlcc").mkdir(exist_ok=True)
        Path(".mlcc/plan.json").write_text(document(to_runtime(made), "mlcc.yaml"))
        Path(".mlcc/gitlab.yml").write_text(render_child(lower(made), Overlay()))
        Path("_mlcc").mkdir(exist_ok=True)
        known = {
            "CI_PIPELINE_SOURCE": "push", "CI_COMMIT_SHA": SHA, "CI_COMMIT_BRANCH": "main", "CI_PROJECT_PATH": "o/r",
            "CI_PROJECT_ID": "3", "CI_PIPELINE_ID": "7", "CI_PIPELINE_IID": "2", "CI_PIPELINE_URL": "https://gl/o/r/7",
        }  # fmt: skip
        for name, value in {**known, **env}.items():
            monkeypatch.setenv(name, value)
        return GitLab()

    return make


def test_a_push(gitlab: Any) -> None:
    facts = gitlab().facts()
    assert (facts.event, facts.commit, facts.branch, facts.tag, facts.fork) == (
        "push",
        SHA,
        "main",
        "",
        False,
    )
    assert (facts.repository, facts.run_id, facts.run_number, facts.run_url) == (
        "o/r",
        "7",
        "2",
        "https://gl/o/r/7",
    )


def test_a_tag(gitlab: Any) -> None:
    facts = gitlab(CI_COMMIT_TAG="v1", CI_COMMIT_BRANCH="").facts()
    assert (facts.event, facts.branch, facts.tag) == ("tag", "", "v1")


MERGE_REQUEST = {
    "CI_PIPELINE_SOURCE": "merge_request_event", "CI_COMMIT_BRANCH": "", "CI_MERGE_REQUEST_IID": "5",
    "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "CI_MERGE_REQUEST_DIFF_BASE_SHA": "b" * 40,
    "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "3", "CI_MERGE_REQUEST_PROJECT_ID": "3",
}  # fmt: skip


def test_a_merge_request(gitlab: Any) -> None:
    facts = gitlab(**MERGE_REQUEST).facts()
    assert (facts.event, facts.branch, facts.pull_request, facts.fork) == ("pull_request", "main", "5", False)
    assert (facts.base, facts.head) == ("b" * 40, "")


def test_a_merged_results_pipeline(gitlab: Any) -> None:
    facts = gitlab(
        **MERGE_REQUEST,
        CI_MERGE_REQUEST_SOURCE_BRANCH_SHA="a" * 40,
        CI_MERGE_REQUEST_TARGET_BRANCH_SHA="d" * 40,
    ).facts()
    assert (facts.base, facts.head) == ("d" * 40, "a" * 40)


@pytest.mark.parametrize(
    "changed",
    [
        {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "4"},
        {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": ""},
        {"CI_MERGE_REQUEST_PROJECT_ID": "4"},
        {"CI_PROJECT_ID": "4"},
    ],
)
def test_s10_a_merge_request_is_a_fork_s_unless_it_surely_is_not(
    gitlab: Any, changed: dict[str, str]
) -> None:
    assert gitlab(**{**MERGE_REQUEST, **changed}).facts().fork is True


@pytest.mark.parametrize(
    ("home", "word"), [("", "weekly"), ("models/p", "p/weekly")], ids=["at the root", "below it"]
)
def test_a_schedule_is_told_by_its_variable(gitlab: Any, home: str, word: str) -> None:
    facts = gitlab(home, CI_PIPELINE_SOURCE="schedule", MLCC_TRIGGER=word).facts()
    assert (facts.event, facts.hint, facts.branch) == ("schedule", "weekly", "main")
    assert gitlab(home, CI_PIPELINE_SOURCE="schedule", MLCC_TRIGGER="q/x").facts().hint in ("", "q/x")


@pytest.mark.parametrize(
    ("source", "word", "event"),
    [
        ("web", "retrain", "manual"),
        ("api", "retrain", "manual"),
        ("api", "new-data", "dispatch"),
        ("trigger", "new-data", "dispatch"),
        ("pipeline", "new-data", "dispatch"),
    ],
)
def test_forms_and_dispatches(gitlab: Any, source: str, word: str, event: str) -> None:
    facts = gitlab(
        CI_PIPELINE_SOURCE=source, MLCC_TRIGGER=word, MLCC_INPUT_RATE="0.5", MLCC_INPUT_FULL_RUN="true"
    ).facts()
    assert (facts.event, facts.hint) == (event, word)
    assert facts.inputs == ({"rate": "0.5", "full-run": "true"} if event == "manual" else {})


@pytest.mark.parametrize("source", ["external_pull_request_event", "chat", "ondemand_dast_scan", ""])
def test_other_sources_are_refused(gitlab: Any, source: str) -> None:
    with pytest.raises(RunError, match="isn't one that this is compiled for"):
        gitlab(CI_PIPELINE_SOURCE=source).facts()


def test_the_child_pipeline_knows_commit_and_run(gitlab: Any) -> None:
    facts = gitlab(CI_PIPELINE_SOURCE="parent_pipeline", CI_PIPELINE_ID="8", MLCC_RUN="7").facts()
    assert (facts.event, facts.commit, facts.run_id) == ("", SHA, "7")
    with pytest.raises(RunError, match="which one it is"):
        gitlab(CI_PIPELINE_SOURCE="parent_pipeline", MLCC_RUN="").facts()


# --- the selection, secrets and variables ---------------------------------------------------------


def test_selecting_writes_the_child_pipeline(gitlab: Any) -> None:
    platform = gitlab()
    platform.publish_selection(to_runtime(plan_of(SPEC)), RECORD)
    tree = yaml.safe_load(Path("_mlcc/child.yml").read_text())
    assert "a" in tree
    assert "b" not in tree
    os.environ["MLCC_SELECTION"] = tree["variables"]["MLCC_SELECTION"]
    platform.deliver({})
    found = json.loads(Path("_mlcc/s--select/selection.json").read_text())
    assert (found["selected"], found["commit"], found["reasons"]) == (["a"], SHA, {"b": "y"})


def test_a_missing_compiled_child_is_an_error(gitlab: Any) -> None:
    platform = gitlab()
    Path(".mlcc/gitlab.yml").unlink()
    with pytest.raises(RunError, match="can't be read"):
        platform.publish_selection(to_runtime(plan_of(SPEC)), RECORD)


def test_without_a_selection_nothing_is_delivered(gitlab: Any) -> None:
    with pytest.raises(RunError, match="left no selection"):
        gitlab().deliver({})


def test_s10_commands_inherit_neither_secrets_nor_variables_nor_credentials(gitlab: Any) -> None:
    platform = gitlab(
        TOKEN="s3cret", PLACE="here", CI_JOB_TOKEN="j", CI_REPOSITORY_URL="https://t@gl", OTHER="o",
        MLCC_SELECTION=packed_selection(RECORD), MLCC_API_TOKEN="api", MLCC_ID_TOKEN_AWS="i",
    )  # fmt: skip
    platform.deliver(to_runtime(plan_of(SPEC)))
    inherited = runner_env()
    assert inherited["OTHER"] == "o"
    assert inherited["CI_COMMIT_SHA"] == SHA
    gone = ("TOKEN", "PLACE", "CI_JOB_TOKEN", "CI_REPOSITORY_URL")
    assert not [name for name in inherited if name in gone or name.startswith("MLCC_")]
    assert "s3cret" not in inherited.values()
    assert os.environ["MLCC_SECRET_TOKEN"] == "s3cret"
    assert os.environ["MLCC_VAR_PLACE"] == "here"
    assert os.environ["MLCC_VAR_CI_COMMIT_SHA"] == SHA
    assert platform.facts().commit == SHA


# --- tokens, results, texts -----------------------------------------------------------------------


def token(audience: Any) -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'RS256'})}.{part({'aud': audience})}.c2ln"


def test_a_token_is_found_by_its_audience(gitlab: Any) -> None:
    aws, oidc = token("sts.amazonaws.com"), token("https://a")
    platform = gitlab(MLCC_ID_TOKEN_AWS=aws, MLCC_ID_TOKEN_OIDC=oidc, MLCC_ID_TOKEN_GCP="x.y")
    assert platform.id_token("sts.amazonaws.com") == aws
    assert platform.id_token("https://a") == oidc
    for audience in ("", "https://b"):
        with pytest.raises(RunError, match="no OpenID Connect token"):
            platform.id_token(audience)


def test_summaries_are_kept_beside_the_reports(gitlab: Any) -> None:
    gitlab(MLCC_NODE="a", MLCC_LEG="x").put_summary("# A")
    gitlab(MLCC_NODE="", MLCC_LEG="").put_summary("# All")
    assert Path("_mlcc/r--a--x/summary.md").read_text() == "# A\n"
    assert Path("_mlcc/r--final/summary.md").read_text() == "# All\n"


def test_warnings_are_one_line(gitlab: Any, capsys: pytest.CaptureFixture[str]) -> None:
    gitlab().warn("a\nsection_start:0:x\r\x1b[0Kb")
    assert capsys.readouterr().out.count("\n") == 1
    assert gitlab().results() == {"select": "success"}


# --- the last green run ---------------------------------------------------------------------------


def answers(pipelines: Any, bridges: dict[str, Any]) -> Any:
    def answer(asked: Asked) -> tuple[int, Any]:
        number = asked.path.partition("?")[0].removesuffix("/bridges").rpartition("/")[2]
        return 200, bridges.get(number, []) if "/bridges" in asked.path else pipelines

    return answer


def bridge(status: str, name: str = "run") -> dict[str, str]:
    return {"name": name, "status": status}


GREEN = answers(
    [{"id": 9, "sha": "9" * 40}, {"id": 8, "sha": "8" * 40}, {"id": 6, "sha": "6" * 40}],
    {
        "9": [bridge("failed")],
        "8": [bridge("success", "q-run"), bridge("success", "p-run"), bridge("success")],
        "6": [bridge("success")],
    },
)


def cloned_from(origin: str) -> None:
    subprocess.run(["git", "init", "-q"], check=True)
    if origin:
        subprocess.run(["git", "config", "remote.origin.url", origin], check=True)


def last_green(
    gitlab: Any, answer: Any, home: str = "", origin: str = "{url}/o/r.git", **env: str
) -> tuple[str | None, list[Asked]]:
    def encoded(asked: Asked) -> tuple[int, bytes]:
        status, body = answer(asked)
        return status, body if isinstance(body, bytes) else json.dumps(body).encode()

    with serve(encoded) as server:
        platform = gitlab(home, **{"CI_API_V4_URL": server.url, "MLCC_API_TOKEN": "t0ken", **env})
        cloned_from(origin.format(url=server.url))
        return platform.last_green("release/1"), server.asked


def test_the_newest_pipeline_whose_child_was_green(gitlab: Any) -> None:
    found, asked = last_green(gitlab, GREEN)
    assert found == "8" * 40
    assert asked[0].path.startswith(
        "/projects/3/pipelines?ref=release%2F1&source=push&scope=finished&order_by=id"
    )
    assert [one.path for one in asked[1:]] == [
        "/projects/3/pipelines/9/bridges",
        "/projects/3/pipelines/8/bridges",
    ]
    assert asked[0].headers["Authorization"] == "Bearer t0ken"


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "/srv/r.git",
        "https://gitlab.example/o/r.git",
        "git@127.0.0.1.example:o/r.git",
        "https://127.0.0.1@gitlab.example/o/r",
    ],
)
def test_the_token_goes_only_where_the_repository_came_from(gitlab: Any, origin: str) -> None:
    """Who may start a pipeline with variables may say any address of the interface."""
    assert last_green(gitlab, GREEN, origin=origin) == (None, [])


@pytest.mark.parametrize(
    "origin", ["git@127.0.0.1:o/r.git", "http://token:x@127.0.0.1/o/r.git", "ssh://git@127.0.0.1:2222/o/r"]
)
def test_the_host_counts_however_it_is_cloned_from(gitlab: Any, origin: str) -> None:
    assert last_green(gitlab, GREEN, origin=origin)[0] == "8" * 40


def test_a_project_of_a_monorepo_looks_at_its_own_child(gitlab: Any) -> None:
    assert last_green(gitlab, GREEN, home="models/p")[0] == "8" * 40
    alone = answers(
        [{"id": 8, "sha": "8" * 40}], {"8": [bridge("success", "q-run"), bridge("failed", "p-run")]}
    )
    assert last_green(gitlab, alone, home="models/p")[0] is None


@pytest.mark.parametrize(
    "answer",
    [
        answers([], {}),
        answers([{"id": 9, "sha": "9" * 40}], {"9": [bridge("failed")]}),
        answers({"message": "401"}, {}),
        answers([{"id": "x", "sha": "9" * 40}], {}),
        answers([{"sha": "9" * 40}], {}),
        answers(["x"], {}),
        answers([{"id": 9}], {"9": [bridge("success")]}),
        answers([{"id": 9, "sha": "s"}], {"9": ["x"]}),
        answers([{"id": 9, "sha": "s"}], {"9": {"name": "run"}}),
        lambda _: (403, {"message": "forbidden"}),
        lambda _: (200, b"<html>"),
    ],
)
def test_any_other_answer_means_unknown(gitlab: Any, answer: Any) -> None:
    assert last_green(gitlab, answer)[0] is None


def test_without_a_token_nothing_is_asked(gitlab: Any) -> None:
    assert last_green(gitlab, GREEN, MLCC_API_TOKEN="") == (None, [])


def test_a_token_is_sent_to_no_plain_address(gitlab: Any) -> None:
    assert gitlab(CI_API_V4_URL="http://gitlab.example", MLCC_API_TOKEN="t").last_green("main") is None
