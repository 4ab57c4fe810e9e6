"""What one scan tells of the current table: for each column the rows in each cell of the reference's profile."""

from __future__ import annotations

# SQL is what this module writes; values go through the literals, the rest is committed or its own.
# ruff: noqa: S608
from mlcc.gates._engines import EngineTable
from mlcc.gates._profile import PROFILE_SCHEMA
from mlcc.gates._records import GateError, is_finite, number, visible
from mlcc.gates._sql import real_literal
from mlcc.gates._table import Table
from mlcc.gates._values import count_where, filled, select_cells, sort_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

# The counts of the column number {i}, in DuckDB's words: cells of its sort, NaN, cells up to an edge, or with a value.
COUNTS = {
    "numbers": "COUNT(c{i}_number)",
    "nan": count_where("isnan(c{i}_number)"),
    "upto": count_where("c{i}_number <= CAST({edge} AS DOUBLE)"),
    "texts": "COUNT(c{i}_text)",
    "equal": count_where("c{i}_text = {value}"),
}


class Counts:
    """A column's rows by cell, in the reference and in the current table.

    `labels` name the cells: bins or categories (for categories the rest as "other"), then "empty", and for
    numbers "NaN". `present` is how many of them come before the empty ones. `strange` are current cells that
    aren't of the reference's type.
    """

    __slots__ = ("current", "labels", "present", "reference", "strange")

    def __init__(
        self,
        labels: Sequence[str],
        present: int,
        reference: Sequence[int],
        current: Sequence[int],
        strange: int,
    ) -> None:
        self.labels = labels
        self.present = present
        self.reference = reference
        self.current = current
        self.strange = strange


def count_cells(
    table: Table | EngineTable,
    columns: Sequence[Mapping[str, Any]],
    profiles: Sequence[Mapping[str, Any]],
    sql: Mapping[str, str] = COUNTS,
) -> tuple[int, list[Counts]]:
    """Return the number of rows, and the counts of each of `columns`, as their profiles have cells.

    One aggregate query without grouping: any engine runs it as one scan. `sql` are the counts in the engine's words.
    Raises GateError.
    """
    table.define("source", f"SELECT * FROM {table.source}")
    if columns:
        wanted = [_wanted(column["cells"], profile) for column, profile in zip(columns, profiles)]  # noqa: B905
        table.define("data", select_cells(wanted))
    parts = ["COUNT(*)"]
    sizes = []
    for i, profile in enumerate(profiles, 1):
        sums = [
            f"COUNT(c{i}_given)",
            *(filled(part, i=i, **marks) for part, marks in _sums(table, profile, sql)),
        ]
        sizes.append(len(sums))
        parts += sums
    rows, *values = table.aggregates(parts, "data" if columns else "source")
    if type(rows) is not int:
        raise GateError("the number of rows is not known")
    if not rows:
        return 0, []
    found = []
    for size, profile in zip(sizes, profiles):  # noqa: B905 - strict= is newer than Python 3.8
        found.append(_counts(profile, rows, values[:size]))
        del values[:size]
    return rows, found


def _wanted(cells: Mapping[str, str], profile: Mapping[str, Any]) -> dict[str, str]:
    """Return the SQL of what is counted of a column: engines don't even parse a cast that a type hasn't."""
    sort = "number" if sort_of(profile["type"]) == "number" else "text"
    return {"given": cells["given"], sort: cells[sort]}


def _sums(
    table: Table | EngineTable, profile: Mapping[str, Any], sql: Mapping[str, str]
) -> list[tuple[str, dict[str, str]]]:
    """Return the counts of a column, and what fills them in: of the right sort, NaN, then up to each edge or by value."""
    if sort_of(profile["type"]) == "number":
        edges = [(sql["upto"], {"edge": real_literal(edge)}) for edge in profile["edges"]]
        return [(sql["numbers"], {}), (sql["nan"], {}), *edges]
    return [(sql["texts"], {}), *((sql["equal"], {"value": table.text(value)}) for value in ranked(profile))]


def _counts(profile: Mapping[str, Any], rows: int, sums: Sequence[int]) -> Counts:
    given, sorted_, *rest = sums
    if sort_of(profile["type"]) == "number":
        nan, *upto = rest
        upto = [0, *upto, sorted_ - nan]
        current = [high - low for low, high in zip(upto, upto[1:])]  # noqa: B905, RUF007 - Python 3.8
        current += [rows - given, nan]
        reference = [*profile["counts"], profile["nulls"], profile["nan"]]
        labels = [*_bin_labels(profile["edges"]), "empty", "NaN"]
        return Counts(labels, len(labels) - 2, reference, current, given - sorted_)
    values = ranked(profile)
    current = [*rest, sorted_ - sum(rest), rows - given]
    reference = [*(profile["values"][value] for value in values), profile["other"], profile["nulls"]]
    labels = [*values, "other", "empty"]
    return Counts(labels, len(labels) - 1, reference, current, given - sorted_)


def ranked(profile: Mapping[str, Any]) -> list[str]:
    """Return the categories of a profile, the most frequent first."""
    return sorted(profile["values"], key=lambda value: (-profile["values"][value], value))


def _bin_labels(edges: Sequence[float]) -> list[str]:
    if not edges:
        return ["any"]
    inner = [f"to {number(edge)}" for edge in edges[1:]]
    return [f"under {number(edges[1])}" if len(edges) > 1 else "less", *inner, f"over {number(edges[-1])}"]


def check_profile(document: object, shown: str) -> dict[str, Any]:
    """Return a profile that was read, if it is sound: every count is there and they add up. Raises GateError."""
    if not isinstance(document, dict) or document.get("schema") != PROFILE_SCHEMA:
        raise GateError(f"{shown} is no profile; `mlcc profile` writes one")
    rows, columns = document.get("rows"), document.get("columns")
    if type(rows) is not int or rows < 1 or not isinstance(columns, dict):
        raise GateError(f"{shown} has no rows, or no columns")
    for name, column in columns.items():
        if not isinstance(column, dict) or not _is_sound(column, rows):
            raise GateError(f"the profile of {visible(name, 80)} in {shown} is not sound: write it again")
    return document


def _is_sound(column: Mapping[str, Any], rows: int) -> bool:
    sort = sort_of(column["type"]) if isinstance(column.get("type"), str) else ""
    nulls = column.get("nulls")
    if not sort or not _are_counts([nulls]):
        return False
    if sort == "number":
        edges, counts, medians = (column.get(key) for key in ("edges", "counts", "medians"))
        if not (isinstance(edges, list) and isinstance(counts, list) and isinstance(medians, list)):
            return False
        return (
            all(map(is_finite, [*edges, *medians]))
            and len(counts) == len(edges) + 1
            and len(medians) == max(len(edges) - 1, 0)
            and all(low < high for low, high in zip(edges, edges[1:]))  # noqa: B905, RUF007
            and _are_counts([*counts, column.get("nan")])
            and sum(counts) + column["nan"] + nulls == rows
        )
    if sort == "category":
        values = column.get("values")
        if not isinstance(values, dict) or not _are_counts([*values.values(), column.get("other")]):
            return False
        return bool(sum(values.values()) + column["other"] + nulls == rows)
    return True


def _are_counts(values: Sequence[object]) -> bool:
    return all(type(value) is int and value >= 0 for value in values)
