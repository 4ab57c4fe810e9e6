"""Tables of people for the benchmark of data gates: 20 columns of mixed types as zstd Parquet, of any size.

Each value is a hash of its row's number, so that the same number of rows gives the same table. A clean table keeps all of
`CHECKS`. A dirty one breaks every one of them, on rows that follow from their numbers alone: `planted` says how many.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROW_GROUP = 122_880
NULLED = ("customer", "city", "score")
STATUSES = ("new", "active", "paused", "closed", "lost")
NEWEST = "2026-01-01"
"""No person of a clean table was created later."""
STALE_DAYS = 60
"""How much older everybody is in a dirty table."""
MISSING_ROWS = 10
"""How many rows a dirty table lacks."""
REFERENCE_ROWS, REFERENCE_FIRST = 100_000, 1_000_000_001
"""How many other people the drift is from, and the number of their first row."""
CHECKS: Mapping[str, Any] = {
    "nulls": NULLED,
    "max_nulls": 0.01,
    "unique": "id",
    "max_age": 120,
    "min_income": 0,
    "statuses": STATUSES,
    "pattern": "[A-Z]{2}-[0-9]{6}",
    "psi": {"income": 0.2},
    "ks": {"score": 0.1},
}
"""The checks besides those of the number of rows and of the newest row, which depend on the table and the day."""

# One dirty row in a thousand has this fault: (the row's number modulo 1,000, the column, its value).
_FAULTS = {
    "unique": (2, "id", "i - 1"),
    "age": (3, "age", "130"),
    "income": (4, "income", "-1"),
    "status": (5, "status", "'unknown'"),
    "code": (6, "code", "lower({value})"),
}
# Every so manyth row lacks the columns of NULLED.
_NULL_EVERY, _NULL_EVERY_DIRTY, _NULL_AT = 200, 25, 7


def _hash(salt: int) -> str:
    """64 bits of a row; `salt`, below 128, tells apart what the columns are made from."""
    return f"hash(128 * i + {salt})"  # the hash of two numbers hardly tells salts apart


def _uniform(salt: int) -> str:
    return f"({_hash(salt)} / 18446744073709551616.0e0)"


def _whole(salt: int, below: int) -> str:
    return f"CAST({_hash(salt)} % {below} AS INTEGER)"


def _normal(salt: int) -> str:
    """Standard normal (Box and Muller 1958)."""
    return f"(sqrt(-2 * ln(1 - {_uniform(salt)})) * cos(2 * pi() * {_uniform(salt + 1)}))"


def _letter(salt: int) -> str:
    return f"chr(65 + {_whole(salt, 26)})"


_COLUMNS = {
    "id": "i",
    "created": f"TIMESTAMP '{NEWEST}' - to_seconds({_whole(1, 31_536_000)})",
    "customer": f"CAST({_whole(2, 1_000_000)} AS BIGINT)",
    "city": f"'city ' || CAST({_uniform(3)} * {_uniform(4)} * 5000 AS INTEGER)",
    "age": f"18 + {_whole(5, 80)}",
    "income": f"round(exp(10 + 0.5e0 * {_normal(6)}), 2)",
    "score": _normal(8),
    "status": f"{list(STATUSES)}[1 + {_whole(10, len(STATUSES))}]",
    "code": f"{_letter(11)} || {_letter(12)} || '-' || lpad(CAST({_whole(13, 1_000_000)} AS VARCHAR), 6, '0')",
    "day": f"DATE '2025-01-01' + {_whole(14, 365)}",
    "member": f"{_hash(15)} % 3 = 0",
    "product": f"'product ' || CAST({_uniform(16)} * {_uniform(17)} * 20000 AS INTEGER)",
    **{f"count_{n}": f"CAST({_uniform(20 + n)} * {_uniform(30 + n)} * 1000 AS INTEGER)" for n in range(4)},
    **{f"measure_{n}": f"round(100 * {_normal(40 + 2 * n)}, 2)" for n in range(4)},
}
_SHIFTED = {
    "created": f"{{value}} - to_days({STALE_DAYS})",
    "income": "{value} * 1.5e0",
    "score": "{value} + 0.5e0",
}


def write_table(path: Path, rows: int, *, first: int = 1, dirty: bool = False) -> None:
    """Write the people numbered from `first`: `rows` of them, or fewer by MISSING_ROWS where they are dirty.

    10 million take 15 s of two cores, 0.2 GB of memory and 0.5 GB of disk. Raises duckdb.Error.
    """
    import duckdb  # here, for a process that measures others must stay small (see measure.run)

    last = first + rows - (MISSING_ROWS if dirty else 0)
    columns = ", ".join(f"{sql} AS {name}" for name, sql in _columns(dirty).items())
    with duckdb.connect(":memory:", config={"memory_limit": "2GB"}) as connection:
        connection.execute(
            f"COPY (SELECT {columns} FROM range({first}, {last}) people(i)) TO '{path}' "
            f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
        )


def _columns(dirty: bool) -> dict[str, str]:
    columns = dict(_COLUMNS)
    if dirty:
        for name, shift in _SHIFTED.items():
            columns[name] = shift.format(value=f"({columns[name]})")
        for at, name, fault in _FAULTS.values():
            value = columns[name]
            columns[name] = f"CASE WHEN i % 1000 = {at} THEN {fault.format(value=value)} ELSE {value} END"
    every = _NULL_EVERY_DIRTY if dirty else _NULL_EVERY
    for name in NULLED:
        columns[name] = f"CASE WHEN i % {every} <> {_NULL_AT} THEN {columns[name]} END"
    return columns


def planted(rows: int, *, dirty: bool = False) -> dict[str, int]:
    """Return how many rows each check finds, by its name, in a table written from row 1; `rows` is how many it sees."""
    rows -= MISSING_ROWS if dirty else 0
    every = _NULL_EVERY_DIRTY if dirty else _NULL_EVERY
    found = {"rows": rows, **dict.fromkeys(NULLED, _occurrences(rows, every, _NULL_AT))}
    return {**found, **{name: _occurrences(rows, 1000, at) * dirty for name, (at, *_) in _FAULTS.items()}}


def _occurrences(rows: int, every: int, at: int) -> int:
    """Return how many of the numbers from 1 to `rows` are `at` modulo `every`."""
    return (rows - at) // every + 1 if rows >= at else 0
