"""How each declared type is read, checked and written as SQL, per data format."""

from __future__ import annotations

import datetime
import math
import re
from typing import Any

from mlcc.gates import GateParamsError, Loc
from mlcc.gates._sql import identifier, real_literal, text_literal
from mlcc.gates._values import JSON_FORMATS, JSON_TYPES, TEXT_FORMS, cells
from mlcc.gates.names import sound_text
from mlcc.record import record

_SQL_TYPES = {
    "string": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}


@record
class Column:
    """A declared column, ready to be written as SQL.

    `name` is its key in the spec, by which SQL knows it, too. `stored` is its name in the table; `raw` names it in the
    view before it gets its type.
    """

    name: str
    stored: str
    params: Any
    raw: str

    @property
    def sql(self) -> str:
        """The column in the view `data`, with its type."""
        return identifier(self.name)

    @property
    def loc(self) -> Loc:
        """Where the column lies in the gate's parameters."""
        return ("columns", self.name)


def columns_of(params: Any) -> list[Column]:
    """Return the declared columns. Raises GateParamsError for names that SQL can't tell apart."""
    seen: dict[str, str] = {}
    stored: dict[str, str] = {}
    for name, column in params.columns.items():
        twin = seen.setdefault(name.casefold(), name)
        if twin != name:
            raise GateParamsError(("columns", name), f"the column {name} differs from {twin} only in case")
        twin = stored.setdefault(stored_name(name, column).casefold(), name)
        if twin != name:
            loc = ("columns", name, "name") if column.name is not None else ("columns", name)
            raise GateParamsError(loc, f"{name} and {twin} are the same column of the table")
    prefix = "raw"
    while any(name.startswith(prefix) for name in seen):
        prefix += "_"
    return [
        Column(name, stored_name(name, column), column, f"{prefix}{i}")
        for i, (name, column) in enumerate(params.columns.items(), 1)
    ]


def stored_name(key: str, column: Any) -> str:
    """Return what a declared column is called in the table."""
    return key if column.name is None else str(column.name)


def view(columns: list[Column], format: str) -> list[str]:
    """Return the lines of the SQL view `data`: the declared columns with their types, over `source`."""
    if format == "parquet":
        typed = [f"{_from_parquet(column)} AS {column.sql}" for column in columns if _from_parquet(column)]
        replace = [" REPLACE (", *_listed(typed), ")"] if typed else []
        lines = ["SELECT *" + "".join(replace[:1]), *replace[1:]]
    elif format in JSON_FORMATS:
        lines = ["SELECT", *_listed([*_json_parts(columns), "json"])]
    else:
        typed = [f"{_from_text(column, column.sql)} AS {column.sql}" for column in columns]
        raw = [f"source.{column.sql} AS {column.raw}" for column in columns]
        lines = ["SELECT * REPLACE (", *_listed(typed), "),", *_listed(raw)]
    return ["CREATE VIEW data AS", *lines, "FROM source"]


def _listed(parts: list[str]) -> list[str]:
    return [f"  {part}," for part in parts[:-1]] + [f"  {parts[-1]}"]


def _from_parquet(column: Column) -> str | None:
    """Return the cast that a Parquet column needs (its type is checked before), or None."""
    kind = column.params.type
    if kind == "number":
        return f"CAST({column.sql} AS DOUBLE)"  # decimals would make every check several times slower
    if kind == "string":
        return f"CAST({column.sql} AS VARCHAR)"
    if kind == "timestamp":
        return f"make_timestamp(epoch_us({column.sql}))"  # with or without time zone: UTC
    return None


def typed(column: Column, format: str) -> str:
    """Return a column of the view `source`, or of what it is read from, with its declared type."""
    if format == "parquet":
        return _from_parquet(column) or column.sql
    return _from_json(column) if format in JSON_FORMATS else _from_text(column, column.sql)


def from_table(column: Column) -> str:
    """Return a column of a table that an engine holds, with its declared type; its own type is checked before."""
    stored = identifier(column.stored)
    kind = column.params.type
    if kind == "string":  # which may be compared and sorted in some language's way
        return cells(column.stored, "table")["text"]
    return f"CAST({stored} AS {_SQL_TYPES[kind]})" if kind in ("number", "timestamp") else stored


def nothing(column: Column) -> str:
    """Return the empty column that stands in for one that is missing or of another type."""
    return f"CAST(NULL AS {_SQL_TYPES[column.params.type]})"


def _from_text(column: Column, text: str) -> str:
    kind = column.params.type
    if kind == "string":
        return text
    form = text_literal(TEXT_FORMS[kind])
    cast = f"TRY_CAST({text} AS {_SQL_TYPES[kind]})"
    if kind == "timestamp":
        # A cast to TIMESTAMP would ignore the offset.
        cast = f"make_timestamp(epoch_us(TRY_CAST({text} AS TIMESTAMPTZ)))"
    return f"CASE WHEN regexp_full_match({text}, {form}) THEN {cast} END"


def _json_parts(columns: list[Column]) -> list[str]:
    parts = []
    for column in columns:
        parts.append(f"{_from_json(column)} AS {column.sql}")
        parts.append(f"json_extract_string(json, {_pointer(column)}) AS {column.raw}")
    return parts


def _from_json(column: Column) -> str:
    pointer = _pointer(column)
    known = f"json_type(json, {pointer}) IN ({JSON_TYPES[column.params.type]})"
    return f"CASE WHEN {known} THEN {_from_text(column, f'json_extract_string(json, {pointer})')} END"


def _pointer(column: Column) -> str:
    return text_literal("/" + column.stored.replace("~", "~0").replace("/", "~1"))


def absent_type(column: Column, format: str) -> str:
    """Return the SQL type of the empty column that stands in for a missing one."""
    return _SQL_TYPES[column.params.type] if format == "parquet" else "VARCHAR"


def literal(column: Column, value: object, loc: Loc) -> str:
    """Return a value of the column's type as SQL. Raises GateParamsError where it isn't of that type."""
    kind = column.params.type
    if kind == "string" and isinstance(value, str):
        return text_literal(sound_text(value, loc))
    if kind == "boolean" and isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if kind == "integer" and type(value) is int:
        return str(value)
    if kind == "number" and type(value) is int:
        return str(value)
    if kind == "number" and isinstance(value, float) and math.isfinite(value):
        return real_literal(value)
    if kind in ("date", "timestamp") and isinstance(value, str):
        return _time_literal(kind, value, loc)
    article = "an" if kind == "integer" else "a"
    raise GateParamsError(loc, f"{value!r} is not {article} {kind}, which the column {column.name} is")


def _time_literal(kind: str, value: str, loc: Loc) -> str:
    shape = "%Y-%m-%d" if kind == "date" else None
    try:
        if not re.fullmatch(TEXT_FORMS[kind], value):
            raise ValueError
        if shape:
            return f"DATE '{datetime.date.fromisoformat(value).isoformat()}'"
        return f"TIMESTAMP '{_utc(value)}'"
    except ValueError:
        example = '"2024-01-31"' if kind == "date" else '"2024-01-31T12:00:00Z"'
        raise GateParamsError(loc, f"{value!r} is not a {kind} such as {example}") from None


def _utc(value: str) -> str:
    """Return an ISO timestamp in UTC, without offset. Python 3.10 reads neither Z nor +0200."""
    text = re.sub(r"([+-]\d{2})(\d{2})$", r"\1:\2", value.replace("Z", "+00:00"))
    text = re.sub(r"\.(\d+)", lambda match: "." + match[1][:6].ljust(6, "0"), text)
    moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is not None:
        moment = moment.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    return moment.isoformat(sep=" ")
