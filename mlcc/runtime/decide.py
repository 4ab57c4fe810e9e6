"""Whether a selected node runs, by how the nodes before it ended (S4, S12).

Standard library only: bundled into the emitted script. `mlcc.semantics` is the reference it is tested against.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mlcc.runtime.records import RunError, legs_of, read_record, state_folder


class Ending(NamedTuple):
    """How a node ended: passed, failed, skipped, or lost (it left no state)."""

    end: str
    verdict: str = ""
    cause: str = ""


def read_states(id: str, node: dict[str, Any], commit: str) -> list[dict[str, Any] | None]:
    """Return the state of each leg; None for a leg that left none. Raises RunError on another commit's state."""
    states = []
    for leg in legs_of(node):
        state = read_record(state_folder(id, leg) / "state.json")
        if state is not None and state.get("commit") != commit:
            raise RunError(f"the state of '{id}' is of another commit")
        states.append(state)
    return states


def ending(id: str, node: dict[str, Any], commit: str) -> Ending:
    """Return how a node ended over all of its legs (S9)."""
    states = read_states(id, node, commit)
    ends = ["lost" if state is None else str(state.get("end")) for state in states]
    if all(end == "passed" for end in ends):
        verdict = states[0].get("verdict", "") if states[0] else ""
        return Ending("passed", str(verdict))
    if all(end == "skipped" for end in ends):
        return Ending("skipped", cause=str(states[0].get("cause", "")) if states[0] else "")
    if all(end == "lost" for end in ends):
        return Ending("lost")
    worst = [s for s in states if s is not None and s.get("end") == "failed"]
    causes = [str(s.get("cause", "")) for s in worst] or ["a leg left no state"]
    verdicts = {str(s.get("verdict", "")) for s in worst}
    return Ending("failed", verdicts.pop() if len(verdicts) == 1 else "error" if verdicts else "", causes[0])


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
    for other, kind in node["before"]:
        if other not in selection["selected"]:
            continue
        cause = _edge_problem(id, other, kind, plan, selection, endings[other])
        if cause:
            return cause
    return None


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
        return f"'{other}' left no state"
    if kind == "verdict":
        wanted = verdicts_wanted(plan["nodes"][id], other)
        return (
            ""
            if found.verdict in wanted
            else f"the verdict of '{other}' is {found.verdict}, not {' or '.join(wanted)}"
        )
    if found.end == "failed" and (kind == "data" or _blocks(plan, other)):
        return f"'{other}' failed"
    return ""


def verdicts_wanted(node: dict[str, Any], gate: str) -> list[str]:
    """Return the verdicts of `gate` that let the node run."""
    return sorted({v for c in node.get("when", []) if c.get("gate") == gate for v in c["verdicts"]})


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
