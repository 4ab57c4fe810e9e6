"""What the clients' recorded answers tell of each obligation; what they don't tell is never a pass."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mlcc.compiler import compile_all
from mlcc.doctor.asked import findings
from tests.cli.project import Project
from tests.doctor.clients import Fakes

SPEC = """version: 1
name: credit
triggers:
  push: {branches: [main]}
  pull_request: {branches: [main]}
  schedule: {weekly: "17 3 * * 1"}
  tag: {patterns: ["v*"]}
environments: {production: {branches: [main], approval: true}}
jobs:
  train: {run: make, env: {B: {var: REGION}}}
  ship: {run: make ship, environment: production, env: {A: {secret: DEPLOY}}}
"""
REPOSITORY = "repos/{owner}/{repo}"
PAGE = "?per_page=100"
ENVIRONMENT = {
    "name": "production",
    "protection_rules": [
        {"id": 1, "type": "required_reviewers", "reviewers": [{"type": "Team", "reviewer": {"id": 1}}]}
    ],
    "deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True},
}
POLICIES = f"{REPOSITORY}/environments/production/deployment-branch-policies{PAGE}"
SECRETS = f"{REPOSITORY}/environments/production/secrets{PAGE}"
ENVIRONMENTS = f"{REPOSITORY}/environments{PAGE}"
RULES = f"{REPOSITORY}/rules/branches/main{PAGE}"
BRANCH = f"{REPOSITORY}/branches/main"
VARIABLES = f"{REPOSITORY}/actions/variables{PAGE}"
OF_ORGANIZATION = f"{REPOSITORY}/actions/organization-variables{PAGE}"
WORKFLOW = f"{REPOSITORY}/actions/workflows/credit.yml"
NO_VARIABLES: dict[str, Any] = {"total_count": 0, "variables": []}
GITHUB: dict[str, Any] = {
    ENVIRONMENTS: {"total_count": 1, "environments": [ENVIRONMENT]},
    POLICIES: {"total_count": 1, "branch_policies": [{"id": 1, "name": "main", "type": "branch"}]},
    SECRETS: {"total_count": 1, "secrets": [{"name": "DEPLOY", "created_at": "2026-01-01T00:00:00Z"}]},
    VARIABLES: {"total_count": 1, "variables": [{"name": "REGION", "value": "eu"}]},
    OF_ORGANIZATION: NO_VARIABLES,
    RULES: [
        {"type": "deletion"},
        {"type": "required_status_checks", "parameters": {"required_status_checks": [{"context": "credit"}]}},
        {"type": "pull_request", "parameters": {"require_code_owner_review": True}},
    ],
    BRANCH: {"name": "main", "protected": True, "protection": {"enabled": False}},
    WORKFLOW: {"name": "credit", "state": "active"},
}
QUERY = (
    'query=query { project(fullPath: "acme/credit") { '
    "ciVariables { nodes { key environmentScope masked } pageInfo { hasNextPage } } "
    "inheritedCiVariables { nodes { key environmentScope masked } pageInfo { hasNextPage } } } }"
)
PROJECT = "projects/:id"
NONE = {"nodes": [], "pageInfo": {"hasNextPage": False}}


def variables(*nodes: tuple[str, str, bool], more: bool = False) -> dict[str, Any]:
    """Return an answer to the query for variables: (key, scope, masked)."""
    found = [{"key": key, "environmentScope": scope, "masked": masked} for key, scope, masked in nodes]
    own = {"nodes": found, "pageInfo": {"hasNextPage": more}}
    return {"data": {"project": {"ciVariables": own, "inheritedCiVariables": NONE}}}


TOKEN, DEPLOY, REGION = (
    ("MLCC_API_TOKEN", "credit-select", True),
    ("DEPLOY", "production", True),
    ("REGION", "*", False),
)
GITLAB: dict[str, Any] = {
    PROJECT: {
        "id": 7,
        "path_with_namespace": "acme/credit",
        "only_allow_merge_if_pipeline_succeeds": True,
        "allow_merge_on_skipped_pipeline": None,
        "ci_allow_fork_pipelines_to_run_in_parent_project": False,
        "ci_pipeline_variables_minimum_override_role": "maintainer",
    },
    f"{PROJECT}/pipeline_schedules{PAGE}": [
        {"id": 3, "description": "x", "cron": "17 3 * * 1", "cron_timezone": "UTC", "active": True}
    ],
    f"{PROJECT}/pipeline_schedules/3": {"id": 3, "variables": [{"key": "MLCC_TRIGGER", "value": "weekly"}]},
    f"{PROJECT}/protected_branches{PAGE}": [{"name": "main", "code_owner_approval_required": True}],
    f"{PROJECT}/protected_tags{PAGE}": [{"name": "v*"}],
    f"{PROJECT}/protected_environments{PAGE}": [{"name": "production"}],
    f"{PROJECT}/resource_groups/production": {"key": "production", "process_mode": "oldest_first"},
    QUERY: variables(TOKEN, DEPLOY, REGION),
}
TOLD = {
    "github": {
        "login", "required-check", "code-owners.review", "environment.production", "environment.production.secrets",
        "variable.REGION", "environment.production.approval", "environment.production.branches", "schedule.weekly",
    },
    "gitlab": {
        "login", "required-check", "setting.fork-pipelines", "setting.pipeline-variables", "schedule.weekly",
        "secret.MLCC_API_TOKEN", "secret.DEPLOY", "variable.REGION", "environment.production.approval",
        "environment.production.refs", "environment.production.branches", "environment.production.order", "protected-tag.v*",
        "code-owners.review.main",
    },
}  # fmt: skip
UNTOLD = {"github": set(), "gitlab": {"runner.timeout"}}
ANSWERS = {"github": GITHUB, "gitlab": GITLAB}


def asked(project: Project, system: str) -> dict[str, tuple[str, str]]:
    """Return id to state and detail, as the command prints them of a CI system."""
    done = project.run("doctor", "--ask", "--target", system, "--format", "json")
    assert done.code in (0, 1), done.both
    (spec,) = json.loads(done.out)["specs"]
    return {one["id"]: (one["state"], one["detail"]) for one in spec["findings"] if one["place"] == system}


@pytest.fixture
def credit(project: Project, fakes: Fakes) -> Project:
    project.write("mlcc.yaml", SPEC)
    return project


@pytest.mark.parametrize("system", TOLD)
def test_all_that_the_answers_show_is_done(credit: Project, fakes: Fakes, system: str) -> None:
    fakes.answer(ANSWERS[system])
    found = asked(credit, system)
    assert {id for id, (state, _) in found.items() if state == "done"} == TOLD[system]
    assert {id for id, (state, _) in found.items() if state == "unknown"} == UNTOLD[system]


@pytest.mark.parametrize("system", TOLD)
def test_every_call_reads(credit: Project, fakes: Fakes, system: str) -> None:
    fakes.answer(ANSWERS[system])
    asked(credit, system)
    lines = fakes.lines()
    name = {"github": "gh", "gitlab": "glab"}[system]
    assert lines[0] == [name, "auth", "status"]
    for words in lines[1:]:
        assert words[:4] == [name, "api", "--method", "GET"] or words == [name, "api", "graphql", "-f", QUERY]
        assert len(words) == 5
    assert len({tuple(words) for words in lines}) == len(lines) > 6


@pytest.mark.parametrize("system", TOLD)
def test_without_an_answer_nothing_is_told(credit: Project, fakes: Fakes, system: str) -> None:
    found = asked(credit, system)
    assert {state for id, (state, _) in found.items() if id != "login"} == {"unknown"}


@pytest.mark.parametrize("system", TOLD)
@pytest.mark.parametrize(
    "odd", ["no JSON", "[", "null", "7", [7], [{}], {}, {"total_count": 1}, {"data": None}, [[]], "\ud800"]
)
def test_an_odd_answer_tells_nothing(credit: Project, fakes: Fakes, system: str, odd: object) -> None:
    fakes.answer(dict.fromkeys(ANSWERS[system], odd))
    found = asked(credit, system)
    assert {id: one for id, one in found.items() if id != "login" and one[0] == "done"} == {}


@pytest.mark.parametrize("system", TOLD)
def test_who_isn_t_logged_in_asks_nothing(credit: Project, fakes: Fakes, system: str) -> None:
    fakes.answer({**ANSWERS[system], "login": 1})
    assert {state for state, _ in asked(credit, system).values()} == {"unknown"}
    assert len(fakes.lines()) == 1


def test_the_client_is_asked_about_the_host_of_the_remote(credit: Project, fakes: Fakes) -> None:
    credit.shell("git remote add origin https://me:pass@gitlab.example.org/acme/credit.git")
    fakes.answer(GITLAB)
    done = credit.run("doctor", "--ask", "--target", "gitlab")
    assert fakes.lines()[0] == ["glab", "auth", "status", "--hostname", "gitlab.example.org"]
    assert "pass" not in done.both.replace("passed", "")


def test_a_client_that_hangs_is_ended(credit: Project, fakes: Fakes) -> None:
    fakes.answer({**GITHUB, "slow": SECRETS})
    (one,) = compile_all([credit.root / "mlcc.yaml"], None, ("github",))
    (found,) = [one for one in findings(one, seconds=2.0) if one.id == "environment.production.secrets"]
    assert (found.state, found.detail) == UNSAID


def test_jenkins_is_not_asked(credit: Project, fakes: Fakes) -> None:
    found = asked(credit, "jenkins")
    assert {state for state, _ in found.values()} == {"unknown"}
    assert fakes.lines() == []


def environment(**changes: object) -> dict[str, Any]:
    return {ENVIRONMENTS: {"total_count": 1, "environments": [{**ENVIRONMENT, **changes}]}}


def policies(*names: str, type: str = "branch", total: int | None = None) -> dict[str, Any]:
    found = [{"name": name, "type": type} for name in names]
    return {POLICIES: {"total_count": len(found) if total is None else total, "branch_policies": found}}


BRANCHES = "environment.production.branches"
UNSAID = ("unknown", "the API doesn't say")


@pytest.mark.parametrize(
    ("change", "id", "told"),
    [
        ({ENVIRONMENTS: {"total_count": 0, "environments": []}}, "environment.production",
         ("missing", "there is no environment 'production'")),
        ({ENVIRONMENTS: {"total_count": 101, "environments": []}}, "environment.production", UNSAID),
        (environment(protection_rules=[]), "environment.production.approval", ("missing", "'production' has no reviewers")),
        (environment(protection_rules=[{"type": "required_reviewers", "reviewers": []}]), "environment.production.approval",
         ("missing", "'production' has no reviewers")),
        (environment(protection_rules=None), "environment.production.approval", UNSAID),
        (environment(deployment_branch_policy=None), BRANCHES, ("missing", "'production' is open to every branch")),
        (environment(deployment_branch_policy={"protected_branches": True, "custom_branch_policies": False}), BRANCHES,
         ("unknown", "'production' is open to protected branches")),
        (policies("main", "dev"), BRANCHES, ("missing", "'production' is open to dev, too")),
        (policies("main", type="tag"), BRANCHES, ("missing", "'production' is open to main, too")),
        (policies("dev"), BRANCHES, ("missing", "'production' is open to dev, too")),
        (policies(), BRANCHES, ("missing", "'production' isn't open to main")),
        (policies("main", total=2), BRANCHES, UNSAID),
        ({SECRETS: {"total_count": 0, "secrets": []}}, "environment.production.secrets", ("missing", "there is no DEPLOY")),
        ({SECRETS: {"total_count": 2, "secrets": [{"name": "OTHER"}]}}, "environment.production.secrets", UNSAID),
        ({VARIABLES: NO_VARIABLES}, "variable.REGION", ("missing", "there is no REGION")),
        ({VARIABLES: NO_VARIABLES, OF_ORGANIZATION: {"message": "no"}}, "variable.REGION", UNSAID),
        ({RULES: []}, "required-check", ("missing", "main doesn't require credit")),
        ({RULES: [], BRANCH: {"protection": {"required_status_checks": {"contexts": ["credit"]}}}}, "required-check",
         ("done", "")),
        ({RULES: [], BRANCH: []}, "required-check", UNSAID),
        ({RULES: [], BRANCH: {"protected": False}}, "code-owners.review", ("missing", "main requires no review of code owners")),
        ({RULES: []}, "code-owners.review", UNSAID),
        ({WORKFLOW: {"state": "disabled_inactivity"}}, "schedule.weekly", ("missing", "the workflow is disabled_inactivity")),
    ],
)  # fmt: skip
def test_what_github_lacks(
    credit: Project, fakes: Fakes, change: dict[str, Any], id: str, told: tuple[str, str]
) -> None:
    fakes.answer({**GITHUB, **change})
    assert asked(credit, "github")[id] == told


def project_with(**changes: object) -> dict[str, Any]:
    return {PROJECT: {**GITLAB[PROJECT], **changes}}


def schedule(**changes: object) -> dict[str, Any]:
    path = f"{PROJECT}/pipeline_schedules{PAGE}"
    return {path: [{**GITLAB[path][0], **changes}]}


@pytest.mark.parametrize(
    ("change", "id", "told"),
    [
        (project_with(only_allow_merge_if_pipeline_succeeds=False), "required-check",
         ("missing", "only_allow_merge_if_pipeline_succeeds is false")),
        (project_with(allow_merge_on_skipped_pipeline=True), "required-check",
         ("missing", "allow_merge_on_skipped_pipeline is true")),
        (project_with(ci_allow_fork_pipelines_to_run_in_parent_project=True), "setting.fork-pipelines",
         ("missing", "ci_allow_fork_pipelines_to_run_in_parent_project is true")),
        ({PROJECT: {"id": 7}}, "setting.fork-pipelines", UNSAID),
        ({PROJECT: {"id": 7}}, "secret.DEPLOY", UNSAID),
        (project_with(ci_pipeline_variables_minimum_override_role="developer"), "setting.pipeline-variables",
         ("missing", 'ci_pipeline_variables_minimum_override_role is "developer"')),
        (schedule(active=False), "schedule.weekly", ("missing", "it is switched off")),
        (schedule(cron_timezone="Berlin"), "schedule.weekly", ("missing", "it goes by Berlin, not by UTC")),
        (schedule(cron="0 0 * * *"), "schedule.weekly", ("missing", "no schedule has 17 3 * * 1")),
        ({f"{PROJECT}/pipeline_schedules/3": {"variables": []}}, "schedule.weekly", ("missing", "its MLCC_TRIGGER isn't weekly")),
        ({f"{PROJECT}/pipeline_schedules/3": {}}, "schedule.weekly", UNSAID),
        ({QUERY: variables(TOKEN)}, "secret.DEPLOY", ("missing", "there is no DEPLOY for 'production'")),
        ({QUERY: variables(TOKEN, more=True)}, "secret.DEPLOY", UNSAID),
        ({QUERY: variables(("DEPLOY", "*", True), DEPLOY)}, "secret.DEPLOY",
         ("missing", "DEPLOY isn't scoped: it reaches every job")),
        ({QUERY: variables(("DEPLOY", "production", False))}, "secret.DEPLOY", ("missing", "DEPLOY isn't masked")),
        ({QUERY: variables(DEPLOY)}, "variable.REGION", ("missing", "there is no REGION")),
        ({f"{PROJECT}/protected_branches{PAGE}": []}, BRANCHES, ("missing", "main isn't protected")),
        ({f"{PROJECT}/protected_branches{PAGE}": []}, "code-owners.review.main", ("missing", "main isn't protected")),
        ({f"{PROJECT}/protected_branches{PAGE}": [{"name": "x"}] * 100}, BRANCHES, UNSAID),
        ({f"{PROJECT}/protected_branches{PAGE}": [{"name": "main", "code_owner_approval_required": False}]},
         "code-owners.review.main", ("missing", "owners aren't asked")),
        ({f"{PROJECT}/protected_tags{PAGE}": []}, "protected-tag.v*", ("missing", "v* isn't protected")),
        ({f"{PROJECT}/protected_environments{PAGE}": []}, "environment.production.approval",
         ("missing", "production isn't protected")),
        ({f"{PROJECT}/resource_groups/production": {"process_mode": "unordered"}}, "environment.production.order",
         ("missing", "the mode is unordered")),
    ],
)  # fmt: skip
def test_what_gitlab_lacks(
    credit: Project, fakes: Fakes, change: dict[str, Any], id: str, told: tuple[str, str]
) -> None:
    fakes.answer({**GITLAB, **change})
    assert asked(credit, "gitlab")[id] == told
