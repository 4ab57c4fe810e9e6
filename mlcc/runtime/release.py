"""What undoes a release: the release itself, at once, and its rollback's node where that couldn't be (S11).

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import time
from typing import Any

from mlcc.runtime.decide import read_states, steps_of_release
from mlcc.runtime.log import say
from mlcc.runtime.process import shell


def undo(node: dict[str, Any], env: dict[str, str]) -> tuple[bool, str]:
    """Run the rollback of a release that didn't pass. Return whether it is undone, and how to say so.

    It has a time of its own, so that a release which used up its time is undone, too.
    """
    rollback = node.get("rollback")
    if rollback is None:
        return False, "nothing can undo it"
    say("mlcc: rolling back")
    lines = [*node.get("setup", []), *rollback["run"]]
    code = shell(lines, env, time.monotonic() + rollback["timeout"], node.get("working_directory") or ".")
    return (True, "it was rolled back") if code == 0 else (False, f"its rollback ended with {code}")


def undone(node: dict[str, Any], plan: dict[str, Any], selection: dict[str, Any]) -> str | None:
    """Say why a rollback's node has nothing to undo; None: it has, or that can't be told."""
    steps = steps_of_release(node)
    states = [state for id in steps for state in read_states(id, plan["nodes"][id], selection)]
    if any(state is None for state in states):
        return None
    began = [state for state in states if state is not None and state.get("began") is True]
    if not began:
        return "nothing was released"
    return "the release undid itself" if any(state.get("rolled_back") is True for state in began) else None
