"""The gate `contract`: runs the committed SQL over the guarded table and judges its counts."""

from __future__ import annotations

# SQL is what this module runs; names go through `identifier`, the rest is committed.
# ruff: noqa: S608
import re
import sys
import time

from mlcc.gates._engines import ENGINE_TYPES, EngineTable, close_source, open_engine_tables
from mlcc.gates._files import NO_VALUE
from mlcc.gates._records import Check, GateError, Verdict, number, verdict_of, visible
from mlcc.gates._sql import identifier
from mlcc.gates._support import Gate, run
from mlcc.gates._table import Table, footer_nulls, open_table, open_tables
from mlcc.gates._values import TEXT_FORMS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_TYPES = {
    "string": ("VARCHAR", "ENUM"),
    "integer": (*_INTEGERS, *("U" + name for name in _INTEGERS)),
    "number": ("DOUBLE", "FLOAT", "DECIMAL", *_INTEGERS, *("U" + name for name in _INTEGERS)),
    "boolean": ("BOOLEAN",),
    "date": ("DATE",),
    "timestamp": ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"),
}
# What the name of a folder, which is text, may be declared as.
_PARTITION_TYPES = {"integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE"}
# How far ahead of this machine's clock the newest row may be: clocks differ, and a date has no time zone.
_AHEAD_SECONDS = 86_400
# How far apart integers may lie for a bit string to be the cheaper way, and how long it may get (32 MB a thread).
_BITS_PER_ROW = 16
_MOST_BITS = 1 << 28
_SHARES = (
    "max_nulls",
    "max_mixed",
    "references",
    "duplicates",
    "conflicts",
)  # checks whose limit is a share of the rows
_PHRASES = {
    "type": "{count} of {rows} values of {column} are not of its type",
    "max_nulls": "{count} of {rows} rows have no {column}; at most {limit} may",
    "min": "{count} of {rows} values of {column} are under {limit}{nan}",
    "max": "{count} of {rows} values of {column} are over {limit}{nan}",
    "values": "{count} of {rows} values of {column} are not among the {limit} allowed ones",
    "pattern": "{count} of {rows} values of {column} don't match {limit}",
    "max_length": "{count} of {rows} values of {column} have over {limit} characters",
    "max_mixed": "{count} of {rows} values of {column} are of another sort (number, date, text) than most; at most {limit} may",
    "references": "{count} of {rows} values of {column} are not where it refers to; at most {limit} may",
    "unique": "{count} of {rows} rows repeat a value of {column}",
    "key_nulls": "{count} of {rows} rows lack a part of the key {key}",
    "duplicates": "{count} of {rows} rows repeat another one; at most {limit} may",
    "conflicts": "{count} of {rows} rows are told apart by their label alone; at most {limit} may be",
    "key": "{count} values of the key {key} occur more than once",
}


def judge(gate: Gate) -> Verdict:
    """Judge the table by the contract's columns first, then by what the committed SQL counts."""
    params = gate.params
    table, parents = _open(gate)
    try:
        checks, absent = _check_columns(params, table.columns)
        measures = _measure(params, table, absent)
        checks += _define_parents(gate, table, parents)
        checks += _check_rows(params["rows"], measures["rows"])
        if measures["rows"] > 0:
            checks += _check_counts(params, table, measures, absent)
            if "freshness" in params:  # a column that is missing has no newest row, which fails
                checks.append(_check_freshness(params["freshness"], measures, time.time()))
            checks += [_check_sql(table, id, lines) for id, lines in sorted(params["sql"].items())]
    finally:
        close_source(table, gate)
    return verdict_of(checks)


def _open(gate: Gate) -> tuple[Table | EngineTable, list[Table]]:
    """Return the table, and those that foreign keys refer to where DuckDB reads them."""
    params = gate.params
    wanted = params.get("parents", [])
    if "engine" in params:
        beside = {f"mlcc_{parent['name']}": parent["artifact"] for parent in wanted if "table" not in parent}
        source = (params["artifact"], params.get("table"))
        (table,) = open_engine_tables(gate, [source], params["engine"], beside)
        return table, []
    own, *parents = (
        open_tables(gate, [(each["artifact"], each["format"]) for each in (params, *wanted)])
        if wanted
        else [open_table(gate, params["artifact"], params["format"])]
    )
    for column in params["columns"]:
        _type_partition(own, _stored(column), column["type"])
    return own, parents


