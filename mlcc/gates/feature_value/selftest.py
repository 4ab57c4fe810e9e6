"""Predictions and costs on which a `feature_value` gate must not pass."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.gates._metrics.samples import ROWS, files_of, predictions, spoiled, table
from mlcc.gates.fixtures import Fixture


def known_bad(document: Mapping[str, Any]) -> Iterator[Fixture]:
    """Yield features that add nothing or cost too much, and predictions that can't be judged."""
    params = document["params"]
    source, role, cost = params["predictions"], params["role"], params.get("cost")
    free = dict.fromkeys(params["without"], 0)

    def fixture(name: str, verdict: str, content: bytes, spent: Any = free) -> Fixture:
        files = {source["artifact"]: content}
        if cost is not None:
            files[cost["artifact"]] = json.dumps(spent).encode()
        return Fixture(name, verdict, files_of(document, files))

    good, bad = predictions(source, good=True), predictions(source, good=False)
    useful = {**good, **dict.fromkeys(params["without"].values(), bad[role])}
    useless = {**good, **dict.fromkeys(params["without"].values(), good[role])}
    yield fixture(
        "features that add nothing",
        "fail" if params["min_n"] <= ROWS else "inconclusive",
        table(source, useless),
    )
    for name, verdict, content in spoiled(source, useful):
        yield fixture(name, verdict, content)
    if cost is not None:
        dear = dict.fromkeys(free, 2 * cost["max_ms"])
        yield fixture("features that cost too much", "fail", table(source, useful), dear)
        yield fixture("no costs", "error", table(source, useful), {})
        yield fixture("a cost below zero", "error", table(source, useful), dict.fromkeys(free, -1))
