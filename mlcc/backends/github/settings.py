"""Commands of GitHub's client that make the settings of obligations. None of them replaces a rule that is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlcc.obligations.obligation import command, posted
from mlcc.record import record

REPOSITORY = "repos/{owner}/{repo}"
_RULESETS = ("gh", "api", "--silent", "-X", "POST", f"{REPOSITORY}/rulesets", "--input", "-")


def require_check(name: str, branches: Sequence[str]) -> str:
    """Return the command that requires a check on branches.

    https://docs.github.com/en/rest/repos/rules#create-a-repository-ruleset
    """
    parameters = {
        "strict_required_status_checks_policy": False,
        "required_status_checks": [{"context": name}],
    }
    rule = {"type": "required_status_checks", "parameters": parameters}
    return posted(_ruleset(f"mlcc: check {name}", branches, rule), *_RULESETS)


def require_owners(name: str, branches: Sequence[str]) -> str:
    """Return the command that requires an approving review of code owners on branches."""
    parameters = {
        "require_code_owner_review": True,
        "required_approving_review_count": 1,
        "dismiss_stale_reviews_on_push": True,
        "require_last_push_approval": False,
        "required_review_thread_resolution": False,
    }
    rule = {"type": "pull_request", "parameters": parameters}
    return posted(_ruleset(f"mlcc: owners {name}", branches, rule), *_RULESETS)


def _ruleset(name: str, branches: Sequence[str], rule: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "target": "branch",
        "enforcement": "active",
        "conditions": {
            "ref_name": {"include": [f"refs/heads/{branch}" for branch in branches], "exclude": []}
        },
        "rules": [rule],
    }


@record
class Rules:
    """What protects an environment. `own_branches`: patterns of its own, the repository's protected branches, or all."""

    reviewed: bool = False
    own_branches: bool | None = None
    minutes: int = 0


def environment_rules(id: str, rules: Rules) -> str:
    """Return the command that creates an environment with its rules, all at once: a later call would reset the others.

    Where it has rules already, it is left alone.
    https://docs.github.com/en/rest/deployments/environments#create-or-update-an-environment
    """
    endpoint = f"{REPOSITORY}/environments/{id}"
    document: dict[str, Any] = {}
    if rules.minutes:
        document["wait_timer"] = rules.minutes
    if rules.reviewed:
        document["reviewers"] = [{"type": "Team", "id": "TEAM_ID"}]
    if rules.own_branches is not None:
        document["deployment_branch_policy"] = {
            "protected_branches": not rules.own_branches,
            "custom_branch_policies": rules.own_branches,
        }
    look = command("gh", "api", endpoint, "--jq", ".protection_rules[].id")
    create = posted(document, "gh", "api", "--silent", "-X", "PUT", endpoint, "--input", "-")
    left = command("echo", f"{id} has rules already: compare them")
    return f"if {look} 2>/dev/null | grep -qx '[0-9][0-9]*'; then {left}; else {_with_number(create)}; fi"


def _with_number(line: str) -> str:
    """Return a command in which the reviewers' number is no text: JSON knows no word in its place."""
    return line.replace('"TEAM_ID"', "TEAM_ID")


def branch_policies(id: str, branches: Sequence[str]) -> tuple[str, ...]:
    """Return the commands that open an environment with patterns of its own to branches.

    https://docs.github.com/en/rest/deployments/branch-policies#create-a-deployment-branch-policy
    """
    endpoint = f"{REPOSITORY}/environments/{id}/deployment-branch-policies"
    return tuple(
        command("gh", "api", "--silent", "-X", "POST", endpoint, "-f", f"name={branch}", "-f", "type=branch")
        for branch in branches
    )
