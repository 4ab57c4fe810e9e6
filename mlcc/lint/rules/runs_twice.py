"""A push to a pull request starts two runs.

## What it does

Looks for `push` on every branch beside `pull_request`.

## Why it is bad

Each commit of a pull request then runs twice, as a push of its branch and as the pull request, with two
results that may differ.

## Bad

    triggers: {pull_request: {branches: [main]}, push: {branches: ["**"]}}

## Good

    triggers: {pull_request: {branches: [main]}, push: {branches: [main]}}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject

ID = "runs-twice"
SEVERITY = Severity.WARNING


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding where every push starts a run beside that of its pull request."""
    triggers = subject.plan.triggers
    for index, pattern in enumerate(triggers.push or ()):
        if triggers.pull_request is not None and pattern in ("*", "**"):
            yield subject.finding(
                ID,
                SEVERITY,
                "every commit of a pull request runs twice: as a push too",
                ("triggers", "push", "branches", index),
                help="name the protected branches: [main]",
            )
