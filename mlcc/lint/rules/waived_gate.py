"""A gate is open by a waiver.

## What it does

Lists every `waive`, with its last day, also one whose last day is over.

## Why it is bad

A waiver is the honest way past a gate, and easily forgotten. Listed at every lint, it isn't. One that is over opens nothing any
more: the gate is closed again when it fails.

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
            until, reason = gate.waive.until, gate.waive.reason
            message = (
                f"the gate '{id}' is open until {until}: {reason}"
                if subject.day <= until
                else f"the waiver of the gate '{id}' ended on {until}: {reason}"
            )
            yield subject.finding(
                ID,
                SEVERITY,
                message,
                ("gates", id, "waive"),
                key=True,
                help=f"the repair: {gate.waive.issue}",
            )
