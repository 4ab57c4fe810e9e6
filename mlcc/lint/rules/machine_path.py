"""A path that only one machine has.

## What it does

Looks in commands and in literal `env` values for somebody's home folder, such as `/home/ann/` or
`/Users/ann/`. GitHub's own `/home/runner/` is left alone.

## Why it is bad

It works where it was written.

## Bad

    run: python train.py --data /home/ann/data/raw.parquet

## Good

    run: python train.py --data "$ARTIFACT_RAW"
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity, Span
from mlcc.lint.subject import Subject
from mlcc.plan import Text

ID = "machine-path"
SEVERITY = Severity.WARNING
HOME = re.compile(
    r"(?<![\w./-])(?:/home/(?!runner/|vscode/|jovyan/|user/|app/)|/Users/(?!runner/))[\w.-]{1,64}/"
)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each path into somebody's home folder."""
    for command in subject.commands:
        for path in dict.fromkeys(match.group() for match in HOME.finditer(command.text)):
            message = f"{command.who} uses {path}, which only one machine has"
            yield subject.finding(ID, SEVERITY, message, subject.word(command.loc, path))
    seen: set[Span] = set()
    for id, node in subject.plan.nodes.items():
        for name, value in node.env:
            match = HOME.match(value.text) if isinstance(value, Text) else None
            span = subject.span(subject.stated(id, "env", name)) if match else None
            if match and span and span not in seen:
                seen.add(span)
                message = f"{name} of '{id}' is in {match.group()}, which only one machine has"
                yield subject.finding(ID, SEVERITY, message, span)
