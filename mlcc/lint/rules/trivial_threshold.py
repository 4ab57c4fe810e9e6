"""A threshold that no model can miss.

## What it does

Looks for floors and ceilings of `evaluate` gates that a coin, a constant or any number at all reaches:
`roc_auc` from 0.5 down, `r2` from 0 down (the mean of the label reaches it), shares such as `accuracy` from 0
down or with a ceiling of 1, errors with a floor of 0, and, with `predictions`, a `brier_score` of 0.25 or a
`log_loss` of 0.6932 (always answering 0.5 reaches them). Also for a coverage floor of 0.

## Why it is bad

The gate is there, is green, and decides nothing.

## Bad

    evaluate: {predictions: scored, label: late, score: p, metrics: {roc_auc: {min: 0.5}}}

## Good

    evaluate: {predictions: scored, label: late, score: p, metrics: {roc_auc: {min: 0.73}}}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject

ID = "trivial-threshold"
SEVERITY = Severity.WARNING
SHARES = ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "roc_auc")
ERRORS = (
    "log_loss",
    "brier_score",
    "mean_absolute_error",
    "mean_squared_error",
    "root_mean_squared_error",
)
FLOORS = {**dict.fromkeys((*SHARES, *ERRORS), 0.0), "roc_auc": 0.5, "r2": 0.0}
CEILINGS = dict.fromkeys(SHARES, 1.0)
WHO = {"roc_auc": "chance", "r2": "a constant"}
COIN = {"brier_score": 0.25, "log_loss": 0.6932}  # of a binary label; ln 2 is 0.69315


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each threshold that is always reached."""
    for id, _, params in subject.kind("evaluate"):
        yield from _check_metrics(subject, id, params)
    for id, _, tests in subject.kind("tests"):
        if tests.coverage is not None and tests.coverage.min <= 0:
            loc = ("gates", id, "tests", "coverage", "min")
            yield subject.finding(
                ID, SEVERITY, f"every test run of '{id}' covers at least 0 of the code", loc
            )


def _check_metrics(subject: Subject, id: str, params: Any) -> Iterator[Diagnostic]:
    ceilings = {**CEILINGS, **(COIN if params.predictions is not None else {})}
    for name, metric in params.metrics.items():
        loc = ("gates", id, "evaluate", "metrics", name)
        if metric.mean is not None:
            continue
        name = metric.metric or name
        if metric.min is not None and name in FLOORS and metric.min <= FLOORS[name]:
            message = f"'{id}' can't fail by this floor: {WHO.get(name, 'every model')} reaches {name} {FLOORS[name]:g}"
            yield subject.finding(ID, SEVERITY, message, (*loc, "min"))
        if metric.max is not None and name in ceilings and metric.max >= ceilings[name]:
            message = f"'{id}' can't fail by this ceiling: every model keeps to {name} {metric.max:g}"
            if name in COIN:
                message = f"'{id}' can hardly fail by this ceiling: always answering 0.5 keeps to {name} {metric.max:g}"
            yield subject.finding(ID, SEVERITY, message, (*loc, "max"))
