"""Writes the invented sales of all stores: python -m stores.generate, in models/stores."""

from __future__ import annotations

import csv
import math
import random
from datetime import date, timedelta
from pathlib import Path

STORES = 18
DAYS = 196
FIRST = date(2025, 1, 6)


def sales(store: int) -> list[tuple[int, str, int]]:
    """Return (id, day, units) of a store: a level that wanders, a week's rhythm, and noise."""
    draw = random.Random(store)
    level = 40.0 + 8 * (store % 7)
    rows = []
    for number in range(DAYS):
        level *= math.exp(draw.gauss(0, 0.015))
        rhythm = 1 + 0.35 * math.sin(2 * math.pi * (number % 7) / 7)
        units = max(0, round(level * rhythm + draw.gauss(0, 0.08 * level)))
        rows.append((number + 1, (FIRST + timedelta(days=number)).isoformat(), units))
    return rows


def main() -> None:
    """Write one file a store."""
    for store in range(1, STORES + 1):
        path = Path(f"s{store:02}/data/sales.csv")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("id", "day", "units"))
            writer.writerows(sales(store))


if __name__ == "__main__":
    main()
