"""The same rows as Parquet and as a table of Postgres, for gates that run on several engines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from mlcc.gates._sql import identifier, text_literal

Column = tuple[str, str, Sequence[Any]]
"""DuckDB's type, Postgres' type, values."""


def write_parquet(path: Path, columns: Mapping[str, Column]) -> None:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        listed = ", ".join(f"{identifier(name)} {duck}" for name, (duck, _, _) in columns.items())
        connection.execute(f"CREATE TABLE t ({listed})")
        rows = list(zip(*(values for _, _, values in columns.values()), strict=True))
        connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(columns))})", rows)
        connection.execute(f"COPY t TO {text_literal(str(path))} (FORMAT parquet)")


def write_postgres(table: str, columns: Mapping[str, Column]) -> None:
    """Write a table ml.NAME to the server that the environment names, in place of an earlier one."""
    import psycopg

    with psycopg.connect("", options="-c TimeZone=UTC") as connection:
        listed = ", ".join(f"{identifier(name)} {pg}" for name, (_, pg, _) in columns.items())
        connection.execute("CREATE SCHEMA IF NOT EXISTS ml")
        connection.execute(f"DROP TABLE IF EXISTS ml.{table}".encode())
        connection.execute(f"CREATE TABLE ml.{table} ({listed})".encode())
        rows = zip(*(values for _, _, values in columns.values()), strict=True)
        marks = ", ".join(["%s"] * len(columns))
        connection.cursor().executemany(f"INSERT INTO ml.{table} VALUES ({marks})".encode(), rows)
