"""Metrics files and predictions on which an `evaluate` gate must not pass."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlcc.gates.evaluate.metrics import BINARY, REGRESSION
from mlcc.gates.fixtures import Fixture, artifact_files, data_file, table_bytes

Table = dict[str, list[Any]]
_LOSSES = ("log_loss", "brier_score", *(name for name in REGRESSION if name != "r2"))
_PROBABILITIES = ("log_loss", "brier_score")
_LARGEST_LOSS = 36.0  # log_loss of a model that is certain and wrong: -ln of the smallest step at 1.0
_ROWS = 400  # of a table in which no metric lacks rows
_MOST_ROWS = 1_000_000


def known_bad(document: Mapping[str, Any]) -> Iterator[Fixture]:
    """Yield metrics beyond each limit, and numbers or predictions that can't be judged."""
    judged = _bad_numbers if document["params"]["source"] == "file" else _bad_rows
    yield from judged(document)
    name = document["params"]["artifact"]
    files = artifact_files(document)
    for path in artifact_files({"artifacts": {name: document["artifacts"][name]}}):
        del files[path]
    yield Fixture("the numbers are missing", "error", files)


# Numbers in a file


def _bad_numbers(document: Mapping[str, Any]) -> Iterator[Fixture]:
    params = document["params"]
    files, path = artifact_files(document), data_file(document, params["artifact"])
    good = _numbers(params["metrics"])

    def fixture(name: str, verdict: str, content: object, check: str | None = None) -> Fixture:
        return Fixture(name, verdict, {**files, path: json.dumps(content).encode()}, check)

    for metric in params["metrics"]:
        id = metric["id"]
        for side in ("min", "max"):
            if side in metric:
                yield from _beyond(metric, side, good, params, fixture)
        for what, number in (("NaN", float("nan")), ("infinite", float("inf"))):
            yield fixture(f"{id} is {what}", "error", _with(good, metric["value"], number))
        for what, other in (("text", "0.9"), ("true", True), ("null", None)):
            yield fixture(f"{id} is {what}", "error", _with(good, metric["value"], other), id)
        for key in ("value", "stderr", "n"):
            if key in metric:
                yield fixture(f"{id} has no {key}", "error", _with(good, metric[key], None), id)
        if "stderr" in metric:
            yield fixture(f"{id} has a negative error", "error", _with(good, metric["stderr"], -1), id)
    yield fixture("the file is a list", "error", [])
    whole = json.dumps(good)
    for what, text in (
        ("is empty", ""),
        ("is cut off", whole[:-1]),
        ("has a key twice", f'{{"a": 1, "a": {whole}}}'),
    ):
        yield Fixture(f"the file {what}", "error", {**files, path: text.encode()})  # fmt: skip


def _beyond(
    metric: Mapping[str, Any], side: str, good: object, params: Mapping[str, Any], fixture: Any
) -> Iterator[Fixture]:
    """Yield a number on the bad side of a limit, and numbers that show too little."""
    id, limit = metric["id"], metric[side]
    check, beyond = f"{id}.{side}", limit + (-1 if side == "min" else 1) * max(1, abs(limit))
    yield fixture(f"{id} against its {side}", "fail", _with(good, metric["value"], beyond), check)
    if "stderr" in metric:
        at_limit = _with(_with(good, metric["value"], limit), metric["stderr"], 1)
        yield fixture(f"{id} has a wide interval", "inconclusive", at_limit, check)
    if "n" in metric and params.get("min_n", 1) > 1:
        few = _with(_with(good, metric["value"], limit), metric["n"], params["min_n"] - 1)
        yield fixture(f"{id} rests on too few rows", "inconclusive", few, check)


def _numbers(metrics: Sequence[Mapping[str, Any]]) -> object:
    """Return a document with every number that the metrics are read from; what it says is far from all limits."""
    found: object = {}
    for metric in metrics:
        found = _with(found, metric["value"], metric.get("min", metric.get("max", 0)))
        found = _with(found, metric["stderr"], 0) if "stderr" in metric else found
        found = _with(found, metric["n"], 1 << 40) if "n" in metric else found
    return found


def _with(document: object, steps: Sequence[str], value: object) -> object:
    """Return a copy of a document with a value at a path, and mappings on the way to it."""
    if not steps:
        return value
    inner = dict(document) if isinstance(document, dict) else {}
    return {**inner, steps[0]: _with(inner.get(steps[0]), steps[1:], value)}


# Predictions


