"""A runner waits.

## What it does

Looks for `sleep` of 30 seconds or more in commands.

## Why it is bad

A waiting runner is paid and blocked, and the guess is either too short or too long. 10 of 25 public pipelines
sleep. Services are waited for by mlcc (`ready`).

## Bad

    run: ./start.sh && sleep 120 && python check.py

## Good

    services: {api: {image: "ghcr.io/acme/api@sha256:...", port: 8080, ready: 120s}}
    run: python check.py
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject

ID = "sleep-on-runner"
SEVERITY = Severity.WARNING
LONG = 30.0  # seconds; shorter ones are steps of a polling loop
UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
DURATION = r"(\d{1,9}(?:\.\d{1,9})?)([smhd]?)"


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each long sleep."""
    for command in subject.commands:
        for simple in command.simple:
            if simple.program[:1] == ("sleep",) and _seconds(simple.program[1:]) >= LONG:
                text = f"sleep {simple.program[1]}"
                yield subject.finding(
                    ID,
                    SEVERITY,
                    f"{command.who} holds a runner while it waits",
                    subject.word(command.loc, text),
                    help="wait for the thing itself: `services` with `ready`, or a loop with a limit",
                )


def _seconds(words: tuple[str, ...]) -> float:
    matches = [re.fullmatch(DURATION, word) for word in words]
    return sum(float(match[1]) * UNITS[match[2]] for match in matches if match)
