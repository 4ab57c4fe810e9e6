"""A table of any size for the benchmarks of data gates: 20 columns of mixed types, as zstd Parquet.

The same number of rows gives the same values: each is a hash of its row. About one row in 200 has no `income`; `id` counts
up; nothing violates the contract in `benchmarks/contract.py`.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

REGIONS = ("SE", "NO", "DK", "FI", "IS")
_UNIT = "(hash(i, {n}) % 1000003) / 1000003.0e0"  # a number from 0 to below 1
_COLUMNS = {
    "id": "i",
    "created": "TIMESTAMP '2026-01-01' + to_seconds(hash(i, 1) % 25920000)",
    "region": f"{list(REGIONS)}[1 + CAST(hash(i, 2) % {len(REGIONS)} AS INTEGER)]",
    "email": "'user' || (hash(i, 3) % 5000000) || '@mail' || (hash(i, 4) % 100) || '.example'",
    "income": f"CASE WHEN hash(i, 5) % 200 > 0 THEN 1000 + 90000 * {_UNIT.format(n=6)} END",
    "age": "CAST(18 + hash(i, 7) % 70 AS INTEGER)",
    "active": "hash(i, 8) % 3 = 0",
    "joined": "DATE '2020-01-01' + CAST(hash(i, 9) % 2000 AS INTEGER)",
    **{f"x{n}": f"exp(4 * {_UNIT.format(n=10 + n)})" for n in range(8)},
    **{f"n{n}": f"CAST(hash(i, {20 + n}) % 1000 AS INTEGER)" for n in range(4)},
}


def write_table(path: Path, rows: int) -> None:
    """Write a table of `rows` rows in row groups of 122,880; 10 million take half a minute and 1 GB."""
    columns = ", ".join(f"{value} AS {name}" for name, value in _COLUMNS.items())
    with duckdb.connect(":memory:", config={"memory_limit": "2GB"}) as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(
            f"COPY (SELECT {columns} FROM range({rows}) t(i)) TO '{path}' (FORMAT parquet, COMPRESSION zstd)"
        )
