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

from mlcc.runtime.data import check_guards, clean_outputs, lies_elsewhere, publish, receive, remote_digests
from mlcc.runtime.decide import Ending, denied, endings_before, read_states, skip_cause
from mlcc.runtime.log import one_line, say
from mlcc.runtime.login import Logins
from mlcc.runtime.notices import conclude, untold
from mlcc.runtime.platform import Platform
from mlcc.runtime.process import TIMED_OUT, CancelledError, run, shell, watch_cancel
from mlcc.runtime.records import (
    RunError,
    data_folder,
    legs_of,
    origin,
    read_plan,
    read_record,
    read_selection,
    report_folder,
    state_folder,
    write_record,
)
from mlcc.runtime.release import HELD, undo, undone
from mlcc.runtime.released import Seen, utc_now
from mlcc.runtime.services import wait_for
from mlcc.runtime.values import digest_env, node_env, read_values, resolve, runner_env

PASS, FAIL, ERROR, INCONCLUSIVE, SKIP, TIMEOUT = range(6)
TEARDOWN_SECONDS = 300.0
MAX_CAUSE = 2000  # characters
VERDICTS = {PASS: "pass", FAIL: "fail", INCONCLUSIVE: "inconclusive"}


class Attempt:
    """What one leg of a node needs while it runs."""

    def __init__(self, id: str, leg: str, platform: Platform, left: dict[str, Any] | None = None) -> None:
        self.id, self.leg, self.platform = id, leg, platform
        self.plan = read_plan()
        if id not in self.plan["nodes"]:
            raise RunError(f"the plan has no node '{id}'")
        self.node: dict[str, Any] = self.plan["nodes"][id]
        if leg not in legs_of(self.node):
            raise RunError(f"'{id}' has no leg '{leg}'")
        for folder in (state_folder(id, leg), data_folder(id, leg), report_folder(id, leg)):
            if left is None:
                shutil.rmtree(folder, ignore_errors=True)  # nothing stale may count
        platform.deliver(self.plan)
        self.selection = read_selection(platform.facts())
        self.note = ""  # what is added to the cause
        self.code = 0  # that its command ended with
        self.started = time.monotonic()
        self.deadline = self.started + float(self.node["timeout"])
        self.state: dict[str, Any] = {
            "schema": "https://mlcc.dev/state/1", **origin(self.selection, id, leg), "end": "failed", "verdict": "error",
            "cause": "", "attempts": 0, "inputs": {}, "outputs": {}, "values": {}, **(left or {}),
        }  # fmt: skip

    def finish(self, end: str, verdict: str, cause: str) -> None:
        """Write down how the leg ended. A cause may quote what came from outside, and is one line afterwards."""
        seconds = round(time.monotonic() - self.started, 1)
        whole = one_line(cause[:MAX_CAUSE]) + self.note
        self.state.update(end=end, verdict=verdict, cause=whole, seconds=seconds, ended=utc_now())
        write_record(state_folder(self.id, self.leg) / "state.json", self.state)


def node_main(platform: Platform) -> int:
    """Run the leg that the environment names, and return its exit status."""
    watch_cancel()
    id, leg_id = os.environ.get("MLCC_NODE", ""), os.environ.get("MLCC_LEG", "")
    try:
        leg = Attempt(id, leg_id, platform)
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
    if "release" in leg.node:
        conclude(leg.id, leg.state, leg.plan, leg.selection, platform, last=False)
    try:
        return _report(leg, status)
    except OSError as problem:
        say(f"mlcc: how {leg.id} ended can't be told: {problem.strerror}")
        return status or ERROR


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
    return FAIL if unsettled and leg.state.get("rolled_back") is not True else PASS


def _undo_late(leg: Attempt) -> None:
    left = dict(leg.state)
    leg.finish("failed", left["verdict"], left["cause"])  # whatever comes now, this is known
    try:
        with tempfile.TemporaryDirectory(prefix="mlcc-") as folder:
            _undo(leg, Path(folder) / "undo")
    except CancelledError:
        leg.finish("failed", "error", f"{left['cause']}; undoing it was cancelled")


def _decide_and_run(leg: Attempt) -> int:
    if leg.id not in leg.selection["selected"]:
        leg.finish("skipped", "", "it isn't selected")
        return SKIP
    endings = endings_before(leg.id, leg.plan, leg.selection)
    cause = skip_cause(leg.id, leg.plan, leg.selection, endings)
    if cause is not None:
        leg.finish("skipped", "", cause)
        return SKIP
    inputs = _received(leg)
    check_guards(leg.id, leg.node, inputs, leg.plan, leg.selection)
    leg.state["inputs"] = inputs
    with tempfile.TemporaryDirectory(prefix="mlcc-") as folder:
        private = Path(folder)
        env, logins = _environment(leg, private)
        found = remote_digests(leg.node, leg.plan, env, leg.deadline - time.monotonic())
        check_guards(leg.id, leg.node, found, leg.plan, leg.selection)
        leg.state["inputs"].update(found)
        env.update(digest_env(found))
        try:
            return _attempts(leg, env, logins)
        finally:
            try:
                _undo(leg, private / "undo")
            finally:
                _teardown(leg, env)


def _received(leg: Attempt) -> dict[str, str]:
    """Put what the node takes where it expects it, and return the digests. What lies elsewhere is asked for later."""
    here = [id for id in leg.node["takes"] if not lies_elsewhere(id, leg.plan)]
    return {id: receive(id, leg.plan, leg.selection) for id in here}


