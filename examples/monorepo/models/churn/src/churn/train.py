"""Fits a logistic regression by Newton's method."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path

from churn.table import FEATURES, Customer, read

STEPS = 25
TOLERANCE = 1e-9  # the fit has converged when no weight moves by more
RIDGE = 1e-6  # keeps the weights finite where a feature separates the classes


def probability(weights: Sequence[float], features: Sequence[float]) -> float:
    """Chance of leaving; the logit is held within +-30, where the chance is 1e-13 from 0 or 1."""
    logit = sum(weight * value for weight, value in zip(weights, features, strict=True))
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


def solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Solve a linear system by Gaussian elimination with pivoting; ZeroDivisionError if it is singular."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for i in range(len(rows)):
        pivot = max(range(i, len(rows)), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for j in range(len(rows)):
            if j != i:
                rows[j] = [a - rows[j][i] * b for a, b in zip(rows[j], rows[i], strict=True)]
    return [row[-1] for row in rows]


def fit(customers: Sequence[Customer]) -> list[float]:
    """Weights in the order of FEATURES. ArithmeticError if Newton's method doesn't converge."""
    size = len(FEATURES)
    weights = [0.0] * size
    for _ in range(STEPS):
        gradient = [-RIDGE * weight for weight in weights]
        curvature = [[RIDGE * (i == j) for j in range(size)] for i in range(size)]
        for one in customers:
            p = probability(weights, one.features)
            for i, value in enumerate(one.features):
                gradient[i] += (one.churned - p) * value
                for j in range(size):
                    curvature[i][j] += p * (1 - p) * value * one.features[j]
        step = solve(curvature, gradient)
        weights = [weight + change for weight, change in zip(weights, step, strict=True)]
        if max(map(abs, step)) < TOLERANCE:
            return weights
    raise ArithmeticError(f"no convergence in {STEPS} steps")


def main() -> None:
    """Train on the customers that aren't held out."""
    customers = [
        one for one in read(Path(os.environ.get("ARTIFACT_RAW") or "data/customers.csv")) if not one.held_out
    ]
    weights = dict(zip(FEATURES, (round(weight, 9) for weight in fit(customers)), strict=True))
    target = Path(os.environ.get("ARTIFACT_MODEL") or "build/model.json")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(
        json.dumps({"rows": len(customers), "weights": weights}, indent=2) + "\n", encoding="utf-8"
    )
    print(f"trained on {len(customers)} customers")


if __name__ == "__main__":
    main()
