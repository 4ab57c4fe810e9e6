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
    targets = subject.spec.targets
    overlays = (
        ("github", "GitHub", "workflow", targets.github.workflow if targets.github else {}),
        ("gitlab", "GitLab", "pipeline", targets.gitlab.pipeline if targets.gitlab else {}),
    )
    for target, system, part, content in overlays:
        only = f"is for {system} only: other CI systems run without it"
        for key in content:
            yield subject.finding(
                ID, SEVERITY, f"the {part}'s '{key}' {only}", ("targets", target, part, key), key=True
            )
        overlay = getattr(targets, target)
        for id in overlay.jobs if overlay else ():
            yield subject.finding(
                ID, SEVERITY, f"this part of '{id}' {only}", ("targets", target, "jobs", id), key=True
            )
