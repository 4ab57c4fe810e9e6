"""Judges what was measured of a model: p95 latency and memory, by themselves and against the champion."""

from __future__ import annotations

from mlcc.gates._plots import curves
from mlcc.gates._records import Check, number
from mlcc.gates._serving.quantiles import lower_bound, quantile, upper_bound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_SHARE = 0.95  # of p95
_MB = 10**6
_NAMES = ("candidate", "champion")


def judge_limits(
    params: dict[str, Any], times: Sequence[Sequence[float]], peaks: Sequence[int]
) -> list[Check]:
    """Return a check for each limit.

    `times` are the seconds per answer of the candidate and, where there is one, of the champion; `peaks` the
    bytes that they held.
    """
    champion = params.get("champion", {})
    checks = []
    if "max_latency" in params:
        checks.append(_latency_check(times[0], params["max_latency"], params["confidence"]))
    if "max_latency_ratio" in champion:
        checks.append(_ratio_check(times, champion["max_latency_ratio"], params["confidence"]))
    if "max_memory" in params:
        checks.append(_memory_check(peaks[0], params["max_memory"]))
    if "max_memory_ratio" in champion:
        checks.append(_memory_ratio_check(peaks, champion["max_memory_ratio"]))
    return checks


def latency_plots(times: Sequence[Sequence[float]]) -> list[dict[str, Any]]:
    """Return the plot of latencies, ascending, by the share of answers that were as fast."""
    lines = {}
    for name, seconds in zip(_NAMES, times):  # noqa: B905 - strict= is newer than Python 3.8
        ordered = sorted(seconds)
        lines[name] = [((i + 1) / len(ordered), 1000 * value) for i, value in enumerate(ordered)]
    return [curves("Latency", ("share of answers", "ms"), lines)]


def _latency_check(seconds: Sequence[float], limit: float, confidence: float) -> Check:
    """Judge p95 by its distribution-free upper bound (order statistics)."""
    ordered = sorted(1000 * value for value in seconds)
    estimate = quantile(ordered, _SHARE)
    upper = upper_bound(ordered, _SHARE, confidence)
    lower = lower_bound(ordered, _SHARE, confidence)
    if upper is None or lower is None:
        message = f"{len(ordered)} answers are too few to bound their p95 latency"
        return Check("latency_p95", "inconclusive", message, estimate=estimate, n=len(ordered))
    return Check(
        "latency_p95",
        _verdict(estimate, upper, limit),
        f"p95 latency is {number(estimate)} ms, at most {number(upper)} ms with {number(100 * confidence)} % "
        f"confidence (n = {len(ordered)}); at most {number(limit)} ms is allowed, margin {number(limit - upper)} ms",
        estimate=estimate,
        interval=(lower, upper),
        confidence=confidence,
        n=len(ordered),
        threshold={"max": limit},
        margin=limit - upper,
    )


def _ratio_check(times: Sequence[Sequence[float]], limit: float, confidence: float) -> Check:
    """Judge the ratio of two p95s.

    Each bound is taken at half the error, so that both hold together at `confidence` (Bonferroni), whatever
    the distributions and however the two depend on each other.
    """
    each = 1 - (1 - confidence) / 2
    candidate, champion = (sorted(seconds) for seconds in times)
    estimate = quantile(candidate, _SHARE) / quantile(champion, _SHARE)
    ends = [
        bound(model, _SHARE, each) for model in (candidate, champion) for bound in (lower_bound, upper_bound)
    ]
    if None in ends:
        message = f"{len(candidate)} answers are too few to bound the ratio of p95 latencies"
        return Check("latency_ratio", "inconclusive", message, estimate=estimate, n=len(candidate))
    low, high, champion_low, champion_high = (end or 0.0 for end in ends)
    lower, upper = low / champion_high, high / champion_low
    return Check(
        "latency_ratio",
        _verdict(estimate, upper, limit),
        f"p95 latency is {number(estimate)} times the champion's, at most {number(upper)} times with "
        f"{number(100 * confidence)} % confidence (n = {len(candidate)} each); at most {number(limit)} times is "
        f"allowed, margin {number(limit - upper)}",
        estimate=estimate,
        interval=(lower, upper),
        confidence=confidence,
        n=len(candidate),
        threshold={"max": limit},
        margin=limit - upper,
    )


def _verdict(estimate: float, upper: float, limit: float) -> str:
    if upper <= limit:
        return "pass"
    return "fail" if estimate > limit else "inconclusive"


def _memory_check(peak: int, limit: int) -> Check:
    return Check(
        "memory",
        "pass" if peak <= limit else "fail",
        f"the model's processes have held up to {number(peak / _MB)} MB; at most {number(limit / _MB)} MB is "
        f"allowed, margin {number((limit - peak) / _MB)} MB",
        estimate=peak,
        threshold={"max": limit},
        margin=limit - peak,
    )


def _memory_ratio_check(peaks: Sequence[int], limit: float) -> Check:
    ratio = peaks[0] / peaks[1]
    return Check(
        "memory_ratio",
        "pass" if ratio <= limit else "fail",
        f"the model's processes have held {number(ratio)} times the champion's memory "
        f"({number(peaks[0] / _MB)} and {number(peaks[1] / _MB)} MB); at most {number(limit)} times is allowed, "
        f"margin {number(limit - ratio)}",
        estimate=ratio,
        threshold={"max": limit},
        margin=limit - ratio,
    )
