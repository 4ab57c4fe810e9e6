"""How often the canary judge is wrong, and how much it finds: by simulation, with seeds that no other simulation has.

Chance may add or take three standard deviations of the share that is stated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy.special import betaln

from benchmarks import judge, scores
from mlcc.gates.canary.evalues import log_e_changed

REPETITIONS = 600
SOME = 150
ALPHA = 0.05
EVEN = scores.tail(0, 0)


def at_most(share: float, repetitions: int = REPETITIONS) -> float:
    return share + 3 * math.sqrt(share * (1 - share) / repetitions)


def at_least(share: float, repetitions: int = REPETITIONS) -> float:
    return share - 3 * math.sqrt(share * (1 - share) / repetitions)


def canaries(ratio: float, seed: int) -> list[judge.Counts]:
    rng = np.random.default_rng(seed)
    return [judge.traffic(judge.RATE * ratio, rng) for _ in range(REPETITIONS)]


def failed(rule: judge.Rule, drawn: Sequence[judge.Counts]) -> float:
    return sum(judge.stops(rule, one) for one in drawn) / len(drawn)


@pytest.mark.parametrize("ratio", [1, 1.5])
def test_a_rate_at_the_allowed_ratio_is_seldom_an_alarm(ratio: float) -> None:
    """Over 60 looks in 30 minutes: a repeated z-test has 31 % of false alarms, and twice the control's rate 44 %."""
    drawn = canaries(ratio, 101 + int(10 * ratio))
    assert failed(judge.by_evidence(ratio), drawn) <= at_most(ALPHA)
    if ratio == 1:
        assert failed(judge.by_z, drawn) >= at_least(0.31)
        assert failed(judge.by_twice, drawn) >= at_least(0.44)


@pytest.mark.parametrize(("ratio", "limited", "compared"), [(2, 0.2, 0.81), (3, 0.93, 1), (5, 1, 1)])
def test_bad_rates_are_found_by_more_than_fisher_finds(ratio: float, limited: float, compared: float) -> None:
    drawn = canaries(ratio, 200 + int(ratio))
    assert failed(judge.by_evidence(1.5), drawn) >= at_least(limited)
    found = failed(judge.by_evidence(1), drawn)
    assert found >= at_least(compared)
    assert found >= failed(judge.by_fisher, drawn)


def formula(weight: float, x: np.ndarray, y: np.ndarray) -> float:
    """Return ln E with the one concentration 50."""
    a, b = 50 * weight, 50 * (1 - weight)
    share = x.sum() / (x.sum() + y.sum())
    mixed = (betaln(a + x, b + y) - betaln(a, b)).sum()
    return float(mixed - x.sum() * math.log(share) - y.sum() * math.log1p(-share))


@pytest.mark.parametrize(("bucket", "share"), [(0, 0), (10, 0.05), (9, 0.05), (9, 0.3)])
@pytest.mark.parametrize("weight", [0.05, 0.5])
def test_two_concentrations_lose_a_factor_of_two_at_most(weight: float, bucket: int, share: float) -> None:
    moved = scores.Scenario("moved", scores.tail(share, bucket), EVEN, weight, 150)
    for look in scores.looks(moved, np.random.default_rng(300)):
        x, y = look.counts
        evidence = log_e_changed(weight, x.tolist(), y.tolist())
        assert evidence >= formula(weight, x, y) - math.log(2) - 1e-9


@pytest.mark.parametrize("weight", [0.05, 0.5])
@pytest.mark.parametrize("control", [EVEN, np.append(np.full(10, 0.0998), 0.002)], ids=["even", "rare"])
def test_the_same_scores_are_seldom_an_alarm(weight: float, control: scores.Shares) -> None:
    rng = np.random.default_rng(400 + int(100 * weight))
    same = scores.Scenario("same", control, control, weight, 150)
    alarms = sum(any(map(scores.by_evidence, scores.looks(same, rng))) for _ in range(SOME))
    assert alarms / (SOME) <= at_most(ALPHA, SOME)


def test_a_tail_is_found_that_ks_misses() -> None:
    """5 % of 450 scores go where the control has none, at a weight of 5 %; there, too, where it has a tenth of its own."""
    rng, repetitions = np.random.default_rng(500), 60
    far = scores.Scenario("far", scores.tail(0.05, 10), EVEN, 0.05, 150)
    evidence, _, ks = scores.shares_found(far, rng, repetitions)
    assert evidence >= at_least(0.96, repetitions)
    assert ks <= at_most(0.1, repetitions)
    near = scores.Scenario("near", scores.tail(0.05, 9), EVEN, 0.05, 300)
    evidence, _, ks = scores.shares_found(near, rng, repetitions)
    assert evidence > ks
    assert evidence >= at_least(0.4, repetitions)


def test_an_inverted_model_is_found_within_a_few_requests() -> None:
    """It answers with 200, and with 1 less the score: at weight 20 %, about 20 requests of its own are enough."""
    rng = np.random.default_rng(600)
    assert scores.requests_until(scores.inverted(0.2), scores.by_evidence, rng, 50) <= 22
    assert scores.requests_until(scores.inverted(0.05), scores.by_evidence, rng, 50) <= 13
