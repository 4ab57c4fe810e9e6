"""What a release runs now: a record in the store, written where a release goes live and where it is undone (S11).

    PREFIX/releases/PIPELINE/RELEASE.json    what is live, a promotion that isn't confirmed, what each release consisted of

`live` is the id of a release, "" where nothing that was recorded is live, and null where that isn't known. Each change
comes to the same when it is made twice, and is held to the ids: undoing a release of earlier changes nothing of a later one.
One lock per environment sees to it that one change is made at a time.

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from mlcc.runtime.records import RunError
from mlcc.runtime.release_ids import is_of_run, next_id, release_id
from mlcc.runtime.store import read_object, write_object
from mlcc.runtime.stored import whole_handle
from mlcc.strict_json import JsonError, strict_json

NOTHING_LIVE: dict[str, Any] = {"live": "", "pending": None, "releases": []}


def record_key(release: str, plan: dict[str, Any]) -> str:
    """Return where the record of a release lies in the store."""
    return f"releases/{plan['name']}/{release}.json"


def read_live(release: str, plan: dict[str, Any], env: dict[str, str], seconds: float) -> dict[str, Any]:
    """Return the record of a release; without one, nothing is live. Raises RunError where the store can't be asked."""
    key = record_key(release, plan)
    content = read_object(key, plan, env, seconds)
    return dict(NOTHING_LIVE) if content is None else _whole_record(f"the store's {key}", content)


def change_live(
    release: str,
    change: Callable[[dict[str, Any]], dict[str, Any]],
    plan: dict[str, Any],
    env: dict[str, str],
    seconds: float,
) -> None:
    """Write the record of a release as a change makes it, where it makes another one of it. Raises RunError."""
    found = read_live(release, plan, env, seconds)
    changed = change(found)
    if changed != found:
        text = json.dumps(changed, indent=1, sort_keys=True, allow_nan=False) + "\n"
        write_object(record_key(release, plan), text.encode("utf-8"), plan, env, seconds)


# --- the changes ----------------------------------------------------------------------------------


def intended(record: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    """Return the record of a promotion that begins. `entry` is what is promoted: release, run, commit, time, artifacts."""
    base = release_id(entry["release"], entry["run"])
    live, pending = record["live"], record["pending"]
    lost = pending is not None and pending["base"] != base
    begun = {
        **entry,
        "base": base,
        "id": next_id(base, live) if live is not None and is_of_run(base, live) else base,
        "before": None if lost else live,  # whether a promotion that was lost went live, nobody knows
    }
    kept = [*_others(record, pending["id"]), pending] if lost else record["releases"]
    return {**record, "pending": begun, "releases": kept}


def confirmed(record: dict[str, Any], told: str | None) -> dict[str, Any]:
    """Return the record of a promotion that went well. `told` is the live release's id, where what serves it tells one."""
    pending = record["pending"]
    if pending is None:
        raise RunError("the promotion isn't in the store's record any more")
    id = pending["id"] if told is None else told
    if id == record["live"]:
        return {**record, "pending": None}
    return _with_live(record, {**pending, "id": id})


def rolled_back(record: dict[str, Any], base: str, told: str | None) -> dict[str, Any]:
    """Return the record after the rollback of a run's release, `base` its id. `told`: what is live then, where that is told."""
    if told is not None:
        return settled(record, told)
    if record["pending"] is not None and record["pending"]["base"] == base:
        return {**record, "live": record["pending"]["before"], "pending": None}
    own = [entry for entry in record["releases"] if entry["base"] == base]
    if own and record["live"] == own[-1]["id"]:
        return {**record, "live": own[-1]["before"]}
    return record


def restored(record: dict[str, Any], named: str, told: str | None) -> dict[str, Any]:
    """Return the record after a person has undone what was live, or brought back the release that was `named`."""
    if told is not None:
        return settled(record, told)
    if named:  # of what isn't recorded, a command may have brought back anything
        found = settled(record, named)
        return {**found, "live": found["live"] or None}
    if record["pending"] is not None:
        return rolled_back(record, record["pending"]["base"], None)
    last = record["releases"][-1] if record["releases"] else None
    if last is None or record["live"] == last["id"]:
        return {**record, "live": "" if last is None else last["before"]}
    return {
        **record,
        "live": None,
    }  # the last one was undone already: what a command brings back then, it alone knows


def settled(record: dict[str, Any], told: str) -> dict[str, Any]:
    """Return the record where what serves the release tells what is live. What was live before the record began is nothing."""
    pending = record["pending"]
    if any(entry["id"] == told for entry in record["releases"]):
        return {**record, "live": told, "pending": None}
    if pending is not None and is_of_run(pending["base"], told):
        return _with_live(record, {**pending, "id": told})
    known = any(is_of_run(entry["base"], told) for entry in record["releases"])
    return {**record, "live": None if known else "", "pending": None}


def _with_live(record: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    releases = [*_others(record, entry["id"]), entry]
    return {**record, "live": entry["id"], "pending": None, "releases": releases}


def _others(record: dict[str, Any], id: str) -> list[dict[str, Any]]:
    return [entry for entry in record["releases"] if entry["id"] != id]


# --- what the store has ---------------------------------------------------------------------------


def _whole_record(shown: str, content: bytes) -> dict[str, Any]:
    """Return a record if it is whole. Raises RunError."""
    try:
        found = strict_json(content.decode("utf-8"))
    except (JsonError, ValueError):
        raise RunError(f"{shown} is no record") from None
    whole = (
        isinstance(found, dict)
        and set(NOTHING_LIVE) <= set(found)
        and (found["live"] is None or isinstance(found["live"], str))
        and isinstance(found["releases"], list)
    )
    if not isinstance(found, dict) or not whole:
        raise RunError(f"{shown} isn't whole")
    pending = [] if found["pending"] is None else [found["pending"]]
    if not all(_is_entry(shown, entry) for entry in (*found["releases"], *pending)):
        raise RunError(f"{shown} has a release that isn't whole")
    if found["live"] and not any(entry["id"] == found["live"] for entry in found["releases"]):
        raise RunError(f"{shown} says that '{found['live']}' is live, and not what that consists of")
    return found


def _is_entry(shown: str, entry: Any) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("artifacts"), dict):
        return False
    for id, handle in entry["artifacts"].items():
        whole_handle(f"{shown} of '{id}'", handle)
    return all(
        isinstance(entry.get(key), str) for key in ("id", "base", "release", "run", "commit", "time")
    ) and ("before" in entry and (entry["before"] is None or isinstance(entry["before"], str)))
