"""How often model gates are wrong: false passes at the limit, passes without a change, false blocks of slices.

Every row is a simulation with a known truth: `trials` test sets are drawn, each is judged as the gate judges it, and
the share of passes, or of blocks, is printed beside what the design promises.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.measure import table
from mlcc.gates._metrics.bounds import bounded
from mlcc.gates._metrics.catalog import direction, value_range
from mlcc.gates._metrics.compute import measured
from mlcc.gates._metrics.paired import paired
from mlcc.gates._metrics.rows import Rows
from mlcc.gates.slices.parts import slices_of
from mlcc.gates.slices.runtime import correct, trials_of

TRIALS = 1000
ALPHA, Z = 0.05, 1.644853626951
LARGE = 4_000_000  # rows by which a truth is known: its own error must not matter at 3,000
SLICES, SLICE_ROWS = 20, 200


@dataclass(frozen=True, slots=True)
class Line:
    """One simulated figure: the share of trials that end so, and the least or most that it may be."""

    what: str
    metric: str
    n: int
    share: float
    bound: float
    most: bool

    @property
    def met(self) -> bool:
        return self.share <= self.bound if self.most else self.share >= self.bound


def main() -> None:
    """Print the table; the first argument is another number of trials."""
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else TRIALS
    noise = 100 * (0.05 * 0.95 / trials) ** 0.5
    print(f"{trials} trials each: a share of 5 % has a standard error of {noise:.1f} points")
    header = ("", "metric", "n", "share", "goal", "")
    rows = [
        (
            line.what,
            line.metric,
            f"{line.n:,}",
            f"{100 * line.share:.1f} %",
            f"{'at most' if line.most else 'at least'} {100 * line.bound:g} %",
            "met" if line.met else "NOT met",
        )
        for line in figures(trials)
    ]
    print(table(header, rows))


def figures(trials: int) -> Iterable[Line]:
    """Yield every figure."""
    for name in ("accuracy", "roc_auc", "f1", "log_loss", "root_mean_squared_error"):
        draw = _forecasts if name.startswith("root") else _scores
        for n in (300, 2000):
            yield _at_the_margin(name, draw, n, trials)
        yield _without_change(name, draw, trials)
        yield _at_the_floor(name, draw, 500, trials)
    yield _slices(0.85, trials)
    yield _slices(0.83, trials)


Draw = Callable[[Any, int, float], tuple[Any, Any, Any]]


def _scores(rng: Any, n: int, noise: float) -> tuple[Any, Any, Any]:
    """Return labels and the scores of a champion, and of a candidate with more noise of its own."""
    label = (rng.random(n) < 0.4).astype(np.int64)
    shared = rng.normal(1.5 * label - 0.7, 1)
    champion = shared + rng.normal(0, 0.3, n)
    candidate = shared + rng.normal(0, 0.3 + noise, n)
    return label, _probability(candidate), _probability(champion)


def _probability(score: Any) -> Any:
    return 1 / (1 + np.exp(-score))


def _forecasts(rng: Any, n: int, noise: float) -> tuple[Any, Any, Any]:
    label = rng.gamma(2, 3, n)
    shared = label + rng.standard_t(6, n)
    return label, shared + rng.normal(0, 0.3 + noise, n), shared + rng.normal(0, 0.3, n)


def _value(name: str, label: Any, said: Any) -> Any:
    role = "prediction" if direction(name) < 0 and name != "log_loss" else "score"
    return measured({"metric": name}, Rows({"label": label, role: said}, len(label), 0.5, 2, ["0", "1"]))


def _difference(name: str, data: tuple[Any, Any, Any]) -> Any:
    label, candidate, champion = data
    return paired(_value(name, label, candidate), _value(name, label, champion), direction(name), ALPHA, Z)


def _at_the_margin(name: str, draw: Draw, n: int, trials: int) -> Line:
    """A candidate that is worse by just the margin may pass in alpha of all samples, and one point more."""
    margin = -_difference(name, draw(np.random.default_rng(1), LARGE, 0.4)).value
    rng = np.random.default_rng(n)
    passed = sum(_difference(name, draw(rng, n, 0.4)).lower > -margin for _ in range(trials))
    return Line("worse by the margin: passes", name, n, passed / trials, ALPHA + 0.01, True)


def _without_change(name: str, draw: Draw, trials: int) -> Line:
    """A candidate that is as good passes in 90 % of samples, with the rows for that power."""
    found = _difference(name, draw(np.random.default_rng(2), LARGE, 0))
    n = 3000
    margin = (Z + 1.2816) * (found.variance / n) ** 0.5
    rng = np.random.default_rng(n)
    passed = sum(_difference(name, draw(rng, n, 0)).lower > -margin for _ in range(trials))
    # 90 % is what the rows were chosen for: the simulation may miss it by its own error.
    return Line("no change, rows for 90 % power: passes", name, n, passed / trials, 0.9 - 0.02, False)


def _at_the_floor(name: str, draw: Draw, n: int, trials: int) -> Line:
    """A model that is just at the floor passes in alpha of all samples."""
    label, said, _ = draw(np.random.default_rng(3), LARGE, 0)
    truth = _value(name, label, said).value
    rng, passed, sign = np.random.default_rng(n), 0, direction(name)
    for _ in range(trials):
        label, said, _ = draw(rng, n, 0)
        found = bounded(_value(name, label, said), Z, value_range(name))
        passed += sign * ((found.lower if sign > 0 else found.upper) - truth) > 0
    return Line("at the floor: passes", name, n, passed / trials, ALPHA + 0.01, True)


def _slices(floor: float, trials: int) -> Line:
    """Twenty slices at 0.85: a floor there, or two points under it, blocks in at most 5 % of samples."""
    rng, blocked = np.random.default_rng(4), 0
    n = SLICES * SLICE_ROWS
    names = np.repeat([str(i) for i in range(SLICES)], SLICE_ROWS)
    metric = {"id": "accuracy", "metric": "accuracy", "min": floor}
    for _ in range(trials):
        said = (rng.random(n) < 0.85).astype(np.int64)
        arrays = {"label": np.ones(n, np.int64), "prediction": said, "slice_0": names}
        rows = Rows(arrays, n, 0.5, 2, ["0", "1"])
        parts = slices_of(rows, [{"part": "slice_0"}], SLICES)
        tried = trials_of({"metrics": [metric], "gaps": [], "z": Z}, rows, None, parts)
        limits = [trial for _, _, found in tried for trial in found]
        correct(limits, ALPHA)
        blocked += any(trial.rejected for trial in limits)
    return Line(f"20 slices at 0.85, floor {floor:g}: blocks", "accuracy", n, blocked / trials, 0.05, True)
