"""Reads the customers, and keeps those that the model is judged on apart."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

FEATURES = ("intercept", "tenure_years", "plus", "family", "charge_10", "support_calls", "autopay")


@dataclass(frozen=True)
class Customer:
    """One row: its features in the order of FEATURES, and whether the customer left (1) or stayed (0)."""

    number: int
    features: tuple[float, ...]
    churned: int

    @property
    def held_out(self) -> bool:
        """Three customers of ten are never trained on; the id decides, so a new row moves no old one."""
        return self.number % 10 >= 7


def customer(row: dict[str, str]) -> Customer:
    """Parse one row; KeyError or ValueError if it has another form."""
    if row["plan"] not in ("basic", "plus", "family"):
        raise ValueError(f"unknown plan {row['plan']!r}")
    features = (
        1.0,
        int(row["tenure_months"]) / 12,
        float(row["plan"] == "plus"),
        float(row["plan"] == "family"),
        float(row["monthly_charge"]) / 10,
        float(row["support_calls"]),
        float(row["autopay"]),
    )
    return Customer(int(row["id"]), features, int(row["churned"]))


def read(path: Path) -> list[Customer]:
    """All customers of a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return [customer(row) for row in csv.DictReader(file)]
