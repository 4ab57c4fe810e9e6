"""E-values against scipy's functions and numerical integrals, and the bound that they promise by simulation."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import betainc, betaln

from mlcc.gates.canary.evalues import (
    candidate_share,
    centred,
    log_beta_below,
    log_e_above,
    log_e_below,
    log_e_better,
    log_e_changed,
    log_e_worse,
    lower_rate,
    ratio_bounds,
    requests_needed,
    twice,
    upper_rate,
)
from mlcc.gates.canary.feasible import feasible


@pytest.mark.parametrize("x", [0.001, 0.05, 0.3, 0.5, 0.9, 0.999])
@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (0.02, 9.98), (3, 400), (5000, 20), (40_000, 60_000.5)])
def test_incomplete_beta(x: float, a: float, b: float) -> None:
    expected = betainc(a, b, x)
    if expected > 1e-300:
        assert log_beta_below(x, a, b) == pytest.approx(math.log(expected), rel=1e-8, abs=1e-8)


def test_far_tail_of_the_incomplete_beta() -> None:
    # I_x(1, b) = 1 - (1 - x)^b and I_x(a, 1) = x^a, by hand.
    assert log_beta_below(0.5, 2000, 1) == pytest.approx(2000 * math.log(0.5))
    assert log_beta_below(1e-9, 1, 5) == pytest.approx(math.log(5e-9), rel=1e-7)


@pytest.mark.parametrize(
    ("hits", "misses", "limit", "prior"),
    [(0, 50, 0.05, (0.5, 0.5)), (3, 40, 0.1, (0.5, 0.5)), (2, 9, 0.4, (3.0, 7.0)), (0, 0, 0.2, (0.5, 0.5))],
)
def test_below_is_a_likelihood_averaged_over_lower_rates(
    hits: int, misses: int, limit: float, prior: Any
) -> None:
    density = stats.beta(*prior)
    top = integrate.quad(
        lambda p: density.pdf(p) * p**hits * (1 - p) ** misses, 0, limit, epsabs=0, epsrel=1e-10, limit=500
    )[0]
    expected = top / density.cdf(limit) / (limit**hits * (1 - limit) ** misses)
    assert log_e_below(hits, misses, limit, prior) == pytest.approx(math.log(expected), abs=1e-6)


def test_worse_is_the_mixture_of_the_candidates_share() -> None:
    """Without the cut at the hypothesis' edge it is B(a+x, b+y) / (B(a,b) t^x (1-t)^y); the cut only adds what it must."""
    x, y, weight, ratio = 30, 60, 0.1, 1.5
    share = candidate_share(weight, ratio)
    assert share == pytest.approx(0.15 / 1.05)
    a, b = 10 * candidate_share(weight, 3), 10 * (1 - candidate_share(weight, 3))
    plain = betaln(a + x, b + y) - betaln(a, b) - x * math.log(share) - y * math.log(1 - share)
    cut = math.log(betainc(b + y, a + x, 1 - share) / betainc(b, a, 1 - share))
    assert log_e_worse([(weight, x, y)], ratio) == pytest.approx(plain + cut)


def test_steps_multiply() -> None:
    one, two = (0.05, 4, 20), (0.25, 9, 11)
    assert log_e_worse([one, two], 2) == pytest.approx(log_e_worse([one], 2) + log_e_worse([two], 2))
    assert log_e_better([one, two], 2) == pytest.approx(log_e_better([one], 2) + log_e_better([two], 2))


def test_a_good_step_is_no_evidence_of_a_bad_candidate() -> None:
    """A candidate that is far better must not bring what the next step lacks: evidence is of one side only."""
    assert log_e_worse([(0.5, 0, 500)], 1.5) < 0


def test_above_is_below_of_the_misses() -> None:
    assert log_e_above(7, 30, 0.1, (2, 8)) == pytest.approx(log_e_below(30, 7, 0.9, (8, 2)))


def test_changed_is_dirichlet_multinomial() -> None:
    candidate, control, weight = [3, 10, 40, 0], [100, 300, 500, 0], 0.05
    mixed = [
        sum(
            betaln(k * weight + x, k * (1 - weight) + y) - betaln(k * weight, k * (1 - weight))
            for x, y in zip(candidate, control, strict=True)
        )
        for k in (50, 500)
    ]
    share = 53 / 953
    assert log_e_changed(weight, candidate, control) == pytest.approx(
        np.logaddexp(*mixed) - math.log(2) - 53 * math.log(share) - 900 * math.log(1 - share)
    )
    assert log_e_changed(weight, [0, 0], [0, 0]) == 0


def test_changed_finds_another_distribution_and_not_the_same() -> None:
    assert log_e_changed(0.2, [20, 5], [20, 80]) > math.log(1000 / 2)  # half of the weight looks for less
    assert log_e_changed(0.2, [20, 80], [80, 320]) < 0


