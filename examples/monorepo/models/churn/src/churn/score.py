"""Scores the customers that were held out."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

from churn.table import FEATURES, read
from churn.train import probability


def load(path: Path) -> list[float]:
    """The model's weights in the order of FEATURES; KeyError if it lacks one."""
    weights = json.loads(path.read_text(encoding="utf-8"))["weights"]
    return [float(weights[name]) for name in FEATURES]


def main() -> None:
    """Write id, churned, p."""
    weights = load(Path(os.environ.get("ARTIFACT_MODEL") or "build/model.json"))
    target = Path(os.environ.get("ARTIFACT_SCORED") or "build/scored.csv")
    target.parent.mkdir(parents=True, exist_ok=True)
    held_out = [
        one for one in read(Path(os.environ.get("ARTIFACT_RAW") or "data/customers.csv")) if one.held_out
    ]
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "churned", "p"])
        for one in held_out:
            writer.writerow([one.number, one.churned, f"{probability(weights, one.features):.6f}"])
    print(f"scored {len(held_out)} customers")


if __name__ == "__main__":
    main()
