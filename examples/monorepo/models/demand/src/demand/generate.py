"""Makes data/sales.csv: invented sales of six stores in two years, the same ones at every run."""

from __future__ import annotations

import math
import random
from datetime import date, timedelta
from pathlib import Path

HEADER = "id,day,store,promotion,units"
FIRST = date(2023, 1, 2)
DAYS = 728
WEEKDAYS = (0.85, 0.8, 0.85, 0.95, 1.2, 1.45, 0.9)  # Monday to Sunday


def store(number: int, chance: random.Random) -> list[str]:
    """Rows of one store, without ids: a drifting level, the weekday, the season, promotions, noise."""
    level = chance.uniform(60, 240)
    rows = []
    for index in range(DAYS):
        day = FIRST + timedelta(days=index)
        level *= math.exp(chance.gauss(0.0002, 0.012))
        promotion = int(chance.random() < 0.08)
        season = 1 + 0.15 * math.sin(2 * math.pi * (index - 80) / 364)
        mean = level * WEEKDAYS[day.weekday()] * season * (1.35 if promotion else 1)
        units = max(0, round(mean * math.exp(chance.gauss(0, 0.1))))
        rows.append(f"{day.isoformat()},S{number:02d},{promotion},{units}")
    return rows


def table() -> str:
    """The whole file's text, by store, then day."""
    chance = random.Random(20230102)
    sales = [row for number in range(1, 7) for row in store(number, chance)]
    rows = [f"{id},{row}" for id, row in enumerate(sales, start=1)]
    return "\n".join([HEADER, *rows]) + "\n"


if __name__ == "__main__":
    Path("data/sales.csv").write_text(table(), encoding="utf-8")