def _environment(
    leg: Attempt, private: Path, rollback: dict[str, Any] | None = None
) -> tuple[dict[str, str], Logins]:
    """Return the environment of the command, or of what undoes it, and its logins; wait until its services answer."""
    node, plan, selection = rollback or leg.node, leg.plan, leg.selection
    inputs = {} if rollback else leg.state["inputs"]
    own = node_env(node, leg.leg, plan, selection, private, inputs)
    legs = node.get("legs", {"": {}})
    logins = node.get("logins", [])
    values = {
        login["provider"]: {
            name: resolve(name, value, legs[leg.leg], plan, selection, private)
            for name, value in login["values"].items()
        }
        for login in logins
    }
    login = Logins(logins, values, private, leg.platform)
    env = {**runner_env(), **own, **login.env(), "MLCC_OUTPUTS": str(private / "outputs")}
    for id, within in node.get("services", {}).items():
        name = id.upper().replace("-", "_")
        limit = min(time.monotonic() + within, leg.deadline)
        wait_for(id, own[f"SERVICE_{name}_HOST"], own[f"SERVICE_{name}_PORT"], limit)
    return env, login


def _attempts(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    """Run until an attempt passes, none is left, or the time is over (S7, S8)."""
    status = ERROR
    for number in range(1, int(leg.node.get("retry", 0)) + 2):
        leg.state.update(attempts=number, outputs={}, values={})
        if number > 1:
            say(f"mlcc: attempt {number}")
        Path(env["MLCC_OUTPUTS"]).unlink(missing_ok=True)
        clean_outputs(leg.node, leg.plan)
        attempt = {"gate": _gate, "release": _release, "rollback": _rollback}.get(leg.node["kind"], _command)
        status = attempt(leg, env, logins)
        if status in (PASS, TIMEOUT):
            break
    return status


def _command(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    where = leg.node.get("working_directory") or "."
    code = shell([*leg.node.get("setup", []), *leg.node["run"]], env, leg.deadline, where, logins.tick)
    leg.code = code
    if code == TIMED_OUT and time.monotonic() >= leg.deadline:
        leg.finish("failed", "error", f"it didn't end within {leg.node['timeout']} s")
        return TIMEOUT
    if code != 0:
        leg.finish("failed", "fail", f"its command ended with {code}")
        return FAIL
    try:
        _check_unchanged(leg, env)
        leg.state["values"] = read_values(Path(env["MLCC_OUTPUTS"]), leg.node.get("outputs", []))
        leg.state["outputs"] = publish(leg.id, leg.leg, leg.node, leg.plan)
    except RunError as problem:
        leg.finish("failed", "fail", str(problem))
        return FAIL
    leg.finish("passed", "pass", "")
    return PASS


def _check_unchanged(leg: Attempt, env: dict[str, str]) -> None:
    """Refuse what a command made of objects that its gates may not have judged: nothing here keeps them as they were."""
    found = remote_digests(leg.node, leg.plan, env, leg.deadline - time.monotonic())
    changed = [id for id, digest in found.items() if digest != leg.state["inputs"][id]]
    if changed:
        raise RunError(f"'{changed[0]}' changed at its address while the command ran")


def _release(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    Seen(leg.id, leg.state, leg.plan, leg.selection).begin()
    leg.finish("failed", "error", "its process was killed")  # unless it says otherwise in the end
    verdict = state_folder(leg.id) / "verdict.json"
    verdict.unlink(missing_ok=True)
    status = _command(leg, env, logins)
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
        leg.state["held"] = agreed in leg.node.get("holds", [])
        leg.note = f"; {HELD}" if leg.state["held"] else ""
        leg.finish("failed", agreed, str(found.get("summary", "")))
    return status


def _rollback(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    """Undo a release that couldn't do so itself: it was lost with its machine, or its own rollback failed."""
    reason = undone(leg.node, leg.plan, leg.selection, leg.platform)
    if reason is None:
        return _command(leg, env, logins)
    leg.finish("passed", "pass", reason)
    return PASS


def _undo(leg: Attempt, private: Path) -> None:
    """Undo a release that began and didn't pass, even when the run is being cancelled: as its rollback's node would."""
    if leg.state.get("began") is not True or leg.state["end"] == "passed" or leg.state.get("held") is True:
        return
    note = "nothing can undo it"
    if "rollback" in leg.node:
        rollback = leg.plan["nodes"][leg.node["rollback"]]
        private.mkdir()
        try:
            leg.state["rolled_back"], note = undo(rollback, _environment(leg, private, rollback)[0])
        except RunError as problem:
            note = f"it can't be undone: {problem}"
    leg.note = f"; {note}"
    leg.finish("failed", str(leg.state["verdict"]), str(leg.state["cause"]))


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
    for id, report in leg.node.get("reports", {}).items():
        source = Path(report["path"])
        if source.is_symlink() or not source.is_file():  # a link could lead to what isn't a report at all
            leg.platform.warn(f"{leg.id}: it left no report '{id}' at {report['path']}")
            continue
        target = report_folder(leg.id, leg.leg) / id / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        if report["format"] == "markdown" and source.stat().st_size < 500_000:
            leg.platform.put_summary(source.read_text("utf-8", "replace"))


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
