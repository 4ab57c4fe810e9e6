"""Predictions on which a `slices` gate must not pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.gates._metrics.catalog import direction
from mlcc.gates._metrics.samples import ROWS, files_of, predictions, spoiled, table
from mlcc.gates.fixtures import Fixture


def known_bad(document: Mapping[str, Any]) -> Iterator[Fixture]:
    """Yield predictions that violate the limits, slices that are too small, and predictions that can't be judged."""
    params = document["params"]
    source, reference = params["predictions"], params.get("reference")
    good, bad = predictions(source, good=True), predictions(source, good=False)
    others = {}
    if reference is not None:
        others[reference["artifact"]] = table(reference, predictions(reference, good=True))

    def fixture(name: str, verdict: str, content: bytes) -> Fixture:
        return Fixture(name, verdict, files_of(document, {**others, source["artifact"]: content}))

    violated = "fail" if params["min_n"] <= ROWS // 2 else "inconclusive"
    if any(_worsens(metric) for metric in params["metrics"]):
        yield fixture("predictions that are wrong", violated, table(source, bad))
    if any(direction(gap["metric"]) for gap in params["gaps"]):
        half = {alias: [*good[alias][: ROWS // 2], *bad[alias][ROWS // 2 :]] for alias in good}
        yield fixture("one slice that is wrong", violated, table(source, half))
    if reference is None:
        few = {alias: values[: params["min_n"] - 1] for alias, values in good.items()}
        if params["min_n"] <= ROWS:
            yield fixture("slices that are too small", "inconclusive", table(source, few))
    for name, verdict, content in spoiled(source):
        yield fixture(name, verdict, content)


def _worsens(metric: Mapping[str, Any]) -> bool:
    """Tell whether wrong predictions miss a limit of the metric."""
    better = direction(metric["metric"])
    return "max_drop" in metric or (better > 0 and "min" in metric) or (better < 0 and "max" in metric)
