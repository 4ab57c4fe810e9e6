"""Whether a selected node runs, by how the nodes before it ended (S4, S12).

Standard library only: bundled into the emitted script. `mlcc.semantics` is the reference it is tested against.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from mlcc.runtime.records import (
    RunError,
    is_texts,
    legs_of,
    origin,
    read_record,
    state_folder,
)

ENDS = ("passed", "failed", "skipped")
UNAPPROVED = "nobody approved it: it was refused, or its time to wait was over"
UNSHOWN = ", as where nobody approved it"  # of a called workflow, a system shows only how all of it ended
RANKS = ("", "pass", "inconclusive", "fail", "error")  # verdicts, from best to worst


class Ending(NamedTuple):
    """How a node ended: passed, failed, skipped, or lost (it left no state)."""

    end: str
    verdict: str = ""
    cause: str = ""


def read_states(id: str, node: dict[str, Any], selection: dict[str, Any]) -> list[dict[str, Any] | None]:
    """Return the state of each leg; None for a leg that left none. Raises RunError on one that isn't this run's."""
    states = []
    for leg in legs_of(node):
        state = read_record(state_folder(id, leg) / "state.json")
        if state is not None:
            _check_state(state, id, origin(selection, id, leg))
        states.append(state)
    return states


def _check_state(state: dict[str, Any], id: str, expected: dict[str, str]) -> None:
    if any(state.get(key) != value for key, value in expected.items()):
        raise RunError(f"the state of '{id}' is of another commit, run or node")
    whole = (
        state.get("end") in ENDS
        and state.get("verdict") in RANKS
        and isinstance(state.get("cause"), str)
        and all(is_texts(state.get(key)) for key in ("inputs", "outputs", "values"))
    )
    if not whole:
        raise RunError(f"the state of '{id}' isn't whole")


def ending(id: str, node: dict[str, Any], selection: dict[str, Any]) -> Ending:
    """Return how a node ended over all of its legs (S9): its verdict is the worst of theirs."""
    states = read_states(id, node, selection)
    there = [state for state in states if state is not None]
    ends = {state["end"] for state in there}
    if not there:
        return Ending("lost", cause="it left no state" + (UNSHOWN if node.get("approval") else ""))
    if len(there) < len(states):
        return Ending("failed", "error", "a leg left no state")
    if ends == {"skipped"}:
        return Ending("skipped", cause=there[0]["cause"])
    verdict = max((state["verdict"] for state in there), key=RANKS.index)
    if ends == {"passed"}:
        return Ending("passed", verdict)
    causes = [state["cause"] for state in there if state["end"] == "failed"]
    return Ending("failed", verdict, causes[0] if causes else "some of its legs were skipped")


def read_verdict(id: str, leg: str) -> dict[str, Any] | None:
    """Return what a leg of a gate found; None where it left no verdict. Raises RunError on one that isn't its own."""
    found = read_record(state_folder(id, leg) / "verdict.json")
    if found is not None and found.get("gate") != id:
        raise RunError(f"the verdict beside the state of '{id}' is of another gate")
    return found


def verdict_problem(id: str, node: dict[str, Any], selection: dict[str, Any]) -> str:
    """Say why the verdicts of a gate can't be believed; empty: they can, or its state can't (see `found_ending`)."""
    try:
        for leg, state in zip(legs_of(node), read_states(id, node, selection)):  # noqa: B905 - Python 3.8
            if state is None:
                continue
            found = read_verdict(id, leg)
            if state["end"] == "passed" and (found or {}).get("verdict") != state["verdict"]:
                return (
                    "it passed, and its verdict says something else"
                    if found
                    else "it passed without a verdict"
                )
    except RunError as problem:
        return str(problem)
    return ""


def found_ending(id: str, node: dict[str, Any], selection: dict[str, Any]) -> Ending:
    """Return how a node ended; a state that can't be believed is none."""
    try:
        return ending(id, node, selection)
    except RunError as problem:
        return Ending("lost", "error", str(problem))


