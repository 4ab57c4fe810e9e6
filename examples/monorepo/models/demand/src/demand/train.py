"""Learns the factors from the days before the test, and the smoothing that forecasts those days best."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import mean

from demand.forecast import TEST_FROM, Model, Sale, read, relative

SMOOTHINGS = (0.02, 0.05, 0.1, 0.2, 0.4)


def factors(stores: Mapping[str, Sequence[Sale]]) -> Model:
    """Mean factors over all stores; every store needs each weekday and a promotion (else StatisticsError)."""
    weekdays: list[list[float]] = [[] for _ in range(7)]
    promotions = []
    for sales in stores.values():
        usual = [sale for sale in sales if not sale.promotion]
        average = mean(sale.units for sale in usual)
        for weekday in range(7):
            weekdays[weekday].append(relative((s for s in usual if s.day.weekday() == weekday), average))
        promotions.append(relative((sale for sale in sales if sale.promotion), average))
    return Model(tuple(map(mean, weekdays)), mean(promotions), SMOOTHINGS[0])


def error(model: Model, stores: Mapping[str, Sequence[Sale]]) -> float:
    """Mean absolute error in units, without each store's first four weeks, in which the level settles."""
    return mean(
        abs(sale.units - forecast)
        for sales in stores.values()
        for sale, forecast in list(zip(sales, model.forecasts(sales), strict=True))[28:]
    )


def fit(stores: Mapping[str, Sequence[Sale]]) -> Model:
    """The model with the least error on these sales."""
    start = factors(stores)
    return min(
        (replace(start, smoothing=smoothing) for smoothing in SMOOTHINGS), key=lambda m: error(m, stores)
    )


def main() -> None:
    """Train on the days before the test."""
    stores = read(Path(os.environ.get("ARTIFACT_RAW") or "data/sales.csv"))
    model = fit({store: [sale for sale in sales if sale.day < TEST_FROM] for store, sales in stores.items()})
    target = Path(os.environ.get("ARTIFACT_MODEL") or "build/model.json")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(asdict(model), indent=2) + "\n", encoding="utf-8")
    print(f"smoothing {model.smoothing}, promotion {model.promotion:.2f}")


if __name__ == "__main__":
    main()
