"""An alternative of `when` that never lets the node run.

## What it does

Looks for alternatives of `when` that hold for no event that the spec's triggers can bring, or only where
something that the node can't do without doesn't run. (A node that never runs at all is an error.)

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
from mlcc.lint.subject import Subject
from mlcc.semantics import condition_problem

ID = "dead-condition"
SEVERITY = Severity.WARNING


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each alternative that never holds."""
    for id, node in subject.plan.nodes.items():
        for index, condition in enumerate(node.when):
            holds = [found for event, found in subject.reach if condition_problem(condition, event) is None]
            if any(id in found for found in holds):
                continue
            loc = (*subject.loc(id), "when")
            if isinstance(subject.own(id).when, list):
                loc = (*loc, index)
            why = (
                "something that it can't do without doesn't run then"
                if holds
                else "no trigger brings that about"
            )
            message = f"this alternative never lets '{id}' run: {why}"
            yield subject.finding(ID, SEVERITY, message, loc)
