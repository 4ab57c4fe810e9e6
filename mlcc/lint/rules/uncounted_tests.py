"""Nobody counts whether a test ran.

## What it does

Looks for `tests` gates without `junit` whose command isn't pytest (which fails when it finds no test).

## Why it is bad

Many test commands end with 0 when they find nothing to run: a moved folder or a changed file name, and the
gate is green without a single test.

## Bad

    tests: {run: python -m unittest}

## Good

    tests: {run: pytest -q --junitxml=junit.xml, junit: junit.xml, min_passed: 20}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject

ID = "uncounted-tests"
SEVERITY = Severity.NOTE


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each tests gate that would pass without a test."""
    for id, _, tests in subject.kind("tests"):
        if tests.junit is None and "pytest" not in tests.run:
            yield subject.finding(
                ID,
                SEVERITY,
                f"'{id}' judges the exit code alone: it may pass without a test",
                ("gates", id, "tests", "run"),
                help="let the command write a JUnit report and name it: `junit: junit.xml`",
            )
