"""Code is run by jobs before a test has passed.

## What it does

Looks for artifacts of kind `code` that a job reads and that no blocking `tests` or `command` gate guards.

## Why it is bad

A job runs whatever was committed. A broken feature function then shows up as a slightly worse model after
hours of training, if it shows up at all.

## Bad

    artifacts:
      code: {kind: code, path: [src/]}
    jobs:
      train: {run: python -m credit.train, reads: [code]}

## Good

    gates:
      unit: {guards: code, path: [tests/], tests: {run: pytest -q --junitxml=junit.xml, junit: junit.xml}}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject, listed
from mlcc.plan import NodeKind

ID = "code-without-tests"
SEVERITY = Severity.WARNING


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each code artifact that no test guards."""
    for id, artifact in subject.plan.artifacts.items():
        readers = subject.takers(id, NodeKind.JOB, NodeKind.RELEASE)
        if artifact.kind != "code" or not readers:
            continue
        tests = [node for node, gate in subject.gates(id) if gate.kind in ("tests", "command")]
        if any(node.blocking for node in tests):
            continue
        names = listed(node.id for node in readers)
        yield subject.finding(
            ID,
            SEVERITY,
            f"no test guards the code '{id}' that {names} read{'s' if len(readers) == 1 else ''}",
            ("artifacts", id),
            key=True,
            others=[(subject.loc(node.id), "this gate is not blocking") for node in tests],
            help=f"add a gate: {{guards: {id}, tests: {{run: pytest}}}}",
        )
