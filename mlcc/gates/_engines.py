"""Tables for gates that another engine than DuckDB holds or reads. The engine runs the SQL; only its counts come here.

Every session is read-only where the engine has such a thing, reads times as UTC, and gets where to connect from the
engine's own environment variables.
"""

from __future__ import annotations

# os.path is loaded at start-up anyway.
# SQL is what this module joins; it is committed, and names in it are quoted.
# ruff: noqa: PTH100, S608
import os

from mlcc.gates._records import GateError, visible
from mlcc.gates._support import Gate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

# What the engines call the types that a declared one may be stored as.
ENGINE_TYPES = {
    "string": ("string", "varchar", "char", "text", "bpchar"),
    "integer": ("tinyint", "smallint", "int", "bigint", "int2", "int4", "int8"),
    "number": (
        *("tinyint", "smallint", "int", "bigint", "int2", "int4", "int8"),
        *("float", "double", "decimal", "float4", "float8", "numeric"),
    ),
    "boolean": ("boolean", "bool"),
    "date": ("date",),
    "timestamp": ("timestamp", "timestamp_ntz", "timestamptz"),
}


class EngineTable:
    """A table that an engine can read. `columns` maps its columns' names to the engine's types, in their order.

    `source` is what SQL calls it. `execute` runs one query and returns its rows; `end` closes the session.
    """

    def __init__(
        self,
        source: str,
        columns: dict[str, str],
        execute: Callable[[str], Sequence[Sequence[Any]]],
        end: Callable[[], None],
    ) -> None:
        self.source = source
        self.columns = columns
        self.end = end
        self._execute = execute
        self._views: list[str] = []

    def define(self, name: str, select: str) -> None:
        """Give a query a name that later ones can use."""
        self._views.append(f"{name} AS (\n{select}\n)")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return all rows of a query. Raises GateError, with no value of the data in its message."""
        views = "WITH " + ",\n".join(self._views) + "\n" if self._views else ""
        return [tuple(row) for row in run_query(self._execute, views + sql)]

    def one(self, sql: str) -> tuple[Any, ...]:
        """Return the one row of a query. Raises GateError."""
        rows = self.rows(sql)
        if len(rows) != 1:
            raise GateError("a query did not give one row")
        return rows[0]


def open_engine_table(
    gate: Gate, artifact: str, engine: str, table: str | None, beside: Mapping[str, str] | None = None
) -> EngineTable:
    """Open an artifact: the warehouse's `table`, or without one a Parquet file or folder. Raises GateError.

    `beside` maps names that SQL can use to further artifacts of Parquet, which Spark alone reads.
    """
    if engine == "spark":
        return _open_spark(gate, artifact, table, beside or {})
    if engine == "postgres" and table is not None:
        return _open_postgres(gate, table)
    raise GateError(f"this version of the gate runs no SQL on {visible(engine)}")


def run_query(execute: Callable[[str], Any], sql: str) -> Any:
    """Return what an engine answers. Raises GateError with the kind of what went wrong: the rest may quote data."""
    try:
        return execute(sql)
    except Exception as error:
        raise GateError(f"the engine could not run a query: {type(error).__name__}") from None


def missing_driver(gate: Gate, driver: str, engine: str) -> GateError:
    """Return the error for a driver that isn't installed."""
    file = f".mlcc/gates/{gate.kind}.{engine}.txt"
    return GateError(f"{driver} is needed: pip install --require-hashes --no-deps -r {file}")


def _open_postgres(gate: Gate, table: str) -> EngineTable:
    """Open a table of Postgres in one read-only transaction, so that all queries see the same rows."""
    try:
        import psycopg
    except ImportError:
        raise missing_driver(gate, "psycopg", "postgres") from None
    # Nothing of the table's own schema can stand in for a built-in function or operator.
    options = "-c TimeZone=UTC -c search_path=pg_catalog -c standard_conforming_strings=on"
    try:
        connection = psycopg.connect("", options=options, connect_timeout=30)
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    except psycopg.Error as error:
        raise GateError(f"Postgres could not be reached: {type(error).__name__}") from None

    def execute(sql: str) -> Any:
        return connection.execute(sql.encode("utf-8")).fetchall()

    try:
        described = connection.execute(f"SELECT * FROM {table} LIMIT 0".encode()).description or []
    except psycopg.Error as error:
        connection.close()
        raise GateError(f"the table {visible(table)} can't be read: {type(error).__name__}") from None
    known = psycopg.adapters.types
    types = {
        column.name: known[column.type_code].name if column.type_code in _oids(known) else "?"
        for column in described
    }
    return EngineTable(table, types, execute, connection.close)


def _oids(known: Any) -> set[int]:
    return {kind.oid for kind in known}


def _open_spark(gate: Gate, artifact: str, table: str | None, beside: Mapping[str, str]) -> EngineTable:
    """Open a table of Spark's catalog, or Parquet. Spark's own settings and variables say where it runs."""
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise missing_driver(gate, "pyspark", "spark") from None
    settings: dict[str, bool | float | int | str | None] = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.parser.escapedStringLiterals": "false",
        "spark.sql.legacy.exponentLiteralAsDecimal.enabled": "false",
        "spark.sql.caseSensitive": "false",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    try:
        session = SparkSession.builder.appName("mlcc").config(map=settings).getOrCreate()
        files = dict(beside) if table is not None else {**beside, "mlcc_table": artifact}
        for name, id in files.items():
            session.read.parquet(f"file:{os.path.abspath(gate.path(id))}").createOrReplaceTempView(name)
        source = table or "mlcc_table"
        fields = session.table(source).schema.fields
    except Exception as error:
        raise GateError(f"Spark could not read the table: {type(error).__name__}") from None
    types = {field.name: field.dataType.simpleString().partition("(")[0] for field in fields}
    return EngineTable(source, types, lambda sql: session.sql(sql).collect(), session.stop)
