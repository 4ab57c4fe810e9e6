"""Forecasts the held-out days one by one, and compares the error with that of the same day a week before."""

from __future__ import annotations

import json
from pathlib import Path

from stores.model import HELD_OUT, Smoothed, units


def error_ratio(model: Smoothed, sold: list[float]) -> float:
    """Return the model's absolute error over that of last week's sales, on the held-out days."""
    ours = theirs = 0.0
    for day in range(len(sold) - HELD_OUT, len(sold)):
        ours += abs(model.forecast(day) - sold[day])
        theirs += abs(sold[day - 7] - sold[day])
        model.learn(day, sold[day])
    return ours / theirs


def main() -> None:
    """Write build/metrics.json."""
    stated = json.loads(Path("build/model.json").read_text())
    ratio = error_ratio(Smoothed(**stated), units())
    Path("build/metrics.json").write_text(json.dumps({"error_ratio": ratio}))


if __name__ == "__main__":
    main()
