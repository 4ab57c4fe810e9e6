"""The gate `slices`: limits that hold in every part of the data, corrected for how many were tried."""

from __future__ import annotations

import sys
from itertools import combinations

from mlcc.gates._metrics.axes import MOVED, moved_by
from mlcc.gates._metrics.bounds import bounded
from mlcc.gates._metrics.catalog import direction, value_range
from mlcc.gates._metrics.compute import measured
from mlcc.gates._metrics.estimate import Estimate, gap_between
from mlcc.gates._metrics.join import joined
from mlcc.gates._metrics.measure import Measure
from mlcc.gates._metrics.multiple import benjamini_hochberg, holm
from mlcc.gates._metrics.paired import paired
from mlcc.gates._metrics.rows import Rows, no_predictions, read_rows
from mlcc.gates._plots import intervals
from mlcc.gates._records import Check, GateError, Verdict, is_finite, number, verdict_of
from mlcc.gates._support import Gate, run
from mlcc.gates.slices.evidence import p_of_drop, p_of_gap, p_of_limit
from mlcc.gates.slices.parts import Slice, slices_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

_LEAST_SUPPORT = 30
_LISTED = 5
_MOST_DRAWN = 40


class Trial:
    """One limit tried on one slice, or on a pair of them: the p-value of the limit being kept."""

    __slots__ = ("bound", "discoverable", "name", "p", "rejected", "value")

    def __init__(self, name: str, p: float, value: float, bound: Estimate) -> None:
        self.name = name
        self.p = p
        self.value = value
        self.bound = bound
        self.rejected = False
        self.discoverable = False


def judge(gate: Gate) -> Verdict:
    """Judge every limit on every slice that is large enough."""
    params = gate.params
    if not all(is_finite(params.get(key)) for key in ("min_n", "max_slices", "alpha", "z")):
        raise GateError("the gate's parameters are not complete")
    rows = read_rows(gate, params["predictions"])
    if rows.n < 1:
        return verdict_of([no_predictions()])
    reference = None
    if "reference" in params and params["reference"]["artifact"] not in gate.absent:
        rows, reference = joined(
            rows, read_rows(gate, params["reference"]), ("the candidate", "the reference")
        )
    every = slices_of(rows, params["by"], params["max_slices"])
    large = [part for part in every if len(part.index) >= params["min_n"]]
    tried = trials_of(params, rows, reference, large)
    correct([trial for _, _, trials in tried for trial in trials], params["alpha"])
    checks = [_size_check(every, large, params["min_n"])]
    for metric, limit, trials in tried if large else ():
        check = _check(metric, limit, trials, params)
        if check.verdict == "fail" and reference is not None and limit in ("min", "max"):
            worst = _worst(trials).name
            (part,) = (part for part in large if part.name == worst)
            check.message += f". {_axis(metric, limit, part, reference, params)}"
        checks.append(check)
    if "reference" in params and reference is None:
        checks += _first_of_all(params)
    return verdict_of(checks, _drawn(tried, params))


def _first_of_all(params: Mapping[str, Any]) -> list[Check]:
    """Pass the drops of metrics where the spec says `first: none`, and no release runs what they would be from."""
    dropping = [metric["id"] for metric in params["metrics"] if "max_drop" in metric]
    said = "First: no release runs a model yet from which it could drop"
    return [Check(f"{id}.max_drop", "pass", f"{id}: {said}") for id in dropping]


def trials_of(
    params: Mapping[str, Any], rows: Rows, reference: Rows | None, parts: Sequence[Slice]
) -> list[tuple[dict[str, Any], str, list[Trial]]]:
    """Return (metric, limit, trials) for each limit of the gate."""
    found = []
    for metric in params["metrics"]:
        measures = _measures(metric, rows, parts)
        for side in ("min", "max"):
            if side in metric:
                found.append((metric, side, _limit_trials(metric, side, measures, params["z"])))
        if "max_drop" in metric and reference is not None:
            others = _measures(metric, reference, parts)
            found.append((metric, "max_drop", _drop_trials(metric, measures, others, params)))
    for gap in params["gaps"]:
        found.append((gap, "gap", _gap_trials(gap, _measures(gap, rows, parts), params["z"])))
    return found


