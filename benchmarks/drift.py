"""The drift gate without drift, and with it: how often it closes, for every measure and number of rows.

Simulated at the level of counts: rows that fall into cells are multinomial, which is exact. What is counted are
the gate's own decisions, by the code that the gate runs.
"""

from __future__ import annotations

import sys
from collections import Counter
from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from mlcc.gates.drift.measures import MEASURES, Sample
from mlcc.gates.drift.runtime import decide

SIZES = (100, 300, 1_000, 10_000, 100_000, 1_000_000)
REFERENCE = 100_000
THRESHOLDS = {
    "psi": 0.2, "jensen_shannon": 0.1, "l_infinity": 0.1, "ks": 0.1, "wasserstein": 0.1, "chi_square": 0.1,
}  # fmt: skip
SHIFTS = (0.1, 0.25, 0.5, 0.75, 1.0)
"""How far the current rows of a normal distribution moved, in standard deviations."""
MOVED = (0.02, 0.1, 0.15, 0.2, 0.3)
"""The share of the current rows that went from the most frequent category to the rarest one."""
CATEGORIES = (0.4, 0.3, 0.2, 0.08, 0.02)
BINS = 20
COLUMNS = 20
MOST_CLOSED = 0.005
Shares = NDArray[np.float64]


def main(repetitions: int = 2000) -> None:
    """Print how often the gate closes without drift, with one column and with 20, and how often drift is found."""
    rng = np.random.default_rng(20_261_101)
    print(f"{repetitions} comparisons each, {REFERENCE:,} rows in the reference, confidence 99.9 %\n")
    print(row("no drift: fails / inconclusive %", *(f"n = {n:,}" for n in SIZES)))
    worst = 0.0
    for measure in MEASURES:
        found = [rates(measure, n, 0.0, rng, repetitions) for n in SIZES]
        worst = max(worst, *map(closed, found))
        print(row(f"{measure} {THRESHOLDS[measure]}", *map(shown, found)))
    for measure in ("psi", "l_infinity"):
        found = [gate_rates(measure, n, rng, max(repetitions // 10, 100)) for n in SIZES]
        worst = max(worst, *map(closed, found))
        print(row(f"{COLUMNS} columns, {measure}", *map(shown, found)))
    for measure in MEASURES:
        what, shifts = ("share moved", MOVED) if measure == "l_infinity" else ("sd moved", SHIFTS)
        print(f"\n{measure} {THRESHOLDS[measure]}: drift found, %")
        print(row(what, *(f"n = {n:,}" for n in SIZES)))
        for shift in shifts:
            found = [rates(measure, n, shift, rng, max(repetitions // 4, 100)) for n in SIZES]
            print(row(str(shift), *(f"{100 * rate['fail']:.0f}" for rate in found)))
    met = worst <= MOST_CLOSED
    print(
        f"\nwithout drift at most {100 * MOST_CLOSED} % closed: {100 * worst:.2f} %, {'met' if met else 'missed'}"
    )
    if not met:
        sys.exit(1)


def rates(measure: str, n: int, shift: float, rng: np.random.Generator, repetitions: int) -> dict[str, float]:
    """Return how often one column passes, fails and is inconclusive at the gate's confidence, 99.9 %."""
    verdicts = Counter(verdict(measure, n, shift, rng, 1e-3) for _ in range(repetitions))
    return {name: verdicts[name] / repetitions for name in ("pass", "fail", "inconclusive")}


def gate_rates(measure: str, n: int, rng: np.random.Generator, repetitions: int) -> dict[str, float]:
    """Return how often a gate with many columns passes, fails and is inconclusive without drift."""
    found: Counter[str] = Counter()
    for _ in range(repetitions):
        columns = [verdict(measure, n, 0.0, rng, 1e-3 / COLUMNS) for _ in range(COLUMNS)]
        found["fail" if "fail" in columns else "inconclusive" if "inconclusive" in columns else "pass"] += 1
    return {name: found[name] / repetitions for name in ("pass", "fail", "inconclusive")}


def closed(rate: dict[str, float]) -> float:
    """Return how often the gate stays closed."""
    return rate["fail"] + rate["inconclusive"]


def verdict(measure: str, n: int, shift: float, rng: np.random.Generator, tail: float) -> str:
    """Return the gate's verdict on one draw of the reference and of the current table."""
    reference, current, positions = categories(shift) if measure == "l_infinity" else numbers(shift)
    counts = rng.multinomial(REFERENCE, reference).tolist(), rng.multinomial(n, current).tolist()
    return decide(measure, Sample(*counts, positions), THRESHOLDS[measure], tail)[0]


@cache
def numbers(shift: float) -> tuple[Shares, Shares, list[float]]:
    """Return the shares of 20 bins at a normal distribution's quantiles, before and after a shift, and medians."""
    normal = NormalDist()
    edges = [normal.inv_cdf(i / BINS) for i in range(1, BINS)]
    upto = np.array([0.0, *(normal.cdf(edge - shift) for edge in edges), 1.0])
    medians = [normal.inv_cdf((i + 0.5) / BINS) for i in range(BINS)]
    return np.full(BINS, 1 / BINS), np.diff(upto), medians


def categories(moved: float) -> tuple[Shares, Shares, None]:
    """Return the shares of five categories, before and after a share went from the first to the last."""
    shares = np.array(CATEGORIES)
    return shares, shares + moved * np.array([-1, 0, 0, 0, 1]), None


def shown(rate: dict[str, float]) -> str:
    """Return the share that fails and the share that is inconclusive."""
    return f"{100 * rate['fail']:.2f} / {100 * rate['inconclusive']:.2f}"


def row(*cells: str) -> str:
    """Return a line of a table."""
    return cells[0].ljust(33) + "".join(cell.rjust(14) for cell in cells[1:])
