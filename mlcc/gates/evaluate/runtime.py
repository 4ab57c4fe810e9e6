"""The gate `evaluate`: holds metrics against floors and ceilings, by their confidence bounds."""

from __future__ import annotations

import sys
from math import ceil, sqrt

from mlcc.gates._metrics.axes import MOVED, moved_by
from mlcc.gates._metrics.bounds import Estimate, bounded
from mlcc.gates._metrics.catalog import BOUNDLESS, direction, value_range
from mlcc.gates._metrics.compute import measured
from mlcc.gates._metrics.join import refuse_other_examples
from mlcc.gates._metrics.measure import Measure, standard_error
from mlcc.gates._metrics.rows import Rows, no_predictions, read_rows, refuse_one_class
from mlcc.gates._records import Check, GateError, Verdict, is_finite, number, verdict_of, visible
from mlcc.gates._strict import read_json
from mlcc.gates._support import Gate, run
from mlcc.gates.evaluate.drawing import drawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

_LEAST_SUPPORT = 30
_SIDES = {"min": ("lower", "at least"), "max": ("upper", "at most")}


def judge(gate: Gate) -> Verdict:
    """Judge every metric that the parameters name."""
    params = gate.params
    if not is_finite(params.get("z")) or not params.get("metrics"):
        raise GateError("the gate's parameters are not complete")
    if params["source"] == "file":
        checks = _judge_file(gate, params["artifact"])
        _name_axes(checks, params, lambda source: _judge_file(gate, source["artifact"]))
        return verdict_of(checks)
    rows = read_rows(gate, params)
    if rows.n < 1:
        return verdict_of([no_predictions()])
    checks = _judge_rows(rows, params, params)
    _name_axes(checks, params, lambda source: _judge_champion(gate, source, rows))
    if "overfit" in params:
        checks += _gaps(gate, rows)
    return verdict_of(checks, drawn(rows, params["z"]))


def _judge_file(gate: Gate, artifact: str) -> list[Check]:
    path = gate.path(artifact)
    document = read_json(path)

    def estimated(metric: dict[str, Any]) -> tuple[Estimate, bool, int]:
        found, bounded = _from_document(document, metric, gate.params["z"], path)
        return found, bounded, found.n

    return _checks(gate.params, estimated)


def _judge_rows(rows: Rows, source: dict[str, Any], params: dict[str, Any]) -> list[Check]:
    refuse_one_class(rows, source)
    return _checks(params, lambda metric: (*_estimated(metric, rows, params["z"]), rows.n))


def _checks(
    params: dict[str, Any], estimated: Callable[[dict[str, Any]], tuple[Estimate, bool, int]]
) -> list[Check]:
    """Hold every metric to its limits; `estimated` returns it, whether its error is known, and the table's rows."""
    checks: list[Check] = []
    for metric in params["metrics"]:
        try:
            found, bounded, rows = estimated(metric)
        except GateError as error:
            checks.append(Check(metric["id"], "error", str(error)))
            continue
        checks += _compare(metric, found, params, rows=rows, bounded=bounded)
    return checks


def _judge_champion(gate: Gate, source: dict[str, Any], rows: Rows) -> list[Check]:
    """Return the checks of the champion on the same examples as `rows`. Raises GateError."""
    champion = read_rows(gate, source)
    refuse_other_examples(rows, champion, ("the predictions", "the champion's"))
    return _judge_rows(champion, source, gate.params)


def _name_axes(
    checks: Sequence[Check], params: dict[str, Any], judged: Callable[[dict[str, Any]], list[Check]]
) -> None:
    """Say in the sentence of each limit that is missed whether the champion misses it on the same data, too.

    `judged` returns the champion's checks, by what the parameters say of its predictions.
    """
    missed = [check for check in checks if check.verdict == "fail"]
    if "champion" not in params or not missed:
        return
    try:
        theirs = {check.id: check for check in judged(params["champion"])}
    except GateError as error:
        theirs = {check.id: Check(check.id, "error", str(error)) for check in missed}
    for check in missed:
        # A metric that can't be had is one check, whatever its limits.
        other = theirs.get(check.id) or theirs[check.id.rpartition(".")[0]]
        said = "" if other.verdict == "error" else "on the same data the champion's "
        check.message += f". {moved_by(MOVED.get(other.verdict), said + other.message)}"


def _from_document(document: object, metric: dict[str, Any], z: float, path: str) -> tuple[Estimate, bool]:
    """Return a metric as the file states it, and whether it states a standard error."""
    value = _number_at(document, metric["value"], path)
    n = _number_at(document, metric["n"], path) if "n" in metric else 0
    if n != int(n) or n < 0 or ("n" in metric and n == 0):
        raise GateError(f"{visible('.'.join(metric['n']))} in {visible(path)} is no number of rows")
    if "stderr" not in metric:
        return Estimate(value, value, value, int(n)), False
    error = _number_at(document, metric["stderr"], path)
    if error < 0:
        raise GateError(f"{visible('.'.join(metric['stderr']))} in {visible(path)} is negative")
    return Estimate(value, value - z * error, value + z * error, int(n)), True


