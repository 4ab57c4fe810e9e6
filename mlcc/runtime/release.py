"""What undoes a release: the release itself, at once, and its rollback's node where that couldn't be (S11).

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from mlcc.runtime.decide import read_states, steps_of_release
from mlcc.runtime.log import say
from mlcc.runtime.platform import Platform
from mlcc.runtime.process import shell
from mlcc.runtime.records import RunError
from mlcc.runtime.values import read_values

HELD = "it is held: a person decides"
NOTHING_RELEASED = "nothing was released"
NOTHING_LEFT = "nothing of it was there to undo"


def undo(rollback: dict[str, Any], env: dict[str, str]) -> tuple[bool, str]:
    """Run the command of a rollback's node. Return whether the release is undone, and how to say so.

    It has a time of its own, so that a release which used up its time is undone, too.
    """
    say("mlcc: rolling back")
    lines = [*rollback.get("setup", []), *rollback["run"]]
    try:
        code = shell(
            lines, env, time.monotonic() + rollback["timeout"], rollback.get("working_directory") or "."
        )
    except OSError as problem:  # such as a folder that the release has removed
        return False, f"its rollback can't be run: {problem.strerror}"
    if code != 0:
        return False, f"its rollback ended with {code}"
    return True, NOTHING_LEFT if _found_nothing(rollback, env) else "it was rolled back"


def _found_nothing(rollback: dict[str, Any], env: dict[str, str]) -> bool:
    """Tell whether a rollback says that it took nothing away; one that says nothing of it may have."""
    try:
        return read_values(Path(env["MLCC_OUTPUTS"]), rollback.get("outputs", [])).get("UNDONE") == ""
    except RunError:
        return False


def keeps(node: dict[str, Any], state: dict[str, Any] | None) -> bool:
    """Tell whether what is live stays although a step didn't pass: where errors are held, a person decides.

    Only what was shown to be bad is undone there: a watch that was lost, late or cancelled showed nothing.
    """
    return "error" in node.get("holds", []) and (state is None or state.get("shown_bad") is not True)


def undone(
    node: dict[str, Any], plan: dict[str, Any], selection: dict[str, Any], platform: Platform
) -> str | None:
    """Say why a rollback's node has nothing to undo; None: it has, or that can't be told.

    A step that left no state was lost with its machine, unless it was cancelled: then neither it nor what follows began.
    """
    began: list[dict[str, Any]] = []
    live = False
    for id in steps_of_release(node):
        own = plan["nodes"][id]
        (state,) = read_states(id, own, selection)
        if state is not None and state.get("held") is True:
            return HELD
        if state is None and platform.was_cancelled(id):
            break
        if keeps(own, state):
            continue
        if state is None:
            return None
        if state.get("began") is True:
            began.append(state)
            live = live or (state["end"] == "passed" and own.get("release", {}).get("step") == "promote")
    if not began:
        return NOTHING_RELEASED
    if live and all(state["end"] == "passed" for state in began):
        return "the release passed"
    return "the release undid itself" if any(state.get("rolled_back") is True for state in began) else None
