"""What a CI system does worse than the language says is borne by a waiver.

## What it does

Lists every `waive` under `targets`, with its last day, also one whose last day is over.

## Why it is bad

The pipeline doesn't mean the same on every CI system until then. After the last day, runs there are refused, so the
repair has to come first.

## Bad

    targets:
      gitlab:
        waive: {always-after-cancel: {reason: the scratch database expires by itself, until: "2027-06-30"}}

## Good

    targets: {gitlab: {}}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject

ID = "waived-loss"
SEVERITY = Severity.NOTE


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each waiver of a back end's loss."""
    for target, features in subject.plan.waivers.items():
        for feature, waived in features.items():
            message = (
                f"on {target} '{feature}' is not what the language says, until {waived.until}: {waived.reason}"
                if subject.day <= waived.until
                else f"the waiver of '{feature}' on {target} ended on {waived.until}, so every run there is refused"
            )
            yield subject.finding(ID, SEVERITY, message, ("targets", target, "waive", feature), key=True)
