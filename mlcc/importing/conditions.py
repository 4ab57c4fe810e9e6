"""Conditions of the spec, as every importer puts them together."""

from __future__ import annotations

from typing import Any

from mlcc.importing.draft import Draft


def both(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any] | None:
    """Return the condition that two conditions state together; None where one mapping can't."""
    merged = {**one, **other}
    for key in set(one) & set(other):
        if key == "event":
            events = [event for event in as_list(one[key]) if event in as_list(other[key])]
            if not events:
                return None
            merged[key] = events[0] if len(events) == 1 else events
        elif key == "input":
            merged[key] = {**one[key], **other[key]}
        elif one[key] != other[key]:
            return None
    return merged


def as_list(value: Any) -> list[Any]:
    """Return a list as it is, and anything else as its one item."""
    return value if isinstance(value, list) else [value]


def declared_events(draft: Draft) -> list[str]:
    """Return the events that the spec's triggers name."""
    return [
        event
        for event in ("push", "pull_request", "tag", "schedule", "manual", "dispatch")
        if draft.get("triggers", event)
    ]
