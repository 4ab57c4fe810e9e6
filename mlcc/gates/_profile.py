"""Profiles of tables: what a column's values were like, small enough to be committed.

A profile has for each column its type and its empty cells; for numbers the edges of bins at the quantiles
with the rows in each; for categories the most frequent ones with their rows; for times the first and the last.
It holds no row of the table, and no category that fewer than 5 rows have.
"""

from __future__ import annotations

# SQL is what this module writes; names and values go through `identifier` and the literals.
# ruff: noqa: S608
import struct
from math import floor, isfinite, log10

from mlcc.gates._engines import EngineTable, type_in
from mlcc.gates._records import GateError
from mlcc.gates._sql import real_literal
from mlcc.gates._table import Table
from mlcc.gates._values import TYPED_FORMATS, cells, count_where, filled, has_type, select_cells, sort_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

PROFILE_SCHEMA = "https://mlcc.dev/profile/1"
DEFAULT_BINS = 20
MOST_CATEGORIES = 50
# A rarer category can't be told from chance by any measure, and may be somebody's name.
LEAST_ROWS = 5
_LONGEST_CATEGORY = 200
_GROUPS = 4096
_FINER = 4  # a group of rows is split while it holds over 1 / (4 bins) of them
_MOST_SPLITS = 400
_VANISHING = 1e-300
# What is asked of the column number {i}, in DuckDB's words; other engines are asked in theirs for all but _OWN.
_FINITE = "CASE WHEN isfinite(c{i}_number) THEN c{i}_number END"
NUMBER_MEASURES = {
    "nan": count_where("isnan(c{i}_number)"),
    "below": count_where("c{i}_number = -CAST('inf' AS DOUBLE)"),
    "above": count_where("c{i}_number = CAST('inf' AS DOUBLE)"),
    "min": f"MIN({_FINITE})",
    "max": f"MAX({_FINITE})",
}
_OWN_MEASURES = {"mean": f"favg({_FINITE})", "std": f"STDDEV_SAMP({_FINITE})"}
# Engines may refuse a quotient that vanishes. One so small moves no value from a group to another.
PROFILE_QUERIES = {
    "nulls": count_where("NOT c{i}_given"),
    "values": (
        "SELECT COUNT(*), MIN(c{i}_number), MAX(c{i}_number) FROM data "
        "WHERE c{i}_number BETWEEN {low} AND {high} GROUP BY c{i}_number ORDER BY MIN(c{i}_number)"
    ),
    "groups": (
        "SELECT COUNT(*), MIN(c{i}_number), MAX(c{i}_number) FROM data WHERE c{i}_number BETWEEN {low} AND {high} "
        "GROUP BY floor(CASE WHEN ABS(c{i}_number) < {least} THEN 0e0 ELSE c{i}_number / {step} END - {start}) "
        "ORDER BY MIN(c{i}_number)"
    ),
    "categories": (
        "SELECT c{i}_text, COUNT(*) AS n, COUNT(*) OVER () FROM data WHERE c{i}_text IS NOT NULL "
        f"GROUP BY c{{i}}_text ORDER BY n DESC, c{{i}}_text LIMIT {MOST_CATEGORIES}"
    ),
}
_TEXT_TYPES = ("integer", "number", "boolean", "date", "timestamp", "string")  # the narrowest first