def _bad_rows(document: Mapping[str, Any]) -> Iterator[Fixture]:
    params = document["params"]
    files, path = artifact_files(document), data_file(document, params["artifact"])

    def fixture(name: str, verdict: str, table: Table, check: str | None = None, copies: int = 1) -> Fixture:
        content = table_bytes(params["format"], table, copies)
        return Fixture(name, verdict, {**files, path: content}, check)

    least = params.get("min_n", 1)
    copies = (max(_ROWS, least) + 3) // 4
    if copies > _MOST_ROWS // 4:
        return
    right, wrong = _predictions(params, correct=True), _predictions(params, correct=False)
    for metric in params["metrics"]:
        for side in ("min", "max"):
            if side in metric and (worst := _worst(metric, side, right, wrong)):
                check = f"{metric['id']}.{side}"
                yield fixture(f"{metric['id']} against its {side}", "fail", worst, check, copies)
                if least > 2:  # a row of each class
                    few = {name: values[:1] + values[-1:] for name, values in worst.items()}
                    yield fixture(
                        f"{metric['id']} rests on too few rows", "inconclusive", few, check, (least - 1) // 2
                    )
    for name in params["columns"]:
        without = {other: values for other, values in right.items() if other != name}
        yield fixture(
            f"the column {name} is missing", "error", {**without, "mlcc_selftest": [1] * 4}, None, copies
        )
        for what, values in _improper(right[name], name in _classes(params)):
            yield fixture(f"a value of {name} is {what}", "error", {**right, name: values}, None, copies)
    # JSON lines without a line have no columns either.
    yield fixture("there is no row", "error" if params["format"] == "jsonl" else "fail", right, None, 0)
    if params["binary"]:
        one = {**right, params["label"]: [1] * 4}
        yield fixture("there is only one class", "error", one, None, copies)
    yield Fixture("the file is empty", "error", {**files, path: b""})


def _worst(metric: Mapping[str, Any], side: str, right: Table, wrong: Table) -> Table | None:
    """Return the table on which a metric lies beyond a limit; None where none does, or the metric isn't known."""
    id, limit = metric["id"], metric[side]
    if "mean" in metric:
        beyond = limit + (-1 if side == "min" else 1) * max(1.0, abs(limit))
        return {**right, metric["mean"]: [beyond - 0.25, beyond, beyond, beyond + 0.25]}
    if id not in ("accuracy", *BINARY, *REGRESSION) or (id == "log_loss" and limit >= _LARGEST_LOSS):
        return None
    low_is_good = id in _LOSSES
    return wrong if (side == "max") == low_is_good else right


def _predictions(params: Mapping[str, Any], *, correct: bool) -> Table:
    """Return four rows that a model gets all right or all wrong, and by far."""
    metrics = params["metrics"]
    far = 10.0 * (
        1 + max(abs(metric[side]) for metric in metrics for side in ("min", "max") if side in metric)
    )
    labels = [1, 0, 1, 0]
    table: Table = {metric["mean"]: [0.0, 1.0, 0.0, 1.0] for metric in metrics if "mean" in metric}
    if "label" in params:
        table[params["label"]] = labels
    if "score" in params:
        low, high = _scores(params)
        table[params["score"]] = [high if label == correct else low for label in labels]
    if "prediction" in params:
        numbers = any(metric["id"] in REGRESSION for metric in metrics)
        away = far if numbers else 1
        table[params["prediction"]] = [
            label if correct else (label + away if numbers else away - label) for label in labels
        ]
    return table


def _classes(params: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the columns whose values may be anything that names a class."""
    if params["binary"] or any(metric["id"] in REGRESSION for metric in params["metrics"]):
        return ()
    return tuple(params[key] for key in ("label", "prediction") if key in params)


def _improper(values: Sequence[Any], classes: bool) -> Iterator[tuple[str, list[Any]]]:
    """Yield columns, each of one type, with a value that can't be judged."""
    yield "null", [*values[:-1], None]
    yield "NaN", [*map(float, values[:-1]), float("nan")]
    if not classes:
        yield "infinite", [*map(float, values[:-1]), float("inf")]
        yield "text", [*map(str, values[:-1]), "§"]


def _scores(params: Mapping[str, Any]) -> tuple[float, float]:
    """Return a score that is far below the threshold, and one far above it; probabilities where they must be."""
    threshold = params["threshold"]
    if 0 < threshold <= 1 or any(metric["id"] in _PROBABILITIES for metric in params["metrics"]):
        return 0.0, 1.0
    return threshold - 1.0, threshold + 1.0
