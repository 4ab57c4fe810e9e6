"""An alternative of `when` that never lets the node run.

## What it does

Looks for alternatives of `when` that hold for no event that the spec's triggers can bring, only for runs
that the node's environment refuses, or only where something that it can't do without doesn't run. (A node that
never runs at all is an error.)

## Why it is bad

Whoever reads the spec believes that the node runs then.

## Bad

    triggers: {push: {branches: [main]}}
    jobs:
      train: {run: python train.py, when: [{event: push}, {event: schedule}]}

## Good

    triggers: {push: {branches: [main]}, schedule: {weekly: "17 3 * * 1"}}
    jobs:
      train: {run: python train.py, when: [{event: push}, {event: schedule}]}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.reach import admits
from mlcc.lint.subject import Subject
from mlcc.plan import Node
from mlcc.semantics import Event, condition_problem

ID = "dead-condition"
SEVERITY = Severity.WARNING


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each alternative that never holds."""
    for id, node in subject.plan.nodes.items():
        for index, condition in enumerate(node.when):
            holding = [(e, found) for e, found in subject.reach if condition_problem(condition, e) is None]
            if any(id in found for _, found in holding):
                continue
            loc = (*subject.loc(id), "when")
            if isinstance(subject.own(id).when, list):
                loc = (*loc, index)
            message = f"this alternative never lets '{id}' run: {_why(node, [e for e, _ in holding])}"
            yield subject.finding(ID, SEVERITY, message, loc)


def _why(node: Node, events: list[Event]) -> str:
    if not events:
        return "no trigger brings that about"
    if not any(admits(node, event) for event in events):
        return f"its environment is for runs of {' or '.join(node.branches)}"
    return "something that it can't do without doesn't run then"
