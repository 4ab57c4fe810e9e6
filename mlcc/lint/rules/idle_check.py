"""A check that no table can fail.

## What it does

Looks through contracts for checks that let everything pass: `max_nulls: 1`, a `pattern` such as `.*`, `values` of a
boolean that are true and false; and contracts of which every column may be missing and nothing else is asked, or only
`rows: {min: 1}`, which holds of every table that isn't empty.

## Why it is bad

The check is there, is read as a promise, and decides nothing.

## Bad

    contract: {columns: {income: {type: number, max_nulls: 1}}}

## Good

    contract: {columns: {income: {type: number, max_nulls: 0.05}}}
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject

ID = "idle-check"
SEVERITY = Severity.WARNING
_EVERYTHING = re.compile(r"\^?(?:\(\?s\))?\(?(?:\.|\[\\s\\S\]|\[\^\]|\\P\{Cn\})[*]\)?\$?")


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each check that always holds."""
    for id, _, params in subject.kind("contract"):
        for name, column in params.columns.items():
            loc = ("gates", id, "contract", "columns", name)
            for key, message in _idle(column):
                yield subject.finding(ID, SEVERITY, f"'{id}' can't fail by this: {message}", (*loc, key))
        if _asks_nothing(params):
            yield subject.finding(
                ID,
                SEVERITY,
                f"every column of '{id}' may be missing, and nothing else is asked",
                ("gates", id, "contract", "columns"),
                key=True,
                help="leave `required: false` out where readers rely on the column",
            )


def _idle(column: Any) -> Iterator[tuple[str, str]]:
    """Yield (key, why it always holds)."""
    if column.max_nulls >= 1:
        yield "max_nulls", "every row may be without a value"
    if column.pattern is not None and _EVERYTHING.fullmatch(column.pattern):
        yield "pattern", "every text matches"
    if column.type == "boolean" and column.values is not None and {True, False} <= set(column.values):
        yield "values", "a boolean has no other values"


def _asks_nothing(params: Any) -> bool:
    asks = (
        params.unique or params.freshness or params.checks or params.denied or params.extra_columns == "deny"
    )
    asks = asks or (params.rows is not None and (params.rows.min > 1 or params.rows.max is not None))
    return not asks and not any(column.required for column in params.columns.values())
