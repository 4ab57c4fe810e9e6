"""The paired difference of two models at 100,000 rows: mlcc's interval, and scipy's bootstrap of the same.

scipy is run with few resamples and its time scaled up to 10,000, which its cost is proportional to. Its ends are noisy
for the same reason: the last column says by how much of the interval's width, with a standard error that is printed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import sklearn.metrics as sk
from scipy import stats

from benchmarks.measure import Goal, goals, table
from mlcc.gates._metrics.catalog import direction
from mlcc.gates._metrics.compute import measured
from mlcc.gates._metrics.paired import paired
from mlcc.gates._metrics.rows import Rows

N, ROUNDS = 100_000, 5
RESAMPLES, USUAL = 400, 10_000
MOST_APART = 5
ALPHA, Z = 0.05, 1.644853626951
STATISTICS: dict[str, Callable[[Any, Any], float]] = {
    "accuracy": lambda y, s: float(((s >= 0.5) == y).mean()),
    "log_loss": lambda y, s: float(np.log(np.where(y == 1, s, 1 - s)).mean()),
    "f1": lambda y, s: float(sk.f1_score(y, s >= 0.5)),
    "roc_auc": lambda y, s: float(sk.roc_auc_score(y, s)),
    "average_precision": lambda y, s: float(sk.average_precision_score(y, s)),
}
"""Each so that more is better."""


def main() -> None:
    """Print processor seconds, their ratio and how far the ends lie apart, for each metric."""
    data = _two_models()
    rows, ratios, apart = [], {}, {}
    for name in STATISTICS:
        own, ends = _own(name, data)
        seconds, low, high = _scipys(name, data)
        width = high - low
        apart[name] = max(abs(ends[0] - low), abs(ends[1] - high)) / width
        ratios[name] = seconds / own
        cells = (f"{1000 * own:.0f}", f"{seconds:.0f}", f"{ratios[name]:,.0f}", f"{100 * apart[name]:.1f} %")
        rows.append((name, *cells))
    print(table((f"{N:,} rows", "mlcc CPU ms", f"scipy CPU s, {USUAL:,}", "ratio", "ends apart"), rows))
    noise = (ALPHA * (1 - ALPHA) / RESAMPLES) ** 0.5 / stats.norm.pdf(Z) / (2 * Z)
    print(
        f"scipy ran {RESAMPLES} resamples, scaled up; its ends have a standard error of {100 * noise:.1f} % of the width"
    )
    print(goals([Goal(f"{name}: at least 10,000 x cheaper", ratios[name], 10_000, False) for name in ratios]))
    worst = 100 * max(apart.values())
    print(
        f"{'met' if worst <= MOST_APART else 'NOT met':<8} ends at most {MOST_APART} % of the width apart: {worst:.1f} %"
    )


def _two_models() -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(0)
    label = (rng.random(N) < 0.4).astype(np.int64)
    shared = rng.normal(1.3 * label - 0.6, 1)
    one, other = (1 / (1 + np.exp(-(shared + rng.normal(0, 0.35, N)))) for _ in range(2))
    return label, one, other


def _own(name: str, data: tuple[Any, Any, Any]) -> tuple[float, tuple[float, float]]:
    """Return the median processor time of mlcc's difference, and its ends."""
    label, *scores = data
    seconds = []
    ends = (0.0, 0.0)
    for _ in range(ROUNDS):
        start = time.process_time()
        sides = [Rows({"label": label, "score": score}, N, 0.5, 2, ["0", "1"]) for score in scores]
        one, other = (measured({"metric": name}, side) for side in sides)
        found = paired(one, other, direction(name), ALPHA, Z)
        seconds.append(time.process_time() - start)
        ends = (found.lower, found.upper)
    return sorted(seconds)[ROUNDS // 2], ends


def _scipys(name: str, data: tuple[Any, Any, Any]) -> tuple[float, float, float]:
    """Return scipy's processor time for the usual number of resamples, and its percentile ends."""
    statistic = STATISTICS[name]
    start = time.process_time()
    found = stats.bootstrap(
        data,
        lambda y, a, b: statistic(y, a) - statistic(y, b),
        paired=True,
        vectorized=False,
        n_resamples=RESAMPLES,
        batch=50,
        method="percentile",
        confidence_level=1 - 2 * ALPHA,
        rng=np.random.default_rng(0),
    )
    seconds = (time.process_time() - start) * USUAL / RESAMPLES
    return seconds, float(found.confidence_interval.low), float(found.confidence_interval.high)
