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
from mlcc.gates._sql import text_literal
from mlcc.gates._support import Gate
from mlcc.gates._table import Table, close, open_tables
from mlcc.gates._values import type_of

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


# Postgres gives no more than 1,664 columns at once.
_MOST_COLUMNS = 1600


class Session:
    """What the tables that one engine reads together share: how a query runs, and the names that queries can use.

    `engine` is its name. `execute` runs one query and returns its rows; `end` closes it.
    """

    def __init__(
        self, engine: str, execute: Callable[[str], Sequence[Sequence[Any]]], end: Callable[[], None]
    ) -> None:
        self.engine = engine
        self.execute = execute
        self.end = end
        self.views: list[str] = []


class EngineTable:
    """A table that an engine can read. `columns` maps its columns' names to the engine's types, in their order.

    `source` is what SQL calls it. `types` are the columns' types in full, with lengths and digits.
    """

    def __init__(self, session: Session, source: str, types: dict[str, str]) -> None:
        self.source = source
        self.types = types
        self.columns = {name: _plain(type) for name, type in types.items()}
        self._session = session

    def text(self, value: str) -> str:
        """Return text as the engine's SQL spells it."""
        if self._session.engine == "postgres":
            return text_literal(value)
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"

    def define(self, name: str, select: str) -> None:
        """Give a query a name that later ones can use."""
        self._session.views.append(f"{name} AS (\n{select}\n)")

    def rows(self, sql: str, named: Mapping[str, str] | None = None) -> list[tuple[Any, ...]]:
        """Return all rows of a query. Raises GateError, with no value of the data in its message.

        `named` are queries that this one knows by name, beside those that were defined.
        """
        views = [
            *self._session.views,
            *(f"{name} AS (\n{select}\n)" for name, select in (named or {}).items()),
        ]
        known = "WITH " + ",\n".join(views) + "\n" if views else ""
        return [tuple(row) for row in run_query(self._session.execute, known + sql)]

    def one(self, sql: str, named: Mapping[str, str] | None = None) -> tuple[Any, ...]:
        """Return the one row of a query. Raises GateError."""
        rows = self.rows(sql, named)
        if len(rows) != 1:
            raise GateError("a query did not give one row")
        return rows[0]

    def aggregates(self, parts: Sequence[str], relation: str) -> list[Any]:
        """Return the values of aggregates over all rows: one scan for every 1,600 of them. Raises GateError."""
        found: list[Any] = []
        for first in range(0, len(parts), _MOST_COLUMNS):
            some = ",\n  ".join(parts[first : first + _MOST_COLUMNS])
            found += self.one(f"SELECT\n  {some}\nFROM {relation}")
        return found

    def end(self) -> None:
        """Close the session, which ends it for the tables beside this one, too."""
        self._session.end()


def type_in(table: Table | EngineTable, column: str) -> str:
    """Return what a column's type is called in specs and profiles; `other` for nested and binary ones."""
    stored = table.columns[column]
    if isinstance(table, Table):
        return type_of(stored)
    return next((type for type in ("integer", *ENGINE_TYPES) if stored in ENGINE_TYPES[type]), "other")


def _plain(type: str) -> str:
    """Return a type without lengths, digits and collation; an array is of none."""
    return type if type.endswith("]") else type.partition(" collate ")[0].partition("(")[0]


def open_sources(
    gate: Gate, sources: Sequence[Mapping[str, Any]], engine: str | None
) -> Sequence[Table | EngineTable]:
    """Open tables for queries over all of them: by `engine`, or by DuckDB where it is None. Raises GateError.

    A source has the `artifact`, its `format`, and for a table of a warehouse `table`, what SQL calls it.
    """
    if engine is None:
        return open_tables(gate, [(source["artifact"], source["format"]) for source in sources])
    return open_engine_tables(gate, [(source["artifact"], source.get("table")) for source in sources], engine)


def close_source(table: Table | EngineTable, gate: Gate) -> None:
    """Close a table, and those that were opened with it."""
    if isinstance(table, EngineTable):
        table.end()
    else:
        close(table, gate)


