"""What GitLab's API tells of each obligation, by reading calls of `glab api` alone.

Variables are asked for by GraphQL, which leaves their values out; REST would send them along.
https://docs.gitlab.com/api/: projects, pipeline_schedules, protected_branches, protected_tags, protected_environments,
resource_groups; https://docs.gitlab.com/api/graphql/reference/#project.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from mlcc.backends.gitlab.obligations import PROJECT
from mlcc.doctor.client import Client, Items
from mlcc.doctor.finding import Answer, together
from mlcc.obligations.obligation import Obligation

UNREAD: Answer = ("unknown", "the API doesn't say")
UTC = ("UTC", "Etc/UTC")
_FIELDS = "nodes { key environmentScope masked } pageInfo { hasNextPage }"


def answer(one: Obligation, client: Client) -> Answer:
    """Return how an obligation stands."""
    probe = _BY_ID.get(one.id) or _BY_KIND.get(one.kind)
    if probe is None:
        return "unknown", "no API tells"
    try:
        return probe(one, client)
    except (LookupError, TypeError, AttributeError):  # an odd answer tells nothing
        return UNREAD


def _setting(name: str, wanted: object, client: Client) -> Answer:
    """Hold a setting of the project against what it must be."""
    project = client.item(PROJECT)
    if project is None or name not in project:
        return UNREAD
    return ("done", "") if project[name] == wanted else ("missing", f"{name} is {json.dumps(project[name])}")


def _required_check(_: Obligation, client: Client) -> Answer:
    skipped = _setting("allow_merge_on_skipped_pipeline", False, client)
    unset = _setting("allow_merge_on_skipped_pipeline", None, client)
    needed = _setting("only_allow_merge_if_pipeline_succeeds", True, client)
    return together([needed, unset if unset[0] == "done" else skipped])


def _forks(_: Obligation, client: Client) -> Answer:
    return _setting("ci_allow_fork_pipelines_to_run_in_parent_project", False, client)


def _pipeline_variables(one: Obligation, client: Client) -> Answer:
    return _setting("ci_pipeline_variables_minimum_override_role", one.names[0], client)


def _schedule(one: Obligation, client: Client) -> Answer:
    word, cron = one.names
    found = client.items(f"{PROJECT}/pipeline_schedules")
    if found is None:
        return UNREAD
    alike = [item for item in found.found if item["cron"] == cron]
    answers = [_started(item, word, client) for item in alike]
    if ("done", "") in answers:
        return "done", ""
    return together(answers or [("missing", f"no schedule has {cron}") if found.whole else UNREAD])


def _started(schedule: Mapping[str, Any], word: str, client: Client) -> Answer:
    """Tell whether a schedule is on, in the spec's time zone, and says what it starts."""
    if schedule["active"] is not True:
        return "missing", "it is switched off"
    if schedule["cron_timezone"] not in UTC:
        return "missing", f"it goes by {schedule['cron_timezone']}, not by UTC"
    whole = client.item(f"{PROJECT}/pipeline_schedules/{int(schedule['id'])}")
    if whole is None or "variables" not in whole:
        return UNREAD
    said = [item["value"] for item in whole["variables"] if item["key"] == "MLCC_TRIGGER"]
    return ("done", "") if said == [word] else ("missing", f"its MLCC_TRIGGER isn't {word}")


def _stated_variables(client: Client) -> Items | None:
    """Return the variables of the project, and of the groups around it: key, environmentScope, masked."""
    project = client.item(PROJECT)
    path = project.get("path_with_namespace") if project is not None else None
    if not isinstance(path, str):
        return None
    lists = ("ciVariables", "inheritedCiVariables")
    fields = " ".join(f"{name} {{ {_FIELDS} }}" for name in lists)
    found: Any = client.query(f"query {{ project(fullPath: {json.dumps(path)}) {{ {fields} }} }}")
    pages = [found["data"]["project"][name] for name in lists]
    whole = all(page["pageInfo"]["hasNextPage"] is False for page in pages)
    return Items([dict(node) for page in pages for node in page["nodes"]], whole)


def _secret(one: Obligation, client: Client) -> Answer:
    found = _stated_variables(client)
    return UNREAD if found is None else together(_scoped(one.names[0], place, found) for place in one.places)


def _scoped(name: str, place: str, found: Items) -> Answer:
    """Tell whether a variable is there for an environment, and for no more than that, and masked."""
    alike = [item for item in found.found if item["key"] == name]
    if any(item["environmentScope"] == "*" for item in alike):
        return "missing", f"{name} isn't scoped: it reaches every job"
    own = [item for item in alike if item["environmentScope"] == place]
    if not own:
        return ("missing", f"there is no {name} for '{place}'") if found.whole else UNREAD
    return (
        ("done", "") if all(item["masked"] is True for item in own) else ("missing", f"{name} isn't masked")
    )


def _variable(one: Obligation, client: Client) -> Answer:
    found = _stated_variables(client)
    if found is None:
        return UNREAD
    if found.named("key", one.names[0]):
        return "done", ""
    return ("missing", f"there is no {one.names[0]}") if found.whole else UNREAD


def _protected(one: Obligation, client: Client) -> Answer:
    kind = "protected_tags" if one.id.startswith("protected-tag.") else "protected_branches"
    return together(_listed(client, kind, name) for name in one.names)


def _listed(client: Client, kind: str, name: str) -> Answer:
    found = client.items(f"{PROJECT}/{kind}")
    if found is None:
        return UNREAD
    if found.named("name", name):
        return "done", ""
    return ("missing", f"{name} isn't protected") if found.whole else UNREAD


def _approval(one: Obligation, client: Client) -> Answer:
    if one.id.endswith(".deployers"):
        return "unknown", "who may start a release isn't in the spec"
    return together(_listed(client, "protected_environments", name) for name in one.names)


def _owners(one: Obligation, client: Client) -> Answer:
    found = client.items(f"{PROJECT}/protected_branches")
    if found is None:
        return UNREAD
    (branch,) = one.names
    item = found.named("name", branch)
    if item is None:
        return ("missing", f"{branch} isn't protected") if found.whole else UNREAD
    asked = item["code_owner_approval_required"]
    return ("done", "") if asked is True else ("missing", "owners aren't asked")


def _order(one: Obligation, client: Client) -> Answer:
    group = client.item(f"{PROJECT}/resource_groups/{one.places[0]}")
    if group is None:
        return UNREAD
    mode = group["process_mode"]
    return ("done", "") if mode == "oldest_first" else ("missing", f"the mode is {mode}")


Probe = Callable[[Obligation, Client], Answer]
_BY_ID: Mapping[str, Probe] = {
    "required-check": _required_check,
    "setting.fork-pipelines": _forks,
    "setting.pipeline-variables": _pipeline_variables,
}
_BY_KIND: Mapping[str, Probe] = {
    "schedule": _schedule,
    "secret": _secret,
    "variable": _variable,
    "branches": _protected,
    "protected-ref": _protected,
    "approval": _approval,
    "code-owners": _owners,
    "order": _order,
}
