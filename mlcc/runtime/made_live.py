"""Notes in the store what a release makes live, and what is live once one was undone: for those who read what it runs.

A promotion is noted twice: before it begins, so that nobody takes the one before for live while that isn't sure, and when it
went well. What undoes a release does so first, and notes it then. Where a driver serves the release, it tells what is live;
of a release that is a command, the record knows what came before.

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from mlcc.runtime.attempt import Attempt
from mlcc.runtime.champion import put_released
from mlcc.runtime.live import change_live, confirmed, intended, restored, rolled_back
from mlcc.runtime.records import RunError
from mlcc.runtime.release_ids import release_id
from mlcc.runtime.released import utc_now
from mlcc.runtime.store import StoreAccess

NOTING_SECONDS = 120.0  # of its own: what was done is noted although the node's time is over
_MOST_TOLD = 300  # bytes


def intend_live(leg: Attempt, env: dict[str, str]) -> None:
    """Bring into the store what is to go live, and note that it may be live from now on. Raises RunError."""
    part = leg.node["release"]
    Path(env["MLCC_LIVE"]).unlink(missing_ok=True)
    entry = {
        "release": part["id"],
        "run": leg.selection["facts"]["run_id"],
        "commit": leg.selection["commit"],
        "time": utc_now(),
        "artifacts": put_released(part["records"], StoreAccess(leg.plan, env, leg.deadline)),
    }
    left = leg.deadline - time.monotonic()
    change_live(part["id"], lambda record: intended(record, entry), leg.plan, env, left)


def note_live(leg: Attempt, env: dict[str, str]) -> None:
    """Note that what was to go live is live. Raises RunError."""
    told = _told(env)
    change_live(
        leg.node["release"]["id"], lambda record: confirmed(record, told), leg.plan, env, NOTING_SECONDS
    )


def note_undone(leg: Attempt, node: dict[str, Any], env: dict[str, str]) -> None:
    """Note what is live after the command of a node that undoes releases, if anything reads that. Raises RunError.

    `node` is that node, and `env` the environment of its command.
    """
    part = node["release"]
    if not part.get("records"):
        return
    told = _told(env)
    base = release_id(part["id"], leg.selection["facts"]["run_id"])
    named = env.get("MLCC_RESTORE", "").strip()
    by_hand = node["kind"] == "restore"
    change_live(
        part["id"],
        lambda record: restored(record, named, told) if by_hand else rolled_back(record, base, told),
        leg.plan,
        env,
        NOTING_SECONDS,
    )


def _told(env: dict[str, str]) -> str | None:
    """Return the id that the driver left of what is live; None: a command left none. Raises RunError."""
    try:
        found = Path(env["MLCC_LIVE"]).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise RunError(f"what is live can't be read: {problem.strerror}") from None
    if len(found) > _MOST_TOLD:
        raise RunError("what is live was told in too many letters to be an id")
    return found.decode("utf-8", "replace").strip()
