"""A level and weekday factors, smoothed exponentially."""

from __future__ import annotations

import csv
from pathlib import Path

DATA = Path("data/sales.csv")
HELD_OUT = 56
"""Days at the end that no model is fitted to."""


def units() -> list[float]:
    """Return the units of each day, in order."""
    with DATA.open(newline="") as file:
        return [float(row["units"]) for row in csv.DictReader(file)]


class Smoothed:
    """A forecast of the next day. `alpha` is the weight of the newest day, from 0 to 1."""

    def __init__(self, alpha: float, level: float = 0.0, factors: list[float] | None = None) -> None:
        self.alpha = alpha
        self.level = level
        self.factors = factors or [1.0] * 7

    def forecast(self, day: int) -> float:
        """Return the units expected on a day, counted from 0."""
        return self.level * self.factors[day % 7]

    def learn(self, day: int, sold: float) -> None:
        """Take in what was sold on a day."""
        if not self.level:
            self.level = sold
            return
        factor = self.factors[day % 7]
        self.level += self.alpha * (sold / factor - self.level)
        self.factors[day % 7] = factor + self.alpha * (sold / self.level - factor)