def _define_parents(gate: Gate, table: Table | EngineTable, parents: list[Table]) -> list[Check]:
    """Give the columns that foreign keys refer to their names, and return a check for each that isn't as it must be.

    Such a column has no value then, so that nothing finds its match.
    """
    checks: list[Check] = []
    for i, wanted in enumerate(gate.params.get("parents", [])):
        value = f"SELECT {wanted['sql']} AS value FROM "
        if isinstance(table, EngineTable):
            own = "table" in wanted
            named = gate.table(wanted["artifact"], wanted["table"]) if own else f"mlcc_{wanted['name']}"
            table.define(wanted["name"], value + named)
            continue
        _type_partition(parents[i], wanted["stored"], wanted["type"])
        problem = _parent_problem(wanted, parents[i])
        if problem:
            checks.append(Check(f"{wanted['column']}.parent", "fail", problem))
        sql = "SELECT NULL AS value" if problem else value + parents[i].source
        table.rows(f"CREATE VIEW {wanted['name']} AS {sql}")
    return checks


def _parent_problem(wanted: dict[str, Any], parent: Table) -> str | None:
    actual = parent.columns.get(wanted["stored"])
    shown = f"{visible(wanted['column'], 80)} refers to the column {visible(wanted['stored'], 80)} of "
    shown += visible(wanted["artifact"], 80)
    if actual is None:
        return f"{shown}, which is missing"
    if wanted["format"] == "parquet" and actual.partition("(")[0] not in _TYPES[wanted["type"]]:
        return f"{shown}, which is of type {visible(actual, 80)}, and not {wanted['type']}"
    return None


def _type_partition(table: Table, column: str, type: str) -> None:
    """Give a column that folders' names stand for its declared type, where all the names are of it."""
    values = set(table.partitions.get(column, ())) - {NO_VALUE}
    if values and type in _PARTITION_TYPES and all(re.fullmatch(TEXT_FORMS[type], v) for v in values):
        table.cast(column, _PARTITION_TYPES[type])


def _check_columns(params: dict[str, Any], found: dict[str, str]) -> tuple[list[Check], set[str]]:
    """Return the checks of names and types, and the columns that can't be looked into."""
    checks: list[Check] = []
    absent: set[str] = set()
    for column in params["columns"]:
        name, declared = column["name"], column["type"]
        stored = _stored(column)
        shown = visible(stored, 80)
        if stored not in found:
            absent.add(name)
            verdict = "fail" if column["required"] else "pass"
            optional = "" if column["required"] else ", which it may be"
            checks.append(Check(f"{name}.present", verdict, f"the column {shown} is missing{optional}"))
        elif params["format"] in ("parquet", "table"):
            actual = found[stored].partition("(")[0]
            fits = actual in (ENGINE_TYPES if "engine" in params else _TYPES)[declared]
            if not fits:
                absent.add(name)
            message = (
                f"the column {shown} is of type {visible(found[stored], 80)}; the contract says {declared}"
            )
            checks.append(Check(f"{name}.type", "pass" if fits else "fail", message))
    checks += _check_other_columns(params, found)
    return checks, absent


def _check_other_columns(params: dict[str, Any], found: dict[str, str]) -> list[Check]:
    checks: list[Check] = []
    declared = set(map(_stored, params["columns"]))
    extra = [visible(name, 80) for name in found if name not in declared]
    if params["extra_columns"] == "deny":
        listed = ", ".join(extra[:10]) + (" and more" if len(extra) > 10 else "")
        message = f"{len(extra)} columns are not in the contract: {listed}" if extra else "no column is extra"
        checks.append(Check("extra_columns", "fail" if extra else "pass", message, n=len(extra)))
    denied = {name.casefold() for name in params["denied"]}
    if denied:
        there = [visible(name, 80) for name in found if name.casefold() in denied]
        message = f"denied columns are there: {', '.join(there)}" if there else "no denied column is there"
        checks.append(Check("denied", "fail" if there else "pass", message, n=len(there)))
    return checks


