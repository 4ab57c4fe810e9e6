"""What GitHub's API tells of each obligation, by reading calls of `gh api` alone.

https://docs.github.com/en/rest: deployments/environments, deployments/branch-policies, actions/secrets, actions/variables,
actions/workflows, actions/self-hosted-runners, repos/rules, branches/branches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from mlcc.backends.github.settings import REPOSITORY
from mlcc.doctor.client import Client, Items
from mlcc.doctor.finding import Answer, together
from mlcc.obligations.obligation import Obligation

UNREAD: Answer = ("unknown", "the API doesn't say")


def answer(one: Obligation, client: Client) -> Answer:
    """Return how an obligation stands."""
    probe = _PROBES.get(one.kind)
    if probe is None:
        return "unknown", "no API tells"
    try:
        return probe(one, client)
    except (LookupError, TypeError, AttributeError):  # an odd answer tells nothing
        return UNREAD


def _environments(client: Client) -> Items | None:
    return client.items(f"{REPOSITORY}/environments", "environments")


def _environment(one: Obligation, client: Client) -> Answer:
    return together(_in_environment(client, id, lambda _: ("done", "")) for id in one.places)


def _in_environment(client: Client, id: str, judge: Callable[[dict[str, Any]], Answer]) -> Answer:
    """Return what is judged of an environment, which must be there."""
    found = _environments(client)
    if found is None:
        return UNREAD
    environment = found.named("name", id)
    if environment is None:
        return ("missing", f"there is no environment '{id}'") if found.whole else UNREAD
    return judge(environment)


def _rule(environment: Mapping[str, Any], type: str) -> Mapping[str, Any] | None:
    """Return a rule of an environment; None where it has none of the type. Raises LookupError on an odd answer."""
    rules = environment["protection_rules"]
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise LookupError("protection_rules")
    return next((rule for rule in rules if rule.get("type") == type), None)


def _approval(one: Obligation, client: Client) -> Answer:
    asking, *others = dict.fromkeys(one.places)

    def asks(environment: dict[str, Any]) -> Answer:
        rule = _rule(environment, "required_reviewers")
        reviewed = rule is not None and bool(rule.get("reviewers"))
        return ("done", "") if reviewed else ("missing", f"'{environment['name']}' has no reviewers")

    def asks_nobody(environment: dict[str, Any]) -> Answer:
        asked = _rule(environment, "required_reviewers") is not None
        return ("missing", f"'{environment['name']}' asks reviewers, too") if asked else ("done", "")

    parts = [
        _in_environment(client, asking, asks),
        *(_in_environment(client, id, asks_nobody) for id in others),
    ]
    return together(parts)


def _timer(one: Obligation, client: Client) -> Answer:
    (minutes,), (id,) = one.names, one.places

    def waits(environment: dict[str, Any]) -> Answer:
        found = (_rule(environment, "wait_timer") or {}).get("wait_timer", 0)
        return ("done", "") if found == int(minutes) else ("missing", f"its timer is {found} minutes")

    return _in_environment(client, id, waits)


def _branches(one: Obligation, client: Client) -> Answer:
    def restricted(environment: dict[str, Any]) -> Answer:
        id, policy = environment["name"], environment["deployment_branch_policy"]
        if policy is None:
            return "missing", f"'{id}' is open to every branch"
        if policy["protected_branches"]:
            return ("done", "") if not one.names else ("unknown", f"'{id}' is open to protected branches")
        if not one.names:
            return "unknown", f"'{id}' has patterns of its own"
        return _policies(client, id, set(one.names))

    return together(_in_environment(client, id, restricted) for id in one.places)


def _policies(client: Client, id: str, wanted: set[str]) -> Answer:
    """Hold the patterns of an environment against those that are wanted: another one opens it, too."""
    found = client.items(
        f"{REPOSITORY}/environments/{quote(id, safe='')}/deployment-branch-policies", "branch_policies"
    )
    if found is None:
        return UNREAD
    there = {item["name"] for item in found.found}
    tags = {item["name"] for item in found.found if item.get("type", "branch") != "branch"}
    more = sorted((there - wanted) | tags)
    if more:
        return "missing", f"'{id}' is open to {', '.join(more)}, too"
    if wanted - there:
        lacking = ", ".join(sorted(wanted - there))
        return ("missing", f"'{id}' isn't open to {lacking}") if found.whole else UNREAD
    return ("done", "") if found.whole else UNREAD


def _secrets(one: Obligation, client: Client) -> Answer:
    (id,) = one.places
    found = client.items(f"{REPOSITORY}/environments/{quote(id, safe='')}/secrets", "secrets")
    return _names(one.names, [found])


def _variable(one: Obligation, client: Client) -> Answer:
    repository = client.items(f"{REPOSITORY}/actions/variables", "variables")
    organization = client.items(f"{REPOSITORY}/actions/organization-variables", "variables")
    return _names(one.names, [repository, organization])


def _names(wanted: tuple[str, ...], lists: list[Items | None]) -> Answer:
    """Look for names, whose case doesn't count, in lists of which each must be whole for one to be missing."""
    there = {str(item.get("name")).upper() for one in lists if one is not None for item in one.found}
    lacking = [name for name in wanted if name.upper() not in there]
    if not lacking:
        return "done", ""
    whole = all(one is not None and one.whole for one in lists)
    return ("missing", f"there is no {', '.join(lacking)}") if whole else UNREAD


