"""Nothing runs on the branch itself.

## What it does

Looks for specs with blocking gates and a `pull_request` trigger, but neither `push` nor `tag`, schedule, form
or dispatch.

## Why it is bad

What a pull request proves is advisory: it may change the gates that judge it, and two green pull requests may
be red together. Gates count when they run on the protected branch.

## Bad

    triggers: {pull_request: {branches: [main]}}

## Good

    triggers: {pull_request: {branches: [main]}, push: {branches: [main]}}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject
from mlcc.plan import NodeKind

ID = "no-push"
SEVERITY = Severity.NOTE


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding where only pull requests are checked."""
    t = subject.plan.triggers
    gates = any(node.kind is NodeKind.GATE and node.blocking for node in subject.plan.nodes.values())
    others = t.push is not None or t.tag is not None or t.schedules or t.forms or t.dispatches
    if gates and t.pull_request is not None and not others:
        yield subject.finding(
            ID,
            SEVERITY,
            "the gates never run on the branch itself",
            ("triggers",),
            key=True,
            help=f"add `push: {{branches: [{t.pull_request[0]}]}}`",
        )
