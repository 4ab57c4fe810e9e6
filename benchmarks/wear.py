"""What promotions by one test set do to its verdicts: how often a candidate passes that is no better than the champion.

Every model here is truly as good as every other: it is right on the easy rows, and guesses on the hard ones, by a coin of
its own. `verdicts` made of what the gate said before: the candidate takes on each hard row what the promoted models say that
the gate found better than the first champion, and the opposite of the others, by majority (Blum and Hardt 2015, "The
Ladder", section 4). `chance` is a candidate that knows of none of it, held against the last promoted model.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.measure import table
from mlcc.gates._metrics.compute import measured
from mlcc.gates._metrics.paired import Difference, paired
from mlcc.gates._metrics.rows import Rows

TRIALS = 400
ROWS, HARD = 2000, 600  # an accuracy of 0.85
PROMOTIONS = (0, 1, 2, 5, 10, 20, 50)
ALPHA, Z, Z_POWER = 0.05, 1.644853626951, 1.281551565545
# An equal candidate that guesses for itself passes in 90 % of test sets: half of the hard rows are discordant.
MARGIN = (Z + Z_POWER) * (HARD / 2) ** 0.5 / ROWS


@dataclass(frozen=True, slots=True)
class Line:
    """After so many promotions, the shares of candidates that pass: `superior` by `verdicts`, on the worn test set and on a
    fresh one, and `non_inferior` by `chance`."""

    promotions: int
    worn: float
    fresh: float
    chance: float


def main() -> None:
    """Print the table; the first argument is another number of trials."""
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else TRIALS
    noise = 100 * (0.25 / trials) ** 0.5
    print(f"{trials} trials each: a share has a standard error of at most {noise:.1f} points")
    header = ("promotions", "made of verdicts: passes", "on a fresh test set", "by chance: passes (90 %)")
    print(
        table(
            header,
            [
                (str(line.promotions), *map(_percent, (line.worn, line.fresh, line.chance)))
                for line in figures(trials)
            ],
        )
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def figures(trials: int) -> list[Line]:
    """Return the shares after each number of `PROMOTIONS`."""
    found = np.array([_trial(np.random.default_rng(seed)) for seed in range(trials)])
    return [
        Line(number, *(float(x) for x in found[:, i].mean(axis=0))) for i, number in enumerate(PROMOTIONS)
    ]


def _trial(rng: Any) -> list[tuple[bool, bool, bool]]:
    """Promote models one after the other by the same rows, and try candidates on the way.

    A model is its hits on the hard rows: those of the test set, and those of a fresh one, on which it guesses anew.
    """
    first, fresh_first = _guesses(rng), _guesses(rng)
    champion, votes, fresh_votes, said = first, _guesses(rng) - 0.5, _guesses(rng) - 0.5, []
    promoted = 0
    for number in PROMOTIONS:
        while promoted < number:
            model, fresh_model = _guesses(rng), _guesses(rng)
            if _normal_lower(model, champion) > -MARGIN:
                better = 1 if model.sum() > first.sum() else -1
                votes, fresh_votes = (
                    votes + better * (2 * model - 1),
                    fresh_votes + better * (2 * fresh_model - 1),
                )
                champion, promoted = model, promoted + 1
        said.append(
            (
                _compared(votes > 0, first).lower > 0,
                _compared(fresh_votes > 0, fresh_first).lower > 0,
                _compared(_guesses(rng), champion).lower > -MARGIN,
            )
        )
    return said


def _guesses(rng: Any) -> Any:
    return rng.integers(0, 2, HARD)


def _compared(candidate: Any, champion: Any) -> Difference:
    """Return the difference of two models' accuracy as the gate judges it."""
    return paired(_accuracy(candidate), _accuracy(champion), 1, ALPHA, Z)


def _accuracy(hits: Any) -> Any:
    said = np.concatenate([hits.astype(np.int64), np.ones(ROWS - HARD, np.int64)])
    rows = Rows({"label": np.ones(ROWS, np.int64), "prediction": said}, ROWS, 0.5, 2, ["0", "1"])
    return measured({"metric": "accuracy"}, rows)


def _normal_lower(candidate: Any, champion: Any) -> float:
    """Return the lower bound by the normal distribution, near enough to the gate's at these rows."""
    change = candidate - champion
    return float((change.sum() - Z * (change**2).sum() ** 0.5) / ROWS)
