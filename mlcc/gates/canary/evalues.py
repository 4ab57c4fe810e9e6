"""Evidence that stays valid however often one looks: E-values of counts, by the standard library alone.

An E-value is never negative and at most 1 on average while the hypothesis holds. Over time it is a supermartingale, so the
chance that it ever reaches 1/alpha is at most alpha (Ville 1939): one may look after every request, stop when one likes, and
multiply the E-values of one step after the other. Each one here is a likelihood averaged over alternatives (Robbins 1970;
Howard, Ramdas, McAuliffe and Sekhon 2021, "Time-uniform, nonparametric, nonasymptotic confidence sequences"), divided by the
hypothesis' likelihood.
"""

from __future__ import annotations

from math import exp, lgamma, log, log1p

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

JEFFREYS = (0.5, 0.5)
STRENGTH = 10.0  # events that the prior of an alternative weighs as much as
# kappa: how far the alternatives spread the share that the candidate has of a bucket. By simulation, 50 finds what is large
# soonest, and 500 what is small with a half to a tenth of the requests that 50 needs; both together lose hardly anything.
CONCENTRATIONS = (50.0, 500.0)
_MOST_TERMS = 100_000
_SMALLEST = 1e-300
_CLOSE = 1e-14
_MOST_REQUESTS = 1 << 40
_HALVINGS = 60


def log_beta(a: float, b: float) -> float:
    """Return ln B(a, b)."""
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def log_beta_below(x: float, a: float, b: float) -> float:
    """Return the log of the probability that a Beta(a, b) variable is below x, 0 < x < 1.

    It is the regularized incomplete beta function I_x(a, b), by its continued fraction (NIST DLMF 8.17.22; Lentz's method,
    Press et al. 2007, 6.4). Raises ArithmeticError where that doesn't converge.
    """
    if x > (a + 1) / (a + b + 2):
        return log1p(-exp(log_beta_below(1 - x, b, a)))
    factor = a * log(x) + b * log1p(-x) - log_beta(a, b) - log(a)
    return factor + log(_beta_fraction(x, a, b))


def _beta_fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1) or _SMALLEST)
    total = d
    for i in range(1, _MOST_TERMS):
        before = total
        for term in (
            i * (b - i) * x / ((a + 2 * i - 1) * (a + 2 * i)),
            -(a + i) * (a + b + i) * x / ((a + 2 * i) * (a + 2 * i + 1)),
        ):
            d = 1 / (1 + term * d or _SMALLEST)
            c = 1 + term / c or _SMALLEST
            total *= c * d
        if abs(total - before) < _CLOSE * abs(total):
            return total
    raise ArithmeticError("the incomplete beta function doesn't converge")


def log_e_below(hits: int, misses: int, limit: float, prior: tuple[float, float] = JEFFREYS) -> float:
    """Return ln E against "each event is a hit with probability `limit` at least", 0 < limit < 1.

    The alternatives are those below the limit, weighted by the Beta distribution `prior` cut off there. Each one's likelihood
    ratio falls with every hit, so that it is a supermartingale under the whole hypothesis, not at its edge alone.
    """
    a, b = prior
    mixed = log_beta(a + hits, b + misses) - log_beta(a, b)
    cut = log_beta_below(limit, a + hits, b + misses) - log_beta_below(limit, a, b)
    return mixed + cut - hits * log(limit) - misses * log1p(-limit)


def log_e_above(hits: int, misses: int, limit: float, prior: tuple[float, float] = JEFFREYS) -> float:
    """Return ln E against "each event is a hit with probability `limit` at most": `log_e_below` of the misses."""
    return log_e_below(misses, hits, 1 - limit, (prior[1], prior[0]))


def centred(share: float) -> tuple[float, float]:
    """Return the Beta prior that is centred at a share, as strong as 10 events."""
    return STRENGTH * share, STRENGTH * (1 - share)


def twice(share: float) -> float:
    """Return twice a share, or where that is too near to 1, half-way to 1: where an excess is looked for."""
    return min(2 * share, (1 + share) / 2)


def candidate_share(weight: float, ratio: float) -> float:
    """Return the chance that a bad event is the candidate's, where its rate is `ratio` times the control's.

    `weight` is the candidate's share of the requests, each of which is routed by itself: w r / (w r + 1 - w). That is all
    that an event tells, whatever the rate itself is and however it moves (Lindon and Malek 2022, "Anytime-valid inference for
    multinomial count data").
    """
    return weight * ratio / (weight * ratio + 1 - weight)


