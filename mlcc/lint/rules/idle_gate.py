"""Nothing follows from a gate's failure.

## What it does

Looks for gates with `blocking: false` whose verdict no `when` names, neither of a node nor of a notice.

## Why it is bad

The failure of such a gate is shown and not counted: the pipeline goes on, green. After a few weeks nobody
reads it any more.

## Bad

    gates:
      quality: {guards: model, blocking: false, evaluate: {predictions: scored, metrics: {roc_auc: {min: 0.7}}}}

## Good

    gates:
      live-drift: {guards: live, blocking: false, command: {run: python drift.py}}
    jobs:
      retrain: {run: python train.py, writes: [model], when: {gate: live-drift, verdict: fail}}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject
from mlcc.plan import EdgeKind, NodeKind

ID = "idle-gate"
SEVERITY = Severity.WARNING


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each gate that neither blocks nor is asked."""
    told = {condition.gate for notice in subject.plan.notices for condition in notice.when}
    for id, node in subject.plan.nodes.items():
        asked = id in told or any(edge.kind is EdgeKind.VERDICT for edge in subject.plan.outgoing[id])
        if node.kind is NodeKind.GATE and not node.blocking and not asked:
            yield subject.finding(
                ID,
                SEVERITY,
                f"nothing follows when the gate '{id}' fails",
                (*subject.loc(id), "blocking"),
                key=True,
                help="let it block, or let the `when` of a node or a notice name its verdict",
            )
