"""Tables on which a contract must not pass: one for each of its checks, and files that are no sound table."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlcc.gates.fixtures import Fixture, artifact_files, data_file, table_bytes, unreadable

Table = dict[str, list[Any]]
_PLAUSIBLE: dict[str, Any] = {
    "string": "a",
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "date": datetime.date(2024, 1, 31),
    "timestamp": datetime.datetime(2024, 1, 31, 12),
}
_OTHER: dict[str, Any] = {
    "string": "b",
    "integer": 2,
    "number": 2.5,
    "boolean": False,
    "date": datetime.date(2024, 2, 1),
    "timestamp": datetime.datetime(2024, 2, 1, 12),
}
_FIRST = {"date": datetime.date(1, 1, 2), "timestamp": datetime.datetime(1, 1, 2)}
_LAST = {"date": datetime.date(9999, 12, 30), "timestamp": datetime.datetime(9999, 12, 30)}
# Text that few patterns match; a pattern that matches all of it has nothing to fail on.
_ODD = ("§", "~", " ", "0", "a", "A" * 200, "a b", "-1", "1.5.1")
_MOST_ROWS = 1_000_000
_MOST_NULLS = 1000
_MOST_CHARACTERS = 1_000_000


def known_bad(document: Mapping[str, Any]) -> Iterator[Fixture]:
    """Yield tables with one violation each, at the place that the fixture's check is about, and broken files."""
    params = document["params"]
    if "engine" in params:
        yield from unreadable(document)
        return
    path = data_file(document, params["artifact"])
    format = params["format"]
    good = _plausible(params)
    there = {**artifact_files(document), **_parents(document)}

    def fixture(name: str, check: str, table: Table, copies: int = 1) -> Fixture:
        content = table_bytes(format, table, copies)
        return Fixture(name, "fail", {**there, path: content}, check)

    for column in params["columns"]:
        yield from (fixture(*bad) for bad in _bad_types(column, format, good))
    for check in params["checks"]:
        column = next((c for c in params["columns"] if c["name"] == check.get("column")), None)
        for name, table in _violations(check, column, params, good):
            yield fixture(name, check["id"], table)
    yield from (fixture(*bad) for bad in _bad_frame(params, good))
    yield from (fixture(*bad) for bad in _bad_sizes(params["rows"], good))
    for name, broken in _broken(format, good):
        yield Fixture(name, "error", {**there, path: broken})
    for parent in _others(params):
        place = data_file(document, parent["artifact"])
        column, sound = parent["column"], {**there, path: table_bytes(format, good)}
        other = table_bytes(parent["format"], {"mlcc_selftest": [1]})
        files = {**sound, place: other}
        yield Fixture(f"what {column} refers to is missing", "fail", files, f"{column}.parent")
        other = _parents(document, {parent["name"]: _OTHER[parent["type"]]})[place]
        if next(c for c in params["checks"] if c["id"] == f"{column}.references")["limit"] < 1:
            yield Fixture(
                f"{column} refers to what isn't there",
                "fail",
                {**sound, place: other},
                f"{column}.references",
            )
    missing = dict(there)
    missing.pop(path)
    yield Fixture("the table is missing", "error", missing)


