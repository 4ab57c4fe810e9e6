"""An alert that some runs can't reach.

## What it does

Looks for nodes with `when: {status: failure}` that a run doesn't select although something before them can fail there:
a status node is selected only beside a node that it follows directly, and `when` or an environment keeps all of
those from such runs. Pull requests don't count, since their authors see a failure; nor does a failure that another such
node is told of.

## Why it is bad

The run is red and nobody is alerted.

## Bad

    triggers: {push: {branches: [main]}, schedule: {nightly: "17 3 * * *"}}
    jobs:
      train: {run: python train.py, reads: [code], writes: [model]}
      ship: {run: ./ship.sh, reads: [model], when: {event: push}}
      alert: {run: ./alert.sh, needs: [ship], when: {status: failure}}

## Good

    triggers: {push: {branches: [main]}, schedule: {nightly: "17 3 * * *"}}
    jobs:
      train: {run: python train.py, reads: [code], writes: [model]}
      ship: {run: ./ship.sh, reads: [model], when: {event: push}}
      alert: {run: ./alert.sh, needs: [train, ship], when: {status: failure}}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.reach import phrase
from mlcc.lint.subject import Subject, listed
from mlcc.plan import Plan, Status
from mlcc.planning.topology import ancestors

ID = "silent-alert"
SEVERITY = Severity.WARNING


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each alert that a failure before it doesn't reach."""
    plan = subject.plan
    before = {
        id: ancestors(id, plan.incoming) for id, node in plan.nodes.items() if node.status is Status.FAILURE
    }
    for id in before:
        unheard: dict[str, None] = {}
        events: dict[str, None] = {}
        for event, found in subject.reach:
            if event.kind == "pull_request" or id not in found or _follows(plan, id, found):
                continue
            told = {
                n
                for other in before
                if other in found and _follows(plan, other, found)
                for n in before[other]
            }
            lost = [n for n in plan.in_order(before[id] & found - told) if plan.nodes[n].blocking]
            unheard.update(dict.fromkeys(lost))
            if lost:
                events[phrase(event, plan)] = None
        if unheard:
            yield subject.finding(
                ID,
                SEVERITY,
                f"'{id}' isn't selected for {' or '.join(events)}, where {listed(unheard)} can fail",
                (*subject.loc(id), "when"),
                key=True,
                others=[(subject.loc(node), f"'{node}' runs there") for node in list(unheard)[:3]],
                help=f"add {listed(unheard)} to the `needs` of '{id}'",
            )


def _follows(plan: Plan, id: str, found: frozenset[str]) -> bool:
    """Tell whether a status node is selected where these are the candidates, whatever has changed."""
    return any(
        edge.source in found and (not plan.nodes[edge.source].status or _follows(plan, edge.source, found))
        for edge in plan.incoming[id]
    )
