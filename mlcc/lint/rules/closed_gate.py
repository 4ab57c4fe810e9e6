"""A gate's `when` keeps the nodes behind it from running.

## What it does

Looks for blocking gates that refuse an event which the readers of what they guard would take: by their `when`, by their
environment, or because they take an artifact `at: base` and the event has no base.

## Why it is bad

A gate that hasn't run is a closed gate: its readers can't run either, and quietly don't. Where the check is
too dear for that event, say so on the readers too, or guard another artifact.

## Bad

    jobs:
      train: {run: python train.py, reads: [raw], writes: [model]}
    gates:
      raw-contract: {guards: raw, when: {trigger: nightly}, contract: {columns: {id: {type: integer}}}}

## Good

    jobs:
      train: {run: python train.py, reads: [raw], writes: [model], when: {trigger: nightly}}
    gates:
      raw-contract: {guards: raw, contract: {columns: {id: {type: integer}}}}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject, listed
from mlcc.plan import NodeKind
from mlcc.semantics import base_versions

ID = "closed-gate"
SEVERITY = Severity.WARNING


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each gate that is narrower than its readers."""
    for root, (events, nodes) in subject.kept_away.items():
        if subject.plan.nodes[root].kind is NodeKind.GATE:
            verb = "don't" if len(nodes) > 1 else "doesn't"
            yield subject.finding(
                ID,
                SEVERITY,
                f"the gate '{root}' doesn't run for {' or '.join(events)}, so {listed(nodes)} {verb} either",
                subject.limit(root),
                key=True,
                others=[(subject.loc(node), f"'{node}' has no such limit") for node in nodes[:3]],
                help=_cure(subject, root),
            )


def _cure(subject: Subject, gate: str) -> str:
    node = subject.plan.nodes[gate]
    if node.when or node.branches:
        return "remove `when` from the gate, or give the same `when` to what waits for it"
    artifacts = listed(base_versions(subject.plan, node))
    return (
        f"only pushes and pull requests have a base version of {artifacts}: give what waits for the gate "
        "`when: {event: [push, pull_request]}`, or have the gate take a version that is always there"
    )