def _measure(params: dict[str, Any], table: Table | EngineTable, absent: set[str]) -> dict[str, Any]:
    """Return the committed measures by name. Columns that can't be looked into stand in empty.

    What the footers tell is asked for in queries of their own: among aggregates that need the rows, DuckDB would
    decode the columns for it, too. The rest is one scan.
    """
    measures = params["measures"]
    if isinstance(table, EngineTable):
        parts = [column["absent" if column["name"] in absent else "sql"] for column in params["columns"]]
        table.define("data", _select(parts, table.source))
        found = {}
    else:
        columns = _source_columns(params, table, absent)
        table.rows(f"CREATE VIEW source AS SELECT {columns} FROM {table.source}")
        table.rows("\n".join(params["view"]))
        found = _from_footers(measures, table)
    rest = [name for name in measures if found.get(name) is None]
    if rest:
        found.update(_named(rest, table.aggregates([measures[name]["sql"] for name in rest], "data")))
    if type(found.get("rows")) is not int:
        raise GateError("the number of rows is not known")
    return found


def _from_footers(measures: dict[str, dict[str, str]], table: Table) -> dict[str, Any]:
    """Return the measures that the footers of Parquet files tell; None where they leave it open."""
    nulls = footer_nulls(table) if any("nulls" in measure for measure in measures.values()) else {}
    found = {name: nulls.get(measure["nulls"]) for name, measure in measures.items() if "nulls" in measure}
    # Old writers ordered unsigned integers as signed ones.
    names = [
        name
        for name, measure in measures.items()
        if "footer" in measure and table.columns.get(measure.get("column", ""), "")[:1] != "U"
    ]
    if names:
        found.update(
            _named(names, table.one(_select([measures[name]["footer"] for name in names], "source")))
        )
    return found


def _select(parts: list[str], table: str) -> str:
    return "SELECT\n  " + ",\n  ".join(parts) + f"\nFROM {table}"


def _named(names: list[str], values: Sequence[Any]) -> dict[str, Any]:
    if len(names) != len(values):
        raise GateError("a query did not give one number for each of its measures")
    return dict(zip(names, values))  # noqa: B905 - strict= is newer than Python 3.8


def _source_columns(params: dict[str, Any], table: Table, absent: set[str]) -> str:
    if params["format"] in ("json", "jsonl"):
        return "json"
    keys = {_stored(column): column["name"] for column in params["columns"]}
    # SQL doesn't tell case apart: a column that only resembles a declared one must not take its place.
    taken = {key.casefold() for key in keys.values()}
    parts = [
        f"{identifier(name)} AS {identifier(keys.get(name, name))}"
        for name in table.columns
        if keys.get(name, name) not in absent and (name in keys or name.casefold() not in taken)
    ]
    types = {column["name"]: column["absent"] for column in params["columns"]}
    parts += [f"CAST(NULL AS {types[name]}) AS {identifier(name)}" for name in sorted(absent)]
    return ", ".join(parts)


def _stored(column: dict[str, Any]) -> str:
    """Return what a declared column is called in the table; SQL knows it by its key."""
    name: str = column.get("stored", column["name"])
    return name


def _check_rows(limits: dict[str, int], rows: int) -> list[Check]:
    found = [("min", limits["min"], rows - limits["min"], "at least {} are required")]
    if "max" in limits:
        found.append(("max", limits["max"], limits["max"] - rows, "at most {} are allowed"))
    return [
        Check(
            f"rows.{side}",
            "pass" if margin >= 0 else "fail",
            f"the table has {rows} rows; {wanted.format(limit)}",
            estimate=rows,
            threshold={side: limit},
            margin=margin,
        )
        for side, limit, margin, wanted in found
    ]


def _check_counts(
    params: dict[str, Any], table: Table | EngineTable, measures: dict[str, Any], absent: set[str]
) -> list[Check]:
    rows = measures["rows"]
    types = {column["name"]: column["type"] for column in params["columns"]}
    checks = []
    for check in params["checks"]:
        column = check.get("column")
        if column in absent:
            continue  # its first check said so, and failed unless the column may be missing
        count = _repeated(table, check, types.get(column)) if "query" in check else measures[check["measure"]]
        if type(count) is not int or count < 0:
            raise GateError(f"the check {visible(check['id'], 80)} gave no count")
        nan = " or NaN" if types.get(column) == "number" else ""
        checks.append(_check_count(check, count, rows, {"key": ", ".join(params["key"]), "nan": nan}))
    return checks