def _number_at(document: object, steps: Sequence[str], path: str) -> float:
    place = document
    for step in steps:
        if isinstance(place, dict) and step in place:
            place = place[step]
        elif isinstance(place, list) and step.isascii() and step.isdigit() and int(step) < len(place):
            place = place[int(step)]
        else:
            raise GateError(f"{visible(path)} has no {visible('.'.join(steps))}")
    if not is_finite(place):
        raise GateError(f"{visible('.'.join(steps))} in {visible(path)} is no number")
    assert isinstance(place, (int, float))
    return place


def _estimated(metric: dict[str, Any], rows: Rows, z: float) -> tuple[Estimate, bool]:
    """Return a metric with its bounds, and whether it has any."""
    found = measured(metric, rows)
    name = metric.get("metric", "")
    if name in BOUNDLESS:
        return Estimate(found.value, found.value, found.value, found.n), False
    return bounded(found, z, value_range(name), rows.clusters), True


def _gaps(gate: Gate, rows: Rows) -> list[Check]:
    """Hold the gaps between the values on training and on test data to their ceilings."""
    stated = gate.params["overfit"]
    train = read_rows(gate, stated["train"])
    if train.n < 1:
        return [Check("overfit", "fail", "there are no predictions for the training data", estimate=0)]
    refuse_one_class(train, stated["train"])
    return [
        _gap(gap, measured(gap, train), measured(gap, rows), (train, rows), gate.params)
        for gap in stated["gaps"]
    ]


def _gap(
    stated: dict[str, Any], train: Measure, test: Measure, rows: tuple[Rows, Rows], params: dict[str, Any]
) -> Check:
    """The two samples are independent: their squared errors add up."""
    gap = direction(stated["metric"]) * (train.value - test.value)
    errors = [standard_error(m.influence, r.clusters) for m, r in ((train, rows[0]), (test, rows[1]))]
    half = params["z"] * sqrt(errors[0] ** 2 + errors[1] ** 2)
    found = Estimate(gap, gap - half, gap + half, test.n, min(train.support, test.support))
    few = _too_few(found, params.get("min_n", 0), min(train.n, test.n))
    check = _compare_side(f"{stated['id']}.gap", "max", stated["max_gap"], found, params["confidence"], few)
    check.message = (
        f"{visible(stated['id'], 80)} is {number(train.value)} on the training data and {number(test.value)} on the "
        f"test data (gap {number(gap)}, {number(100 * params['confidence'])} % upper bound {number(found.upper)}, "
        f"n = {train.n} and {test.n}); a gap of at most {number(stated['max_gap'])} is required{few}"
    )
    check.id = f"{stated['id']}.gap"
    return check


def _compare(
    metric: dict[str, Any], found: Estimate, params: dict[str, Any], *, rows: int, bounded: bool
) -> list[Check]:
    """Hold a metric against its limits. `rows` are the table's; `bounded`: its error is known."""
    few = _too_few(found, params.get("min_n", 0), rows)
    confidence = params["confidence"] if bounded else None
    sides = [side for side in ("min", "max") if side in metric]
    return [_compare_side(metric["id"], side, metric[side], found, confidence, few) for side in sides]


def _compare_side(
    id: str, side: str, limit: float, found: Estimate, confidence: float | None, few: str
) -> Check:
    """Pass when the bound keeps to the limit, fail when the value itself doesn't, else inconclusive."""
    end, wanted = _SIDES[side]
    bound = getattr(found, end)
    sign = 1 if side == "min" else -1
    margin, gap = sign * (bound - limit), sign * (found.value - limit)
    if few:
        verdict, note = "inconclusive", few
    elif margin >= 0:
        verdict, note = "pass", ""
    elif gap < 0:
        verdict, note = "fail", ""
    else:
        verdict, note = "inconclusive", _rows_needed(found, bound, gap)
    n = f", n = {found.n}" if found.n else ""
    how = f"point only: no standard error{n}"
    if confidence is not None:
        how = f"{number(100 * confidence)} % {end} bound {number(bound)}{n}"
    message = (
        f"{visible(id, 80)} is {number(found.value)} ({how}); {wanted} {number(limit)} is required{note}"
    )
    return Check(
        f"{id}.{side}",
        verdict,
        message,
        estimate=found.value,
        interval=None if confidence is None else (found.lower, found.upper),
        confidence=confidence,
        n=found.n or None,
        threshold={side: limit},
        margin=margin,
    )


def _too_few(found: Estimate, least: int, rows: int) -> str:
    """Say so where there are fewer rows than asked for, or too few for the theory behind the bounds."""
    if rows < least:
        return f"; there are {rows} rows, and {least} are needed"
    support = min(least, _LEAST_SUPPORT)
    if found.support < support:
        return f"; its error rests on only {found.support} rows, and {support} are needed"
    return ""


def _rows_needed(found: Estimate, bound: float, gap: float) -> str:
    """Say how many rows would settle it, were the value to stay: bounds shrink with the root of n."""
    if gap == 0:
        return "; no number of rows would settle it at this value"
    if not found.n:
        return "; more rows are needed to tell"
    needed = found.n * ((found.value - bound) / gap) ** 2
    return f"; about {ceil(float(f'{needed:.2g}'))} rows would settle it" if needed < 1e15 else ""


def main() -> int:
    """Run the gate that the command line names."""
    return run("evaluate", judge, __file__, sys.argv[1:])
