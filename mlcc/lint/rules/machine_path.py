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
HOME = r"(?<![\w./-])(?:/home/(?!runner/|vscode/|jovyan/|user/|app/)|/Users/(?!runner/))[\w.-]{1,64}/"


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each path into somebody's home folder."""
    for command in subject.commands:
        for path in dict.fromkeys(_homes(command.text)):
            message = f"{command.who} uses {path}, which only one machine has"
            yield subject.finding(ID, SEVERITY, message, subject.word(command.loc, path))
    seen: set[Span] = set()
    for id, node in subject.plan.nodes.items():
        for name, value in node.env:
            homes = _homes(value.text) if isinstance(value, Text) else []
            span = subject.span(subject.stated(id, "env", name)) if homes else None
            if span is not None and span not in seen:
                seen.add(span)
                message = f"{name} of '{id}' is in {homes[0]}, which only one machine has"
                yield subject.finding(ID, SEVERITY, message, span)


def _homes(text: str) -> list[str]:
    # Looked for first: a pattern costs more than the rest of a clean lint of this rule.
    return re.findall(HOME, text) if "/home/" in text or "/Users/" in text else []