def _repeated(table: Table | EngineTable, check: dict[str, Any], type: str | None) -> Any:
    """Return the count of a check that has a query of its own, such as how many rows repeat a value of a column.

    Integers that lie close together are marked in a bit string: in a table of 10 million rows that takes
    0.4 s and 80 MB, where the committed query, which says the same, takes 3.2 s and 540 MB.
    """
    if check["kind"] == "unique" and type == "integer" and isinstance(table, Table):
        name = identifier(check["column"])
        low, high, count = table.one(f"SELECT MIN({name}), MAX({name}), COUNT({name}) FROM data")
        near = count > 0 and high - low < min(_BITS_PER_ROW * count, _MOST_BITS)
        if near and low >= -(2**63) and high < 2**63:
            marks = f"bitstring_agg(CAST({name} AS BIGINT), CAST({low} AS BIGINT), CAST({high} AS BIGINT))"
            (marked,) = table.one(f"SELECT bit_count({marks}) FROM data")
            return count - marked
    (repeated,) = table.one("\n".join(check["query"]))
    return repeated


def _check_count(check: dict[str, Any], count: int, rows: int, words: dict[str, str]) -> Check:
    kind: str = check["kind"]
    limit: Any = check.get("limit")
    allowed: float = limit if kind in _SHARES else 0
    found: float = count / rows if kind in _SHARES else count
    message = _PHRASES[kind].format(
        count=count,
        rows=rows,
        column=visible(str(check.get("column")), 80),
        limit=visible(_limit(kind, limit), 80),
        key=visible(words["key"], 80),
        nan=words["nan"],
    )
    return Check(
        check["id"],
        "pass" if found <= allowed else "fail",
        message,
        estimate=found,
        n=rows,
        threshold={"max": allowed},
        margin=allowed - found,
    )


def _limit(kind: str, limit: Any) -> str:
    if kind in _SHARES:
        return f"{number(100 * limit)} %"
    return str(len(limit)) if kind == "values" else str(limit)


def _check_freshness(freshness: dict[str, Any], measures: dict[str, Any], now: float) -> Check:
    """Judge the age of the newest row at the time `now`, in seconds since 1970."""
    newest = measures["freshness"]
    column = visible(freshness["column"], 80)
    if newest is None:
        return Check("freshness", "fail", f"no row has a {column}")
    age = int(now - float(newest))
    if age < -_AHEAD_SECONDS:
        return Check("freshness", "fail", f"the newest {column} lies {-age // 3600} hours in the future")
    verdict = "pass" if age <= freshness["seconds"] else "fail"
    message = (
        f"the newest {column} is {max(age, 0) // 3600} hours old; at most {freshness['max_age']} is allowed"
    )
    # The age changes from run to run, so no number of it goes into the record.
    return Check("freshness", verdict, message)


def _check_sql(table: Table | EngineTable, id: str, lines: list[str]) -> Check:
    """Run a user's check: one SELECT that must return no row. That it is one was proven at compile time, and for DuckDB
    is again here, by its own parser.
    """
    sql = "\n".join(lines)
    name = f"checks.{id}"
    wrapped = f"SELECT COUNT(*) FROM (\n{sql}\n) AS found"
    try:
        if isinstance(table, EngineTable):
            ((count,),) = table.rows(wrapped)
        else:
            problem = _no_select(table, sql)
            if problem:
                return Check(name, "error", f"the check {visible(id)} is not {problem}")
            ((count,),) = table.check(wrapped)
    except GateError as error:
        return Check(name, "error", f"the check {visible(id)} did not run: {error}")
    verdict = "pass" if count == 0 else "fail"
    return Check(
        name, verdict, f"the check {visible(id)} finds {count} rows", estimate=count, threshold={"max": 0}
    )


def _no_select(table: Table, sql: str) -> str | None:
    """Say what a user's SQL isn't, by DuckDB's own parser; None where it is one SELECT."""
    import duckdb

    try:
        statements = table.connection.extract_statements(sql)
    except duckdb.Error:
        return "proper SQL"
    return None if [s.type for s in statements] == [duckdb.StatementType.SELECT] else "one SELECT statement"


def main() -> int:
    """Run the gate that the command line names."""
    return run("contract", judge, __file__, sys.argv[1:])
