"""The gate `compare`: a candidate against a champion or a baseline on the same rows, by the paired difference."""

from __future__ import annotations

import sys
from math import ceil

from mlcc.gates._metrics.axes import moved_by
from mlcc.gates._metrics.catalog import direction
from mlcc.gates._metrics.compute import measured
from mlcc.gates._metrics.join import joined
from mlcc.gates._metrics.measure import Measure
from mlcc.gates._metrics.paired import Difference, paired
from mlcc.gates._metrics.rows import Rows, no_predictions, read_rows, refuse_one_class
from mlcc.gates._metrics.scores import curve_points
from mlcc.gates._plots import curves, intervals
from mlcc.gates._records import Check, GateError, Verdict, is_finite, number, verdict_of, visible
from mlcc.gates._support import Gate, run
from mlcc.gates.compare.wear import check_wear

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_LEAST_SUPPORT = 30
_FLOORS = {"non_inferior": -1, "superior": 1}  # by what the margin is multiplied
_NUMBERS = ("margin", "alpha", "z", "z_power", "power", "min_n")


def judge(gate: Gate) -> Verdict:
    """Judge the difference of the metric between the two models."""
    params = gate.params
    if not all(is_finite(params.get(key)) for key in _NUMBERS) or params.get("test") not in _FLOORS:
        raise GateError("the gate's parameters are not complete")
    candidate = read_rows(gate, params["candidate"])
    if candidate.n < 1:
        return verdict_of([no_predictions()])
    refuse_one_class(candidate, params["candidate"])
    if "baseline" not in params and params["champion"]["artifact"] in gate.absent:
        return _judged_with_wear(gate, _first_of_all(candidate, params), [])
    candidate, champion = _sides(gate, candidate)
    measures = (measured(params["metric"], candidate), measured(params["metric"], champion))
    difference = _difference(measures, candidate, params)
    check = _decide(measures, difference, params)
    if check.verdict == "fail" and "old_data" in params:
        try:
            check.message += f". {_axis(gate, difference)}"
        except GateError as error:
            check.message += f". {moved_by(None, str(error))}"
    return _judged_with_wear(gate, check, _drawn(check, (candidate, champion), params))


def _first_of_all(candidate: Rows, params: Mapping[str, Any]) -> Check:
    """Pass what nothing can be compared with: the spec says `first: none`, and no release runs a champion yet."""
    id, value = params["metric"]["id"], measured(params["metric"], candidate).value
    shown = f"{visible(id, 80)} is {number(value)} for the candidate (n = {candidate.n})"
    return Check(id, "pass", f"First: no champion yet to compare with; {shown}", n=candidate.n)


def _judged_with_wear(gate: Gate, check: Check, plots: list[dict[str, Any]]) -> Verdict:
    """Return the verdict of the comparison, and of how worn the test set is where that is counted."""
    if "holdout" not in gate.params:
        return verdict_of([check], plots)
    wear = check_wear(gate)
    found = verdict_of([check, wear], plots)
    # How near a fresh test set is due is for reviewers of a promotion, too.
    return (
        found
        if found.verdict != "pass"
        else Verdict("pass", f"{check.message}. {wear.message}.", found.checks, plots)
    )


def _sides(gate: Gate, candidate: Rows) -> tuple[Rows, Rows]:
    if "baseline" in gate.params:
        return candidate, _baseline(candidate, gate.params["baseline"])
    champion = read_rows(gate, gate.params["champion"])
    if champion.n < 1:
        raise GateError("there are no predictions of the champion")
    return joined(candidate, champion, ("the candidate", "the champion"))


def _baseline(rows: Rows, how: str) -> Rows:
    """Return the same rows as a rule without a model would predict them, knowing only the labels' distribution."""
    import numpy as np

    label = rows["label"]
    if how in ("mean", "median"):
        return rows.replaced("prediction", np.full(rows.n, getattr(np, how)(label)))
    shares = np.bincount(label, minlength=rows.classes) / rows.n
    if how == "majority":
        shares = (np.arange(rows.classes) == shares.argmax()).astype(float)
    if "scores" in rows.arrays:
        return rows.replaced("scores", np.tile(shares, (rows.n, 1)))
    if "score" in rows.arrays:
        # As a class, not by the threshold: a majority is a majority at any of them.
        said = {"majority": np.where(shares[1] > 0.5, np.inf, -np.inf)}.get(how, shares[1])
        return rows.replaced("score", np.full(rows.n, said))
    return rows.replaced("prediction", np.full(rows.n, shares.argmax()))


def _difference(measures: tuple[Measure, Measure], rows: Rows, params: Mapping[str, Any]) -> Difference:
    sign = direction(params["metric"]["metric"])
    return paired(*measures, sign, params["alpha"], params["z"], rows.clusters)


