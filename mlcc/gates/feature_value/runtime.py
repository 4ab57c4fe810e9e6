"""The gate `feature_value`: what the model loses without a feature, on the same rows, and what the feature costs."""

from __future__ import annotations

import sys

from mlcc.gates._metrics.catalog import direction
from mlcc.gates._metrics.compute import measured
from mlcc.gates._metrics.paired import Difference, paired
from mlcc.gates._metrics.rows import Rows, no_predictions, read_rows, refuse_one_class
from mlcc.gates._plots import intervals
from mlcc.gates._records import Check, GateError, Verdict, is_finite, number, verdict_of, visible
from mlcc.gates._strict import read_json
from mlcc.gates._support import Gate, run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LEAST_SUPPORT = 30


def judge(gate: Gate) -> Verdict:
    """Judge the gain and the cost of every feature."""
    params = gate.params
    complete = all(is_finite(params.get(key)) for key in ("min_gain", "alpha", "z", "min_n"))
    if not complete or not params.get("without"):
        raise GateError("the gate's parameters are not complete")
    rows = read_rows(gate, params["predictions"])
    if rows.n < 1:
        return verdict_of([no_predictions()])
    refuse_one_class(rows, params["predictions"])
    gains = [_gain_of(feature, alias, rows, params) for feature, alias in params["without"].items()]
    costs = _costs(gate) if "cost" in params else []
    return verdict_of([*gains, *costs], _drawn(gains, params))


def _gain_of(feature: str, alias: str, rows: Rows, params: dict[str, Any]) -> Check:
    """Pass when the lower bound of the gain reaches the least one, fail when the gain itself doesn't."""
    metric, least = params["metric"], params["min_gain"]
    whole = measured(metric, rows)
    without = measured(metric, rows.replaced(params["role"], rows[alias]))
    found = paired(whole, without, direction(metric["metric"]), params["alpha"], params["z"], rows.clusters)
    support = min(whole.support, without.support)
    if found.n < params["min_n"]:
        verdict, note = "inconclusive", f"; there are {found.n} rows, and {params['min_n']} are needed"
    elif support < min(params["min_n"], _LEAST_SUPPORT):
        verdict, note = "inconclusive", f"; its error rests on only {support} rows"
    elif found.lower >= least and found.lower > 0:
        verdict, note = "pass", ""
    elif found.value <= least:
        verdict, note = "fail", ""
    else:
        verdict, note = "inconclusive", "; more rows are needed to tell"
    return Check(
        f"{feature}.gain",
        verdict,
        _sentence(feature, found, (whole.value, without.value), params) + note,
        estimate=found.value,
        interval=(found.lower, found.upper),
        confidence=1 - params["alpha"],
        n=found.n,
        threshold={"min": least},
        margin=found.lower - least,
    )


def _sentence(feature: str, found: Difference, values: tuple[float, float], params: dict[str, Any]) -> str:
    name, confidence = visible(params["metric"]["id"], 80), number(100 * (1 - params["alpha"]))
    return (
        f"{name} is {number(values[0])} with {visible(feature, 80)} and {number(values[1])} without it (gain "
        f"{number(found.value)}, {confidence} % lower bound {number(found.lower)}, n = {found.n}, "
        f"p = {found.p_value:.3g}); a gain of at least {number(params['min_gain'])} is required"
    )


def _costs(gate: Gate) -> list[Check]:
    """Hold the milliseconds of each feature, from the file, to the ceiling."""
    cost = gate.params["cost"]
    path = gate.path(cost["artifact"])
    document = read_json(path)
    return [_cost_of(feature, document, path, cost["max_ms"]) for feature in gate.params["without"]]


def _cost_of(feature: str, document: object, path: str, most: float) -> Check:
    id = f"{feature}.cost"
    spent = document.get(feature) if isinstance(document, dict) else None
    if not is_finite(spent):
        return Check(
            id, "error", f"{visible(path)} gives no number of milliseconds for {visible(feature, 80)}"
        )
    assert isinstance(spent, (int, float))
    if spent < 0:
        return Check(id, "error", f"{visible(path)} gives a negative cost of {visible(feature, 80)}")
    return Check(
        id,
        "pass" if spent <= most else "fail",
        f"{visible(feature, 80)} takes {number(spent)} ms (point only); at most {number(most)} is required",
        estimate=spent,
        threshold={"max": most},
        margin=most - spent,
    )


def _drawn(gains: list[Check], params: dict[str, Any]) -> list[dict[str, Any]]:
    rows = [
        (check.id.rpartition(".")[0], check.estimate, *check.interval, check.verdict)
        for check in gains
        if check.estimate is not None and check.interval is not None
    ]
    title = f"Gain in {params['metric']['id']} by feature"
    return [intervals(title, "above 0 is better", rows, limits={"min": params["min_gain"]})]


def main() -> int:
    """Run the gate that the command line names."""
    return run("feature_value", judge, __file__, sys.argv[1:])
