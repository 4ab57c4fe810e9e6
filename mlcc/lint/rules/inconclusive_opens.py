"""A gate opens when it can't tell.

## What it does

Looks for blocking gates with `on_inconclusive: warn`.

## Why it is bad

Inconclusive means that the evidence is too thin for a pass: too few rows, or an interval on both sides of
the threshold. Opening then makes the smallest test set the easiest one to pass.

## Bad

    quality: {guards: model, on_inconclusive: warn, evaluate: {predictions: scored, metrics: {roc_auc: {min: 0.7}}}}

## Good

    quality: {guards: model, evaluate: {predictions: scored, metrics: {roc_auc: {min: 0.7}}}}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject

ID = "inconclusive-opens"
SEVERITY = Severity.NOTE


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each gate that lets an inconclusive verdict pass."""
    for id, gate in subject.gate_specs.items():
        if gate.blocking and gate.on_inconclusive == "warn":
            message = f"the gate '{id}' opens when its evidence is too thin for a verdict"
            yield subject.finding(ID, SEVERITY, message, ("gates", id, "on_inconclusive"), key=True)