def _decide(measures: tuple[Measure, Measure], found: Difference, params: Mapping[str, Any]) -> Check:
    """Pass by the lower bound, fail where it is clear or the rows would have sufficed, else inconclusive."""
    floor = _FLOORS[params["test"]] * params["margin"]
    needed = _rows_for_margin(found, params)
    few = _few(measures, found, params["min_n"])
    if few:
        verdict, note = "inconclusive", few
    elif found.lower > floor:
        verdict, note = "pass", ""
    elif found.upper < floor or (found.value < floor and found.n >= needed):
        verdict, note = "fail", ""
    else:
        verdict, note = "inconclusive", _what_would_settle(found, floor, needed, params)
    return Check(
        params["metric"]["id"],
        verdict,
        f"{_sentence(measures, found, params)}; a lower bound above {number(floor)} is required{note}",
        estimate=found.value,
        interval=(found.lower, found.upper),
        confidence=1 - params["alpha"],
        n=found.n,
        threshold={"min": floor},
        margin=found.lower - floor,
    )


def _few(measures: tuple[Measure, Measure], found: Difference, least: int) -> str:
    """Say so where there are fewer rows than asked for, or too few for the theory behind the bounds."""
    if found.n < least:
        return f"; there are {found.n} rows, and {least} are needed"
    support = min(found.support for found in measures)
    if support < min(least, _LEAST_SUPPORT):
        return f"; its error rests on only {support} rows, and {min(least, _LEAST_SUPPORT)} are needed"
    return ""


def _rows_for_margin(found: Difference, params: Mapping[str, Any]) -> int:
    """Return the rows with which an equal candidate passes with the stated power: (z + z)² variance / margin².

    To be superior has no such number: a difference under the margin doesn't show it, with however many rows.
    """
    if params["test"] == "superior":
        return 0
    needed: float = (params["z"] + params["z_power"]) ** 2 * found.variance / params["margin"] ** 2
    return ceil(needed)


def _what_would_settle(found: Difference, floor: float, needed: float, params: Mapping[str, Any]) -> str:
    if found.n < needed:
        power = number(100 * params["power"])
        return f"; about {_round_up(needed)} rows are needed to tell that margin ({power} % power)"
    if found.value <= floor:
        return "; no number of rows would settle it at this difference"
    rows = found.n * ((found.value - found.lower) / (found.value - floor)) ** 2
    return f"; about {_round_up(rows)} rows would settle it at this difference" if rows < 1e15 else ""


def _round_up(rows: float) -> int:
    return ceil(float(f"{rows:.3g}"))


def _sentence(measures: tuple[Measure, Measure], found: Difference, params: Mapping[str, Any]) -> str:
    name = visible(params["metric"]["id"], 80)
    other = "the baseline" if "baseline" in params else "the champion"
    confidence = number(100 * (1 - params["alpha"]))
    discordant = (
        "" if found.discordant is None else f", {number(100 * found.discordant / found.n)} % discordant"
    )
    better = "better" if found.value >= 0 else "worse"
    return (
        f"{name} is {number(measures[0].value)} for the candidate and {number(measures[1].value)} for {other}: "
        f"{number(abs(found.value))} {better} ({confidence} % bounds {number(found.lower)} and {number(found.upper)}, "
        f"n = {found.n}{discordant}, p = {found.p_value:.3g})"
    )


def _axis(gate: Gate, found: Difference) -> str:
    """Name the axis that moved the metric: old and new data were scored with both models. Raises GateError."""
    params = gate.params
    sides = [read_rows(gate, params["old_data"][key]) for key in ("candidate", "champion")]
    if not all(side.n for side in sides):
        raise GateError("there are no predictions for the old data")
    old = joined(sides[0], sides[1], ("the candidate on old data", "the champion on old data"))
    measures = (measured(params["metric"], old[0]), measured(params["metric"], old[1]))
    before = _difference(measures, old[0], params)
    floor = _FLOORS[params["test"]] * params["margin"]
    shown = (
        f"on the old data the candidate differs by {number(before.value)} (bounds {number(before.lower)} and "
    )
    shown += f"{number(before.upper)}, n = {before.n}), on the new by {number(found.value)}"
    few = _few(measures, before, params["min_n"])
    axis = None if few else "model" if before.upper < floor else "data" if before.lower > floor else None
    return moved_by(axis, f"{shown}{few}")


def _drawn(check: Check, sides: tuple[Rows, Rows], params: Mapping[str, Any]) -> list[dict[str, Any]]:
    assert check.estimate is not None
    assert check.interval is not None
    row = (check.id, check.estimate, *check.interval, check.verdict)
    plots = [intervals("Candidate minus champion", "above 0 is better", [row], limits=check.threshold)]
    names = ("candidate", "champion")
    if "score" in sides[0].arrays and "baseline" not in params and set(sides[0]["label"].tolist()) == {0, 1}:
        lines = {
            name: curve_points(side["label"], side["score"])[0]
            for name, side in zip(names, sides)  # noqa: B905 - strict= is newer than Python 3.8
        }
        plots.append(curves("ROC", ("false positive rate", "true positive rate"), lines, diagonal=True))
    return plots


def main() -> int:
    """Run the gate that the command line names."""
    return run("compare", judge, __file__, sys.argv[1:])
