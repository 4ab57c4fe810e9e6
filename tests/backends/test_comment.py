"""The comment on a pull request: asked for by the spec, with a token that only its step gets."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from mlcc.backends import BACKENDS
from mlcc.diagnostics import Diagnostic
from mlcc.plan.document import to_runtime
from tests.plans import diagnose, place, plan_of

SPEC = """version: 1
name: p
triggers: {pull_request: {branches: [main]}, push: {branches: [main]}}
jobs: {a: {run: 'true'}}
"""
WITH_TOKEN = SPEC + "comment: {token: {secret: REVIEW_TOKEN}}\n"


def outputs(target: str, spec: str) -> dict[str, str]:
    return {file.path: file.text for file in BACKENDS[target].compile(plan_of(spec))}


def refusals(target: str, spec: str) -> list[Diagnostic]:
    return BACKENDS[target].check(plan_of(spec))


def workflow(spec: str) -> dict[str, Any]:
    (text,) = outputs("github", spec).values()
    found: dict[str, Any] = yaml.safe_load(text)
    return found


@pytest.mark.parametrize("comment", ["", "comment: false\n"])
def test_without_it_nothing_differs(comment: str) -> None:
    assert plan_of(SPEC + comment).comment is None
    for target in BACKENDS:
        assert outputs(target, SPEC + comment) == outputs(target, SPEC)
        assert "report.py comment" not in "".join(outputs(target, SPEC).values())
    assert workflow(SPEC)["jobs"]["final"]["permissions"] == {"contents": "read"}


@pytest.mark.parametrize(
    "comment", ["comment: true\n", "comment: {}\n", "comment: {token: {secret: REVIEW_TOKEN}}\n"]
)
def test_github_writes_it_with_the_final_jobs_own_token(comment: str) -> None:
    jobs = workflow(SPEC + comment)["jobs"]
    final = jobs["final"]
    assert final["permissions"] == {"contents": "read", "pull-requests": "write"}
    *others, step = final["steps"]
    assert step == {
        "id": "comment",
        "if": "${{ always() && github.event_name == 'pull_request' }}",
        "env": {"MLCC_TOKEN": "${{ github.token }}"},
        "run": "exec python3 -I .mlcc/report.py comment",
    }
    assert all("github.token" not in str(other) for other in others)
    assert jobs["a"]["permissions"] == {"contents": "read"}
    assert "pull-requests" not in str(jobs["select"]["permissions"])


def test_gitlab_writes_it_after_the_final_script_in_an_environment_of_its_own() -> None:
    child = yaml.safe_load(outputs("gitlab", WITH_TOKEN)[".mlcc/gitlab.yml"])
    final = child["final"]
    assert final["script"] == ["python3 -I .mlcc/run.py final"]
    assert final["after_script"] == ['MLCC_TOKEN="$REVIEW_TOKEN" python3 -I .mlcc/report.py comment']
    assert final["environment"] == {"name": "p-comment", "action": "access"}
    assert "REVIEW_TOKEN" not in str(child["a"])
    assert "resource_group" not in final


def test_gitlab_in_a_folder() -> None:
    plan = plan_of(WITH_TOKEN, home="models/a b")
    (child,) = [
        f.text
        for f in BACKENDS["gitlab"].compile(plan)
        if f.path.endswith("gitlab.yml") and ".mlcc" in f.path
    ]
    command = yaml.safe_load(child)["final"]["after_script"]
    assert command == ["MLCC_TOKEN=\"$REVIEW_TOKEN\" python3 -I 'models/a b/.mlcc/report.py' comment"]


def test_jenkins_binds_the_token_in_the_last_stage_and_not_for_forks() -> None:
    text = outputs("jenkins", WITH_TOKEN)["Jenkinsfile"]
    assert text.count("REVIEW_TOKEN") == 1
    assert "withCredentials([string(credentialsId: 'REVIEW_TOKEN', variable: 'MLCC_TOKEN')])" in text
    assert "if (env.CHANGE_ID != null && !foreign()) { remark() }" in text
    assert "plain-credentials" in text


@pytest.mark.parametrize("target", ["gitlab", "jenkins"])
@pytest.mark.parametrize("comment", ["comment: true\n", "comment: {}\n"])
def test_without_a_token_only_github_can(target: str, comment: str) -> None:
    (found,) = refusals(target, SPEC + comment)
    assert (found.code, place(found)) == ("no-comment-token", "5:1")
    assert "comment: {token: {secret: NAME}}" in (found.help or "")
    assert refusals("github", SPEC + comment) == []
    assert refusals(target, WITH_TOKEN) == []


@pytest.mark.parametrize(
    "comment",
    ["comment: yes please\n", "comment: {token: REVIEW_TOKEN}\n", "comment: {token: {var: A}}\n", "comment: {tokn: 1}\n",
     "comment: {token: {secret: 'a b'}}\n", "comment: [true]\n"],
)  # fmt: skip
def test_other_shapes_are_refused(comment: str) -> None:
    assert diagnose(SPEC + comment) != ()


def test_no_command_sees_the_token() -> None:
    """GitLab gives a variable without scope to every job: its runtime takes those that the plan names from commands."""
    assert to_runtime(plan_of(WITH_TOKEN))["secrets"] == ["REVIEW_TOKEN"]


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (
            "gitlab",
            "create the variable REVIEW_TOKEN, masked, not protected and scoped to the environment 'p-comment'",
        ),
        ("jenkins", "create a credential of the kind 'Secret text' with the id REVIEW_TOKEN"),
    ],
)
def test_what_a_person_sets_up(target: str, words: str) -> None:
    assert [one for one in BACKENDS[target].obligations(plan_of(WITH_TOKEN)) if words in one.what] != []
    assert [one for one in BACKENDS[target].obligations(plan_of(SPEC)) if "comment" in one.sentence] == []
