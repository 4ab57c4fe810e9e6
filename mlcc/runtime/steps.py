"""The nodes of a release: a step that may be judged, what undoes it at once, and its rollback's node (S11).

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from mlcc.runtime.attempt import (
    ERROR,
    FAIL,
    PASS,
    SKIP,
    TIMEOUT,
    VERDICTS,
    Attempt,
    environment_of,
    run_command,
)
from mlcc.runtime.decide import read_states
from mlcc.runtime.login import Logins
from mlcc.runtime.made_live import intend_live, note_live, note_undone
from mlcc.runtime.notices import conclude, untold
from mlcc.runtime.platform import Platform
from mlcc.runtime.process import TIMED_OUT, CancelledError, run, watch_cancel
from mlcc.runtime.records import RunError, read_plan, read_record, read_selection, state_folder
from mlcc.runtime.release import HELD, NOTHING_LEFT, NOTHING_RELEASED, keeps, undo, undone
from mlcc.runtime.released import Seen
from mlcc.runtime.tags import take_tags_back

WENT_LIVE = ("promote", "watch")  # the steps whose rollback changes what is live


def run_step(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    """Run one step of a release; where it goes live by that and something reads what is live, note so before and after."""
    if not leg.node["release"].get("records") or leg.node["release"]["step"] != "promote":
        return _run_step(leg, env, logins)
    intend_live(leg, env)
    status = _run_step(leg, env, logins)
    if status != PASS:
        return status
    leg.finish("failed", "error", "its process was killed")
    try:
        note_live(leg, env)
    except RunError as problem:
        leg.finish("failed", "error", f"it can't be noted that it is live: {problem}")
        return ERROR
    leg.finish("passed", "pass", "")
    return PASS


def _run_step(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    """Run a step, and hold it to its judge's verdict where it has one."""
    Seen(leg.id, leg.state, leg.plan, leg.selection).begin()
    leg.finish("failed", "error", "its process was killed")  # unless it says otherwise in the end
    verdict = state_folder(leg.id) / "verdict.json"
    verdict.unlink(missing_ok=True)
    status = run_command(leg, env, logins)
    if leg.code == SKIP and "error" in leg.node.get("holds", []):
        leg.finish("skipped", "", "another release is live")
        return SKIP
    if leg.node.get("verifies"):
        if status != PASS:
            return status  # there is nothing to verify
        status = _verify(leg, env, logins)
    if not leg.node.get("judged") or status == TIMEOUT:
        return status
    found = read_record(verdict)
    if found is None or found.get("gate") != leg.id:
        if status == PASS:
            leg.finish("failed", "error", "the judge left no verdict")
        return status or ERROR
    if status == PASS and found.get("verdict") != "pass":
        leg.finish(
            "failed", "error", f"the step ended well, which contradicts the verdict '{found.get('verdict')}'"
        )
        return ERROR
    if status != PASS:  # the judge says why
        judged = VERDICTS.get(leg.code, "error")
        agreed = judged if found.get("verdict") == judged else "error"
        leg.state["shown_bad"] = agreed == "fail"
        leg.state["held"] = agreed in leg.node.get("holds", [])
        leg.note = f"; {HELD}" if leg.state["held"] else ""
        leg.finish("failed", agreed, str(found.get("summary", "")))
    return status


