"""Raw text for one CI system.

## What it does

Lists every entry under `targets`.

## Why it is bad

What stands there means nothing to the other CI systems, and mlcc merges it without knowing what it does.

## Bad

    targets: {github: {jobs: {train: {permissions: {packages: write}}}}}

## Good

    jobs:
      train: {run: python train.py, runner: gpu, timeout: 6h}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject

ID = "overlay"
SEVERITY = Severity.NOTE


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each overlay."""
    github = subject.spec.targets.github
    if github is None:
        return
    for key in github.workflow:
        message = f"the workflow's '{key}' is for GitHub only: other CI systems run without it"
        yield subject.finding(ID, SEVERITY, message, ("targets", "github", "workflow", key), key=True)
    for id in github.jobs:
        message = f"this part of '{id}' is for GitHub only: other CI systems run without it"
        yield subject.finding(ID, SEVERITY, message, ("targets", "github", "jobs", id), key=True)
