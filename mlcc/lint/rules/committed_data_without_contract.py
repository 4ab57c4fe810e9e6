"""Committed data reaches a job unchecked.

## What it does

Looks for committed artifacts of kind `data` that a job reads or evaluates and that no blocking gate guards.

## Why it is bad

A review of a changed data file shows that it changed, seldom what is wrong with it. A contract is also the
place where the next reader learns what the columns are.

## Bad

    artifacts:
      stops: {kind: data, path: data/stops.csv}
    jobs:
      train: {run: python train.py, reads: [stops], writes: [model]}

## Good

    gates:
      stops-contract:
        guards: stops
        contract:
          columns: {speed: {type: number, min: 0}, distance: {type: number, min: 0}}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.inputs import unchecked
from mlcc.lint.subject import Subject

ID = "committed-data-without-contract"
SEVERITY = Severity.NOTE


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each committed table that no gate guards."""
    return unchecked(subject, ID, SEVERITY, fetched=False)
