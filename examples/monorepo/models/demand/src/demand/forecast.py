"""The forecast: a level per store that follows its sales, times factors for weekday and promotion."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from statistics import mean

TEST_FROM = date(2024, 9, 1)


@dataclass(frozen=True)
class Sale:
    """What one store sold on one day."""

    day: date
    store: str
    promotion: bool
    units: int


@dataclass(frozen=True)
class Model:
    """Factors of Monday to Sunday and of a promotion; `smoothing` in 0..1 is the weight of the newest day."""

    weekdays: tuple[float, ...]
    promotion: float
    smoothing: float

    def factor(self, sale: Sale) -> float:
        """What the level is multiplied with on that day."""
        return self.weekdays[sale.day.weekday()] * (self.promotion if sale.promotion else 1.0)

    def forecasts(self, sales: Sequence[Sale]) -> list[float]:
        """One-day-ahead forecasts of one store's sales in time order; each uses earlier days only.

        The first day has no history: its forecast is NaN.
        """
        level = float("nan")
        result = []
        for sale in sales:
            factor = self.factor(sale)
            result.append(level * factor)
            newest = sale.units / factor
            level = newest if level != level else level + self.smoothing * (newest - level)
        return result


def read(path: Path) -> dict[str, list[Sale]]:
    """Sales by store, in time order."""
    with path.open(newline="", encoding="utf-8") as file:
        sales = [
            Sale(date.fromisoformat(row["day"]), row["store"], row["promotion"] == "1", int(row["units"]))
            for row in csv.DictReader(file)
        ]
    sales.sort(key=lambda sale: (sale.store, sale.day))
    return {store: list(rows) for store, rows in groupby(sales, key=lambda sale: sale.store)}


def relative(sales: Iterable[Sale], average: float) -> float:
    """Mean units as a multiple of `average`."""
    return mean(sale.units for sale in sales) / average
