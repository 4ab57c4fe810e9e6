"""A job gets an artifact before its gates, and no gate sees what it finds.

## What it does

Looks for jobs with `evaluates` that write no artifact that a gate takes.

## Why it is bad

`evaluates` is the one way to have an artifact before its gates have passed, meant for measuring it. A job
that measures for no gate is a way around them: it could as well release what it took.

## Bad

    publish: {run: python publish.py, evaluates: [model]}

## Good

    publish: {run: python publish.py, reads: [model]}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject, listed
from mlcc.plan import NodeKind

ID = "evaluates-without-gate"
SEVERITY = Severity.WARNING


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each job that evaluates for no gate."""
    for id, job in subject.spec.jobs.items():
        if job.evaluates and not any(subject.takers(artifact, NodeKind.GATE) for artifact in job.writes):
            yield subject.finding(
                ID,
                SEVERITY,
                f"'{id}' has {listed(job.evaluates)} before the gates, and writes nothing for a gate",
                ("jobs", id, "evaluates"),
                key=True,
                help="list it under `reads`; or write the measurements as an artifact that a gate takes",
            )