def test_bounds_are_where_the_evidence_is_enough() -> None:
    upper, lower = upper_rate(5, 400, 0.025), lower_rate(5, 400, 0.025)
    assert 0 < lower < 5 / 400 < upper < 1
    assert log_e_below(5, 395, upper) == pytest.approx(math.log(40), abs=1e-6)
    assert log_e_above(5, 395, lower) == pytest.approx(math.log(40), abs=1e-6)
    # Wider than the bounds that hold at one look only (Clopper and Pearson 1934).
    assert upper > stats.beta.ppf(0.975, 6, 395)
    assert lower < stats.beta.ppf(0.025, 5, 396)


def test_bounds_at_the_ends() -> None:
    assert (lower_rate(0, 50, 0.025), upper_rate(50, 50, 0.025)) == (0, 1)
    low, high = ratio_bounds([(0.05, 10, 30)], 0.025)
    assert low < (10 / 30) * (0.95 / 0.05) < high
    assert ratio_bounds([(0.05, 0, 0)], 0.025) == pytest.approx((math.exp(-14), math.exp(14)))


@pytest.mark.parametrize(("limit", "needed"), [(0.02, 227), (0.01, 455), (0.005, 913), (0.001, 4570)])
def test_clean_requests_needed(limit: float, needed: int) -> None:
    """By scipy: the first n at which the mixture over rates below the limit is 40 times as likely as the limit."""

    def evidence(n: int) -> float:
        mixed = betaln(0.5, 0.5 + n) - betaln(0.5, 0.5)
        return float(
            mixed + math.log(betainc(0.5, 0.5 + n, limit) / betainc(0.5, 0.5, limit)) - n * math.log1p(-limit)
        )

    assert evidence(needed) >= math.log(40) > evidence(needed - 1)
    assert requests_needed(limit, 0.025) == needed
    assert upper_rate(0, needed, 0.025) <= limit < upper_rate(0, needed - 1, 0.025)


def test_bad_requests_cost_more_requests() -> None:
    needed = requests_needed(0.01, 0.025, bad=3)
    assert needed > requests_needed(0.01, 0.025)
    assert upper_rate(3, needed, 0.025) <= 0.01 < upper_rate(3, needed - 1, 0.025)


def test_feasible() -> None:
    (short,) = feasible({"errors": 0.01}, [(5, 600)], 10, 0.05)
    # 455 requests at 0.5 a second take 910 s; in 600 s at 10 a second they are 7.58 % of 6,000.
    assert (short.metric, short.expected, short.needed, short.bake, short.weight) == (
        "errors",
        300,
        455,
        910,
        8,
    )
    assert feasible({"errors": 0.01}, [(5, 910)], 10, 0.05) == ()
    assert feasible({"errors": 0.01}, [(8, 600)], 10, 0.05) == ()


def test_feasible_over_steps() -> None:
    # 300 in the first step; the 155 that are missing take 155 s of the second, at 10 % of 10 a second.
    (short,) = feasible({"errors": 0.01}, [(5, 600), (10, 100)], 10, 0.05)
    assert (short.expected, short.bake, short.weight) == (400, 155, 16)
    assert feasible({"errors": 0.01}, [(5, 600), (10, 155)], 10, 0.05) == ()


def test_feasible_where_no_weight_would_do() -> None:
    (short,) = feasible({"errors": 0.001}, [(50, 60)], 1, 0.05)
    assert short.weight is None
    assert short.bake == 9140


def test_false_alarms_at_every_look_are_bounded() -> None:
    """At the hypothesis' edge, looking after every fifth event of 300: the bound is 5 %, and chance adds 3 deviations at most."""
    draw = random.Random(20_261_126)
    repetitions, share = 400, candidate_share(0.1, 1.5)
    alarms = 0
    for _ in range(repetitions):
        x = 0
        for event in range(1, 301):
            x += draw.random() < share
            if event % 5 == 0 and log_e_worse([(0.1, x, event - x)], 1.5) >= math.log(20):
                alarms += 1
                break
    slack = 3 * math.sqrt(0.05 * 0.95 / repetitions)
    assert alarms / repetitions <= 0.05 + slack
    assert alarms > 0


def test_bad_candidates_are_not_shown_to_be_good() -> None:
    """A rate at its limit, looked at after every 20 of 2,000 requests: shown to be below in 2.5 %, and 3 deviations more."""
    draw = random.Random(7)
    repetitions, limit = 300, 0.05
    shown = 0
    for _ in range(repetitions):
        bad = 0
        for n in range(1, 2001):
            bad += draw.random() < limit
            if n % 20 == 0 and log_e_below(bad, n - bad, limit) >= math.log(40):
                shown += 1
                break
    assert shown / repetitions <= 0.025 + 3 * math.sqrt(0.025 * 0.975 / repetitions)


def test_priors() -> None:
    assert centred(0.2) == pytest.approx((2, 8))
    assert (twice(0.1), twice(0.8)) == pytest.approx((0.2, 0.9))
