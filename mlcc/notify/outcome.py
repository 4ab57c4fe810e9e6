"""How a run ended, as the final node left it, and which notices that gives.

What is missing, broken or of another run is a run that failed: nobody is told that it went well.
Standard library only: bundled into the emitted script. `mlcc.told` is the reference that it is tested against.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

from mlcc.runtime.patterns import name_matches
from mlcc.runtime.platform import Facts, Platform
from mlcc.runtime.records import (
    RunError,
    is_list_of_texts,
    is_texts,
    read_record,
    read_selection,
    state_folder,
    waivers_of,
)
from mlcc.runtime.select import trigger_of

RUN = "run"  # the subject of what is about no job and no gate
NO_RESULT = "the final node left no result"
RAN = ("passed", "failed", "lost")  # ends of what somebody can be told about


class Run(NamedTuple):
    """A run: its facts, whether it is green, why not, and how each selected node ended (end, verdict, cause)."""

    plan: dict[str, Any]
    facts: dict[str, str]
    green: bool
    causes: list[str]
    nodes: dict[str, dict[str, str]]

    def end(self, id: str) -> str:
        """Return how a node ended; unselected: it didn't run at all."""
        return self.nodes.get(id, {}).get("end", "unselected")

    def verdict(self, id: str) -> str:
        """Return the verdict of a gate that ran; empty: it didn't. One that was lost has judged nothing: it errs."""
        end = self.end(id)
        if end not in RAN:
            return ""
        return "error" if end == "lost" else self.nodes[id]["verdict"]


def ended_run(plan: dict[str, Any], platform: Platform) -> Run:
    """Return how this run ended. Raises RunError where not even the CI system says what started it."""
    try:
        platform.deliver(plan)
        facts: dict[str, str] = read_selection(platform.facts())["facts"]
    except RunError:  # selecting failed, which the result tells
        facts = _facts(plan, platform.facts())
    try:
        result = read_record(state_folder("final") / "result.json")
    except RunError:
        result = None
    if result is None or not _is_whole(result) or result["commit"] not in ("", facts["commit"]):
        return Run(plan, facts, False, [NO_RESULT], {})
    return Run(plan, facts, result["green"], result["causes"], result["nodes"])


def _facts(plan: dict[str, Any], facts: Facts) -> dict[str, str]:
    try:
        trigger = trigger_of(plan, facts)
    except RunError:
        trigger = ""
    found = {name: value for name, value in facts._asdict().items() if isinstance(value, str)}
    return {**found, "trigger": trigger, "fork": "true" if facts.fork else ""}


def _is_whole(result: dict[str, Any]) -> bool:
    nodes = result.get("nodes")
    return (
        isinstance(result.get("green"), bool)
        and isinstance(result.get("commit"), str)
        and is_list_of_texts(result.get("causes"))
        and isinstance(nodes, dict)
        and all(is_texts(node) and node.keys() >= {"end", "verdict", "cause"} for node in nodes.values())
    )


# --- what is told -------------------------------------------------------------------------------------


def notices_of(run: Run) -> dict[str, dict[str, Any]]:
    """Return those who may be told of this run: nobody of a fork's, and no tracker where its lack is borne."""
    if run.facts["fork"]:
        return {}
    borne = waivers_of(run.plan, os.environ.get("MLCC_PLATFORM", ""))
    notices: dict[str, dict[str, Any]] = run.plan.get("notify", {})
    return {id: notice for id, notice in notices.items() if not ("issue" in notice and "issues" in borne)}


def due(run: Run, notice: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the alternatives of a notice that hold."""
    return [one for one in notice["when"] if fits(run, one) and _holds(run, one)]


def fits(run: Run, condition: dict[str, Any]) -> bool:
    """Tell whether an alternative is about such runs, however they end."""
    facts = run.facts
    if facts["event"] not in condition["event"]:
        return False
    if "trigger" in condition and facts["trigger"] not in condition["trigger"]:
        return False
    return all(
        any(name_matches(pattern, facts[key]) for pattern in condition[key]) and facts[key] != ""
        for key in ("branch", "tag")
        if key in condition
    )


def _holds(run: Run, condition: dict[str, Any]) -> bool:
    if "status" in condition and not _statuses(run, condition) & set(condition["status"]):
        return False
    return "gate" not in condition or run.verdict(condition["gate"]) in condition["verdict"]


def _statuses(run: Run, condition: dict[str, Any]) -> set[str]:
    job = condition.get("job")
    if job is not None:
        end = run.end(job)
        return {"success" if end == "passed" else "failure"} if end in RAN else set()
    undone = any(
        run.end(id) == "passed" for id, node in run.plan["nodes"].items() if node["kind"] == "rollback"
    )
    return {"success" if run.green else "failure"} | ({"rollback"} if undone else set())


def is_well(run: Run, condition: dict[str, Any]) -> bool:
    """Tell whether what an alternative is about went well in this run. What didn't run isn't known, and what was rolled
    back is for people to look at.
    """
    job, gate = condition.get("job"), condition.get("gate")
    named = [run.end(job) == "passed"] if job is not None else []
    named += [run.end(gate) == "passed" and run.verdict(gate) == "pass"] if gate is not None else []
    if named:
        return all(named)
    return run.green and "failure" in condition["status"]


def subject(condition: dict[str, Any]) -> str:
    """Return what an alternative is about."""
    named = [f"{kind} {condition[kind]}" for kind in ("job", "gate") if kind in condition]
    return ", ".join(named) or (RUN if "failure" in condition["status"] else "rollback")


def sentences(run: Run, condition: dict[str, Any]) -> Iterator[str]:
    """Yield what happened, of an alternative that holds."""
    names = {"failure": "failed", "success": "passed", "rollback": "rolled a release back"}
    job = condition.get("job")
    found = _statuses(run, condition)
    for status in condition.get("status", ()):
        if status in found:
            yield f"{'the run' if job is None else f'the job {job}'} {names[status]}"
    if "gate" in condition:
        yield f"the verdict of the gate {condition['gate']} is {run.verdict(condition['gate'])}"


def causes(run: Run, condition: dict[str, Any]) -> Iterator[str]:
    """Yield why, of an alternative that holds: what its job and its gate say, or what made the run red."""
    named = [condition[kind] for kind in ("job", "gate") if kind in condition]
    for id in named:
        cause = run.nodes[id]["cause"]
        if cause:
            yield f"{id}: {cause}"
    if not named:
        yield from run.causes
