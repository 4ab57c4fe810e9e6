"""One leg of one node: decide, receive, run, publish, and say how it ended (S2, S4, S5, S7, S8).

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from mlcc.runtime.attempt import (
    ERROR,
    FAIL,
    INCONCLUSIVE,
    PASS,
    SKIP,
    TIMEOUT,
    VERDICTS,
    Attempt,
    environment_of,
    run_command,
)
from mlcc.runtime.building import build_image
from mlcc.runtime.champion import is_released, receive_released
from mlcc.runtime.collected import collect_reports
from mlcc.runtime.data import (
    check_guards,
    clean_outputs,
    is_kept,
    lies_elsewhere,
    receive,
    remote_digests,
)
from mlcc.runtime.decide import Ending, denied, endings_before, skip_cause
from mlcc.runtime.images import is_image, look_up, receive_images
from mlcc.runtime.log import say
from mlcc.runtime.login import Logins
from mlcc.runtime.notices import conclude
from mlcc.runtime.platform import Platform
from mlcc.runtime.process import TIMED_OUT, CancelledError, run, shell, watch_cancel
from mlcc.runtime.promotion import promote_step, restore_step, roll_back
from mlcc.runtime.records import RunError, read_record, state_folder
from mlcc.runtime.remote import RUNNING, cancel_main, left_behind, run_remote
from mlcc.runtime.steps import run_undoing, undo_step
from mlcc.runtime.store import StoreAccess
from mlcc.runtime.values import absent_env, digest_env

TEARDOWN_SECONDS = 300.0


def node_main(platform: Platform) -> int:
    """Run the leg that the environment names, and return its exit status.

    MLCC_TURN, of a CI system that waits by itself: `again` goes on with a remote job after a wait, `cancel` ends it.
    """
    turn = os.environ.get("MLCC_TURN", "")
    if turn == "cancel":
        return cancel_main(platform)
    watch_cancel()
    id, leg_id = os.environ.get("MLCC_NODE", ""), os.environ.get("MLCC_LEG", "")
    try:
        left = left_behind(id, leg_id, platform) if turn == "again" else None
        leg = Attempt(id, leg_id, platform, left)
    except CancelledError:
        raise RunError("the run was cancelled") from None
    status = ERROR
    try:
        status = _decide_and_run(leg)
    except RunError as problem:
        leg.finish("failed", "error", str(problem))
    except CancelledError:
        leg.state["cancelled"] = True
        leg.finish("failed", "error", "the run was cancelled")
    except Exception as problem:  # fail closed: what nobody foresaw is an error, and says so
        leg.finish("failed", "error", f"{type(problem).__name__}: {problem}")
    if status == RUNNING:
        say(f"mlcc: the remote job of {leg.id} still runs")
        return RUNNING
    if "release" in leg.node:
        conclude(leg.id, leg.state, leg.plan, leg.selection, platform, last=False)
    try:
        return _report(leg, status)
    except OSError as problem:
        say(f"mlcc: how {leg.id} ended can't be told: {problem.strerror}")
        return status or ERROR


def _decide_and_run(leg: Attempt) -> int:
    if leg.id not in leg.selection["selected"]:
        leg.finish("skipped", "", "it isn't selected")
        return SKIP
    endings = endings_before(leg.id, leg.plan, leg.selection)
    cause = skip_cause(leg.id, leg.plan, leg.selection, endings)
    if cause is not None:
        leg.finish("skipped", "", cause)
        return SKIP
    unapproved = leg.platform.approval_problem()
    if unapproved:
        raise RunError(unapproved)
    read = dict(leg.state["inputs"])  # where it goes on after a wait
    inputs = _received(leg)
    check_guards(leg.id, leg.node, inputs, leg.plan, leg.selection)
    leg.state["inputs"] = inputs
    with tempfile.TemporaryDirectory(prefix="mlcc-") as folder:
        private = Path(folder)
        env, logins = environment_of(leg, private)
        found = {
            **remote_digests(leg.node, leg.plan, env, leg.deadline - time.monotonic()),
            **_fetched(leg, StoreAccess(leg.plan, env, leg.deadline), read),
            **receive_images(leg, private),
        }
        check_guards(leg.id, leg.node, found, leg.plan, leg.selection)
        leg.state["inputs"].update(found)
        env.update(digest_env(found, leg.plan))
        env.update(absent_env(leg.state["inputs"]))
        status = ERROR
        try:
            status = _attempts(leg, env, logins)
        finally:
            try:
                undo_step(leg, private / "undo")
            finally:
                if status != RUNNING:
                    _teardown(leg, env)
        return status


def _received(leg: Attempt) -> dict[str, str]:
    """Put what the node takes where it expects it, and return the digests. What lies elsewhere comes later."""
    elsewhere = (lies_elsewhere, is_kept, is_image, is_released)
    here = [id for id in leg.node["takes"] if not any(way(id, leg.plan) for way in elsewhere)]
    return {id: receive(id, leg.plan, leg.selection) for id in here}


def _fetched(leg: Attempt, store: StoreAccess, read: dict[str, str]) -> dict[str, str]:
    """Fetch what the node takes of the store or of a registry, and return the digests.

    `read` are those that it has read before a wait.
    """
    kept = [id for id in leg.node["takes"] if is_kept(id, leg.plan)]
    found = {id: receive(id, leg.plan, leg.selection, store) for id in kept}
    released = [id for id in leg.node["takes"] if is_released(id, leg.plan)]
    return {
        **found,
        **{
            id: receive_released(id, leg.node, leg.plan, leg.selection, store, read.get(id))
            for id in released
        },
    }


def _attempts(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    """Run until an attempt passes, none is left, or the time is over (S7, S8)."""
    status = ERROR
    begun = max(1, int(leg.state["attempts"]))
    for number in range(begun, int(leg.node.get("retry", 0)) + 2):
        leg.state.update(attempts=number, outputs={}, values={})
        if number > 1:
            say(f"mlcc: attempt {number}")
        Path(env["MLCC_OUTPUTS"]).unlink(missing_ok=True)
        clean_outputs(leg.node, leg.plan)
        attempt = next(
            (way for key, way in _WAYS.items() if key in leg.node), _KINDS.get(leg.node["kind"], run_command)
        )
        status = attempt(leg, env, logins)
        if status in (PASS, TIMEOUT, SKIP, RUNNING) or leg.judged:
            break
    return status


def _gate(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    """Run a gate script and believe its verdict only where exit status and verdict file agree (S5)."""
    python = _gate_python(leg, env) if leg.node.get("packages") else sys.executable
    folder = state_folder(leg.id)
    shutil.rmtree(folder, ignore_errors=True)
    script = f".mlcc/gates/{leg.node.get('script', leg.node['gate'])}.py"
    code = run([python, "-I", script, leg.id], env, leg.deadline, ".", logins.tick)
    record = read_record(folder / "verdict.json")
    if leg.leg:
        shutil.rmtree(state_folder(leg.id, leg.leg), ignore_errors=True)
        if folder.exists():
            folder.rename(state_folder(leg.id, leg.leg))
    if code == TIMED_OUT and time.monotonic() >= leg.deadline:
        leg.finish("failed", "error", f"it didn't end within {leg.node['timeout']} s")
        return TIMEOUT
    return _judge(leg, code, record)


_WAYS = {"remote": run_remote, "build": build_image, "lookup": look_up}
_KINDS = {
    "gate": _gate,
    "release": promote_step,
    "rollback": roll_back,
    "restore": restore_step,
    "reconcile": run_undoing,
}


def _gate_python(leg: Attempt, env: dict[str, str]) -> str:
    """Return a Python that has the gate's pinned packages, in an environment of its own."""
    name = str(leg.node["packages"])
    folder = Path("_mlcc") / "venv" / name
    python = str(folder / "bin" / "python")
    wanted = f".mlcc/gates/{name}.txt"
    install = ["install", "--quiet", "--disable-pip-version-check", "--no-compile", "--no-deps", "--require-hashes",
               "--only-binary", ":all:", "-r", wanted]  # fmt: skip
    # An environment without a pip of its own is there 2 s sooner; a pip before 22.3 can't fill one.
    ways: tuple[tuple[list[str], list[str]], ...] = (
        (["--without-pip"], [sys.executable, "-m", "pip", "--python", python]),
        ([], [python, "-I", "-m", "pip"]),
    )
    for options, pip in ways:
        made = run([sys.executable, "-m", "venv", "--clear", *options, str(folder)], env, leg.deadline)
        if made == 0 and run([*pip, *install], env, leg.deadline) == 0:
            return python
    raise RunError(f"the packages pinned in {wanted} can't be installed")


