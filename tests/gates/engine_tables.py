"""The same rows as Parquet and as a table of Postgres, for gates that run on several engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mlcc.gates._sql import identifier, text_literal
from tests.gates.conftest import Project
from tests.gates.engine_services import need_spark, postgres

Column = tuple[str, str, Sequence[Any]]
"""DuckDB's type, Postgres' type, values."""
Put = Callable[[str, str, Mapping[str, Column]], str]
"""Puts a table, by name, where an engine finds it, and returns its path."""


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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with postgres(tmp_path_factory.mktemp("postgres")) as variables:
        yield variables


@pytest.fixture
def places(project: Project, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Return a function that puts the rows where an engine finds them, and returns where that is."""

    def put(engine: str, name: str, columns: Mapping[str, Column]) -> str:
        if engine == "postgres":
            import psycopg

            for key, value in request.getfixturevalue("server").items():
                monkeypatch.setenv(key, value)
            with psycopg.connect("", autocommit=True) as connection:
                connection.execute("CREATE SCHEMA IF NOT EXISTS ml")
                made = "(provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
                connection.execute(f"CREATE COLLATION IF NOT EXISTS ml.folded {made}".encode())
            write_postgres(name, columns)
            return f"postgres://ml.{name}"
        if engine == "spark":
            need_spark()
            monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--conf spark.sql.shuffle.partitions=2 pyspark-shell")
        write_parquet(project.root / f"{name}.parquet", columns)
        return f"{name}.parquet"

    return put
