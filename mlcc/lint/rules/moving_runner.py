"""A runner's name moves to another system.

## What it does

Looks for labels of runners that end in `latest`.

## Why it is bad

`ubuntu-latest` is another Ubuntu from one day to the next: another compiler, another Python, and a pipeline
that breaks without a commit.

## Bad

    runners: {default-linux: {github: ubuntu-latest}}

## Good

    runners: {default-linux: {github: ubuntu-24.04}}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject

ID = "moving-runner"
SEVERITY = Severity.NOTE


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each label that moves."""
    for id, runner in subject.plan.runners.items():
        for system, labels in runner.labels.items():
            for label in labels:
                if label.endswith("latest"):
                    message = f"the runner '{id}' is another system from one day to the next: {label}"
                    yield subject.finding(ID, SEVERITY, message, subject.word(("runners", id, system), label))
