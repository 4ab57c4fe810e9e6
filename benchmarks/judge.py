"""The canary judge over 30 minutes of looks: how often it fails a good candidate, and how soon it finds a bad one.

Requests are simulated at the level of counts between looks, which is exact. mlcc's decisions are made by the code that the
gate runs; beside them is what other rules make of the same counts.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom, norm

from benchmarks import scores
from benchmarks.measure import table
from mlcc.gates.canary.evalues import log_e_below, log_e_worse, requests_needed

LOOKS = 60
"""One each 30 s."""
REQUESTS = 300
"""Of both arms between two looks: 10 a second."""
WEIGHT = 0.05
RATE = 0.02
ALPHA = 0.05
MIN_BAD = 3
LIMIT = 0.01
WEIGHTS = (0.05, 0.2, 0.5)
Counts = NDArray[np.int64]
Rule = Callable[[int, int, int, int], bool]


def by_evidence(ratio: float) -> Rule:
    """Return the gate's rule for `worse_than_control: ratio`, where it is the only test."""

    def fails(x: int, n: int, y: int, m: int) -> bool:
        del n, m
        return x >= MIN_BAD and log_e_worse([(WEIGHT, x, y)], ratio) >= math.log(1 / ALPHA)

    return fails


def by_twice(x: int, n: int, y: int, m: int) -> bool:
    """Fail where the candidate's rate is over twice the control's, as rules of thumb have it."""
    return n > 0 and m > 0 and x / n > 2 * y / m


def by_z(x: int, n: int, y: int, m: int) -> bool:
    """Fail where a one-sided test of two shares has p < 0.05, at each look as if it were the only one."""
    if not n or not m or not x + y:
        return False
    pooled = (x + y) / (n + m)
    error = math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    return bool((x / n - y / m) / error > norm.ppf(1 - ALPHA))


def by_fisher(x: int, n: int, y: int, m: int) -> bool:
    """Fail where Fisher's exact test has p < 0.05 / 60, so that all looks together have 0.05 (Bonferroni)."""
    return bool(n and m and hypergeom.sf(x - 1, n + m, x + y, n) < ALPHA / LOOKS)


RULES: dict[str, Rule] = {
    "mlcc, worse_than_control: 1.5": by_evidence(1.5),
    "mlcc, worse_than_control: 1": by_evidence(1),
    "Fisher's exact test at 0.05 / 60": by_fisher,
    "z-test at 0.05, repeated": by_z,
    "over 2 times the control's": by_twice,
}