def _measures(
    metric: Mapping[str, Any], rows: Rows, parts: Sequence[Slice]
) -> dict[str, tuple[Slice, Measure, Any]]:
    """Return (slice, measure, clusters) by name, where the metric is defined and rests on enough rows."""
    found = {}
    for part in parts:
        own = rows.take(part.index)
        try:
            measure = measured(metric, own)
        except GateError:
            continue
        if measure.support >= _LEAST_SUPPORT:
            found[part.name] = (part, measure, own.clusters)
    return found


def _limit_trials(metric: Mapping[str, Any], side: str, measures: Mapping[str, Any], z: float) -> list[Trial]:
    found = []
    for name, (_, measure, clusters) in measures.items():
        bound = bounded(measure, z, value_range(metric["metric"]), clusters)
        found.append(Trial(name, p_of_limit(measure, side, metric[side], clusters), measure.value, bound))
    return found


def _drop_trials(
    metric: Mapping[str, Any],
    measures: Mapping[str, Any],
    others: Mapping[str, Any],
    params: Mapping[str, Any],
) -> list[Trial]:
    found = []
    for name in measures:
        if name in others:
            _, measure, clusters = measures[name]
            sign = direction(metric["metric"])
            lost = paired(measure, others[name][1], sign, params["alpha"], params["z"], clusters)
            bound = Estimate(lost.value, lost.lower, lost.upper, lost.n)
            found.append(Trial(name, p_of_drop(lost, metric["max_drop"]), lost.value, bound))
    return found


def _gap_trials(gap: Mapping[str, Any], measures: Mapping[str, Any], z: float) -> list[Trial]:
    found = []
    for one, other in combinations(measures.values(), 2):
        if one[0].grouping != other[0].grouping:
            continue
        low, high = sorted((one, other), key=lambda side: side[1].value)
        ends = [bounded(side[1], z, value_range(gap["metric"]), side[2]) for side in (high, low)]
        bound = gap_between(*ends)
        p = p_of_gap(low[1], high[1], gap["max"], (low[2], high[2]))
        found.append(Trial(f"{high[0].name} over {low[0].name}", p, bound.value, bound))
    return found


def correct(trials: Sequence[Trial], alpha: float) -> None:
    """Say of each trial whether it is rejected by Holm's correction over all, which fails the gate."""
    p_values = [trial.p for trial in trials]
    for trial, strict, loose in zip(trials, holm(p_values), benjamini_hochberg(p_values)):  # noqa: B905 - Python 3.8
        trial.rejected = strict <= alpha
        trial.discoverable = loose <= alpha


def _size_check(every: Sequence[Slice], large: Sequence[Slice], least: int) -> Check:
    small = [part for part in every if len(part.index) < least]
    listed = ", ".join(f"{part.name} ({len(part.index)})" for part in small[:_LISTED])
    more = f" and {len(small) - _LISTED} more" if len(small) > _LISTED else ""
    rest = f"; not judged: {listed}{more}" if small else ""
    message = f"{len(large)} of {len(every)} slices have at least {least} rows{rest}"
    return Check("slices", "pass" if large else "inconclusive", message, estimate=len(large), n=len(every))


def _check(
    metric: Mapping[str, Any], limit: str, trials: Sequence[Trial], params: Mapping[str, Any]
) -> Check:
    """Fail when a slice is shown to violate the limit; the slice shown is the one that speaks against it most."""
    id = f"{metric['id']}.{limit}"
    if not trials:
        least = "two slices" if limit == "gap" else "a slice"
        return Check(
            id,
            "inconclusive",
            f"{metric['id']} can't be judged: {least} with enough rows of each kind are needed",
        )
    worst = _worst(trials)
    failed = [trial for trial in trials if trial.rejected]
    kept, threshold, margin = _words(metric, limit, worst)
    confidence = number(100 * (1 - params["alpha"]))
    shown = (
        f"{kept} in {worst.name} ({confidence} % bounds {number(worst.bound.lower)} and {number(worst.bound.upper)}, "
        f"n = {worst.bound.n}); "
    )
    violated = ", ".join(trial.name for trial in failed[:_LISTED])
    more = f" and {len(failed) - _LISTED} more" if len(failed) > _LISTED else ""
    count = f"{len(failed)} of {len(trials)} are shown to violate it"
    suspects = sum(trial.discoverable for trial in trials)
    return Check(
        id,
        "fail" if failed else "pass",
        f"{shown}{_required(metric, limit)}; {count}{f' ({violated}{more})' if failed else ''}, {suspects} suspect",
        estimate=worst.value,
        interval=(worst.bound.lower, worst.bound.upper),
        confidence=1 - params["alpha"],
        n=worst.bound.n,
        threshold=threshold,
        margin=margin,
    )


