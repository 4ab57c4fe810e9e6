"""The slices of a table: the rows that share values in some columns."""

from __future__ import annotations

from mlcc.gates._metrics.rows import Rows
from mlcc.gates._records import GateError, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

_SHOWN = 40


class Slice:
    """Rows that share values: `index` are their places, `name` says which values, `grouping` of which columns."""

    __slots__ = ("grouping", "index", "name")

    def __init__(self, name: str, grouping: str, index: Any) -> None:
        self.name = name
        self.grouping = grouping
        self.index = index


def slices_of(rows: Rows, by: Sequence[Mapping[str, str]], most: int) -> list[Slice]:
    """Return the slices of each grouping, by their values; a missing value is a slice of its own.

    `by` maps, for each grouping, columns to aliases. Raises GateError for more than `most` slices.
    """
    found: list[Slice] = []
    for grouping in by:
        found += _grouped(rows, grouping, most)
    if len(found) > most:
        raise GateError(f"there are {len(found)} slices, and at most {most} are meant (max_slices)")
    return found


def _grouped(rows: Rows, grouping: Mapping[str, str], most: int) -> list[Slice]:
    import numpy as np

    codes = np.zeros(rows.n, np.int64)
    values: list[list[str | None]] = []
    for alias in grouping.values():
        index: dict[str | None, int] = {}
        column = np.fromiter((index.setdefault(value, len(index)) for value in rows[alias]), np.int64, rows.n)
        if len(index) > most:
            raise GateError(f"a column has over {most} values: it makes no slices (max_slices)")
        values.append(list(index))
        codes = codes * len(index) + column
    order = np.argsort(codes, kind="stable")
    starts = np.nonzero(np.diff(codes[order], prepend=-1))[0]
    parts = np.split(order, starts[1:])
    named = {
        part_name(grouping, [rows[alias][part[0]] for alias in grouping.values()]): part for part in parts
    }
    return [Slice(name, ", ".join(grouping), part) for name, part in sorted(named.items())]


def part_name(columns: Mapping[str, str], values: Sequence[str | None]) -> str:
    """Return `column=value, …`, safe to show; no value is (none)."""
    shown = ("(none)" if value is None else repr(visible(value, _SHOWN)) for value in values)
    return ", ".join(f"{visible(column, _SHOWN)}={value}" for column, value in zip(columns, shown))  # noqa: B905 - 3.8
