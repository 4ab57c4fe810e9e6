"""A threshold that no model can reach.

## What it does

Looks for floors and ceilings of `evaluate` gates with `metrics_from` that lie outside of what the metric of that
name can be, such as an accuracy over 1. With `predictions` such a threshold is an error.

## Why it is bad

The gate stays closed, whatever the model; or the file's numbers are percentages, and the name says otherwise.

## Bad

    evaluate: {metrics_from: metrics, metrics: {accuracy: {min: 85}}}

## Good

    evaluate: {metrics_from: metrics, metrics: {accuracy_percent: {value: accuracy, min: 85}}}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.gates.evaluate.ranges import meant, outside
from mlcc.lint.subject import Subject

ID = "impossible-threshold"
SEVERITY = Severity.WARNING


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each threshold outside of its metric's range."""
    for id, _, params in subject.kind("evaluate"):
        for name, metric in params.metrics.items() if params.metrics_from is not None else ():
            for side in ("min", "max"):
                limit = getattr(metric, side)
                message = None if limit is None else outside(name, side, limit)
                if message is not None:
                    yield subject.finding(
                        ID,
                        SEVERITY,
                        f"'{id}' stays closed: {message}",
                        ("gates", id, "evaluate", "metrics", name, side),
                        help=meant(name, limit)
                        or f"if the file's {name} is another measure, name it otherwise",
                    )