def profile_of(
    table: Table | EngineTable,
    format: str,
    names: Sequence[str],
    bins: int = DEFAULT_BINS,
    committed: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the profile of some columns of an open table: {"schema", "rows", "columns": {name: ...}}.

    Parquet is read once for the summaries, and each column of numbers once more. Text (CSV, TSV, JSON lines) is
    read once for the types and once into DuckDB's own store, which goes to disk where memory ends. Of a table that
    another engine reads, `committed` has the SQL in its words: `cells` by column's name, and queries; then there is no
    mean, deviation or first time, which engines don't tell alike. Raises GateError.
    """
    table.define("source", f"SELECT * FROM {table.source}")
    types = _types(table, format, names)
    known = committed["cells"] if committed else {name: cells(name, format) for name in names}
    select = select_cells([_typed(known[name], type) for name, type in zip(names, types)])  # noqa: B905
    if isinstance(table, EngineTable) or format == "parquet":
        table.define("data", select)
    else:
        table.rows(f"CREATE TABLE data AS {select}")
    queries = committed or {**PROFILE_QUERIES, **NUMBER_MEASURES, **_OWN_MEASURES}
    rows, summaries = _summaries(table, types, queries)
    for i, (type, column) in enumerate(zip(types, summaries), 1):  # noqa: B905 - strict= is newer than 3.8
        if sort_of(type) == "number":
            column.update(_bins(table, queries, i, column, bins))
            if type == "integer" and isinstance(table, Table):
                column["unique"] = _is_unique(table, f"c{i}_number", column)
        elif sort_of(type) == "category":
            column.update(_categories(table.rows(filled(queries["categories"], i=i)), rows - column["nulls"]))
    return {"schema": PROFILE_SCHEMA, "rows": rows, "columns": dict(zip(names, summaries))}  # noqa: B905


def _types(table: Table | EngineTable, format: str, names: Sequence[str]) -> list[str]:
    """Return the columns' types: as Parquet and other tables say; of text, the narrowest that every value has."""
    if format in TYPED_FORMATS:
        return [type_in(table, name) for name in names]
    parts = []
    for name in names:
        parts.append(f"COUNT({cells(name, format)['given']})")
        parts += [count_where(has_type(name, format, type)) for type in _TEXT_TYPES]
    counts = table.one(f"SELECT {', '.join(parts)} FROM source")
    width = len(_TEXT_TYPES) + 1
    found = []
    for i in range(0, len(counts), width):
        given, *fitting = counts[i : i + width]
        fits = (type for type, n in zip(_TEXT_TYPES, fitting) if n == given and n)  # noqa: B905
        found.append(next(fits, "other"))
    return found


def _typed(cell: dict[str, str], type: str) -> dict[str, str]:
    """Return what is needed of a column's cells: not their text where they are numbers."""
    key = {"number": "number", "category": "text"}.get(sort_of(type))
    return {"given": f"{cell['given']} IS NOT NULL", key: cell[key]} if key else {"given": cell["given"]}


def _summaries(
    table: Table | EngineTable, types: Sequence[str], queries: Mapping[str, str]
) -> tuple[int, list[dict[str, Any]]]:
    """Return the number of rows, and for each column what one scan tells of it."""
    parts = ["COUNT(*)"]
    keys: list[tuple[int, str]] = []
    for i, type in enumerate(types, 1):
        for key, sql in _measures(type, queries).items():
            keys.append((i - 1, key))
            parts.append(filled(sql, i=i))
    rows, *values = table.aggregates(parts, "data")
    if not rows:
        raise GateError("the table has no rows")
    found: list[dict[str, Any]] = [{"type": type} for type in types]
    for (i, key), value in zip(keys, values):  # noqa: B905
        found[i][key] = value
    for column in found:
        _settle(column)
    return rows, found


def _measures(type: str, queries: Mapping[str, str]) -> dict[str, str]:
    sort = sort_of(type)
    if sort == "other":
        found = {"nulls": "COUNT(*) - COUNT(c{i}_given)"}
        if "mean" in queries and type in ("date", "timestamp"):
            found.update(min="CAST(MIN(c{i}_given) AS VARCHAR)", max="CAST(MAX(c{i}_given) AS VARCHAR)")
        return found
    found = {"nulls": queries["nulls"]}
    if sort == "number":
        found.update((key, queries[key]) for key in (*NUMBER_MEASURES, *_OWN_MEASURES) if key in queries)
    return found


def _settle(column: dict[str, Any]) -> None:
    """Round what depends on the order of summation; leave out what a column has none of, or that overflows."""
    std, mean = column.get("std"), column.get("mean")
    if std is not None and mean is not None and not (isfinite(std) and isfinite(mean)):
        column["std"] = column["mean"] = None
    elif std is not None and mean is not None:
        scale = max(std, abs(mean) * 1e-6)
        digits = 9 - floor(log10(scale)) if scale > 0 else 0
        column["mean"], column["std"] = round(mean, digits), round(std, digits)
    for key in [key for key, value in column.items() if value is None]:
        del column[key]


def _bins(
    table: Table | EngineTable, queries: Mapping[str, str], i: int, column: dict[str, Any], bins: int
) -> dict[str, Any]:
    """Return the bins of a column's numbers: `edges`, the `counts` between them, and `medians`.

    Bin i has the values over edge i - 1, up to and with edge i. The first bin is for values under the least,
    the last for those over the greatest, which at first are infinities alone. A median is a bin's middle.
    """
    below, above = column.pop("below"), column.pop("above")
    if "min" not in column:
        return {"edges": [], "counts": [below + above], "medians": []}
    groups = _groups(table, queries, i, column["min"], column["max"], bins)
    edges, counts, medians = [_next_below(column["min"])], [below], []
    for part in _cut(groups, bins):
        edges.append(part[-1][2])
        counts.append(sum(count for count, _, _ in part))
        medians.append(_median(part))
    return {"edges": edges, "counts": [*counts, above], "medians": medians}


def _next_below(value: float) -> float:
    """Return the greatest double less than a finite one (math.nextafter is newer than Python 3.8)."""
    if value == 0:
        return -5e-324
    (bits,) = struct.unpack("<q", struct.pack("<d", value))
    (found,) = struct.unpack("<d", struct.pack("<q", bits + (-1 if value > 0 else 1)))
    return float(found)


def _groups(
    table: Table | EngineTable, queries: Mapping[str, str], i: int, low: float, high: float, bins: int
) -> list[tuple[int, float, float]]:
    """Return (rows, least, greatest) of neighbouring values, in order: few rows each, or one value.

    A histogram of 4,096 equal widths, in which a group that is too large becomes a histogram of its own: a few
    outliers leave nearly all rows in one group.
    """
    done: list[tuple[int, float, float]] = []
    open_ = [(0, low, high)]
    total = splits = 0
    while open_:
        count, low, high = open_.pop()
        fine = total and (low == high or count * _FINER * bins <= total)
        if fine or splits >= _MOST_SPLITS:
            done.append((count, low, high))
            continue
        splits += 1
        parts = table.rows(_histogram(queries, i, low, high))
        total = total or sum(part[0] for part in parts)
        stuck = total and len(parts) == 1 and splits > 1
        (done if stuck else open_).extend(parts if stuck else reversed(parts))
    return done


def _histogram(queries: Mapping[str, str], i: int, low: float, high: float) -> str:
    """Return the query for the rows, the least and the greatest of each group of values from `low` to `high`."""
    width = high / _GROUPS - low / _GROUPS  # each divided first: their difference may overflow
    ends = {"low": real_literal(low), "high": real_literal(high)}
    if width > 0 and isfinite(high / width):
        step, start, least = map(real_literal, (width, low / width, width * _VANISHING))
        return filled(queries["groups"], i=i, step=step, start=start, least=least, **ends)
    return filled(queries["values"], i=i, **ends)


def _cut(groups: Sequence[tuple[int, float, float]], bins: int) -> list[list[tuple[int, float, float]]]:
    """Put neighbouring groups together into bins of about as many rows; a frequent value is one of its own."""
    total = sum(count for count, _, _ in groups)
    parts: list[list[tuple[int, float, float]]] = []
    part: list[tuple[int, float, float]] = []
    seen, wanted = 0, 1
    for group in groups:
        frequent = group[1] == group[2] and group[0] * bins >= total
        if frequent and part:
            parts.append(part)
            part = []
        part.append(group)
        seen += group[0]
        if frequent or seen * bins >= wanted * total:
            parts.append(part)
            part = []
            wanted = seen * bins // total + 1
    return [*parts, part] if part else parts


def _median(part: Sequence[tuple[int, float, float]]) -> float:
    half = sum(count for count, _, _ in part) / 2
    seen = 0
    for count, low, high in part:
        seen += count
        if seen >= half:
            return low / 2 + high / 2 if low < high else low
    raise AssertionError("a bin has no rows")


def _is_unique(table: Table, number: str, column: dict[str, Any]) -> bool:
    """Whether no integer occurs twice; counted only where the range has room for it."""
    given = sum(column["counts"])
    if not given or column["max"] - column["min"] + 1 < given:
        return False
    return table.one(f"SELECT COUNT(DISTINCT {number}) FROM data") == (given,)


def _categories(found: Sequence[tuple[Any, ...]], given: int) -> dict[str, Any]:
    """Return how many categories there are, and the rows of the most frequent ones and of all others."""
    values = {value: count for value, count, _ in found if count >= LEAST_ROWS and _can_be_kept(value)}
    distinct = found[0][2] if found else 0
    return {"distinct": distinct, "values": values, "other": given - sum(values.values())}


def _can_be_kept(value: str) -> bool:
    return len(value) <= _LONGEST_CATEGORY and value.isprintable()
