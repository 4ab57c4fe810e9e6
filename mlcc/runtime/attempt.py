"""What one leg of a node needs while it runs, and the running of its command (S2, S7, S8).

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

from mlcc.runtime.data import publish, remote_digests
from mlcc.runtime.log import one_line
from mlcc.runtime.login import Logins
from mlcc.runtime.platform import Platform
from mlcc.runtime.process import TIMED_OUT, shell
from mlcc.runtime.records import (
    RunError,
    data_folder,
    legs_of,
    origin,
    read_plan,
    read_selection,
    report_folder,
    state_folder,
    write_record,
)
from mlcc.runtime.registered import published_versions, versions_taken
from mlcc.runtime.released import utc_now
from mlcc.runtime.services import wait_for
from mlcc.runtime.store import StoreAccess
from mlcc.runtime.values import node_env, read_values, resolve, runner_env

PASS, FAIL, ERROR, INCONCLUSIVE, SKIP, TIMEOUT = range(6)
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
        self.judged = False  # whether what it released was asked: that is done once
        spent = time.time() - float(left["remote"]["began"]) if left is not None and "remote" in left else 0.0
        self.started = time.monotonic() - max(0.0, spent)
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


def environment_of(
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
    versions = {} if rollback else versions_taken(node, plan, selection)
    env = {**runner_env(), **versions, **own, **login.env(), "MLCC_OUTPUTS": str(private / "outputs")}
    if node.get("release", {}).get("records"):
        env["MLCC_LIVE"] = str(private / "live")  # where who serves the release tells what is live
    for id, within in node.get("services", {}).items():
        name = id.upper().replace("-", "_")
        limit = min(time.monotonic() + within, leg.deadline)
        wait_for(id, own[f"SERVICE_{name}_HOST"], own[f"SERVICE_{name}_PORT"], limit)
    return env, login


def run_command(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    """Run the node's command once, take what it wrote, and note how it ended. Returns PASS, FAIL or TIMEOUT."""
    where = leg.node.get("working_directory") or "."
    code = shell([*leg.node.get("setup", []), *leg.node["run"]], env, leg.deadline, where, logins.tick)
    leg.code = code
    if code == TIMED_OUT and time.monotonic() >= leg.deadline:
        leg.finish("failed", "error", f"it didn't end within {leg.node['timeout']} s")
        return TIMEOUT
    if code != 0:
        leg.finish("failed", "fail", f"its command ended with {code}")
        return FAIL
    return take_outputs(leg, env)


def take_outputs(leg: Attempt, env: dict[str, str]) -> int:
    """Take what a command that ended well wrote, and note whether it is whole. Returns PASS or FAIL."""
    try:
        _check_unchanged(leg, env)
        leg.state["values"] = read_values(Path(env["MLCC_OUTPUTS"]), leg.node.get("outputs", []))
        run = leg.selection["facts"]["run_id"]
        access = StoreAccess(leg.plan, env, leg.deadline, leg.selection["commit"], run)
        leg.state["outputs"] = publish(leg.id, leg.leg, leg.node, access, leg.state["inputs"])
        leg.state["values"].update(published_versions(leg.id, leg.leg, leg.node, leg.plan))
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
