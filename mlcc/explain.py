"""What an event runs and why, told from the reference interpreter."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mlcc.diagnostics import SpecError, error, suggest
from mlcc.plan import Gate, Plan
from mlcc.semantics import End, Event, Outcome, Result, Selection, run, select

_WORDS = {End.PASSED: "runs", End.FAILED: "fails", End.SKIPPED: "skipped", End.UNSELECTED: "not selected"}


def answer(plan: Plan, question: Mapping[str, Any], format: str) -> str:
    """Return what would happen, as text or JSON. Raises SpecError on a question about what isn't there."""
    event = event_of(plan, question)
    outcomes = outcomes_of(plan, question)
    selection = select(plan, event)
    result = run(plan, selection, outcomes)
    if format == "json":
        nodes = {id: {"end": end.value, "why": result.reasons[id]} for id, end in result.ends.items()}
        return (
            json.dumps(
                {"selected": sorted(selection.selected), "nodes": nodes, "green": result.green}, indent=2
            )
            + "\n"
        )
    return _text(plan, event, selection, result, outcomes)


def event_of(plan: Plan, question: Mapping[str, Any]) -> Event:
    """Return the event that is asked about. Raises SpecError when the spec has no such trigger."""
    kind = question["event"]
    triggers = plan.triggers
    known = {
        "push": triggers.push, "pull_request": triggers.pull_request, "tag": triggers.tag,
        "schedule": tuple(id for id, _ in triggers.schedules) or None,
        "manual": tuple(form.id for form in triggers.forms) or None, "dispatch": triggers.dispatches or None,
    }  # fmt: skip
    names = known[kind]
    if names is None:
        there = ", ".join(name for name, value in known.items() if value is not None)
        raise _wrong(f"no trigger of this spec is a {kind}", f"it has {there}")
    trigger = question["trigger"]
    if kind in ("schedule", "manual", "dispatch"):
        trigger = trigger or names[0]
        if trigger not in names:
            raise _unknown(f"{kind} trigger", trigger, names)
    branch = question["branch"] or (
        names[0].replace("*", "x") if kind in ("push", "pull_request") else "main"
    )
    changed = frozenset(question["changed"]) if question["changed"] or question["nothing_changed"] else None
    return Event(
        kind,
        branch=None if kind == "tag" else branch,
        tag=(question["tag"] or names[0].replace("*", "x")) if kind == "tag" else None,
        trigger=trigger,
        inputs=_inputs(question["inputs"]),
        fork=question["fork"],
        changed=changed,
    )


def _inputs(pairs: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign:
            raise _wrong(f"'{pair}' isn't an input", "write --input NAME=VALUE")
        found[name] = value
    return found


def outcomes_of(plan: Plan, question: Mapping[str, Any]) -> dict[str, Outcome]:
    """Return how the nodes that the question names turn out. Raises SpecError on an unknown one."""
    found: dict[str, Outcome] = {}
    for id in question["failures"]:
        if id not in plan.nodes:
            raise _unknown("node", id, tuple(plan.nodes))
        found[id] = Outcome.FAIL
    for pair in question["verdicts"]:
        id, _, verdict = pair.partition("=")
        gates = tuple(node.id for node in plan.nodes.values() if isinstance(node.work, Gate))
        if id not in gates:
            raise _unknown("gate", id, gates)
        if verdict not in [outcome.value for outcome in Outcome]:
            raise _wrong(f"'{verdict}' is no verdict", "pass, fail, inconclusive or error")
        found[id] = Outcome(verdict)
    return found


def _wrong(message: str, help: str) -> SpecError:
    return SpecError([error("bad-question", message, None, help=help)])


def _unknown(what: str, name: str, known: tuple[str, ...]) -> SpecError:
    close = suggest(name, known)
    help = f"did you mean '{close}'?" if close else f"there are {', '.join(known)}"
    return _wrong(f"there is no {what} '{name}'", help)


def _text(
    plan: Plan, event: Event, selection: Selection, result: Result, outcomes: Mapping[str, Outcome]
) -> str:
    width = max(len(id) for id in plan.nodes)
    changed = "everything" if event.changed is None else ", ".join(sorted(event.changed)) or "nothing"
    where = event.tag or event.branch or ""
    lines = [f"{event.kind} {event.trigger or where}, changed: {changed}"]
    for id, end in result.ends.items():
        word = _WORDS[end]
        verdict = outcomes.get(id)
        if verdict is not None and end in (End.PASSED, End.FAILED):
            word = f"{word} ({verdict.value})"
        lines.append(f"  {id:<{width}}  {word:<14}  {result.reasons[id]}")
    lines.append(
        f"{len(selection.selected)} of {len(plan.nodes)} nodes selected; the run is {'green' if result.green else 'red'}"
    )
    return "\n".join(lines) + "\n"
