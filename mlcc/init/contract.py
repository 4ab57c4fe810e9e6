"""A contract for one table, proposed from all of its rows: what a profile shows, with room for what is to come."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mlcc.init.spelling import scalar
from mlcc.init.tables import ColumnGuess, TableGuess, table_guess
from mlcc.profiling import profile

_MOST_VALUES = 12
_LEAST_ROWS_EACH = 20  # of a value, on average: before, a new one is no surprise
_ROOM = 0.1  # of the range, on either side
_LARGEST = 1e15  # beyond, a number isn't written digit by digit


def read_whole(path: Path) -> TableGuess:
    """Return what all rows of a Parquet, CSV, TSV or JSON lines file show. Raises OutputError and SpecError."""
    found = profile([str(path)], [], 20)
    rows = found["rows"]
    columns = (
        _column(name, column, rows) for name, column in found["columns"].items() if column["type"] != "other"
    )
    return table_guess(columns, rows, True)


def _column(name: str, column: Mapping[str, Any], rows: int) -> ColumnGuess:
    absent = column["nulls"] + column.get("nan", 0)
    unique = not absent and (column.get("unique", False) or column.get("distinct") == rows > 1)
    rules = ("unique: true",) if unique else (*_range(column), *_values(column, rows))
    return ColumnGuess(name, column["type"], absent / rows, unique, rules)


def _range(column: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the least and the greatest value with room for a tenth of their way; what isn't negative stays so."""
    if column["type"] not in ("integer", "number") or "min" not in column:
        return ()
    if column["counts"][0] or column["counts"][-1]:  # infinities are outside of every range
        return ()
    low, high = column["min"], column["max"]
    room = _ROOM * (high - low)
    if not math.isfinite(room):
        return ()
    least = low - room if low < 0 else max(low - room, 0)
    most = high + room if high > 0 else min(high + room, 0)
    if max(abs(least), abs(most)) > _LARGEST:
        return ()
    digits = 0 if column["type"] == "integer" else _digits(room, max(abs(least), abs(most)))
    return (f"min: {_rounded(least, digits, math.floor)}", f"max: {_rounded(most, digits, math.ceil)}")


def _digits(room: float, size: float) -> int:
    """Return how many digits after the point show a tenth of the room, or 12 of a value without any."""
    step = room / 10 if room else size * 1e-12
    return min(max(-math.floor(math.log10(step)), 0), 18) if step else 0


def _rounded(value: float, digits: int, towards: Callable[[float], int]) -> str:
    """Return a bound as digits without an exponent, rounded outwards."""
    text = f"{towards(value * 10.0**digits) / 10.0**digits:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _values(column: Mapping[str, Any], rows: int) -> tuple[str, ...]:
    """Return the values of a column that has few, each of them often."""
    values = column.get("values", {})
    few = 0 < len(values) <= _MOST_VALUES and len(values) * _LEAST_ROWS_EACH <= rows
    if column["type"] != "string" or column["other"] or not few:
        return ()
    return (f"values: [{', '.join(map(scalar, sorted(values)))}]",)
