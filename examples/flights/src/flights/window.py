"""Cuts the features of some months: the newest one, which is watched for drift, or those of a baseline.

python -m flights.window                                   the newest month, to the artifact `recent`
python -m flights.window 1 9 build/training-window.parquet  January to September, for `mlcc profile`
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from flights.paths import location, output


def newest(features: Path) -> int:
    """Return the last month (1 to 12) that has flights. Raises ValueError if there are none."""
    with duckdb.connect() as connection:
        row = connection.execute("SELECT max(month) FROM read_parquet(?)", [str(features)]).fetchone()
    if row is None or row[0] is None:
        raise ValueError(f"{features} has no row")
    return int(row[0])


def cut(features: Path, first: int, last: int, target: Path) -> int:
    """Write the rows of the months `first` to `last` to Parquet at `target`; returns how many there are."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(
            "CREATE TABLE cut AS SELECT * FROM read_parquet(?) WHERE month BETWEEN ? AND ?",
            [str(features), first, last],
        )
        connection.table("cut").order("id").write_parquet(str(target), compression="zstd")
        row = connection.execute("SELECT count(*) FROM cut").fetchone()
    return int(row[0]) if row else 0


def main() -> None:
    """Cut the newest month, or the months that the command line names."""
    features = location("features")
    if len(sys.argv) > 1:
        first, last, target = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    else:
        first = last = newest(features)
        target = output("recent")
    rows = cut(features, first, last, target)
    print(f"{rows} flights of the months {first} to {last} in {target}")


if __name__ == "__main__":
    main()
