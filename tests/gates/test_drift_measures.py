"""The measures of drift against scipy, by hand, and by simulation without drift."""

from __future__ import annotations

from collections import Counter
from math import log, sqrt
from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2, ks_2samp, kstwobign, norm, wasserstein_distance
from scipy.stats.contingency import association

from mlcc.gates.drift.measures import (
    MEASURES,
    Sample,
    cells_of,
    chi_square,
    chi_square_limit,
    jensen_shannon,
    jensen_shannon_limit,
    ks,
    ks_limit,
    l_infinity,
    l_infinity_limit,
    merged,
    populated,
    psi,
    psi_limit,
    rows_needed,
    share_over,
    wasserstein,
    wasserstein_limit,
)
from mlcc.gates.drift.runtime import decide

SAMPLES = [
    ([10, 20, 30, 40], [25, 25, 25, 25], [1.0, 2.0, 4.0, 8.0]),
    ([500, 0, 300, 1], [0, 20, 30, 0], [-3.0, 0.0, 0.5, 100.0]),
    ([7, 1], [1, 7], [0.0, 1.0]),
    ([100] * 20, list(range(90, 110)), [float(i * i) for i in range(20)]),
]


@pytest.mark.parametrize(("reference", "current", "positions"), SAMPLES)
def test_effects_are_scipys(reference: list[int], current: list[int], positions: list[float]) -> None:
    sample = Sample(reference, current, positions)
    p, q = np.array(reference) / sum(reference), np.array(current) / sum(current)
    near = {"rel": 1e-9, "abs": 1e-12}
    assert jensen_shannon(sample) == pytest.approx(jensenshannon(p, q, 2), **near)
    assert l_infinity(sample) == pytest.approx(np.abs(p - q).max(), **near)
    spread = np.repeat(positions, reference)
    assert ks(sample) == pytest.approx(ks_2samp(spread, np.repeat(positions, current)).statistic, **near)
    distance = wasserstein_distance(positions, positions, p, q) / np.std(spread)
    assert wasserstein(sample) == pytest.approx(distance, **near)
    a, b = np.array(reference) + 0.5, np.array(current) + 0.5
    a, b = a / a.sum(), b / b.sum()
    assert psi(sample) == pytest.approx(np.sum((b - a) * np.log(b / a)), **near)


def test_v_is_cramers_where_both_have_as_many_rows() -> None:
    reference, current = [10, 20, 30, 40], [40, 25, 25, 10]
    expected = association(np.array([reference, current]), method="cramer")
    assert chi_square(Sample(reference, current)) == pytest.approx(expected, rel=1e-9)
    # ... and stays the same with ten times as many on one side
    assert chi_square(Sample([10 * a for a in reference], current)) == pytest.approx(expected, rel=1e-9)


def test_by_hand() -> None:
    sample = Sample([50, 50], [80, 20], [0.0, 1.0])
    assert l_infinity(sample) == pytest.approx(0.3)
    assert ks(sample) == pytest.approx(0.3)
    assert wasserstein(sample) == pytest.approx(0.6)  # 0.3 of the way 1, in deviations of 0.5
    assert chi_square(sample) == pytest.approx(sqrt((0.09 / 1.3 + 0.09 / 0.7) / 2))
    smoothed = (80.5 / 101 - 50.5 / 101) * log(80.5 / 50.5) + (20.5 / 101 - 50.5 / 101) * log(20.5 / 50.5)
    assert psi(sample) == pytest.approx(smoothed)


def test_nothing_moved() -> None:
    sample = Sample([30, 60, 10], [3000, 6000, 1000], [1.0, 2.0, 3.0])
    for effect, _ in MEASURES.values():
        assert effect(sample) == pytest.approx(0, abs=1e-3)  # psi counts half a row more


def test_limits_are_scipys_quantiles() -> None:
    n, m, tail = 1000, 50_000, 1e-3
    sample = Sample([5000] * 10, [100] * 10, list(map(float, range(10))))
    h = 1 / n + 1 / m
    quantile = chi2.isf(tail, 9)
    assert psi_limit(sample, n, m, tail) == pytest.approx(quantile * h, rel=1e-9)
    assert chi_square_limit(sample, n, m, tail) == pytest.approx(sqrt(quantile * h / 4), rel=1e-9)
    assert jensen_shannon_limit(sample, n, m, tail) == pytest.approx(
        sqrt(quantile * h / 8 / log(2)), rel=1e-9
    )
    z = norm.isf(tail / 20)
    expected = z * sqrt(0.09 * h) + (z * z - 1) / 6 * 0.8 * (1 / n - 1 / m)
    assert l_infinity_limit(sample, n, m, tail) == pytest.approx(expected, rel=1e-9)
    assert ks_limit(sample, n, m, tail) == pytest.approx(kstwobign.isf(tail) * sqrt(h), rel=1e-6)


