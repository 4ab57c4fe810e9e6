"""Tables on which a `feature_parity` gate must not pass, made to fit its own parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.gates._values import JSON_FORMATS
from mlcc.gates.fixtures import Fixture, artifact_files, data_file, table_bytes, unreadable

Table = dict[str, list[Any]]
_SIDES = ("offline", "online")


def known_bad(document: Mapping[str, Any]) -> Iterator[Fixture]:
    """Yield for each feature a difference, NaN and a missing value on one side, and broken keys and tables."""
    params = document["params"]
    if "engine" in params:
        yield from unreadable(document)
        return
    rows = max(params["min_n"], 100)
    good: Table = {name: [f"{name}{i}" for i in range(rows)] for name in params["key"]}
    good.update({f["name"]: [1.5 if f["kind"] == "number" else "a"] * rows for f in params["columns"]})

    def fixture(name: str, verdict: str, sides: Mapping[str, Table], check: str | None = None) -> Fixture:
        files = artifact_files(document)
        for side in _SIDES:
            stated = params[side]
            path = data_file(document, stated["artifact"])
            files[path] = table_bytes(stated["format"], sides.get(side, good))
        return Fixture(name, verdict, files, check)

    for feature in params["columns"]:
        name, check = feature["name"], f"{feature['name']}.mismatch"
        others: list[Any] = [float("nan"), None, -1.5] if feature["kind"] == "number" else [None, "b"]
        for other in others:
            yield fixture(
                f"{name} is {other} online",
                "fail",
                {"online": {**good, name: [*good[name][:1], *[other] * (rows - 1)]}},
                check,
            )
        without = {key: values for key, values in good.items() if key != name}
        yield fixture(f"{name} is missing online", "fail", {"online": without}, f"{name}.online")
    for side in _SIDES:
        key = params["key"][0]
        first = {name: values[:1] * rows for name, values in good.items()}
        yield fixture(f"the key of the {side} table repeats", "error", {side: first})
        yield fixture(f"the key of the {side} table is empty", "error", {side: {**good, key: [None] * rows}})
        # JSON lines without a line have no column, and Parquet without a row gives numbers another type.
        numbers = any(feature["kind"] == "number" for feature in params["columns"])
        format = params[side]["format"]
        verdict = "fail" if format in JSON_FORMATS or (format == "parquet" and numbers) else "error"
        yield fixture(f"the {side} table is empty", verdict, {side: {name: [] for name in good}})
    apart = {**good, params["key"][0]: [f"other{i}" for i in range(rows)]}
    yield fixture("no row is in both tables", "fail", {"online": apart}, "matched")
    if params["min_n"] > 1:
        few = {name: values[: params["min_n"] - 1] for name, values in good.items()}
        yield fixture("too few rows", "inconclusive", {"offline": few, "online": few})
