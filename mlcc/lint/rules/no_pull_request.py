"""The gates only see what is already merged.

## What it does

Looks for specs with blocking gates and a `push` trigger, but none for pull requests.

## Why it is bad

A gate that fails after the merge tells everybody that the branch is broken; before the merge it would have
told the author.

## Bad

    triggers: {push: {branches: [main]}}

## Good

    triggers: {pull_request: {branches: [main]}, push: {branches: [main]}}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject
from mlcc.plan import NodeKind

ID = "no-pull-request"
SEVERITY = Severity.NOTE


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding where the gates come after the merge."""
    triggers = subject.plan.triggers
    gates = any(node.kind is NodeKind.GATE and node.blocking for node in subject.plan.nodes.values())
    if gates and triggers.push is not None and triggers.pull_request is None:
        yield subject.finding(
            ID,
            SEVERITY,
            "the gates run after the merge only",
            ("triggers",),
            key=True,
            help=f"add `pull_request: {{branches: [{triggers.push[0]}]}}`",
        )
