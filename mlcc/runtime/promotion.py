"""The nodes of a release with the tags of its images: they move when it is live, and back when it is undone (S11).

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

from pathlib import Path

from mlcc.runtime.attempt import ERROR, PASS, Attempt
from mlcc.runtime.login import Logins
from mlcc.runtime.records import RunError
from mlcc.runtime.release import undone
from mlcc.runtime.steps import run_rollback, run_step, run_undoing
from mlcc.runtime.tags import move_tags, restore_tags, take_tags_back


def promote_step(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    """Run one step of a release; the one that makes it live moves the tags of its images, too. Returns as `run_step`."""
    status = run_step(leg, env, logins)
    if status != PASS or not leg.node.get("tags"):
        return status
    leg.finish("failed", "error", "its process was killed")  # unless the tags have moved in the end
    try:
        move_tags(leg, _private(env))
    except RunError as problem:
        leg.finish("failed", "error", f"it is deployed, and its tag isn't moved: {problem}")
        return ERROR
    leg.finish("passed", "pass", "")
    return PASS


def roll_back(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    """Undo a release that couldn't do so itself, and the tags of its images with it. Returns as `run_rollback`."""
    due = undone(leg.node, leg.plan, leg.selection, leg.platform) is None
    status = run_rollback(leg, env, logins)
    if status != PASS or not due:
        return status
    try:
        take_tags_back(leg, leg.node, _private(env))
    except RunError as problem:
        leg.finish("failed", "error", f"it was rolled back, and its tag wasn't: {problem}")
        return ERROR
    return PASS


def restore_step(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    """Undo by hand what is live, and the tags of its images with it. Returns PASS, FAIL, ERROR or TIMEOUT."""
    status = run_undoing(leg, env, logins)
    if status != PASS:
        return status
    try:
        restore_tags(leg, str(leg.state["values"].get("LIVE", "")), _private(env))
    except RunError as problem:
        leg.finish("failed", "error", f"it was undone, and its tag wasn't: {problem}")
        return ERROR
    return PASS


def _private(env: dict[str, str]) -> Path:
    return Path(env["MLCC_OUTPUTS"]).parent
