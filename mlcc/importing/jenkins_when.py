"""The `when` of a stage -> conditions of the spec. Matched, never evaluated."""

from __future__ import annotations

import re
from typing import Any

from mlcc.importing.conditions import as_list, both
from mlcc.importing.document import entries
from mlcc.importing.draft import Draft, identifier
from mlcc.importing.jenkinsfile import argument, head_of, plain_text
from mlcc.load.source import Entry, Mapping, Node

Alternatives = list[dict[str, Any]]
_OPTIONS = ("beforeAgent", "beforeInput", "beforeOptions")


def alternatives_of(draft: Draft, id: str, node: Node, there: Any) -> Alternatives | None:
    """Return what a `when` says together with the condition that a job has already; None where it isn't understood.

    An empty list restricts nothing. Files that it names become the job's `path`.
    """
    found: Alternatives | None = [{}] if there is None else as_list(there)
    for entry in entries(node):
        found = _together(found, _condition(draft, id, entry))
    return None if found is None else [a for a in found if a]


def _together(left: Alternatives | None, right: Alternatives | None) -> Alternatives | None:
    if left is None or right is None:
        return None
    merged = [both(a, b) for a in left for b in right]
    return [m for m in merged if m is not None] or None


def _condition(draft: Draft, id: str, entry: Entry) -> Alternatives | None:
    name, rest = head_of(entry.key)
    if name in _OPTIONS:
        return [{}]
    if name in ("anyOf", "allOf", "not"):
        return _combined(draft, id, name, entries(entry.node))
    if name == "expression" and isinstance(entry.node, Mapping):
        return _expression(entries(entry.node))
    if name == "changeset" and (text := plain_text(argument(rest, "pattern", 0))):
        draft.append(text[:-2] if text.endswith("/**") else text, "jobs", id, "path")
        return [{}]
    return None if "comparator" in rest else _fact(draft, name, rest)


def _fact(draft: Draft, name: str, rest: str) -> Alternatives | None:
    """Return what a condition says of the branch, the tag, the pull request or the cause of a run."""
    text = plain_text(argument(rest, "pattern", 0))
    if name == "branch" and text:
        return [{"event": _declared(draft, "push", "schedule", "manual"), "branch": text}]
    if name == "tag" and text:
        return [{"tag": text}]
    if name == "buildingTag":
        return [{"event": "tag"}]
    if name == "changeRequest":
        target = plain_text(argument(rest, "target"))
        return [{"event": "pull_request", **({"branch": target} if target else {})}]
    event = (
        {"TimerTrigger": "schedule", "UserIdCause": "manual"}.get(text or "")
        if name == "triggeredBy"
        else None
    )
    return [{"event": event}] if event and draft.get("triggers", event) else None


def _combined(draft: Draft, id: str, name: str, inner: list[Entry]) -> Alternatives | None:
    if name == "not":
        only = [head_of(entry.key)[0] for entry in inner] == ["changeRequest"]
        return [{"event": _declared(draft, "push", "tag", "schedule", "manual")}] if only else None
    if name == "anyOf" and any(head_of(entry.key)[0] == "changeset" for entry in inner):
        return None  # the files of a job count for all of its alternatives
    parts = [_condition(draft, id, entry) for entry in inner]
    if name == "anyOf":
        return None if None in parts else [a for part in parts if part for a in part]
    found: Alternatives | None = [{}]
    for part in parts:
        found = _together(found, part)
    return found


def _expression(inner: list[Entry]) -> Alternatives | None:
    """Return what an expression about one parameter says."""
    match = len(inner) == 1 and re.fullmatch(r"(?:return\s+)?params\.(\w+)(?:\s*==\s*(.+))?", inner[0].key)
    if not match:
        return None
    value: Any = plain_text(match[2]) if match[2] else True
    value = {"true": True, "false": False}.get(str(match[2]), value)
    return None if value is None else [{"input": {identifier(match[1], "input"): value}}]


def _declared(draft: Draft, *events: str) -> list[str]:
    return [event for event in events if draft.get("triggers", event)]