def _judge(leg: Attempt, code: int, record: dict[str, Any] | None) -> int:
    if record is None or record.get("gate") != leg.id:
        leg.finish("failed", "error", "the gate left no verdict")
        return ERROR
    guarded = leg.node["guards"]
    inputs = record.get("inputs")
    judged = inputs.get(guarded) if isinstance(inputs, dict) else None
    judged = judged.get("digest") if isinstance(judged, dict) else None
    if judged != leg.state["inputs"].get(guarded) and record.get("verdict") != "error":
        leg.finish("failed", "error", f"the gate judged other bytes of '{guarded}' than it was given")
        return ERROR
    verdict, summary = str(record.get("verdict")), str(record.get("summary", ""))
    opened = (
        verdict == "pass"
        or (verdict == "inconclusive" and leg.node.get("on_inconclusive") == "warn")
        or (verdict in ("fail", "inconclusive") and "waived" in record)
    )
    if (code == PASS) != opened or (not opened and VERDICTS.get(code, "error") != verdict):
        leg.finish(
            "failed", "error", f"the gate ended with {code}, which contradicts its verdict '{verdict}'"
        )
        return ERROR
    leg.finish("passed" if opened else "failed", verdict, summary)
    return code if code in (PASS, FAIL, INCONCLUSIVE) else ERROR


