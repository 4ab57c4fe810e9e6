"""Scores of a candidate and its control in histograms, as the canary judge sees them, and the KS test beside it.

A canary has looks, one each 30 s, between which some requests come; each is the candidate's with the chance that its weight is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, ks_2samp

from mlcc.gates.canary.evalues import log_e_changed

ALPHA = 0.05
LOOKS = 60
FEW = 30  # scores of an arm, for which the p-value of many is wrong
Shares = NDArray[np.float64]
Draws = NDArray[np.int64]
Stop = Callable[["Look"], bool]

_EVEN = np.append(np.full(10, 0.1), 0.0)
_ENDS = np.linspace(0, 1, 11)
_LOW = np.append(np.diff(beta(1, 4).cdf(_ENDS)), 0.0)


class Scenario(NamedTuple):
    """Shares of the buckets in both arms, the candidate's weight, and all requests between two looks."""

    name: str
    candidate: Shares
    control: Shares
    weight: float
    requests: int


class Look(NamedTuple):
    """What both arms have counted by a look, per bucket, and the scores themselves: even within a bucket."""

    weight: float
    counts: tuple[Draws, Draws]
    scores: tuple[NDArray[np.float64], NDArray[np.float64]]


def tail(share: float, bucket: int) -> Shares:
    """Return even scores of which a share has moved to a bucket: 9 has a tenth of the control's scores, 10 none."""
    moved = (1 - share) * _EVEN
    moved[bucket] += share
    return moved


def inverted(weight: float) -> Scenario:
    """Return a model that takes the classes for each other: Beta(1, 4) scores, of which the candidate gives 1 less the score."""
    return Scenario("inverted", np.append(_LOW[:10][::-1], 0.0), _LOW, weight, 20)


def looks(scenario: Scenario, rng: np.random.Generator, number: int = LOOKS) -> Iterator[Look]:
    """Yield what is seen at each look of one canary."""
    shares = (scenario.candidate, scenario.control)
    counts = (np.zeros(len(_EVEN), np.int64), np.zeros(len(_EVEN), np.int64))
    scores = (np.zeros(0), np.zeros(0))
    for _ in range(number):
        n = int(rng.binomial(scenario.requests, scenario.weight))
        new = [rng.multinomial(m, share) for m, share in zip((n, scenario.requests - n), shares, strict=True)]
        counts = (counts[0] + new[0], counts[1] + new[1])
        drawn = [np.repeat(np.arange(len(one)), one) + rng.random(one.sum()) for one in new]
        scores = (np.append(scores[0], drawn[0]), np.append(scores[1], drawn[1]))
        yield Look(scenario.weight, counts, scores)


def by_evidence(look: Look) -> bool:
    """Whether the gate finds another distribution, where that is its only test."""
    candidate, control = (one.tolist() for one in look.counts)
    return log_e_changed(look.weight, candidate, control) >= math.log(1 / ALPHA)


def by_ks(look: Look, level: float = ALPHA) -> bool:
    """Whether Kolmogorov and Smirnov's test of the scores themselves has p below a level."""
    fewest = min(len(one) for one in look.scores)
    return fewest > 0 and bool(
        ks_2samp(*look.scores, method="exact" if fewest < FEW else "asymp").pvalue < level
    )


def by_ks_at_every_look(look: Look) -> bool:
    """The same at a level that lets one look 60 times (Bonferroni)."""
    return by_ks(look, ALPHA / LOOKS)


def shares_found(
    scenario: Scenario, rng: np.random.Generator, repetitions: int
) -> tuple[float, float, float]:
    """Return how often a canary is found: by evidence at any look, by the KS test at the last one, and by it at any look."""
    found = np.zeros(3)
    for _ in range(repetitions):
        seen = list(looks(scenario, rng))
        found += (any(map(by_evidence, seen)), by_ks(seen[-1]), any(map(by_ks_at_every_look, seen)))
    evidence, last, any_look = (found / repetitions).tolist()
    return evidence, last, any_look


def requests_until(scenario: Scenario, stop: Stop, rng: np.random.Generator, repetitions: int) -> float:
    """Return the median of the candidate's requests until it is found; infinite where it mostly isn't within 60 looks."""
    found = []
    for _ in range(repetitions):
        first = next((look for look in looks(scenario, rng) if stop(look)), None)
        found.append(math.inf if first is None else int(first.counts[0].sum()))
    return float(np.median(found))