def log_e_worse(events: Sequence[tuple[float, int, int]], ratio: float) -> float:
    """Return ln E against "the candidate's rate is at most `ratio` times the control's".

    `events` has for each step (weight, the candidate's bad events, the control's). The alternatives are centred at twice the
    ratio.
    """
    return sum(
        log_e_above(x, y, candidate_share(weight, ratio), centred(candidate_share(weight, 2 * ratio)))
        for weight, x, y in events
    )


def log_e_better(events: Sequence[tuple[float, int, int]], ratio: float) -> float:
    """Return ln E against "the candidate's rate is at least `ratio` times the control's", as `log_e_worse`."""
    return sum(
        log_e_below(x, y, candidate_share(weight, ratio), centred(candidate_share(weight, ratio / 2)))
        for weight, x, y in events
    )


def log_e_changed(weight: float, candidate: Sequence[int], control: Sequence[int]) -> float:
    """Return ln E against "both arms have the same distribution", of their counts per bucket.

    Without a difference the candidate has the same share of every bucket, whichever that is: the hypothesis' likelihood is its
    largest one (universal inference: Wasserman, Ramdas and Balakrishnan 2020). The alternatives give each bucket a share of its
    own, Beta with mean `weight` and a concentration of 50 or of 500, each of which has half the weight (Dirichlet-multinomials
    of two arms).
    """
    pairs = [(x, y) for x, y in zip(candidate, control) if x + y]  # noqa: B905 - strict= is newer than Python 3.8
    mixed = [_log_mixed(kappa * weight, kappa * (1 - weight), pairs) for kappa in CONCENTRATIONS]
    top = max(mixed)
    mean = top + log(sum(exp(one - top) for one in mixed) / len(mixed))
    x, y = sum(candidate), sum(control)
    largest = sum(count * log(count / (x + y)) for count in (x, y) if count)
    return mean - largest


def _log_mixed(a: float, b: float, pairs: Sequence[tuple[int, int]]) -> float:
    """Return the log of the likelihood of counts (candidate, control), each with a share that is Beta(a, b)."""
    return sum(log_beta(a + x, b + y) for x, y in pairs) - len(pairs) * log_beta(a, b)


def upper_rate(hits: int, n: int, error: float) -> float:
    """Return the bound that the rate of `hits` in `n` is ever above, over all looks, with a chance of `error` at most.

    It is the largest limit whose hypothesis in `log_e_below` isn't refuted (a confidence sequence).
    """
    if hits >= n:
        return 1.0
    return _crossing(lambda limit: log_e_below(hits, n - hits, limit), hits / n, 1.0, -log(error))


def lower_rate(hits: int, n: int, error: float) -> float:
    """Return the bound that the rate of `hits` in `n` is ever below, over all looks, with a chance of `error` at most."""
    return 1 - upper_rate(n - hits, n, error)


def ratio_bounds(events: Sequence[tuple[float, int, int]], error: float) -> tuple[float, float]:
    """Return the bounds of the ratio of the candidate's rate to the control's, each wrong at any look with `error` at most.

    They lie between e^-14 and e^14, about one in a million and a million, where nothing is known.
    """
    height = -log(error)
    upper = _crossing(lambda x: log_e_better(events, exp(x)), -14.0, 14.0, height)
    lower = -_crossing(lambda x: log_e_worse(events, exp(-x)), -14.0, 14.0, height)
    return exp(lower), exp(upper)


def _crossing(evidence: Callable[[float], float], low: float, high: float, height: float) -> float:
    """Return where evidence that rises comes to `height`, from above, so that the bound is never too bold."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (low, middle) if evidence(middle) >= height else (middle, high)
    return high


def requests_needed(limit: float, error: float, bad: int = 0) -> int:
    """Return how many requests, of which `bad` are bad, show that a rate is below a limit at any look.

    With none bad and error 0.025 that is 455 for 1 %, of which a single look at the end would need 367.
    """
    low, high = bad, bad + 1
    while log_e_below(bad, high - bad, limit) < -log(error) and high < _MOST_REQUESTS:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if log_e_below(bad, middle - bad, limit) >= -log(error) else (middle, high)
    return high