def _others(params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what foreign keys refer to in other tables."""
    return [parent for parent in params.get("parents", []) if parent["artifact"] != params["artifact"]]


def _parents(document: Mapping[str, Any], values: Mapping[str, Any] | None = None) -> dict[str, bytes]:
    """Return the tables that foreign keys refer to, with the plausible value or that of `values` by parent."""
    tables: dict[str, tuple[str, Table]] = {}
    for parent in _others(document["params"]):
        value = (values or {}).get(parent["name"], _PLAUSIBLE[parent["type"]])
        _, table = tables.setdefault(parent["artifact"], (parent["format"], {}))
        table[parent["stored"]] = [value]
    return {data_file(document, id): table_bytes(*stated) for id, stated in tables.items()}


def _stored(column: Mapping[str, Any]) -> str:
    return str(column.get("stored", column["name"]))


def _plausible(params: Mapping[str, Any]) -> Table:
    """Return a table of one row with the contract's columns, each of its type."""
    table = {_stored(column): [_PLAUSIBLE[column["type"]]] for column in params["columns"]}
    for parent in params.get("parents", []):
        if parent["artifact"] == params["artifact"]:
            table.setdefault(parent["stored"], [_PLAUSIBLE[parent["type"]]])
    # A column that no contract names keeps a table a table when the only declared one is left out.
    return {**table, "mlcc_selftest": [1]}


def _bad_types(column: Mapping[str, Any], format: str, good: Table) -> Iterator[tuple[str, str, Table]]:
    name, stored = column["name"], _stored(column)
    if column["required"]:
        without = {key: values for key, values in good.items() if key != stored}
        yield f"{name} is missing", f"{name}.present", without
    other: Any = 17 if column["type"] == "string" else "§"
    if column["type"] != "string" or format not in ("csv", "tsv"):
        yield f"{name} is of another type", f"{name}.type", {**good, stored: [other]}


def _violations(
    check: Mapping[str, Any], column: Mapping[str, Any] | None, params: Mapping[str, Any], good: Table
) -> Iterator[tuple[str, Table]]:
    kind, limit = check["kind"], check.get("limit")
    if kind in ("duplicates", "conflicts"):
        yield from _bad_repeats(check, params, good)
    elif column is None:
        yield from _bad_keys(kind, params, good)
    elif kind == "unique":
        yield f"{column['name']} repeats a value", {key: values * 2 for key, values in good.items()}
    elif kind == "references":
        return  # see `known_bad`: it is the other table that is wrong
    elif kind == "max_mixed":
        yield from _mixed(column, limit, good)
    elif kind == "max_nulls":
        yield from _too_many_nulls(column, limit, good)
    else:
        for value in _bad_values(kind, column["type"], limit):
            yield f"{column['name']} against its {kind}", {**good, _stored(column): [value]}


def _bad_keys(kind: str, params: Mapping[str, Any], good: Table) -> Iterator[tuple[str, Table]]:
    twice = {key: values * 2 for key, values in good.items()}
    if kind == "key":
        yield "the key repeats", twice
    if kind == "key_nulls":
        first = next(column for column in params["columns"] if column["name"] == params["key"][0])
        yield "a part of the key is null", {**twice, _stored(first): [_PLAUSIBLE[first["type"]], None]}


def _bad_repeats(
    check: Mapping[str, Any], params: Mapping[str, Any], good: Table
) -> Iterator[tuple[str, Table]]:
    limit = check["limit"]
    if limit >= 1 - 2 / _MOST_NULLS:
        return
    if check["kind"] == "duplicates":
        times = int(1 / (1 - limit)) + 2
        yield "rows repeat too often", {key: values * times for key, values in good.items()}
        return
    label = next(column for column in params["columns"] if column["name"] == check["label"])
    two = {key: values * 2 for key, values in good.items()}
    yield (
        "only the label differs",
        {**two, _stored(label): [_PLAUSIBLE[label["type"]], _OTHER[label["type"]]]},
    )


def _too_many_nulls(column: Mapping[str, Any], limit: Any, good: Table) -> Iterator[tuple[str, Table]]:
    if limit >= 1 - 2 / _MOST_NULLS:
        return
    nulls = int(limit / (1 - limit)) + 2  # one more, since the division may be off by a little
    table = {key: values * (nulls + 1) for key, values in good.items()}
    value = _PLAUSIBLE[column["type"]]
    missing = [None, float("nan")] if column["type"] == "number" else [None]
    for empty in missing:
        what = "NaN" if empty else "null"
        yield f"{column['name']} is {what} too often", {**table, _stored(column): [value] + [empty] * nulls}


def _mixed(column: Mapping[str, Any], limit: Any, good: Table) -> Iterator[tuple[str, Table]]:
    """Yield a column in thirds of numbers, dates and text, of which two are not the most."""
    if limit < 2 / 3:
        table = {key: values * 3 for key, values in good.items()}
        yield f"{column['name']} is mixed", {**table, _stored(column): ["1", "2024-01-31", "a"]}


def _bad_values(kind: str, type: str, limit: Any) -> Iterator[Any]:
    """Yield values of a column's type that a check of this kind must count."""
    if kind in ("min", "max"):
        yield from _outside(kind, type, limit)
    elif kind == "values":
        yield from _other(type, limit)
    elif kind == "max_length" and limit < _MOST_CHARACTERS:
        yield "a" * (limit + 1)
    elif kind == "pattern":
        yield from _unmatched(limit)


def _outside(kind: str, type: str, limit: Any) -> Iterator[Any]:
    step = -1 if kind == "min" else 1
    if type == "number":
        yield limit + step * max(1.0, abs(limit))
        yield float("nan")
    elif type == "integer":
        yield limit + step
    else:
        extreme = (_FIRST if kind == "min" else _LAST)[type]
        if str(limit)[:4] != str(extreme)[:4]:
            yield extreme


def _other(type: str, allowed: Sequence[Any]) -> Iterator[Any]:
    if type == "string":
        yield max(allowed, key=len) + "§"
    elif type in ("integer", "number"):
        yield max(allowed) + 1
    elif type == "boolean":
        yield from ({True, False} - set(allowed))
    else:
        yield _FIRST[type]


def _unmatched(pattern: str) -> Iterator[str]:
    import duckdb

    with duckdb.connect() as connection:
        for text in _ODD:
            (matches,) = connection.execute("SELECT regexp_full_match(?, ?)", [text, pattern]).fetchall()[0]
            if not matches:
                yield text
                return


def _bad_frame(params: Mapping[str, Any], good: Table) -> Iterator[tuple[str, str, Table]]:
    """Yield tables with columns that mustn't be there, and with rows of the wrong age."""
    if params["extra_columns"] == "deny":
        yield "an extra column is there", "extra_columns", good
    for name in params["denied"]:
        yield f"the denied column {name} is there", "denied", {**good, name: ["a"]}
    if "freshness" in params:
        wanted = params["freshness"]["column"]
        column = next(column for column in params["columns"] if column["name"] == wanted)
        for what, value in (("too old", _FIRST), ("in the future", _LAST)):
            yield f"the newest row is {what}", "freshness", {**good, _stored(column): [value[column["type"]]]}


def _bad_sizes(rows: Mapping[str, int], good: Table) -> Iterator[tuple[str, str, Table, int]]:
    if 1 < rows["min"] <= _MOST_ROWS:
        yield "a row is missing", "rows.min", good, rows["min"] - 1
    yield "there is no row", "rows.min", good, 0
    if "max" in rows and rows["max"] < _MOST_ROWS:
        yield "there is a row too many", "rows.max", good, rows["max"] + 1


def _broken(format: str, good: Table) -> Iterator[tuple[str, bytes]]:
    """Yield files that are no sound table of a format."""
    whole = table_bytes(format, good, 3)
    yield "the file is another format", b"\xff\xfe\x00\x01" * 64
    if format != "jsonl":  # no line at all is a table without rows
        yield "the file is empty", b""
    if format == "parquet":
        yield "the file is cut off", whole[:-9]
    elif format == "jsonl":
        yield "a line is cut off", whole + b'{"a": '
        yield "a line is no object", whole + b"[1]\n"
    elif format == "json":
        yield "the array is cut off", whole[:-1]
        yield "an item is no object", whole[:-1] + b", 1]"
    else:
        yield "a row has too many cells", whole + b"1" + b",1\t1" * len(good) + b"\n"
        yield "a quote isn't closed", whole + b'"a'
