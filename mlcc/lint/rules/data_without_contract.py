"""Data from outside reaches a job unchecked.

## What it does

Looks for artifacts of kind `data` with a `from` that a job reads or evaluates and that no blocking gate
guards.

## Why it is bad

What is fetched changes without a commit: a column goes missing, a unit changes, half of the rows don't
arrive. Training doesn't fail on such data, it learns from it.

## Bad

    artifacts:
      raw: {kind: data, path: data/raw.parquet, from: {dvc: data/raw.parquet.dvc}}
    jobs:
      train: {run: python train.py, reads: [raw], writes: [model]}

## Good

    gates:
      raw-contract:
        guards: raw
        contract:
          rows: {min: 10000}
          columns: {income: {type: number, min: 0, max_nulls: 0.02}}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.inputs import unchecked
from mlcc.lint.subject import Subject

ID = "data-without-contract"
SEVERITY = Severity.WARNING


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each fetched table that no gate guards."""
    return unchecked(subject, ID, SEVERITY, fetched=True)
