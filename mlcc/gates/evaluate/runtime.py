"""The gate `evaluate`: holds metrics against floors and ceilings, by their confidence bounds."""

from __future__ import annotations

import sys

from mlcc.gates._metrics.bounds import bounded
from mlcc.gates._metrics.catalog import BOUNDLESS, direction, value_range
from mlcc.gates._metrics.compute import measured
from mlcc.gates._metrics.estimate import Estimate, gap_between
from mlcc.gates._metrics.join import refuse_other_examples
from mlcc.gates._metrics.rows import Rows, no_predictions, read_rows, refuse_one_class
from mlcc.gates._records import Check, Verdict, number, verdict_of, visible
from mlcc.gates._support import Gate, run
from mlcc.gates.evaluate.drawing import drawn
from mlcc.gates.evaluate.limits import compare_side, held, name_axes, refuse_incomplete, too_few
from mlcc.gates.evaluate.stated import stated_checks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def judge(gate: Gate) -> Verdict:
    """Judge every metric that the parameters name."""
    params = gate.params
    refuse_incomplete(params)
    if params["source"] == "file":
        return verdict_of(stated_checks(gate))
    rows = read_rows(gate, params)
    if rows.n < 1:
        return verdict_of([no_predictions()])
    checks = _judge_rows(rows, params, params)
    name_axes(checks, params, lambda source: _judge_champion(gate, source, rows))
    if "overfit" in params:
        checks += _gaps(gate, rows)
    return verdict_of(checks, drawn(rows, params["z"]))


def _judge_rows(rows: Rows, source: dict[str, Any], params: dict[str, Any]) -> list[Check]:
    refuse_one_class(rows, source)
    return held(params, lambda metric: (*_estimated(metric, rows, params["z"]), rows.n))


def _judge_champion(gate: Gate, source: dict[str, Any], rows: Rows) -> list[Check]:
    """Return the checks of the champion on the same examples as `rows`. Raises GateError."""
    champion = read_rows(gate, source)
    refuse_other_examples(rows, champion, ("the predictions", "the champion's"))
    return _judge_rows(champion, source, gate.params)


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
    return [_gap(gap, (train, rows), gate.params) for gap in stated["gaps"]]


def _gap(stated: dict[str, Any], sides: tuple[Rows, Rows], params: dict[str, Any]) -> Check:
    """Hold one gap to its ceiling; `sides` are the training and the test data, which share no row."""
    z, limits = params["z"], value_range(stated["metric"])
    train, test = (bounded(measured(stated, rows), z, limits, rows.clusters) for rows in sides)
    found = gap_between(train, test) if direction(stated["metric"]) > 0 else gap_between(test, train)
    found.n = sides[1].n
    few = too_few(found, params.get("min_n", 0), min(rows.n for rows in sides))
    check = compare_side(f"{stated['id']}.gap", "max", stated["max_gap"], found, params["confidence"], few)
    check.message = (
        f"{visible(stated['id'], 80)} is {number(train.value)} on the training data and {number(test.value)} on the "
        f"test data (gap {number(found.value)}, {number(100 * params['confidence'])} % upper bound {number(found.upper)}, "
        f"n = {sides[0].n} and {sides[1].n}); a gap of at most {number(stated['max_gap'])} is required{few}"
    )
    check.id = f"{stated['id']}.gap"
    return check


def main() -> int:
    """Run the gate that the command line names."""
    return run("evaluate", judge, __file__, sys.argv[1:])
