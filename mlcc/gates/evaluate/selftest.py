"""Numbers and predictions on which an `evaluate` gate must not pass."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.gates._metrics.catalog import direction
from mlcc.gates._metrics.samples import ROWS, files_of, predictions, spoiled, table
from mlcc.gates.fixtures import Fixture


def known_bad(document: Mapping[str, Any]) -> Iterator[Fixture]:
    """Yield inputs that miss each limit, and inputs that can't be judged."""
    params = document["params"]
    return _numbers(document, params) if params["source"] == "file" else _rows(document, params)


def _numbers(document: Mapping[str, Any], params: Mapping[str, Any]) -> Iterator[Fixture]:
    def fixture(name: str, verdict: str, content: str, check: str | None = None) -> Fixture:
        return Fixture(name, verdict, files_of(document, {params["artifact"]: content.encode()}), check)

    whole = json.dumps(_filled(params, params["metrics"][0], 0))
    yield fixture("no numbers", "error", "{}")
    yield fixture("a list", "error", f"[{whole}]")
    yield fixture("no JSON", "error", "")
    yield fixture("a file that is cut off", "error", whole[:-1])
    yield fixture("a key twice", "error", '{"mlcc": 0, "mlcc": 1, ' + whole[1:])
    for metric in params["metrics"]:
        id = metric["id"]
        for name, verdict, filled, check in _numbers_of(metric, params):
            yield fixture(f"{id} {name}", verdict, json.dumps(filled), check)
        text = json.dumps(_filled(params, metric, "here"))
        for token in ("NaN", "Infinity", "1e999"):
            yield fixture(f"{id} is {token}", "error", text.replace('"here"', token))


def _numbers_of(
    metric: Mapping[str, Any], params: Mapping[str, Any]
) -> Iterator[tuple[str, str, Any, str | None]]:
    """Yield (what is wrong, verdict, document, check) for the numbers of one metric."""
    id = metric["id"]
    for side, sign in (("min", -1), ("max", 1)):
        if side not in metric:
            continue
        limit = metric[side]
        missed = _filled(params, metric, limit + sign * (1 + abs(limit)))
        yield f"misses its {side}", "fail", missed, f"{id}.{side}"
        for key, content in (("stderr", 1), ("n", params.get("min_n", 0) - 1)):
            if key in metric and content > 0:
                little = _filled(params, metric, limit)
                _put(little, metric[key], content)
                yield f"shows too little for its {side} ({key})", "inconclusive", little, f"{id}.{side}"
    for what, value in (("text", "0.9"), ("true", True), ("null", None)):
        yield f"is {what}", "error", _filled(params, metric, value), id
    for key in ("stderr", "n"):
        if key in metric:
            without = _filled(params, metric, 0)
            _put(without, metric[key], -1)
            yield f"has a negative {key}", "error", without, id


def _filled(params: Mapping[str, Any], metric: Mapping[str, Any], value: Any) -> Any:
    """Return a document in which one metric has a value, and every other keeps to its limits."""
    document: dict[str, Any] = {}
    for other in params["metrics"]:
        _put(document, other["value"], other.get("min", other.get("max")))
        for key, content in (("stderr", 0), ("n", 10**9)):
            if key in other:
                _put(document, other[key], content)
    _put(document, metric["value"], value)
    return document


def _put(document: dict[str, Any], steps: list[str], value: Any) -> None:
    for step in steps[:-1]:
        document = document.setdefault(step, {})
    document[steps[-1]] = value


def _rows(document: Mapping[str, Any], params: Mapping[str, Any]) -> Iterator[Fixture]:
    train = params.get("overfit", {}).get("train")
    others = {} if train is None else {train["artifact"]: table(train, predictions(train, good=True))}

    def fixture(name: str, verdict: str, content: bytes) -> Fixture:
        return Fixture(name, verdict, files_of(document, {**others, params["artifact"]: content}))

    missed = "fail" if params["min_n"] <= ROWS else "inconclusive"
    for good, what in ((False, "wrong"), (True, "right")):
        if any(_misses(metric, good) for metric in params["metrics"]):
            columns = predictions(params, good=good)
            for metric in params["metrics"]:
                if "column" in metric:
                    columns[metric["column"]] = _beyond(metric)
            yield fixture(f"{what} predictions", missed, table(params, columns))
    for name, verdict, content in spoiled(params):
        yield fixture(name, verdict, content)


def _misses(metric: Mapping[str, Any], good: bool) -> bool:
    """Tell whether predictions that are all right, or all wrong, miss a limit of a metric."""
    if "column" in metric:
        return True
    better = direction(metric["metric"])
    return bool(better) and ("max" if (better > 0) == good else "min") in metric


def _beyond(metric: Mapping[str, Any]) -> list[float]:
    """Return values whose mean misses the metric's floor, or its ceiling."""
    limit = float(metric.get("min", metric.get("max")))
    step = (1 + abs(limit)) * (-1 if "min" in metric else 1)
    return [limit + step * (1 + 0.01 * (i % 2)) for i in range(ROWS)]
