"""Compares the forecasts of the test days with the plainest forecast: what was sold a week before."""

from __future__ import annotations

import json
import math
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from statistics import mean

from demand.forecast import TEST_FROM, Model, Sale, read

Errors = dict[date, list[tuple[float, float]]]


def load(path: Path) -> Model:
    """Read the model; KeyError if a part is missing."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return Model(tuple(content["weekdays"]), content["promotion"], content["smoothing"])


def errors(model: Model, stores: Mapping[str, Sequence[Sale]], first: date) -> Errors:
    """Absolute errors (model, last week) of every store by day, from the day `first` on."""
    result: Errors = defaultdict(list)
    for sales in stores.values():
        for index, (sale, forecast) in enumerate(zip(sales, model.forecasts(sales), strict=True)):
            if sale.day >= first:
                week_before = sales[index - 7].units
                result[sale.day].append((abs(sale.units - forecast), abs(sale.units - week_before)))
    return result


def ratio(by_day: Errors) -> tuple[float, float]:
    """Mean error over last week's mean error, and its standard error.

    Stores share the day, so days are the units of the linearised (delta method) standard error.
    """
    days = [(sum(m for m, _ in pairs), sum(b for _, b in pairs)) for pairs in by_day.values()]
    model, base = mean(m for m, _ in days), mean(b for _, b in days)
    value = model / base
    squares = sum((m - value * b) ** 2 for m, b in days)
    return value, math.sqrt(squares / (len(days) - 1) / len(days)) / base


def main() -> None:
    """Write the metrics."""
    stores = read(Path(os.environ.get("ARTIFACT_RAW") or "data/sales.csv"))
    by_day = errors(load(Path(os.environ.get("ARTIFACT_MODEL") or "build/model.json")), stores, TEST_FROM)
    value, stderr = ratio(by_day)
    metrics = {"days": len(by_day), "error_ratio": {"stderr": stderr, "value": value}}
    target = Path(os.environ.get("ARTIFACT_METRICS") or "build/metrics.json")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    print(f"error ratio {value:.3f} +- {stderr:.3f} on {len(by_day)} days")


if __name__ == "__main__":
    main()
