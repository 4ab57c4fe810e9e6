"""A check that no table can pass.

## What it does

Looks through contracts for checks that contradict each other: `values` of which none keeps to the column's own `min`, `max`
or `max_length`; and a `unique` column with fewer `values` than there must be `rows`. Also for an `evaluate` gate whose `min_n`
is over the most rows that a contract of the same table allows.

## Why it is bad

The gate stays closed, whatever the data. Found at the first run, that costs an hour; found at the first release, more.

## Bad

    contract: {columns: {grade: {type: integer, values: [1, 2, 3], min: 4}}}

## Good

    contract: {columns: {grade: {type: integer, values: [1, 2, 3]}}}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject

ID = "impossible-check"
SEVERITY = Severity.WARNING


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each check that never holds."""
    most: dict[str, tuple[str, int]] = {}
    for id, gate, params in subject.kind("contract"):
        least = 1 if params.rows is None else params.rows.min
        if params.rows is not None and params.rows.max is not None:
            most[gate.guards] = (id, params.rows.max)
        for name, column in params.columns.items():
            for key, message in _impossible(column, least):
                loc = ("gates", id, "contract", "columns", name, key)
                yield subject.finding(ID, SEVERITY, f"'{id}' stays closed: {message}", loc)
    for id, _, params in subject.kind("evaluate"):
        contract, rows = most.get(params.predictions, ("", 0))
        if contract and params.min_n is not None and params.min_n > rows:
            yield subject.finding(
                ID,
                SEVERITY,
                f"'{id}' stays inconclusive: it needs {params.min_n} rows, and '{contract}' allows {rows}",
                ("gates", id, "evaluate", "min_n"),
                others=[(("gates", contract, "contract", "rows", "max"), "at most so many rows")],
            )


def _impossible(column: Any, least: int) -> Iterator[tuple[str, str]]:
    """Yield (key, why it never holds); `least` is how many rows there must be."""
    if column.values is None or column.max_nulls >= 1:
        return
    for key in ("min", "max", "max_length"):
        limit = getattr(column, key)
        if limit is not None and not any(_keeps(value, key, limit) for value in column.values):
            yield key, f"none of the allowed values keeps to {key} {limit}"
    if column.unique and column.max_nulls == 0 and least > len(set(map(repr, column.values))):
        yield "unique", f"{len(column.values)} values can't all differ in {least} rows"


def _keeps(value: Any, key: str, limit: Any) -> bool:
    """Whether a value keeps to a limit; one that can't be compared is the compiler's business."""
    if key == "max_length":
        return not isinstance(value, str) or len(value) <= limit
    try:
        return bool(value >= limit if key == "min" else value <= limit)
    except TypeError:
        return True