def test_the_limit_of_wasserstein() -> None:
    # two points: the distance is |p - q| / 0.5, and p - q is normal with variance h / 4
    sample = Sample([50_000] * 2, [500] * 2, [0.0, 1.0])
    h = 1 / 1000 + 1 / 100_000
    assert wasserstein_limit(sample, 1000, 100_000, 1e-3) == pytest.approx(
        (sqrt(2 / np.pi) + norm.isf(1e-3)) * sqrt(h), rel=1e-9
    )


@pytest.mark.parametrize("measure", MEASURES)
def test_how_many_rows_are_needed(measure: str) -> None:
    sample = Sample([10_000] * 10, [10] * 10, list(map(float, range(10))))
    limit = MEASURES[measure][1]
    needed = rows_needed(measure, sample, 0.1, 1e-3)
    assert needed is not None
    assert limit(sample, needed, sample.m, 1e-3) <= 0.1 < limit(sample, needed - 1, sample.m, 1e-3)
    small = Sample([10] * 10, [10] * 10, list(map(float, range(10))))
    assert rows_needed(measure, small, 0.1, 1e-3) is None


def test_merging_keeps_all_rows_and_enough_in_each_cell() -> None:
    # 100 rows are expected to hold 10 of a cell from 9.6 % of both on: 120 of 1124 do, 96 of 1100 don't
    sample = merged(Sample([1, 2, 3, 500, 5, 400, 4, 105], [0, 0, 1, 50, 2, 40, 0, 11]))
    assert (sample.m, sample.n) == (1020, 104)
    assert sample.reference == [506, 405, 109]
    assert sample.current == [51, 42, 11]
    assert merged(Sample([506, 405, 89], [51, 42, 7])).reference == [506, 494]


@pytest.mark.parametrize(("new", "apart"), [(30, True), (7, True), (2, False)])
def test_a_new_category_is_not_merged_away(new: int, apart: bool) -> None:
    sample = merged(Sample([1_000_000, 0, 0], [100 - new, new, 0]))
    assert sample.current == ([100 - new, new] if apart else [100])
    gone = merged(Sample([100 - new, new, 0], [1_000_000, 0, 0]))
    assert gone.reference == ([100 - new, new] if apart else [100])


def test_a_reference_of_one_value_has_no_wasserstein_distance() -> None:
    for positions in ([0.0, 0.0], [5.0, 5.0], []):
        with pytest.raises(ValueError, match="one value only"):
            wasserstein(Sample([10, 10], [5, 5], positions))
    with pytest.raises(ValueError, match="one value only"):
        wasserstein(Sample([10, 0], [5, 5], [1.0, 2.0]))


def test_which_cells_a_measure_has() -> None:
    sample = Sample([9500, 500, 0], [95, 5, 0], [1.0, 2.0, 3.0])
    assert {measure: cells_of(measure, sample).current for measure in MEASURES} == {
        "psi": [100], "jensen_shannon": [100], "chi_square": [100],
        "l_infinity": [95, 5], "ks": [95, 5, 0], "wasserstein": [95, 5, 0],
    }  # fmt: skip
    assert populated(Sample([0, 1, 0, 2], [0, 0, 0, 3])).reference == [1, 2]


def test_a_rare_category_that_grows_fails_with_few_rows() -> None:
    # a share of 40 % may change by 18.7 % without drift, a new one of 12 % by itself is beyond its own 2 %
    verdict, effect, limit = decide("l_infinity", Sample([40_000, 60_000, 0], [34, 54, 12]), 0.1, 1e-3)
    assert (verdict, effect) == ("fail", pytest.approx(0.12))
    z, s = norm.isf(1e-3 / 6), 12 / 100_100
    assert limit == pytest.approx(
        z * sqrt(s * (1 - s) * (1 / 100 + 1e-5)) + (z * z - 1) / 6 * (1 - 2 * s) * (1 / 100 - 1e-5), rel=1e-9
    )
    assert decide("l_infinity", Sample([40_000, 60_000, 0], [34, 57, 9]), 0.1, 1e-3)[0] == "pass"
    assert decide("l_infinity", Sample([40_000, 60_000], [52, 48]), 0.1, 1e-3)[0] == "pass"
    # 5 of 100 rows are expected; the limit for a share of 5 %, with two cells, is 3.48 deviations and the skewness
    assert decide("l_infinity", Sample([95_000, 5_000], [83, 17]), 0.1, 1e-3)[0] == "fail"
    verdict, effect, limit = decide("l_infinity", Sample([95_000, 5_000], [94, 6]), 0.1, 1e-3)
    assert (verdict, effect) == ("pass", pytest.approx(0.01))
    z, s, h = norm.isf(1e-3 / 4), 5006 / 100_100, 1 / 100 + 1 / 100_000
    assert limit == pytest.approx(
        z * sqrt(s * (1 - s) * h) + (z * z - 1) / 6 * (1 - 2 * s) * (1 / 100 - 1 / 100_000), rel=1e-9
    )


