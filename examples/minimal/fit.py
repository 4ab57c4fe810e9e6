"""Fits the distance in which a car stops (feet) as a line of its speed (miles per hour)."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from statistics import linear_regression, mean

Point = tuple[float, float]


def read(path: Path) -> list[Point]:
    """Pairs (speed, distance); ValueError or KeyError if the table has another form."""
    with path.open(newline="", encoding="utf-8") as file:
        return [(float(row["speed"]), float(row["distance"])) for row in csv.DictReader(file)]


def fit(points: list[Point]) -> Point:
    """Slope and intercept by least squares."""
    line = linear_regression(*zip(*points, strict=True))
    return line.slope, line.intercept


def r2(points: list[Point]) -> float:
    """Share of the variance that is explained when each point is predicted from all the others."""
    errors = []
    for i, (speed, distance) in enumerate(points):
        slope, intercept = fit(points[:i] + points[i + 1 :])
        errors.append(distance - slope * speed - intercept)
    centre = mean(distance for _, distance in points)
    return 1 - sum(e * e for e in errors) / sum((distance - centre) ** 2 for _, distance in points)


def write(path: Path, content: dict[str, float]) -> None:
    """Write JSON, and make the folder first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def main() -> None:
    """Read the stops, write the model and its metrics; the pipeline says where they lie."""
    points = read(Path(os.environ.get("ARTIFACT_STOPS") or "stops.csv"))
    slope, intercept = fit(points)
    write(
        Path(os.environ.get("ARTIFACT_MODEL") or "build/model.json"), {"intercept": intercept, "slope": slope}
    )
    write(
        Path(os.environ.get("ARTIFACT_METRICS") or "build/metrics.json"), {"n": len(points), "r2": r2(points)}
    )


if __name__ == "__main__":
    main()
