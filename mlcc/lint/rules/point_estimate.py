"""A metric is judged without knowing how sure it is.

## What it does

Looks for metrics of `evaluate` gates with `metrics_from` that name no `stderr`, and for a `confidence` of 0.5,
which leaves the interval out.

## Why it is bad

On a test set of 500 rows an accuracy of 0.85 has a standard error of 0.016: a floor of 0.84 then passes or
fails by luck. With a standard error the gate judges the confidence bound; with `predictions` it computes the
bound itself.

## Bad

    evaluate: {metrics_from: metrics, metrics: {accuracy: {min: 0.84}}}

## Good

    evaluate: {metrics_from: metrics, metrics: {accuracy: {min: 0.82, stderr: accuracy_stderr, n: rows}}}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject, listed

ID = "point-estimate"
SEVERITY = Severity.NOTE


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each gate that judges points."""
    for id, _, params in subject.kind("evaluate"):
        loc = ("gates", id, "evaluate")
        if params.confidence <= 0.5:
            message = f"a confidence of 0.5 makes '{id}' judge the bare estimate"
            yield subject.finding(ID, SEVERITY, message, (*loc, "confidence"), help="0.95 is usual")
        bare = [name for name, metric in params.metrics.items() if metric.stderr is None]
        if params.metrics_from is not None and bare:
            yield subject.finding(
                ID,
                SEVERITY,
                f"'{id}' judges {listed(bare)} without a standard error",
                (*loc, "metrics", bare[0]),
                key=True,
                help="write the standard error too and name it: `stderr: ...`; or give the gate `predictions`",
            )
