"""A job that acts on the outside is run again.

## What it does

Looks for jobs with `retry` that write no artifact and have secrets, a login or an environment.

## Why it is bad

Such a job publishes or deploys. When it fails halfway, a second try does the first half again: two uploads,
two messages, two releases. Whether that is harmless, only its author knows.

## Bad

    publish: {run: python publish.py, reads: [model], retry: 2, env: {TOKEN: {secret: TOKEN}}}

## Good

    publish: {run: python publish.py, reads: [model], env: {TOKEN: {secret: TOKEN}}}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject
from mlcc.plan import NodeKind

ID = "retry-repeats-effects"
SEVERITY = Severity.NOTE


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each retried job with effects outside."""
    for id, node in subject.plan.nodes.items():
        acts = node.secrets or node.logins or node.machine.environment is not None
        if node.kind is NodeKind.JOB and node.retry and acts and not node.writes:
            yield subject.finding(
                ID,
                SEVERITY,
                f"'{id}' acts on the outside and is run again when it fails halfway",
                subject.stated(id, "retry"),
                help="set `retry: 0`, unless doing it twice is harmless",
            )
