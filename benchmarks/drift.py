"""The drift gate without drift, and with it: how often it blocks, for every measure and number of rows.

Simulated at the level of counts: rows that fall into cells are multinomial, which is exact. What is counted are
the gate's own decisions, by the code that the gate runs.
"""

from __future__ import annotations

import sys
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from mlcc.gates.drift.measures import MEASURES, ORDERED, Sample, merged
from mlcc.gates.drift.runtime import decide

SIZES = (100, 1_000, 10_000, 100_000, 1_000_000)
REFERENCE = 100_000
THRESHOLDS = {
    "psi": 0.2, "jensen_shannon": 0.1, "l_infinity": 0.1, "ks": 0.1, "wasserstein": 0.1, "chi_square": 0.1,
}  # fmt: skip
SHIFTS = (0.0, 0.02, 0.1, 0.25, 0.5)
"""How far the current rows moved, in standard deviations of a normal distribution."""
BINS = 20
COLUMNS = 20
MOST_BLOCKS = 0.005
Shares = NDArray[np.float64]


def main(repetitions: int = 2000) -> None:
    """Print the rates without drift, those of a gate with 20 columns, and those by shift."""
    rng = np.random.default_rng(20_261_101)
    print(
        f"blocked / inconclusive % of {repetitions} comparisons, {REFERENCE} rows in the reference, {BINS} bins"
    )
    print(row("no drift", *(f"n = {n:,}" for n in SIZES)))
    worst = 0.0
    for measure in MEASURES:
        found = [rates(measure, n, 0.0, rng, repetitions) for n in SIZES]
        worst = max(worst, *(rate["fail"] for rate in found))
        print(row(measure, *map(shown, found)))
    found = [gate_rates(n, rng, max(repetitions // 10, 100)) for n in SIZES]
    worst = max(worst, *(rate["fail"] for rate in found))
    print(row(f"{COLUMNS} columns, psi", *map(shown, found)))
    for n in SIZES[1:4]:
        print()
        print(row(f"n = {n:,}, moved by", *(f"{shift} sd" for shift in SHIFTS)))
        for measure in MEASURES:
            print(row(measure, *(shown(rates(measure, n, s, rng, repetitions // 4)) for s in SHIFTS)))
    met = worst <= MOST_BLOCKS
    print(
        f"\nwithout drift at most {100 * MOST_BLOCKS} % blocked: {100 * worst:.2f} %, {'met' if met else 'missed'}"
    )
    if not met:
        sys.exit(1)


def rates(measure: str, n: int, shift: float, rng: np.random.Generator, repetitions: int) -> dict[str, float]:
    """Return how often one column passes, fails and is inconclusive at the gate's confidence, 99.9 %."""
    verdicts = Counter(verdict(measure, n, shift, rng, 1e-3) for _ in range(repetitions))
    return {name: verdicts[name] / repetitions for name in ("pass", "fail", "inconclusive")}


def gate_rates(n: int, rng: np.random.Generator, repetitions: int) -> dict[str, float]:
    """Return how often a gate with many columns passes, fails and is inconclusive without drift."""
    found: Counter[str] = Counter()
    for _ in range(repetitions):
        columns = [verdict("psi", n, 0.0, rng, 1e-3 / COLUMNS) for _ in range(COLUMNS)]
        found["fail" if "fail" in columns else "inconclusive" if "inconclusive" in columns else "pass"] += 1
    return {name: found[name] / repetitions for name in ("pass", "fail", "inconclusive")}


def verdict(measure: str, n: int, shift: float, rng: np.random.Generator, tail: float) -> str:
    """Return the gate's verdict on one draw of the reference and of the current table."""
    reference, current, positions = distributions(shift)
    counts = rng.multinomial(REFERENCE, reference).tolist(), rng.multinomial(n, current).tolist()
    sample = Sample(*counts, positions)
    if measure not in ORDERED:
        sample = merged(sample)
    return decide(measure, sample, THRESHOLDS[measure], tail)[0]


def distributions(shift: float) -> tuple[Shares, Shares, list[float]]:
    """Return the shares of 20 bins at a normal distribution's quantiles, before and after a shift, and medians."""
    from statistics import NormalDist

    normal = NormalDist()
    edges = [normal.inv_cdf(i / BINS) for i in range(1, BINS)]
    upto = np.array([0.0, *(normal.cdf(edge - shift) for edge in edges), 1.0])
    medians = [normal.inv_cdf((i + 0.5) / BINS) for i in range(BINS)]
    return np.full(BINS, 1 / BINS), np.diff(upto), medians


def shown(rate: dict[str, float]) -> str:
    """Return the share that blocks and the share that can't be told."""
    return f"{100 * rate['fail']:.2f} / {100 * rate['inconclusive']:.0f}"


def row(*cells: str) -> str:
    """Return a line of a table."""
    return cells[0].ljust(22) + "".join(cell.rjust(15) for cell in cells[1:])