def settle(
    ids: Iterable[str], plan: dict[str, Any], selection: dict[str, Any], refused: Collection[str] = ()
) -> dict[str, Ending]:
    """Return how the selected nodes among `ids` ended. `ids` has every node before each of its nodes, and first.

    A node without a state never started: it is skipped where S4 says so, or people `refused` it, else lost.
    """
    endings: dict[str, Ending] = {}
    for id in ids:
        if id not in selection["selected"]:
            continue
        found = found_ending(id, plan["nodes"][id], selection)
        if found.end == "lost" and not found.verdict:  # with a verdict there was a state, and it is broken
            cause = UNAPPROVED if id in refused else skip_cause(id, plan, selection, endings)
            found = found if cause is None else Ending("skipped", cause=cause)
        endings[id] = found
    return endings


def endings_before(id: str, plan: dict[str, Any], selection: dict[str, Any]) -> dict[str, Ending]:
    """Return how the selected nodes ended that decide whether `id` runs."""
    node = plan["nodes"][id]
    if node.get("status") in ("failure", "rollback"):
        return settle(ancestors(id, plan), plan, selection)
    before = dict.fromkeys(other for other, _ in node["before"] if other in selection["selected"])
    return {other: found_ending(other, plan["nodes"][other], selection) for other in before}


def skip_cause(
    id: str, plan: dict[str, Any], selection: dict[str, Any], endings: dict[str, Ending]
) -> str | None:
    """Say why a selected node must not run; None: it runs. `endings` has the selected nodes before it."""
    node = plan["nodes"][id]
    status = node.get("status")
    if status == "always":
        return None
    if status == "failure":
        before = [other for other in ancestors(id, plan) if other in endings]
        failed = any(endings[o].end in ("failed", "lost") and _blocks(plan, o) for o in before)
        return None if failed else "nothing before it failed"
    if status == "rollback":
        return _kept({endings[o].end for o in steps_of_release(node) if o in endings})
    for other, kind in node["before"]:
        if other not in selection["selected"]:
            if kind in ("data", "guard"):  # selecting pulls these in: without them nothing may run
                return f"'{other}' isn't selected"
            continue
        cause = _edge_problem(id, other, kind, plan, selection, endings[other])
        if cause:
            return cause
    return None


def steps_of_release(node: dict[str, Any]) -> list[str]:
    """Return the steps that a rollback's node undoes: all that it follows, but for what its variables come from."""
    return [other for other, kind in node["before"] if kind == "order"]


def _kept(ends: set[str]) -> str | None:
    """Say why what was released stays, by how the steps of the release ended; None: it is rolled back (S11)."""
    if ends <= {"skipped"}:
        return "nothing was released"
    return "the release passed" if ends == {"passed"} else None


def _blocks(plan: dict[str, Any], id: str) -> bool:
    return bool(plan["nodes"][id].get("blocking", True))


def _edge_problem(
    id: str, other: str, kind: str, plan: dict[str, Any], selection: dict[str, Any], found: Ending
) -> str:
    """Say why an edge keeps a node from running; empty: it doesn't."""
    if kind == "verdict" and id not in selection["by_verdict"]:
        return ""
    if found.end == "skipped":
        return f"'{other}' was skipped"
    if found.end == "lost":
        return f"'{other}': {found.cause}"
    if kind == "verdict":
        wanted = selection["by_verdict"][id]
        return (
            ""
            if found.verdict in wanted
            else f"the verdict of '{other}' is {found.verdict}, not {' or '.join(wanted)}"
        )
    if found.end == "failed" and (kind == "data" or _blocks(plan, other)):
        return f"'{other}' failed"
    return ""


def ancestors(id: str, plan: dict[str, Any]) -> list[str]:
    """Return every node before `id`, directly or not, in the plan's order."""
    found = {id}
    for other in reversed(list(plan["nodes"])):
        if other in found:
            found.update(before for before, _ in plan["nodes"][other]["before"])
    return [other for other in plan["nodes"] if other in found and other != id]


def denied(id: str, plan: dict[str, Any], selection: dict[str, Any], found: Ending) -> list[str]:
    """Return the selected nodes that `id`, having ended so, keeps from running where its own failure doesn't show."""
    after = []
    for other, node in plan["nodes"].items():
        if other in selection["selected"]:
            kinds = [kind for before, kind in node["before"] if before == id]
            if any(_edge_problem(other, id, kind, plan, selection, found) for kind in kinds):
                after.append(other)
    return after
