"""An artifact that nothing uses.

## What it does

Looks for artifacts that no node reads, evaluates, guards or writes, and for fetched ones that nothing takes.

## Why it is bad

It is left over, or misspelt where it was meant. A fetched one is downloaded for nothing.

## Bad

    artifacts:
      code: {kind: code, path: [src/]}
      old: {kind: data, path: data/old.csv}

## Good

    artifacts:
      code: {kind: code, path: [src/]}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject
from mlcc.plan import NodeKind

ID = "unused-artifact"
SEVERITY = Severity.WARNING


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each artifact without a use."""
    nodes = subject.plan.nodes
    taken = {take.artifact for node in nodes.values() for take in node.takes}
    for id, artifact in subject.plan.artifacts.items():
        if id in taken:
            continue
        if artifact.writer is None:
            yield subject.finding(
                ID, SEVERITY, f"nothing uses the artifact '{id}'", ("artifacts", id), key=True
            )
        elif nodes[artifact.writer].kind is NodeKind.FETCH:
            message = f"the artifact '{id}' is fetched, and nothing takes it"
            yield subject.finding(ID, SEVERITY, message, ("artifacts", id), key=True)
