"""Every node fetches the whole history.

## What it does

Looks for `depth: 0` under `defaults.checkout`.

## Why it is bad

In an old repository, and in one with large files in its past above all, the history is most of a checkout.
One node may need it (a version from `git describe`, say), seldom all.

## Bad

    defaults: {checkout: {depth: 0}}

## Good

    jobs:
      package: {run: python -m build, reads: [code], writes: [wheel], checkout: {depth: 0}}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject

ID = "full-history"
SEVERITY = Severity.NOTE


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding where the default checkout has all commits."""
    checkout = subject.spec.defaults.checkout
    if checkout is not None and checkout.depth == 0 and len(subject.plan.nodes) > 1:
        yield subject.finding(
            ID,
            SEVERITY,
            f"each of the {len(subject.plan.nodes)} nodes fetches the whole history",
            ("defaults", "checkout", "depth"),
            help="set `checkout: {depth: 0}` on the node that needs it",
        )
