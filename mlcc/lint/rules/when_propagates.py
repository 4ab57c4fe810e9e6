"""A job's `when` also keeps others from running.

## What it does

Looks for jobs whose `when` or environment refuses an event that the readers of what they write would take.

## Why it is bad

It may be just what was meant: without a training there is nothing to score. But it isn't written where it
works, so it is listed here once for each `when`.

## Bad

    jobs:
      train: {run: python train.py, writes: [model], when: {event: push}}
      report: {run: python report.py, reads: [model]}      # never on a pull request

## Good

    jobs:
      train: {run: python train.py, writes: [model], when: {event: push}}
      report: {run: python report.py, reads: [model], when: {event: push}}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject, listed
from mlcc.plan import NodeKind

ID = "when-propagates"
SEVERITY = Severity.NOTE


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each job whose `when` holds for others too."""
    for root, (events, nodes) in subject.kept_away.items():
        if subject.plan.nodes[root].kind is not NodeKind.GATE:
            verb = "don't" if len(nodes) > 1 else "doesn't"
            yield subject.finding(
                ID,
                SEVERITY,
                f"'{root}' doesn't run for {' or '.join(events)}, so {listed(nodes)} {verb} either",
                subject.limit(root),
                key=True,
            )
