"""Tables on which a `leakage` gate must not pass, made to fit its own parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.gates.fixtures import Fixture, artifact_files, data_file, table_bytes, unreadable

_ROWS = 80
Columns = dict[str, list[Any]]


def known_bad(document: Mapping[str, Any]) -> Iterator[Fixture]:
    """Yield a leak for each sort of check that the gate has, sides without rows and columns that are missing."""
    params = document["params"]
    if "engine" in params:
        yield from unreadable(document)
        return
    train, test = _sides(params)

    def fixture(name: str, verdict: str, train: Columns, test: Columns) -> Fixture:
        return Fixture(name, verdict, _files(document, train, test))

    none = {name: values[:0] for name, values in train.items()}
    # Without rows, JSON lines have no columns, and those of Parquet no type.
    typed = params["split"] is not None or params["format"] in ("csv", "tsv")
    yield fixture("no training rows", "fail" if typed else "error", none, test)
    yield fixture("no test rows", "fail" if typed else "error", train, none)
    first = params["columns"][0]
    without = [{name: v for name, v in side.items() if name != first} for side in (train, test)]
    yield fixture(f"{first} is missing", "error", *without)
    for check in params["queries"]:
        if check != "features" or params["max_shared"] < 1:
            yield fixture(f"the sides share their {check}", "fail", train, train)
            break
    if params["label"] is not None and min(params["max_auc"], params["max_correlation"]) < 1:
        told = [{**side, params["features"][0]: side[params["label"]]} for side in (train, test)]
        yield fixture("a feature is the label", "fail", *told)
        yield fixture(
            "one label", "error", *({**side, params["label"]: [1] * _ROWS} for side in (train, test))
        )


def _sides(params: Mapping[str, Any]) -> tuple[Columns, Columns]:
    """Return training and test rows that share nothing: every column counts on, and the label alternates."""
    sides: list[Columns] = [{}, {}]
    for side, columns in enumerate(sides):
        for name in params["columns"]:
            columns[name] = [side * _ROWS + i for i in range(_ROWS)]
        if params["label"] is not None:
            columns[params["label"]] = [i % 2 for i in range(_ROWS)]
    return sides[0], sides[1]


def _files(document: Mapping[str, Any], train: Columns, test: Columns) -> dict[str, bytes]:
    params = document["params"]
    judged = {document["artifacts"][params[role]["artifact"]]["path"] for role in ("train", "test")}
    found = {
        path: data
        for path, data in artifact_files(document).items()
        if path.removesuffix("file") not in judged
    }
    split = params.get("split")
    if split is not None:
        sides = ((train, split["train"]), (test, split["test"]))
        marks = [mark for side, mark in sides for _ in next(iter(side.values()), [])]
        joined = {name: [*train[name], *test[name]] for name in train}
        return {
            **found,
            _path(document, "test"): table_bytes(params["format"], {**joined, split["column"]: marks}),
        }
    for role, side in (("train", train), ("test", test)):
        filled = {**side, "row number": list(range(len(next(iter(side.values()), []))))}
        found[_path(document, role)] = table_bytes(params["format"], filled)
    return found


def _path(document: Mapping[str, Any], role: str) -> str:
    return data_file(document, document["params"][role]["artifact"])
