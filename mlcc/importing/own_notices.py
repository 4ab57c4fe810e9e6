"""Who is told how runs end, in a compiled plan -> `notify`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlcc.planning.run_notices import EVENTS, STARTTLS_PORT, UNASKED


def notified(notice: dict[str, Any]) -> dict[str, Any]:
    """Return an entry of `notify`."""
    when = [_condition(condition) for condition in notice["when"]]
    way = {key: value for key, value in notice.items() if key != "when"}
    if "email" in way:
        way["email"] = _email(way["email"])
    return {"when": when[0] if len(when) == 1 else when, **way}


def secrets_of(notice: dict[str, Any]) -> Iterator[str]:
    """Yield the secrets that telling somebody takes."""
    for way in notice.values():
        if isinstance(way, dict):
            places = (way, way.get("token", {}), way.get("password", {}))
            yield from (place["secret"] for place in places if "secret" in place)


def _condition(condition: dict[str, Any]) -> dict[str, Any]:
    found = {
        key: value[0] if isinstance(value, list) and len(value) == 1 else value
        for key, value in condition.items()
    }
    if found.get("event") == [event for event in EVENTS if event not in UNASKED]:
        del found["event"]  # what is told where the spec names none
    return found


def _email(stated: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in stated.items() if key not in ("host", "port")}
    port = "" if stated["port"] == STARTTLS_PORT else f":{stated['port']}"
    return {**rest, "server": f"{stated['host']}{port}"}
