"""Brings what a release runs now to who reads it, and puts what it promotes where that will be found.

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mlcc.runtime.data import ABSENT, clear, digest, location
from mlcc.runtime.decide import read_states
from mlcc.runtime.live import read_live, record_key
from mlcc.runtime.records import RunError
from mlcc.runtime.store import StoreAccess
from mlcc.runtime.stored import get_stored_by, put_stored, read_handle


def is_released(id: str, plan: dict[str, Any]) -> bool:
    """Tell whether an artifact is what a release runs now."""
    return "released" in plan["artifacts"][id]


def receive_released(
    id: str,
    node: dict[str, Any],
    plan: dict[str, Any],
    selection: dict[str, Any],
    store: StoreAccess,
    known: str | None = None,
) -> str:
    """Put what a release runs now where its readers expect it, and return its digest; ABSENT: it runs none yet.

    All of a run read the same: what this node has read already (`known`) counts, or what a node before it has. Raises RunError.
    """
    artifact = plan["artifacts"][id]
    release, source = artifact["released"]["release"], artifact["released"]["artifact"]
    where = Path(artifact["paths"][0])
    clear(where)
    before = {other for other, _ in node["before"]}
    seen = _read_by(id, before, plan, selection)
    if len(set(seen.values())) > 1:
        raise RunError(_differ(id, seen))
    record = read_live(release, plan, store.env, store.deadline - time.monotonic())
    known = next(iter(seen.values()), None) if known is None else known
    if known == ABSENT:
        return ABSENT
    handle = (
        _live_handle(release, source, record, plan) if known is None else _handle_of(known, source, record)
    )
    if handle is None:
        return ABSENT
    shown = f"'{id}', which the release '{release}' runs"
    where.parent.mkdir(parents=True, exist_ok=True)
    get_stored_by(shown, handle, where, artifact["form"], store)
    return digest(id, artifact)


def _live_handle(
    release: str, source: str, record: dict[str, Any], plan: dict[str, Any]
) -> dict[str, Any] | None:
    """Return the handle of what is live; None: nothing is. Raises RunError where that isn't known."""
    pending = record["pending"]
    if pending is not None:
        raise RunError(
            f"what '{release}' runs isn't known: its release '{pending['id']}' of the run {pending['run']} is being promoted, "
            "or was lost while it was. Run this again once that has ended; where it was lost, let its job be run again, or "
            "undo it (`rollback.manual`, `rollback.reconcile`)"
        )
    if record["live"] is None:
        raise RunError(
            f"what '{release}' runs isn't known: the last release was undone more than once, or one was lost while it was "
            f"promoted. The next promotion makes it known; by hand, the store's {record_key(release, plan)} says it"
        )
    live = next((entry for entry in record["releases"] if entry["id"] == record["live"]), None)
    if live is None:
        return None
    handle = live["artifacts"].get(source)
    if handle is None:
        raise RunError(f"the release '{live['id']}', which is live, brought no '{source}': the next one does")
    return dict(handle)


def _handle_of(digest: str, source: str, record: dict[str, Any]) -> dict[str, Any]:
    """Return the handle of what a node before has read, whatever is live by now. Raises RunError."""
    handles = (entry["artifacts"].get(source) for entry in record["releases"])
    found = next((handle for handle in handles if handle is not None and handle["digest"] == digest), None)
    if found is None:
        raise RunError(f"the store's record has no release any more with '{source}' as {digest}")
    return dict(found)


def differing(plan: dict[str, Any], selection: dict[str, Any], ids: Iterable[str]) -> list[str]:
    """Say of which artifacts nodes among `ids` read something else than others did, since a release changed in between."""
    ids = set(ids)
    found = []
    for id, artifact in plan["artifacts"].items():
        seen = _read_by(id, ids, plan, selection) if "released" in artifact else {}
        if len(set(seen.values())) > 1:
            found.append(_differ(id, seen))
    return found


def _read_by(id: str, ids: set[str], plan: dict[str, Any], selection: dict[str, Any]) -> dict[str, str]:
    """Return leg of a node -> digest of what those of a run that have read an artifact got."""
    found: dict[str, str] = {}
    for other, node in plan["nodes"].items():
        if other in ids and other in selection["selected"] and id in node["takes"]:
            for state in read_states(other, node, selection):
                if state is not None and id in state["inputs"]:
                    name = f"{other} ({state['leg']})" if state["leg"] else other
                    found[name] = state["inputs"][id]
    return found


def _differ(id: str, seen: dict[str, str]) -> str:
    (one, first), *rest = seen.items()
    other = next(other for other, digest in rest if digest != first)
    return f"'{one}' and '{other}' read different bytes as '{id}': a release went live, or was undone, in between. Run all again"


def put_released(ids: Iterable[str], store: StoreAccess) -> dict[str, dict[str, Any]]:
    """Bring what is promoted into the store, where it isn't yet, and return artifact -> handle. Raises RunError."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="mlcc-") as private:
        for id in ids:
            artifact = store.plan["artifacts"][id]
            folder = Path(private) / id
            put_stored(f"'{id}'", digest(id, artifact), Path(location(id, artifact)), folder, store)
            found[id] = read_handle(f"'{id}'", folder)
    return found