def open_engine_tables(
    gate: Gate,
    sources: Sequence[tuple[str, str | None]],
    engine: str,
    beside: Mapping[str, str] | None = None,
) -> list[EngineTable]:
    """Open artifacts in one session: the warehouse's table, or without one a Parquet file or folder. Raises GateError.

    `sources` are an artifact each, and what SQL calls its table. `beside` maps names that SQL can use to further
    artifacts of Parquet, which Spark alone reads.
    """
    sources = [(id, None if table is None else gate.table(id, table)) for id, table in sources]
    if engine == "spark":
        return _open_spark(gate, sources, beside or {})
    tables = [table for _, table in sources if table is not None]
    if engine == "postgres" and len(tables) == len(sources):
        return _open_postgres(gate, tables)
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


def _open_postgres(gate: Gate, tables: Sequence[str]) -> list[EngineTable]:
    """Open tables of Postgres in one read-only transaction, so that all queries see the same rows."""
    try:
        import psycopg
    except ImportError:
        raise missing_driver(gate, "psycopg", "postgres") from None
    # Nothing of the table's own schema can stand in for a built-in function or operator, and different values are written
    # in different ways.
    options = (
        "-c TimeZone=UTC -c search_path=pg_catalog -c standard_conforming_strings=on -c extra_float_digits=3"
    )
    try:
        connection = psycopg.connect("", options=options, connect_timeout=30, client_encoding="utf8")
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    except psycopg.Error as error:
        raise GateError(f"Postgres could not be reached: {type(error).__name__}") from None

    def execute(sql: str) -> Any:
        return connection.execute(sql.encode("utf-8")).fetchall()

    session = Session("postgres", execute, connection.close)
    found = []
    for table in tables:
        try:
            described = connection.execute(f"SELECT * FROM {table} LIMIT 0".encode()).description or []
        except psycopg.Error as error:
            connection.close()
            raise GateError(f"the table {visible(table)} can't be read: {type(error).__name__}") from None
        found.append(EngineTable(session, table, {column.name: _full_type(column) for column in described}))
    return found


def _full_type(column: Any) -> str:
    """Return a type of Postgres' in full, such as numeric(18, 3); ? for one that isn't built in."""
    shown: str = column.type_display
    return "?" if shown.isdigit() else shown


def _open_spark(
    gate: Gate, sources: Sequence[tuple[str, str | None]], beside: Mapping[str, str]
) -> list[EngineTable]:
    """Open tables of Spark's catalog, or Parquet. Spark's own settings and variables say where it runs."""
    import logging

    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise missing_driver(gate, "pyspark", "spark") from None
    settings: dict[str, bool | float | int | str | None] = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.parser.escapedStringLiterals": "false",
        "spark.sql.legacy.exponentLiteralAsDecimal.enabled": "false",
        "spark.sql.caseSensitive": "false",
        "spark.sql.variable.substitute": "false",  # of ${env:HOME} and the like, in names and texts, too
        "spark.log.level": "OFF",  # what goes wrong is logged with the value that it went wrong on
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    names = [table or f"mlcc_table{i}" for i, (_, table) in enumerate(sources, 1)]
    files = dict(beside)
    files.update((name, id) for name, (id, table) in zip(names, sources) if table is None)  # noqa: B905 - Python 3.8
    try:
        spark = SparkSession.builder.appName("mlcc").config(map=settings).getOrCreate()
        for name, id in files.items():
            spark.read.parquet(f"file:{os.path.abspath(gate.path(id))}").createOrReplaceTempView(name)
        schemas = [spark.table(name).schema.fields for name in names]
    except Exception as error:
        raise GateError(f"Spark could not read the table: {type(error).__name__}") from None

    def execute(sql: str) -> Any:
        logging.disable()  # pyspark's own logger, too
        try:
            return spark.sql(sql).collect()
        finally:
            logging.disable(logging.NOTSET)

    session = Session("spark", execute, spark.stop)
    return [
        EngineTable(session, name, {field.name: field.dataType.simpleString() for field in fields})
        for name, fields in zip(names, schemas)  # noqa: B905 - strict= is newer than Python 3.8
    ]