def _teardown(leg: Attempt, env: dict[str, str]) -> None:
    """Run `finally` and collect reports, whatever happened before."""
    if leg.node.get("finally"):
        where = leg.node.get("working_directory") or "."
        code = shell(leg.node["finally"], env, time.monotonic() + TEARDOWN_SECONDS, where)
        if code != 0:
            leg.platform.warn(f"{leg.id}: its `finally` ended with {code}")
    collect_reports(leg.id, leg.leg, leg.node, leg.platform)


def _report(leg: Attempt, status: int) -> int:
    """Tell people and the CI system how the leg ended, and return the exit status that it reads."""
    end, cause = str(leg.state["end"]), str(leg.state["cause"])
    name = f"{leg.id} ({leg.leg})" if leg.leg else leg.id
    say(f"mlcc: {name} {end}{': ' + cause if cause else ''}")
    summary = state_folder(leg.id, leg.leg) / "summary.md"
    if summary.is_file():
        leg.platform.put_summary(summary.read_text("utf-8", "replace"))
    if not leg.node.get("blocking", True) and leg.id in leg.selection["selected"]:
        found = Ending(end, str(leg.state["verdict"]), cause)
        names = denied(leg.id, leg.plan, leg.selection, found) if not leg.leg else []
        leg.platform.put_output("deny", "," + "".join(id + "," for id in names))
        if end == "failed":
            if leg.node["kind"] == "gate":  # what gates found, the final node's notes show
                say(f"mlcc: {name} is not blocking")
            else:
                leg.platform.warn(f"{name} is not blocking, and failed: {cause}")
            return status if leg.platform.raw_exit else 0
    return leg.platform.skip_exit if status == SKIP else status
