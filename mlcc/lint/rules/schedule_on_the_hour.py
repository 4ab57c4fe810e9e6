"""A schedule starts at the full hour.

## What it does

Looks for schedules whose minute is 0.

## Why it is bad

Everybody starts at the full hour. GitHub then starts scheduled runs late, or drops them.

## Bad

    triggers: {schedule: {nightly: "0 3 * * *"}}

## Good

    triggers: {schedule: {nightly: "17 3 * * *"}}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject

ID = "schedule-on-the-hour"
SEVERITY = Severity.NOTE


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each schedule at minute 0."""
    for id, cron in subject.plan.triggers.schedules:
        minute, _, rest = cron.strip().partition(" ")
        if minute in ("0", "00"):
            # A minute that depends on the id, so that two schedules don't get the same one.
            other = 7 + sum(map(ord, id)) % 47
            yield subject.finding(
                ID,
                SEVERITY,
                f"the schedule '{id}' starts at the full hour, when runs are late or dropped",
                ("triggers", "schedule", id),
                help=f'take another minute: "{other} {rest.strip()}"',
            )
