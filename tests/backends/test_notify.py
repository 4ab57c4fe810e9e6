"""What tells people how a run ended: a node after the final one, which alone has the secrets, and changes no colour."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from mlcc.backends import BACKENDS
from mlcc.diagnostics import Diagnostic
from mlcc.ledger import losses
from tests.plans import place, plan_of

SPEC = """version: 1
name: p
triggers: {pull_request: {branches: [main]}, push: {branches: [main]}}
jobs: {a: {run: 'true'}}
"""
CHAT = "  chat: {when: {status: failure}, slack: {secret: CHAT}}\n"
HOOK = "  hook: {when: {status: failure, event: pull_request}, webhook: {var: HOOK}}\n"
ISSUE = "  ml: {when: {status: failure}, issue: {token: {secret: TRACKER}}}\n"
WAIVED = 'targets: {jenkins: {waive: {issues: {reason: there is no tracker, until: "2099-01-01"}}}}\n'
TARGETS = ["github", "gitlab", "jenkins"]


def spec(*notices: str, more: str = "") -> str:
    return SPEC + more + ("notify:\n" + "".join(notices) if notices else "")


def outputs(target: str, text: str) -> dict[str, str]:
    return {file.path: file.text for file in BACKENDS[target].compile(plan_of(text))}


def jobs_of(text: str) -> dict[str, Any]:
    (found,) = outputs("github", text).values()
    jobs: dict[str, Any] = yaml.safe_load(found)["jobs"]
    return jobs


def child_of(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(outputs("gitlab", text)[".mlcc/gitlab.yml"])
    return found


def refusals(target: str, text: str) -> list[Diagnostic]:
    return BACKENDS[target].check(plan_of(text))


@pytest.mark.parametrize("target", TARGETS)
def test_without_notices_of_runs_there_is_nothing(target: str) -> None:
    assert "notify" not in "".join(outputs(target, SPEC).values())


def test_github_tells_in_a_job_of_its_own() -> None:
    jobs = jobs_of(spec(CHAT))
    job = jobs["final--notify"]
    assert {key: job[key] for key in ("needs", "if", "continue-on-error", "permissions", "environment")} == {
        "needs": ["select", "final"],
        "if": "${{ always() && github.event_name != 'pull_request' }}",
        "continue-on-error": True,
        "permissions": {"contents": "read"},
        "environment": {"name": "p", "deployment": False},
    }
    run = job["steps"][-1]
    assert run["env"] == {"MLCC_SECRET_CHAT": "${{ secrets.CHAT }}"}
    assert run["run"] == "exec python3 -I .mlcc/notify.py"
    others = [other for id, other in jobs.items() if id != "final--notify"]
    assert "CHAT" not in str(others)
    assert not any("continue-on-error" in other for other in others)


def test_github_asks_for_issues_only_where_one_is_kept_and_uses_its_own_token() -> None:
    jobs = jobs_of(spec(CHAT, ISSUE))
    assert jobs["final--notify"]["permissions"] == {"contents": "read", "issues": "write"}
    env = jobs["final--notify"]["steps"][-1]["env"]
    assert env == {"MLCC_TOKEN": "${{ github.token }}", "MLCC_SECRET_CHAT": "${{ secrets.CHAT }}"}
    assert [id for id, job in jobs.items() if "issues" in job["permissions"]] == ["final--notify"]


def test_github_tells_of_pull_requests_where_asked_and_never_of_a_forks() -> None:
    job = jobs_of(spec(HOOK))["final--notify"]
    own = "github.event.pull_request.head.repo.full_name == github.repository"
    assert job["if"] == f"${{{{ always() && (github.event_name != 'pull_request' || {own}) }}}}"
    assert job["steps"][-1]["env"] == {"MLCC_VAR_HOOK": "${{ vars.HOOK }}"}
    assert "environment" not in job


def test_gitlab_tells_in_a_stage_after_the_final_one() -> None:
    child = child_of(spec(CHAT, ISSUE))
    assert child["stages"] == ["run", "final", "notify"]
    job = child["final notify"]
    keys = ("stage", "when", "allow_failure", "dependencies", "environment", "script")
    assert {key: job[key] for key in keys} == {
        "stage": "notify", "when": "always", "allow_failure": True, "dependencies": ["final"],
        "environment": {"name": "p-notify", "action": "access"}, "script": ["python3 -I .mlcc/notify.py"],
    }  # fmt: skip
    assert "environment" not in child["final"]


@pytest.mark.parametrize(
    ("notices", "facts", "dropped"),
    [
        ((CHAT,), {"event": "push", "fork": ""}, False),
        ((CHAT,), {"event": "pull_request", "fork": ""}, True),
        ((CHAT, HOOK), {"event": "pull_request", "fork": ""}, False),
        ((CHAT, HOOK), {"event": "pull_request", "fork": "true"}, True),
    ],
)
def test_gitlab_leaves_the_job_out_where_nobody_is_told(
    notices: tuple[str, ...], facts: dict[str, str], dropped: bool
) -> None:
    from mlcc.backends.gitlab.platform import dropped_jobs
    from mlcc.plan.document import to_runtime

    plan = to_runtime(plan_of(spec(*notices)))
    assert ("final notify" in dropped_jobs(plan, {"selected": ["a"], "facts": facts})) is dropped


def test_jenkins_binds_the_credentials_for_telling_alone() -> None:
    (text,) = outputs("jenkins", spec(CHAT, HOOK)).values()
    start, _, rest = text.partition("void announce() {")
    body, _, after = rest.partition("\n}\n")
    assert (
        "for (name in ['CHAT']) { secrets << string(credentialsId: name, variable: 'MLCC_SECRET_' + name) }"
        in body
    )
    assert "for (name in ['HOOK']) { values << 'MLCC_VAR_' + name" in body
    assert "buildResult: 'SUCCESS', stageResult: 'SUCCESS'" in body
    assert "CHAT" not in start + after
    assert "if (!foreign()) { announce() }" in after


def test_jenkins_has_no_tracker() -> None:
    ledger = BACKENDS["jenkins"].capabilities
    (found,) = losses(plan_of(spec(CHAT, ISSUE)), "jenkins", ledger)
    assert (found.code, place(found)) == ("impossible", "7:3")
    assert "jenkins can't do 'issues'" in found.message
    assert losses(plan_of(spec(CHAT, ISSUE, more=WAIVED)), "jenkins", ledger) == []
    (text,) = outputs("jenkins", spec(ISSUE, more=WAIVED)).values()
    assert "TRACKER" not in text


def test_gitlab_needs_a_token_for_issues() -> None:
    text = spec("  ml: {when: {status: failure}, issue: {}}\n")
    (found,) = refusals("gitlab", text)
    assert (found.code, place(found)) == ("no-issue-token", "6:3")
    assert refusals("github", text) == []


@pytest.mark.parametrize(
    ("target", "names", "places"),
    [
        ("github", ["CHAT"], ["p"]),
        ("gitlab", ["CHAT", "TRACKER"], ["p-notify", "p-notify"]),
        ("jenkins", ["CHAT"], []),
    ],
)
def test_what_has_to_be_set_once_is_listed(target: str, names: list[str], places: list[str]) -> None:
    kinds = ("secret", "credential")
    found = [
        one
        for one in BACKENDS[target].obligations(plan_of(spec(CHAT, ISSUE, more=WAIVED)))
        if one.kind in kinds
    ]
    asked = [one for one in found if set(one.names) & {"CHAT", "TRACKER"}]
    assert [name for one in asked for name in one.names] == names
    assert [place for one in asked for place in one.places] == places


@pytest.mark.parametrize("target", TARGETS)
def test_a_plain_variable_is_listed(target: str) -> None:
    found = [one for one in BACKENDS[target].obligations(plan_of(spec(HOOK))) if one.kind == "variable"]
    assert [one.names for one in found] == [("HOOK",)]
