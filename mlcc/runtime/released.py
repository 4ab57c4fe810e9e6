"""What became of a release: the event that one of its nodes has seen, and the line that the release log gets of it.

`promoted`: the release is live. `rolled_back`: it was taken away again. `held`: it waits for a person. `failed`: it
couldn't be taken away, nothing can do that, or its deployment failed already. One node sees it, and no other tells it.

The log is for DORA's metrics (https://dora.dev/guides/dora-metrics/): a change that was deployed to users failed where it
had to be rolled back or repaired at once. So a line says whether the release was live, and since when users were reached:
a candidate taken away from its share of the live requests is a change that failed, and one without any is none.

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import json
import time
from typing import Any

from mlcc.runtime.decide import Ending, read_states
from mlcc.runtime.platform import Platform
from mlcc.runtime.records import RunError, state_folder, write_text
from mlcc.runtime.release import undone

MOST_LOGGED = 500  # characters of a cause


class Seen:
    """What one node of a release has seen of it. `state` is the node's own, and takes what is noted."""

    def __init__(
        self, id: str, state: dict[str, Any], plan: dict[str, Any], selection: dict[str, Any]
    ) -> None:
        self.id, self.state, self.plan, self.selection = id, state, plan, selection
        self.node: dict[str, Any] = plan["nodes"][id]
        self.part: dict[str, Any] = self.node["release"]
        self.before: dict[
            str, dict[str, Any] | None
        ] = {}  # step of the same release -> its state, if it left one
        for other in dict.fromkeys(before for before, _ in self.node["before"]):
            if plan["nodes"][other].get("release", {}).get("id") == self.part["id"]:
                (self.before[other],) = read_states(other, plan["nodes"][other], selection)

    @property
    def known(self) -> list[dict[str, Any]]:
        """The states of this node and of those right before it."""
        return [self.state, *(state for state in self.before.values() if state is not None)]

    def begin(self) -> None:
        """Note that the node's command begins, which may reach users."""
        self.state["began"] = True
        if self.since or self.part["step"] not in ("deploy", "verify"):
            self.state["since"] = self.since or utc_now()
        self.state["live"] = self.live

    def note(self, platform: Platform, *, last: bool) -> None:
        """Note the event ("": none), and the line of the log. `last`: nobody tries any more to undo it on this machine."""
        if self.part["step"] == "undo":
            event = self._of_undoing()
        else:
            event = (
                self._of_rollback(platform) if self.node["kind"] == "rollback" else self._of_step(last=last)
            )
        self.state["event"] = event
        action = self._action(event)
        if action:
            self.state["log"] = self._line(action)

    @property
    def since(self) -> str:
        """The time at which the release first reached users; empty: it has reached none, or that isn't known."""
        return min((str(state["since"]) for state in self.known if state.get("since")), default="")

    @property
    def live(self) -> bool:
        """Whether the release was promoted before."""
        return self._undone("REACHED") == "live" or any(
            state.get("live") is True or state.get("event") == "promoted" for state in self.known
        )

    @property
    def reached(self) -> bool:
        """Whether users were, or may have been, reached: a machine that was lost after the deployment tells nothing."""
        return bool(self.since or self._undone("REACHED")) or (
            self.node["kind"] == "rollback" and not self._deployment_failed()
        )

    def _of_step(self, *, last: bool) -> str:
        if self.state.get("held") is True:
            return "held"
        if self.state["end"] != "failed":
            return "promoted" if self.state["end"] == "passed" and self.part["step"] == "promote" else ""
        if self.state.get("began") is not True:  # where another step began, the rollback's node tells
            return "" if self.before or self.state.get("cancelled") is True else "failed"
        if self.part["step"] == "deploy" or "rollback" not in self.node:
            return "failed"
        if self.state.get("rolled_back") is True:
            return "failed" if self.state.get("nothing_left") is True else "rolled_back"
        return "failed" if last else ""

    def _of_undoing(self) -> str:
        """Return what a node has seen that a trigger of its own started: it tells what it took away, if anything."""
        if self.state["end"] != "passed":
            return "failed" if self.state["end"] == "failed" else ""
        if self.node.get("outputs") and not self._undone("UNDONE"):
            return ""
        if self._undone("UNDONE"):
            self.state["cause"] = (
                f"'{self._undone('UNDONE')}' was taken away: '{self._undone('LIVE')}' is live"
            )
        return "rolled_back"

    def _undone(self, name: str) -> str:
        """Return what a node says that undid a release by a trigger of its own; a command says nothing of what it did."""
        if self.part["step"] != "undo":
            return ""
        found = self.state["values"] if self.node.get("outputs") else {"REACHED": "live"}
        return str(found.get(name, ""))

    def _of_rollback(self, platform: Platform) -> str:
        """Return what the rollback's node has seen, where no step has told that already."""
        if (
            self.state["end"] == "skipped"
            or undone(self.node, self.plan, self.selection, platform) is not None
        ):
            return ""
        undid = any(state.get("rolled_back") is True for state in self.known)
        if self.state["end"] == "passed" and undid:
            return ""
        event = "rolled_back" if self.state["end"] == "passed" and not self._deployment_failed() else "failed"
        return "" if any(state.get("event") == event for state in self.known) else event

    def _deployment_failed(self) -> bool:
        deployed = [state for id, state in self.before.items() if self._step(id) == "deploy"]
        return any(state is None or state["end"] != "passed" for state in deployed)

    def _step(self, id: str) -> str:
        return str(self.plan["nodes"][id]["release"]["step"])

    def _action(self, event: str) -> str:
        """Return what the log calls an event; empty: nothing has changed for users."""
        if event == "failed":
            if self.state.get("nothing_left") is True:  # it was refused, or who took it away has told that
                return ""
            passed = self.node["kind"] == "rollback" and self.state["end"] == "passed"
            if passed or self.state.get("rolled_back") is True:
                return "rollback"
            return "incident" if self.reached else ""
        return {"promoted": "release", "rolled_back": "rollback"}.get(event, "")

    def _line(self, action: str) -> dict[str, Any]:
        inputs: dict[str, str] = next((state["inputs"] for state in self.known if state["inputs"]), {})
        deployed = {
            id for other in (self.id, *self.before) for id in self.plan["nodes"][other].get("deploys", [])
        }
        line = {
            "time": self.state["ended"],
            "action": action,
            "environment": self.part["environment"],
            "release": self.part["id"],
            "commit": self.selection["commit"],
            "digests": {id: digest for id, digest in inputs.items() if id in deployed},
            "pipeline": self.plan["name"],
            "run": self.selection["facts"]["run_id"],
        }
        if action == "release":
            return line
        found = {"live": self.live, "reached": self.reached, "cause": str(self.state["cause"])[:MOST_LOGGED]}
        return {**line, **found, **({"since": self.since} if self.since else {})}


def keep_releases(
    platform: Platform, plan: dict[str, Any], selection: dict[str, Any], endings: dict[str, Ending]
) -> None:
    """Write the lines of the run's nodes beside its result, in the order of their times, where there are any."""
    lines = []
    for id in endings:
        if "release" not in plan["nodes"][id]:
            continue
        try:
            states = read_states(id, plan["nodes"][id], selection)
        except RunError as problem:  # which the result tells, too
            platform.warn(f"the release log misses {id}: {problem}")
            continue
        lines += [state["log"] for state in states if state is not None and "log" in state]
    try:
        text = "".join(
            json.dumps(line, sort_keys=True, allow_nan=False) + "\n" for line in sorted(lines, key=_time)
        )
        if text:
            write_text(state_folder("final") / "releases.jsonl", text)
    except (OSError, ValueError) as problem:
        platform.warn(f"the release log can't be written: {type(problem).__name__}")


def _time(line: Any) -> str:
    return str(line.get("time", "")) if isinstance(line, dict) else ""


def utc_now() -> str:
    """Return the time as ISO 8601 has it, to the second, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
