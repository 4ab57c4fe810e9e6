"""A node runs on every change, whatever changed.

## What it does

Where a push or a pull request starts the pipeline, looks for nodes that take no committed artifact and list
no `path`, and have nothing before them that does.

## Why it is bad

mlcc runs what a change affects. A node without sources is affected by everything: a training without `reads`
starts again for a spelling mistake in the README.

## Bad

    jobs:
      train: {run: python train.py, writes: [model]}

## Good

    jobs:
      train: {run: python train.py, reads: [code, raw], writes: [model]}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.reach import allows
from mlcc.lint.subject import Subject
from mlcc.semantics import DIFF_EVENTS

ID = "always-runs"
SEVERITY = Severity.NOTE


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each first node without sources."""
    bare = [
        n for n in subject.plan.nodes.values() if not (n.sources or n.status or subject.plan.incoming[n.id])
    ]
    events = [event for event, _ in subject.reach if event.kind in DIFF_EVENTS] if bare else []
    for node in bare:
        if any(allows(subject.plan, node, event) for event in events):
            yield subject.finding(
                ID,
                SEVERITY,
                f"'{node.id}' runs on every change: it depends on no committed file",
                subject.loc(node.id),
                key=True,
                help="list what it uses under `reads` or `path`, or say when it runs",
            )