def _required_check(one: Obligation, client: Client) -> Answer:
    check, *branches = one.names
    return together(_check_on(check, branch, client) for branch in branches)


def _check_on(check: str, branch: str, client: Client) -> Answer:
    rules, protected = _rules_of(branch, client)
    for rule in rules.found if rules else ():
        if rule["type"] == "required_status_checks" and any(
            stated["context"] == check for stated in rule["parameters"]["required_status_checks"]
        ):
            return "done", ""
    if protected is not None and check in (
        ((protected.get("protection") or {}).get("required_status_checks") or {}).get("contexts") or ()
    ):
        return "done", ""
    if rules is None or not rules.whole or protected is None:
        return UNREAD
    return "missing", f"{branch} doesn't require {check}"


def _rules_of(branch: str, client: Client) -> tuple[Items | None, Mapping[str, Any] | None]:
    """Return the rules of rulesets that hold for a branch, and the branch with its older protection; None: untold."""
    if "*" in branch or "?" in branch:
        return None, None
    name = quote(branch, safe="")
    return client.items(f"{REPOSITORY}/rules/branches/{name}"), client.item(f"{REPOSITORY}/branches/{name}")


def _owners(one: Obligation, client: Client) -> Answer:
    return together(_owners_on(branch, client) for branch in one.names)


def _owners_on(branch: str, client: Client) -> Answer:
    rules, protected = _rules_of(branch, client)
    for rule in rules.found if rules else ():
        if rule["type"] == "pull_request" and rule["parameters"]["require_code_owner_review"] is True:
            return "done", ""
    # Of a branch's older protection only administrators are told this.
    if rules is None or not rules.whole or protected is None or protected.get("protected") is not False:
        return UNREAD
    return "missing", f"{branch} requires no review of code owners"


def _schedule(one: Obligation, client: Client) -> Answer:
    (file,) = one.names
    found = client.item(f"{REPOSITORY}/actions/workflows/{quote(file, safe='')}")
    state = found.get("state") if found is not None else None
    if not isinstance(state, str):
        return UNREAD
    return ("done", "") if state == "active" else ("missing", f"the workflow is {state}")


def _runner(one: Obligation, client: Client) -> Answer:
    """Look for a runner of the repository; those of its organization aren't told."""
    found = client.items(f"{REPOSITORY}/actions/runners", "runners")
    wanted = {label.lower() for label in one.names}

    def fits(runner: dict[str, Any]) -> bool:
        labels = {str(label["name"]).lower() for label in runner["labels"]}
        return runner["status"] == "online" and wanted <= labels

    return ("done", "") if found is not None and found.first(fits) else UNREAD


_PROBES: Mapping[str, Callable[[Obligation, Client], Answer]] = {
    "environment": _environment,
    "approval": _approval,
    "wait-timer": _timer,
    "branches": _branches,
    "secret": _secrets,
    "variable": _variable,
    "required-check": _required_check,
    "code-owners": _owners,
    "schedule": _schedule,
    "runner": _runner,
}