def _verify(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    """Ask what the command has deployed, by the node's own gate: once, since a second look would turn chance into a pass."""
    leg.judged = True
    leg.finish("failed", "error", "its process was killed")
    script = f".mlcc/gates/{leg.node['judged']}.py"
    leg.code = run([sys.executable, "-I", script, leg.id], env, leg.deadline, ".", logins.tick)
    if leg.code == TIMED_OUT and time.monotonic() >= leg.deadline:
        leg.finish("failed", "error", f"it didn't end within {leg.node['timeout']} s")
        return TIMEOUT
    if leg.code == 0:
        leg.finish("passed", "pass", "")
        return PASS
    leg.finish("failed", "fail", f"its verification ended with {leg.code}")
    return FAIL


def run_rollback(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    """Undo a release that couldn't do so itself: it was lost with its machine, or its own rollback failed."""
    reason = undone(leg.node, leg.plan, leg.selection, leg.platform)
    if reason is None:
        return run_undoing(leg, env, logins)
    if reason == NOTHING_RELEASED:
        note_undone(leg, leg.node, env)
    leg.finish("passed", "pass", reason)
    return PASS


def run_undoing(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    """Run what undoes a release, and note what is live then where something reads that."""
    status = run_command(leg, env, logins)
    if status == PASS and leg.node["release"].get("records"):
        leg.finish("failed", "error", "its process was killed")
        note_undone(leg, leg.node, env)
        leg.finish("passed", "pass", "")
    return status


def undo_step(leg: Attempt, private: Path, *, late: bool = False) -> None:
    """Undo a release that began and didn't pass, even when the run is being cancelled: as its rollback's node would.

    `late`: the step's own process was killed.
    """
    if leg.state.get("began") is not True or leg.state["end"] != "failed" or leg.state.get("held") is True:
        return None
    if keeps(leg.node, leg.state):
        leg.state["held"], leg.note = True, f"; {HELD}"
        return leg.finish("failed", str(leg.state["verdict"]), str(leg.state["cause"]))
    note = "nothing can undo it"
    if "rollback" in leg.node:
        rollback = leg.plan["nodes"][leg.node["rollback"]]
        private.mkdir()
        try:
            env = {**environment_of(leg, private, rollback)[0], "MLCC_STEP": leg.node["release"]["step"]}
            done, note = undo(rollback, env)
            if done and leg.node["release"]["step"] in WENT_LIVE:
                done, note = _noted_undone(leg, rollback, env, note)
            leg.state["rolled_back"] = done
            if done:
                take_tags_back(leg, rollback, private)
            # Who was killed while it undid the release may have taken it away.
            leg.state["nothing_left"] = note == NOTHING_LEFT and not late
        except RunError as problem:
            leg.state["rolled_back"], note = False, f"it can't be undone: {problem}"
    leg.note = f"; {note}"
    return leg.finish("failed", str(leg.state["verdict"]), str(leg.state["cause"]))


def _noted_undone(leg: Attempt, rollback: dict[str, Any], env: dict[str, str], note: str) -> tuple[bool, str]:
    """Note what is live after a rollback. Return whether that is undone, and how to say so: the rollback's node tries again."""
    try:
        note_undone(leg, rollback, env)
    except RunError as problem:
        return False, f"{note}, which can't be noted: {problem}"
    return True, note


def undo_main(platform: Platform) -> int:
    """Undo a release whose process was killed before it could do so itself; the CI system calls this after the node."""
    watch_cancel()
    id = os.environ.get("MLCC_NODE", "")
    plan, selection = read_plan(), read_selection(platform.facts())
    if id not in plan["nodes"]:
        raise RunError(f"the plan has no node '{id}'")
    (left,) = read_states(id, plan["nodes"][id], selection)
    if left is None or left["end"] == "skipped":
        return PASS
    settled = left["end"] != "failed" or left.get("rolled_back") is True or left.get("held") is True
    unsettled = not settled and left.get("began") is True
    if not unsettled and "event" in left and not untold(plan["nodes"][id]["release"], left):
        return PASS
    leg = Attempt(id, "", platform, left)
    if unsettled:
        _undo_late(leg)
    conclude(id, leg.state, plan, selection, platform, last=True)
    done = leg.state.get("rolled_back") is True or leg.state.get("held") is True
    return FAIL if unsettled and not done else PASS


def _undo_late(leg: Attempt) -> None:
    left = dict(leg.state)
    leg.finish("failed", left["verdict"], left["cause"])  # whatever comes now, this is known
    try:
        with tempfile.TemporaryDirectory(prefix="mlcc-") as folder:
            undo_step(leg, Path(folder) / "undo", late=True)
    except CancelledError:
        leg.finish("failed", "error", f"{left['cause']}; undoing it was cancelled")
