"""What the triggers of a plan can start at all: the events that make a difference, and the nodes that none of them selects."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.globs import samples
from mlcc.plan import Plan
from mlcc.semantics import Event, refusals


def never_runs(plan: Plan) -> dict[str, str]:
    """Return the nodes that no trigger of the plan can select, each with a cause.

    Branches, tags and inputs are taken as whatever the conditions ask for.
    """
    causes: dict[str, str] = {}
    runnable: set[str] = set()
    for event in possible_events(plan):
        refused = refusals(plan, event)
        causes.update(refused)
        runnable.update(id for id in plan.nodes if id not in refused)
    return {id: cause for id, cause in causes.items() if id not in runnable}


def possible_events(plan: Plan) -> Iterator[Event]:
    """Yield one event for each trigger and each branch, tag and set of inputs that makes a difference."""
    triggers = plan.triggers
    conditions = [c for node in plan.nodes.values() for c in node.when]
    branches = {b for c in conditions for b in c.branches} | {
        b for n in plan.nodes.values() for b in n.branches
    }
    for kind, allowed in (("push", triggers.push), ("pull_request", triggers.pull_request)):
        for branch in samples(allowed or (), branches):
            yield Event(kind, branch=branch)
    for tag in samples(triggers.tag or (), {t for c in conditions for t in c.tags}):
        yield Event("tag", tag=tag)
    inputs = _possible_inputs([dict(c.inputs) for c in conditions])
    # A schedule runs on the default branch, which the plan doesn't know.
    for branch in samples(("**",), branches):
        for id, _ in triggers.schedules:
            yield Event("schedule", branch=branch, trigger=id)
        for id in triggers.dispatches:
            yield Event("dispatch", branch=branch, trigger=id)
        for form in triggers.forms:
            own = {field.name: field.default for field in form.inputs}
            defaults = {name: value for name, value in own.items() if value is not None}
            for values in inputs:
                asked = {name: value for name, value in values.items() if name in own}
                yield Event("manual", branch=branch, trigger=form.id, inputs={**defaults, **asked})


def _possible_inputs(wanted: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return what a form may be filled in with: nothing, what one condition asks for, and what several do."""
    found: list[dict[str, str]] = [{}]
    for first in wanted:
        together = dict(first)
        for other in wanted:
            if all(together.get(name, value) == value for name, value in other.items()):
                together.update(other)
        found += [values for values in (first, together) if values not in found]
    return found
