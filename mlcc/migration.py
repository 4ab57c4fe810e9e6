"""MIGRATE: old spellings rewritten in the text of a spec, where all else stays as it is, byte for byte."""

from __future__ import annotations

import json

from mlcc.diagnostics import Span
from mlcc.formatting.written import comments
from mlcc.load.deprecations import OldSpelling, modern, old_spellings
from mlcc.load.source import Scalar, Source, plain, read

Edit = tuple[Span, str]


class WrongMigrationError(Exception):
    """A bug: the rewritten text says something else."""


def migrated(text: str, display: str) -> str:
    """Return a spec's text in the spelling of today, with `requires` raised to the mlcc that knows it.

    Raises SpecError where the text can't be read, or has a key in both spellings.
    """
    source = read(text.encode(), display)
    found = old_spellings(source)
    if not found:
        return text
    edits = [*(_respelled(one, text) for one in found), *_raised(source, found)]
    made = text
    for span, new in sorted(edits, key=lambda edit: (edit[0].line, edit[0].column), reverse=True):
        start, end = _range(text, span)
        made = made[:start] + new + made[end:]
    after = read(made.encode(), display)
    kept = comments(made.replace("\r\n", "\n")) == comments(text.replace("\r\n", "\n"))
    if not kept or old_spellings(after) or _said(after) != _said(modern(source)):
        raise WrongMigrationError(f"{display} says something else when it is migrated")
    return made


def _respelled(one: OldSpelling, text: str) -> Edit:
    """Return the edit of one place; quotes stay."""
    start, end = _range(text, one.span)
    raw, old, new = text[start:end], one.deprecation.old, one.deprecation.new
    for quote in ("", "'", '"'):
        if raw == quote + old + quote:
            return one.span, quote + new + quote
    return one.span, f'"{new}"'


def _raised(source: Source, found: list[OldSpelling]) -> list[Edit]:
    """Return the edit of `requires`, where it lets an mlcc in that doesn't know the new spellings."""
    entry = source.root.entries.get("requires")
    needed = max((one.deprecation.since for one in found), key=_version)
    if entry is None or not isinstance(entry.node, Scalar) or not isinstance(entry.node.value, str):
        return []
    stated = entry.node.value.removeprefix(">=")
    if not all(part.isdecimal() for part in stated.split(".")) or _version(stated) >= _version(needed):
        return []
    return [(entry.node.span, f'">={needed}"')]


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def _said(source: Source) -> str:
    """Return the values of a source but `requires`, in their order."""
    entries = source.root.entries.items()
    return json.dumps([(key, plain(entry.node)) for key, entry in entries if key != "requires"])


def _range(text: str, span: Span) -> tuple[int, int]:
    """Return where a span begins and ends in a text."""
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    return starts[span.line - 1] + span.column - 1, starts[span.end_line - 1] + span.end_column - 1
