"""What the runtime takes from Jenkins' variables: the event, the fork, tokens, results."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path

import pytest

from mlcc.backends.jenkins.platform import Jenkins, jenkins_event
from mlcc.runtime.final import final_main
from mlcc.runtime.records import RunError
from mlcc.runtime.select import select_main
from tests.runtime.project import Project

SPEC = """\
version: 1
name: p
triggers:
  push: {branches: [main, "release/*"]}
  pull_request: {branches: [main]}
  tag: {patterns: ["v*"]}
  schedule: {weekly: "17 3 * * 1"}
artifacts: {code: {kind: code, path: [src/]}}
jobs:
  a: {run: t, reads: [code]}
  secret: {run: t, reads: [code], env: {A: {secret: S}}}
"""


@pytest.mark.parametrize(
    ("env", "event"),
    [
        ({}, ("push", "")),
        ({"MLCC_CAUSES": "user"}, ("push", "")),
        ({"MLCC_CAUSES": "user", "MLCC_FORMS": "true"}, ("manual", "")),
        ({"MLCC_CAUSES": "user", "MLCC_FORMS": "true", "MLCC_FORM": "retrain"}, ("manual", "retrain")),
        ({"MLCC_CAUSES": "timer ", "MLCC_SCHEDULE": "weekly"}, ("schedule", "weekly")),
        ({"MLCC_CAUSES": "timer ", "MLCC_TRIGGER": "monitor"}, ("schedule", "monitor")),
        ({"MLCC_CAUSES": "timer user", "MLCC_FORMS": "true", "MLCC_SCHEDULE": "w"}, ("schedule", "w")),
        ({"MLCC_CAUSES": "user", "MLCC_FORMS": "true", "MLCC_TRIGGER": "new-data"}, ("dispatch", "new-data")),
        ({"TAG_NAME": "v1", "MLCC_CAUSES": "user", "MLCC_FORMS": "true"}, ("tag", "")),
        ({"CHANGE_ID": "7", "MLCC_CAUSES": "timer user", "MLCC_TRIGGER": "weekly"}, ("pull_request", "")),
    ],
)
def test_what_started_a_build(env: dict[str, str], event: tuple[str, str]) -> None:
    assert jenkins_event(env) == event


@pytest.fixture
def jenkins(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("CHANGE_ID", "CHANGE_TARGET", "CHANGE_BRANCH", "CHANGE_FORK", "TAG_NAME", "BRANCH_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BUILD_TAG", "jenkins-p-main-7")
    monkeypatch.setenv("BUILD_NUMBER", "7")
    return monkeypatch


def test_facts_of_a_change(jenkins: pytest.MonkeyPatch) -> None:
    for name, value in {
        "CHANGE_ID": "12", "CHANGE_TARGET": "main", "CHANGE_BRANCH": "topic", "BRANCH_NAME": "PR-12",
        "MLCC_COMMIT": "c" * 40, "MLCC_BASE": "b" * 40, "MLCC_GIT_URL": "git@example.org:acme/credit.git",
    }.items():  # fmt: skip
        jenkins.setenv(name, value)
    facts = Jenkins().facts()
    assert (facts.event, facts.branch, facts.pull_request, facts.fork) == (
        "pull_request",
        "main",
        "12",
        False,
    )
    assert (facts.commit, facts.base, facts.repository) == ("c" * 40, "b" * 40, "acme/credit")
    assert facts.unasked
    jenkins.setenv("CHANGE_FORK", "mallory")
    assert Jenkins().facts().fork
    jenkins.delenv("CHANGE_FORK")
    jenkins.delenv("CHANGE_BRANCH")
    assert Jenkins().facts().fork  # the branch source doesn't say where it comes from


@pytest.mark.parametrize(
    "url", ["https://x@example.org/o/r.git", "ssh://git@example.org:22/o/r", "git@h:o/r.git"]
)
def test_repository(jenkins: pytest.MonkeyPatch, url: str) -> None:
    jenkins.setenv("MLCC_GIT_URL", url)
    assert Jenkins().facts().repository == "o/r"


def test_inputs_are_those_of_the_form(jenkins: pytest.MonkeyPatch) -> None:
    jenkins.setenv("MLCC_INPUT_rate", "0.5")
    jenkins.setenv("BRANCH_NAME", "main")
    assert Jenkins().facts().inputs == {}
    jenkins.setenv("MLCC_CAUSES", "user")
    jenkins.setenv("MLCC_FORMS", "true")
    assert Jenkins().facts().inputs == {"rate": "0.5"}


def _select(project: Project, jenkins: pytest.MonkeyPatch, **env: str) -> list[str]:
    jenkins.setenv("MLCC_COMMIT", project.git("rev-parse", "HEAD"))
    for name, value in env.items():
        jenkins.setenv(name, value)
    assert select_main(Jenkins()) == 0
    return list(project.record("s--select/selection.json")["selected"])


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path, SPEC, {"src/a.py": "1\n", "README.md": "x\n"})


def test_branches_and_tags_outside_the_triggers_select_nothing(
    project: Project, jenkins: pytest.MonkeyPatch
) -> None:
    assert _select(project, jenkins, BRANCH_NAME="main") == ["a", "secret"]
    assert _select(project, jenkins, BRANCH_NAME="release/1") == ["a", "secret"]
    assert (project.root / "_mlcc/outputs/skip").read_text() == ","
    assert (project.root / "_mlcc/outputs/event").read_text() == "push"
    assert _select(project, jenkins, BRANCH_NAME="topic") == []
    assert (project.root / "_mlcc/outputs/skip").read_text() == ",a,secret,"
    assert (project.root / "_mlcc/outputs/event").read_text() == ""  # and so it moves no base
    reasons = project.record("s--select/selection.json")["reasons"]
    assert reasons["a"] == "the spec's triggers have no push for topic"
    assert _select(project, jenkins, TAG_NAME="v1") == ["a", "secret"]
    assert _select(project, jenkins, TAG_NAME="x1") == []
    jenkins.delenv("TAG_NAME")
    assert _select(project, jenkins, CHANGE_ID="1", CHANGE_TARGET="topic", CHANGE_BRANCH="x") == []
    assert _select(project, jenkins, CHANGE_TARGET="main") == ["a", "secret"]
    assert _select(project, jenkins, CHANGE_FORK="mallory") == ["a"]


def test_changes_count_from_the_last_green_push_and_the_target(
    project: Project, jenkins: pytest.MonkeyPatch
) -> None:
    green = project.git("rev-parse", "HEAD")
    project.write({"README.md": "y\n"})
    project.commit("readme")
    assert _select(project, jenkins, BRANCH_NAME="main", MLCC_GREEN=green) == []
    assert _select(project, jenkins, MLCC_GREEN="0" * 40) == ["a", "secret"]
    change = {"CHANGE_ID": "1", "CHANGE_TARGET": "main", "CHANGE_BRANCH": "x"}
    assert _select(project, jenkins, **change, MLCC_BASE=green) == []
    assert _select(project, jenkins, **change, MLCC_BASE="") == ["a", "secret"]


def test_a_schedule_is_told_by_its_id(project: Project, jenkins: pytest.MonkeyPatch) -> None:
    assert _select(project, jenkins, BRANCH_NAME="main", MLCC_CAUSES="timer", MLCC_SCHEDULE="weekly") == [
        "a",
        "secret",
    ]
    with pytest.raises(RunError, match="isn't among the triggers"):
        _select(project, jenkins, MLCC_SCHEDULE="daily")


def test_the_last_node_reads_the_results(
    project: Project, jenkins: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _select(project, jenkins, BRANCH_NAME="topic")
    results = project.root / "_mlcc/outputs/results"
    results.write_text("select=success\na=skipped\nsecret=skipped\n")
    assert final_main(Jenkins()) == 0
    assert "mlcc: green" in capsys.readouterr().out
    results.write_text("select=success\na=cancelled\n")
    assert final_main(Jenkins()) == 1
    for broken in ("", "a=maybe\n", "a\n"):
        results.write_text(broken)
        with pytest.raises(RunError, match="aren't whole"):
            Jenkins().results()
    results.unlink()
    with pytest.raises(RunError, match="can't be read"):
        Jenkins().results()


def _token(**claims: object) -> str:
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{part}.sig"


def test_a_token_is_the_one_for_its_audience(jenkins: pytest.MonkeyPatch) -> None:
    later = time.time() + 100
    jenkins.setenv("MLCC_ID_TOKEN_aws", _token(aud="sts.amazonaws.com", exp=later))
    jenkins.setenv("MLCC_ID_TOKEN_oidc", _token(aud=["x", "https://vault"], exp=later))
    jenkins.setenv("MLCC_ID_TOKEN_old", _token(aud="old", exp=1))
    jenkins.setenv("MLCC_ID_TOKEN_bad", "none")
    jenkins.setenv("MLCC_ID_TOKEN_worse", "a.W10.c")
    assert Jenkins().id_token("sts.amazonaws.com") == _token(aud="sts.amazonaws.com", exp=later)
    assert Jenkins().id_token("https://vault").startswith("e30.")
    with pytest.raises(RunError, match="expired"):
        Jenkins().id_token("old")
    with pytest.raises(RunError, match="none of the node's"):
        Jenkins().id_token("other")


def test_texts_for_people(
    tmp_path: Path, jenkins: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    jenkins.chdir(tmp_path)
    Jenkins().put_summary("# one")
    Jenkins().put_summary("two")
    assert (tmp_path / "_mlcc/outputs/summary.md").read_text() == "# one\ntwo\n"
    Jenkins().warn("odd")
    assert capsys.readouterr().out == "# one\ntwo\nmlcc: warning: odd\n"
    jenkins.setenv("MLCC_GREEN", "")
    assert Jenkins().last_green("main") is None