def _worst(trials: Sequence[Trial]) -> Trial:
    """Return the trial that speaks against its limit most."""
    return min(trials, key=lambda trial: (trial.p, trial.name))


def _axis(
    metric: Mapping[str, Any], side: str, part: Slice, reference: Rows, params: Mapping[str, Any]
) -> str:
    """Name the axis that moved a slice past its limit: the reference is held to the same limit there.

    One slice is looked at, whose choice owes nothing to the reference: there is nothing to correct for.
    """
    measures = _measures(metric, reference, [part])
    if not measures:
        return moved_by(None, f"the reference has too few rows of each kind in {part.name}")
    _, measure, clusters = measures[part.name]
    bound = bounded(measure, params["z"], value_range(metric["metric"]), clusters)
    keeps = bound.lower >= metric[side] if side == "min" else bound.upper <= metric[side]
    misses = p_of_limit(measure, side, metric[side], clusters) <= params["alpha"]
    axis = MOVED["fail"] if misses else MOVED["pass"] if keeps else None
    shown = f"{number(measure.value)} (bounds {number(bound.lower)} and {number(bound.upper)})"
    return moved_by(axis, f"there the reference's {metric['id']} is {shown}")


def _words(metric: Mapping[str, Any], limit: str, worst: Trial) -> tuple[str, dict[str, float], float]:
    """Return how the worst value reads, the threshold, and how far the value lies on its good side."""
    name, value = metric["id"], worst.value
    if limit == "max_drop":
        way = "better" if value >= 0 else "worse"
        text = f"{name} is {number(abs(value))} {way} than the reference"
        return text, {"min": -metric[limit]}, value + metric[limit]
    if limit == "gap":
        return f"{name} is {number(value)} higher", {"max": metric["max"]}, metric["max"] - value
    sign = 1 if limit == "min" else -1
    return f"{name} is {number(value)}", {limit: metric[limit]}, sign * (value - metric[limit])


def _required(metric: Mapping[str, Any], limit: str) -> str:
    what = {
        "min": f"at least {number(metric.get('min', 0))} is required of every slice",
        "max": f"at most {number(metric.get('max', 0))} is required of every slice",
        "max_drop": f"a drop of at most {number(metric.get('max_drop', 0))} is allowed in every slice",
        "gap": f"a gap of at most {number(metric.get('max', 0))} is allowed between slices",
    }
    return what[limit]


def _drawn(
    tried: Sequence[tuple[dict[str, Any], str, list[Trial]]], params: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the slices as intervals, for each limit, those that speak against it most first."""
    plots = []
    for metric, limit, trials in tried:
        if not trials:
            continue
        ordered = sorted(trials, key=lambda trial: (trial.p, trial.name))[:_MOST_DRAWN]
        rows = [
            (t.name, t.value, t.bound.lower, t.bound.upper, "fail" if t.rejected else "pass") for t in ordered
        ]
        limits = _words(metric, limit, ordered[0])[1]
        note = (
            f"Each interval by itself; red ones violate the limit after correction, n from {params['min_n']}."
        )
        plots.append(intervals(f"{metric['id']}, {limit}", metric["id"], rows, limits=limits, note=note))
    return plots


def main() -> int:
    """Run the gate that the command line names."""
    return run("slices", judge, __file__, sys.argv[1:])