@pytest.mark.parametrize(
    ("measure", "n", "threshold"),
    [("ks", 3, 0.9), ("jensen_shannon", 60, 0.02), ("psi", 100, 0.02), ("l_infinity", 3, 0.9), ("chi_square", 15, 0.9)],
)  # fmt: skip
def test_a_pass_that_would_say_nothing_is_inconclusive(measure: str, n: int, threshold: float) -> None:
    draw = [n // 10 + (i < n % 10) for i in range(10)]
    sample = Sample([1000] * 10, draw, list(map(float, range(10))))
    assert decide(measure, sample, threshold, 1e-3)[0] == "inconclusive"


def test_values_of_any_size() -> None:
    near = wasserstein(Sample([10, 10], [5, 15], [0.0, 1.0]))
    for scale in (1e-300, 1e300):
        assert wasserstein(Sample([10, 10], [5, 15], [0.0, scale])) == pytest.approx(near)


def test_no_rows() -> None:
    with pytest.raises(ValueError, match="no values"):
        Sample([0, 0], [1, 2])


@pytest.mark.parametrize("n", [100, 1000])
@pytest.mark.parametrize("measure", MEASURES)
def test_chance_alone_seldom_exceeds_the_limit(measure: str, n: int) -> None:
    """2,000 comparisons without drift: 0.1 % may exceed the limit, and 0.5 % is the bound to keep."""
    rng = np.random.default_rng(11)
    shares = 1 / np.arange(1, 12)
    shares /= shares.sum()
    effect, limit = MEASURES[measure]
    positions = np.linspace(0, 1, 11).tolist()
    beyond = 0
    for a, b in zip(
        rng.multinomial(50_000, shares, 2000).tolist(), rng.multinomial(n, shares, 2000).tolist(), strict=True
    ):
        sample = cells_of(measure, Sample(a, b, positions))
        beyond += effect(sample) > limit(sample, sample.n, sample.m, 1e-3)
    assert beyond <= 10


@pytest.mark.parametrize(("n", "m"), [(100, 100_000), (300, 300), (10_000, 1000)])
def test_chance_alone_seldom_moves_any_of_many_shares(n: int, m: int) -> None:
    """2,000 comparisons of 50 categories without drift: 0.1 % may have a share over its own limit."""
    rng = np.random.default_rng(12)
    shares = 1 / np.arange(1, 51)
    shares /= shares.sum()
    draws = zip(
        rng.multinomial(m, shares, 2000).tolist(), rng.multinomial(n, shares, 2000).tolist(), strict=True
    )
    assert sum(share_over(populated(Sample(a, b)), 1e-4, 1e-3) is not None for a, b in draws) <= 6


_DEFAULTS = {"psi": 0.2}  # 0.1 for all others


@pytest.mark.parametrize("n", [100, 300, 10_000])
@pytest.mark.parametrize("measure", MEASURES)
def test_no_drift_seldom_closes_and_much_drift_nearly_always(measure: str, n: int) -> None:
    """Of 1,000 days without drift at most 0.5 % close the gate, and of 200 with numbers moved by a deviation 195 do.

    Moved are the 20 bins of a normal distribution; for the largest change of a share, 30 % go to a rare category.
    """
    rng = np.random.default_rng(5)
    shares = np.full(20, 0.05)
    moved = np.diff([0, *norm.cdf(norm.ppf(np.arange(1, 20) / 20) - 1), 1])
    if measure == "l_infinity":
        shares, moved = np.array([0.4, 0.3, 0.2, 0.08, 0.02]), np.array([0.1, 0.3, 0.2, 0.08, 0.32])
    positions = norm.ppf((np.arange(len(shares)) + 0.5) / len(shares)).tolist()
    threshold = _DEFAULTS.get(measure, 0.1)

    def verdicts(current: Any, repetitions: int) -> Counter[str]:
        sides = (
            rng.multinomial(size, p, repetitions).tolist() for size, p in ((100_000, shares), (n, current))
        )
        return Counter(
            decide(measure, Sample(a, b, positions), threshold, 1e-3)[0] for a, b in zip(*sides, strict=True)
        )

    assert verdicts(shares, 1000)["pass"] >= 995
    assert verdicts(moved, 200)["fail"] >= 195
