"""Makes data/customers.csv: invented customers, the same ones at every run."""

from __future__ import annotations

import math
import random
from pathlib import Path

HEADER = "id,tenure_months,plan,monthly_charge,support_calls,autopay,churned"
CUSTOMERS = 4000
PRICE = {"basic": 15.0, "plus": 30.0, "family": 55.0}  # dollars a month


def customer(number: int, chance: random.Random) -> str:
    """One row. Leaving is likelier for new customers, many calls or a high charge, rarer with autopay."""
    tenure = min(120, int(chance.expovariate(1 / 28)))
    plan = chance.choices(["basic", "plus", "family"], weights=[5, 3, 2])[0]
    charge = round(PRICE[plan] * chance.uniform(0.8, 1.3), 2)
    calls = min(30, int(chance.expovariate(1 / 1.6)))
    autopay = int(chance.random() < 0.55)
    odds = -1.2 - 0.045 * tenure + 0.45 * calls + 0.02 * charge - 0.9 * autopay
    churned = int(chance.random() < 1 / (1 + math.exp(-odds)))
    return f"{number},{tenure},{plan},{charge:.2f},{calls},{autopay},{churned}"


def table() -> str:
    """The whole file's text."""
    chance = random.Random(20240131)
    rows = [customer(number, chance) for number in range(1, CUSTOMERS + 1)]
    return "\n".join([HEADER, *rows]) + "\n"


if __name__ == "__main__":
    Path("data/customers.csv").write_text(table(), encoding="utf-8")
