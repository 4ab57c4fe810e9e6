"""What GitHub's settings must hold, setting by setting, with the commands that make them."""

from __future__ import annotations

from mlcc.backends import BACKENDS
from mlcc.obligations.obligation import Obligation
from tests.plans import plan_of

SPEC = """version: 1
name: credit
triggers: {push: {branches: [main]}}
environments: {production: {branches: [main], approval: true}}
jobs:
  train: {run: make, env: {A: {secret: TRACKING}, B: {var: REGION}}}
  ship: {run: make ship, needs: [train], environment: production, env: {A: {secret: DEPLOY}, B: {secret: TRACKING}}}
"""
MORE = """version: 1
name: credit
triggers:
  push: {branches: [main]}
  pull_request: {branches: [main]}
  schedule: {weekly: "17 3 * * 1"}
  dispatch: [new-data]
auth: {aws: {role: r, region: e}}
runners: {gpu: {github: [self-hosted, gpu], pull_requests: true}}
jobs:
  train: {run: make, runner: gpu, when: [{event: push}, {event: schedule}, {event: dispatch}]}
  load: {run: make, auth: [aws], when: [{event: push}, {event: schedule}]}
"""


def obligations(spec: str) -> dict[str, Obligation]:
    return {one.id: one for one in BACKENDS["github"].obligations(plan_of(spec))}


def test_each_setting_has_an_id_and_an_order_in_words() -> None:
    assert {id: one.what for id, one in obligations(SPEC).items()} == {
        "code-owners": "let owners approve every change of the spec, of .mlcc/ and of the compiled files (.github/CODEOWNERS)",
        "code-owners.review": "require a review of code owners on main (Settings, Rules)",
        "environment.production": "create the environment 'production' (Settings, Environments)",
        "environment.credit": "create the environment 'credit' (Settings, Environments)",
        "environment.credit.secrets": "create in the environment 'credit' the secrets TRACKING",
        "environment.production.secrets": "create in the environment 'production' the secrets DEPLOY, TRACKING",
        "variable.REGION": "create the variable REGION",
        "environment.production.approval": "give the environment 'production' required reviewers",
        "environment.production.branches": "restrict the environment 'production' to main",
    }


def test_secrets_are_asked_for_by_the_client_where_they_are_to_be() -> None:
    found = obligations(SPEC)
    assert found["environment.production.secrets"].commands == (
        "gh secret set DEPLOY --env production",
        "gh secret set TRACKING --env production",
    )
    assert found["environment.credit.secrets"].commands == ("gh secret set TRACKING --env credit",)
    assert found["variable.REGION"].commands == ("gh variable set REGION",)


def test_an_environment_is_made_with_all_its_rules_at_once() -> None:
    (line,) = obligations(SPEC)["environment.production"].commands
    assert (
        '{"reviewers": [{"type": "Team", "id": TEAM_ID}], '
        '"deployment_branch_policy": {"protected_branches": false, "custom_branch_policies": true}}'
    ) in line
    assert obligations(SPEC)["environment.production.branches"].commands == (
        "gh api --silent -X POST 'repos/{owner}/{repo}/environments/production/deployment-branch-policies' "
        "-f name=main -f type=branch",
    )


def test_the_place_is_the_one_that_asks_for_it() -> None:
    spans = {id: one.span and (one.span.line, one.span.column) for id, one in obligations(SPEC).items()}
    assert spans["environment.production.branches"] == (4, 16)
    assert spans["environment.credit.secrets"] == (6, 22)
    assert None not in spans.values()


def test_what_triggers_logins_and_runners_need() -> None:
    found = obligations(MORE)
    assert found["required-check"].names == ("credit", "main")
    assert '{"context": "credit"}' in found["required-check"].commands[0]
    assert found["schedule.weekly"].commands == ("gh workflow enable credit.yml",)
    assert found["schedule.weekly"].span is not None
    assert found["schedule.weekly"].span.line == 6
    assert found["dispatch.new-data"].span is not None
    assert found["dispatch.new-data"].span.line == 7
    assert found["trust.aws"].names == (
        "repo:OWNER/REPO:ref:refs/heads/DEFAULT_BRANCH",
        "repo:OWNER/REPO:ref:refs/heads/main",
    )
    assert found["runner.gpu"].names == ("self-hosted", "gpu")
    assert "runner.gpu.pull-requests" in found


def test_runners_of_github_s_own_need_no_setting() -> None:
    assert [
        id for id in obligations(MORE.replace("[self-hosted, gpu]", "[windows-2025]")) if "runner" in id
    ] == []
    assert "runner.gpu" in obligations(MORE.replace("[self-hosted, gpu], pull_requests: true", "gpu-large"))


def test_code_owners_get_the_spec_the_scripts_and_the_workflows() -> None:
    assert obligations(SPEC)["code-owners"].text == (
        "/mlcc.yaml @OWNERS\n"
        "/.mlcc/ @OWNERS\n"
        "/.github/workflows/credit.yml @OWNERS\n"
        "/.github/workflows/credit.part-*.yml @OWNERS\n"
        "/.github/CODEOWNERS @OWNERS\n"
    )
