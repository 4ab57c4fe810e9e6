"""A matrix has very many legs.

## What it does

Looks for a `matrix` with more than 32 legs.

## Why it is bad

Every leg starts a machine, checks out and installs, on every run. Limits are near: GitHub takes 256 legs,
GitLab 200. A search over parameters is one job on a large machine, or several.

## Bad

    matrix: {axes: {rate: [1, 2, 3, 4, 5, 6], depth: [1, 2, 3, 4, 5, 6]}}

## Good

    matrix: {axes: {region: [eu, us, asia]}}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject

ID = "large-matrix"
SEVERITY = Severity.NOTE
MANY = 32


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each large matrix."""
    for id, node in subject.plan.nodes.items():
        if len(node.legs) > MANY:
            message = f"'{id}' starts {len(node.legs)} machines in every run"
            yield subject.finding(ID, SEVERITY, message, (*subject.loc(id), "matrix"), key=True)
