"""Tables on which a `drift` gate must not pass, made to fit its own parameters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.gates._profile import PROFILE_SCHEMA
from mlcc.gates.drift.measures import MEASURES, ORDERED
from mlcc.gates.fixtures import Fixture, artifact_files, data_file, table_bytes, unreadable

_ROWS = 400
Columns = dict[str, list[Any]]


def known_bad(document: Mapping[str, Any]) -> Iterator[Fixture]:
    """Yield a shift of each column, and what no gate may take for the column: nothing, NaN, another type, too little."""
    params = document["params"]
    rows = max(_ROWS, params["min_n"])
    still = {column["name"]: _still(column, rows) for column in params["columns"]}
    if "engine" in params:
        is_profile = params["reference"]["format"] == "profile"
        yield from unreadable(document, _profile_file(document, still) if is_profile else {})
        return
    files = _files(document, still)

    def fixture(name: str, verdict: str, columns: Columns) -> Fixture:
        return Fixture(name, verdict, {**files, **_table(document, "current", columns)})

    yield fixture("no rows", "fail", {name: [] for name in still})
    if params["min_n"] > 1:
        few = params["min_n"] - 1
        yield fixture("too few rows", "inconclusive", {name: cells[:few] for name, cells in still.items()})
    reference = _path(document, "reference")
    yield Fixture(
        "no reference", "error",
        {path: data for path, data in {**files, **_table(document, "current", still)}.items() if path != reference},
    )  # fmt: skip
    for column in params["columns"]:
        name, verdict = column["name"], "error" if _measure(column) in ORDERED else "fail"
        others = {other: cells for other, cells in still.items() if other != name}
        yield fixture(f"{name} is missing", "fail", {**others, "another": [1] * rows})
        untyped = params["current"]["format"] == "parquet"  # which gives an empty column a type of its own
        yield fixture(f"{name} is empty", "fail" if untyped else verdict, {**still, name: [None] * rows})
        yield fixture(f"{name} has moved", "fail", {**still, name: [_moved(column)] * rows})
        if _is_number(column):
            yield fixture(f"{name} is NaN", verdict, {**still, name: [float("nan")] * rows})
            yield fixture(f"{name} is text", "fail", {**still, name: ["x"] * rows})


def _measure(column: Mapping[str, Any]) -> str:
    return next((measure for measure in MEASURES if measure in column), "psi")


def _is_number(column: Mapping[str, Any]) -> bool:
    return _measure(column) in ("psi", *ORDERED)


def _still(column: Mapping[str, Any], rows: int) -> list[Any]:
    """Return a column of the reference: two values, the second as rare as the threshold needs it to be."""
    second = _second(column, rows)
    low, high = (0.0, 1.0) if _is_number(column) else ("a", "b")
    return [high if (i * second) % rows < second else low for i in range(rows)]


def _second(column: Mapping[str, Any], rows: int) -> int:
    # All of the table at the second value is a way of sqrt(1 / share - 1) deviations from a share of it there.
    share = 1 / (2 + 4 * float(column.get("wasserstein", 0)) ** 2)
    return max(round(rows * share), 1)


def _moved(column: Mapping[str, Any]) -> float | str:
    if not _is_number(column):
        return "c"
    return 1.0 if _measure(column) == "wasserstein" else 2.0


def _files(document: Mapping[str, Any], still: Columns) -> dict[str, bytes]:
    """Return the reference, and something at the place of every artifact."""
    params = document["params"]
    judged = {document["artifacts"][params[role]["artifact"]]["path"] for role in ("reference", "current")}
    others = {
        path: data
        for path, data in artifact_files(document).items()
        if path.removesuffix("file") not in judged
    }
    if params["reference"]["format"] != "profile":
        return {**others, **_table(document, "reference", still)}
    return {**others, **_profile_file(document, still)}


def _profile_file(document: Mapping[str, Any], still: Columns) -> dict[str, bytes]:
    columns = {name: _profile(cells) for name, cells in still.items()}
    rows = len(next(iter(still.values())))
    profile = {"schema": PROFILE_SCHEMA, "rows": rows, "columns": columns}
    return {_path(document, "reference"): json.dumps(profile).encode()}


def _profile(cells: list[Any]) -> dict[str, Any]:
    low, high = min(cells), max(cells)
    counts = [cells.count(low), cells.count(high)]
    if isinstance(low, str):
        return {"type": "string", "nulls": 0, "values": {low: counts[0], high: counts[1]}, "other": 0}
    numbers = {"edges": [-1.0, low, high], "counts": [0, *counts, 0], "medians": [low, high]}
    return {"type": "number", "nulls": 0, "nan": 0, **numbers}


def _table(document: Mapping[str, Any], role: str, columns: Columns) -> dict[str, bytes]:
    # A table of one empty column would be empty lines in a CSV.
    filled = {**columns, "row number": list(range(len(next(iter(columns.values())))))}
    return {_path(document, role): table_bytes(document["params"][role]["format"], filled)}


def _path(document: Mapping[str, Any], role: str) -> str:
    return data_file(document, document["params"][role]["artifact"])