def main(repetitions: int = 1000) -> None:
    """Print false alarms, power, promotions of bad candidates, and what histograms find; exit 1 where a bound is missed."""
    rng = np.random.default_rng(20_261_126)
    print(
        f"{repetitions} canaries each: {LOOKS} looks, one each 30 s, 10 requests a second, weight {100 * WEIGHT:g} %, "
        f"{100 * RATE:g} % of the control's requests are bad\n"
    )
    ratios = (1, 1.5, 2, 3, 5, 10)
    drawn = {ratio: [traffic(RATE * ratio, rng) for _ in range(repetitions)] for ratio in ratios}
    found = {
        name: [sum(stops(rule, one) for one in drawn[ratio]) / repetitions for ratio in ratios]
        for name, rule in RULES.items()
    }
    rows = [(name, *(f"{100 * share:.1f}" for share in shares)) for name, shares in found.items()]
    print("failed, %, where the candidate's rate is so many times the control's:\n")
    print(table(("rule", *(f"{ratio:g}" for ratio in ratios)), rows))
    promoted = {factor: share_promoted(factor * LIMIT, rng, repetitions) for factor in (0, 0.25, 0.5, 1, 2)}
    print(
        f"\nshown at some look to be at most {100 * LIMIT:g} %, %, where the candidate's rate is so many times that:\n"
    )
    print(
        table([f"{factor:g}" for factor in promoted], [[f"{100 * share:.1f}" for share in promoted.values()]])
    )
    alike = print_scores(rng, repetitions // 5)
    print_clean()
    slack = 3 * math.sqrt(ALPHA * (1 - ALPHA) / repetitions)
    bounds = {
        "a rate that is the control's": found["mlcc, worse_than_control: 1"][0],
        "a rate at the allowed ratio": found["mlcc, worse_than_control: 1.5"][1],
        "a promotion at the limit (2.5 %)": promoted[1] + ALPHA / 2,
        "the same distribution": alike,
    }
    missed = [what for what, share in bounds.items() if share > ALPHA + slack]
    print(
        f"\nat most {100 * ALPHA:g} % (and {100 * slack:.1f} of chance): {'missed by ' + ', '.join(missed) if missed else 'met'}"
    )
    if missed:
        sys.exit(1)


def print_scores(rng: np.random.Generator, repetitions: int) -> float:
    """Print how soon other scores are found, and return how often the same ones are taken for others."""
    even = scores.tail(0, 0)
    rows, alike = [], 0.0
    for what, share, bucket in (
        ("none", 0, 10), ("5 % to where the control has none", 0.05, 10), ("5 % to where it has 10 %", 0.05, 9),
    ):  # fmt: skip
        for total in (9_000, 18_000):
            moved = scores.Scenario(what, scores.tail(share, bucket), even, WEIGHT, total // scores.LOOKS)
            found = scores.shares_found(moved, rng, repetitions)
            alike = alike if share else max(alike, found[0])
            rows.append((what, f"{WEIGHT * total:g}", *(f"{100 * one:.1f}" for one in found)))
    print(
        f"\nscores found to differ, %, of {repetitions} canaries with weight {100 * WEIGHT:g} %; the control's lie evenly in 10 "
        "buckets:\n"
    )
    head = ("of the candidate's, moved", "its requests", "mlcc", "KS at 0.05, one look", "KS at 0.05 / 60")
    print(table(head, rows))
    stops: dict[str, scores.Stop] = {
        "mlcc": scores.by_evidence, "KS at 0.05 / 60": scores.by_ks_at_every_look,
    }  # fmt: skip
    until = [
        (name, *(f"{scores.requests_until(scores.inverted(w), stop, rng, repetitions):g}" for w in WEIGHTS))
        for name, stop in stops.items()
    ]
    print(
        "\nrequests of the candidate, median, until a model is found that answers with 200 and 1 less the score, which is "
        "Beta(1, 4),\nat a look after every 20 requests of both arms, by its weight:\n"
    )
    print(table(("rule", *(f"{100 * w:g} %" for w in WEIGHTS)), until))
    return alike


def print_clean() -> None:
    """Print how many requests without a bad one show a limit."""
    rows = [
        (f"{100 * limit:g} %", f"{requests_needed(limit, ALPHA / 2):,}", f"{one_look(limit):,}")
        for limit in (0.02, 0.01, 0.005, 0.001)
    ]
    print("\nrequests without a bad one that show a rate to be below a limit, with 97.5 %:\n")
    print(table(("limit", "at any look", "at one look"), rows))


def one_look(limit: float) -> int:
    """Return how many clean requests a single look needs: (1 - limit)^n is 2.5 % at most."""
    return math.ceil(math.log(ALPHA / 2) / math.log1p(-limit))


def traffic(rate: float, rng: np.random.Generator) -> Counts:
    """Return cumulative (x, n, y, m) by look: bad and all requests of the candidate, and of the control."""
    n = rng.binomial(REQUESTS, WEIGHT, LOOKS)
    m = REQUESTS - n
    return np.cumsum([rng.binomial(n, rate), n, rng.binomial(m, RATE), m], axis=1).T


def stops(rule: Rule, counts: Counts) -> bool:
    """Whether a rule fails the candidate at one of the looks."""
    return any(rule(*row) for row in counts.tolist())


def share_promoted(rate: float, rng: np.random.Generator, repetitions: int) -> float:
    """Return how often a rate is shown to be below the limit at one of the looks."""
    height = math.log(2 / ALPHA)
    shown = 0
    for _ in range(repetitions):
        counts = traffic(rate, rng).tolist()
        shown += any(log_e_below(x, n - x, LIMIT) >= height for x, n, _, _ in counts)
    return shown / repetitions
