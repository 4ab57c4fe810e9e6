"""A gate is open by a waiver.

## What it does

Lists every `waive`, with its last day.

## Why it is bad

A waiver is the honest way past a gate, and easily forgotten. Listed at every lint, it isn't.

## Bad

    unit:
      guards: code
      waive: {reason: flaky since the upgrade, until: "2027-01-31", issue: "#12"}
      tests: {run: pytest}

## Good

    unit: {guards: code, tests: {run: pytest}}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject

ID = "waived-gate"
SEVERITY = Severity.NOTE


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each waiver."""
    for id, gate in subject.gate_specs.items():
        if gate.waive is not None:
            message = f"the gate '{id}' is open until {gate.waive.until}: {gate.waive.reason}"
            yield subject.finding(
                ID,
                SEVERITY,
                message,
                ("gates", id, "waive"),
                key=True,
                help=f"the repair: {gate.waive.issue}",
            )
