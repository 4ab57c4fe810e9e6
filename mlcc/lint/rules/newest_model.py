"""A command takes the newest model, not this run's.

## What it does

Looks in commands for what picks an artifact by its age or by a moving name: `ls -t ... | head`, `getmtime`,
`get_latest_versions`, `models:/NAME/latest` (or Production, Staging), and references that end in `:latest`.

## Why it is bad

When the training of this run failed, or another run ended in between, the newest model is a different one
from the one that was judged. Of 25 public pipelines, 5 release such a model.

## Bad

    run: python deploy.py "$(ls -t models/*.onnx | head -1)"

## Good

    run: python deploy.py build/model/model.onnx
    reads: [model]
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.commands import Command
from mlcc.lint.subject import Subject

ID = "newest-model"
SEVERITY = Severity.WARNING
MOVING = (
    r"models:/[^/\s'\"]{1,100}/(?:latest|[Pp]roduction|[Ss]taging)\b"
    r"|\bget_latest_versions\b|\bget[mc]time\b|(?<=[\w/]):latest\b"
)
MARKS = ("models:/", "latest", "time")


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each model that is picked by its age or a moving name."""
    for command in subject.commands:
        for text in _moving(command):
            yield subject.finding(
                ID,
                SEVERITY,
                f"{command.who} takes whatever is newest (`{text}`), not what this run made and judged",
                subject.word(command.loc, text),
                help="take it as an artifact under `reads`, or name one version",
            )


def _moving(command: Command) -> Iterator[str]:
    simple = command.simple
    for left, right in pairwise(simple):
        by_time = any(word.startswith("-") and "t" in word for word in left.program[1:])
        picked = left.after == "|" and right.program[:1] in (("head",), ("tail",), ("sed",))
        if left.program[:1] == ("ls",) and by_time and picked:
            yield "ls"
    if any(mark in command.text for mark in MARKS):
        yield from dict.fromkeys(re.findall(MOVING, command.text))
