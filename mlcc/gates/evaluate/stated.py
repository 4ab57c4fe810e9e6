"""Metrics that a job stated in a JSON file, each perhaps with its standard error and number of rows."""

from __future__ import annotations

from mlcc.gates._metrics.estimate import Estimate
from mlcc.gates._records import Check, GateError, is_finite, visible
from mlcc.gates._strict import read_json
from mlcc.gates._support import Gate
from mlcc.gates.evaluate.limits import compare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


def stated_checks(gate: Gate) -> list[Check]:
    """Return the checks of the metrics that the gate's file states."""
    path = gate.path(gate.params["artifact"])
    document = read_json(path)
    checks: list[Check] = []
    for metric in gate.params["metrics"]:
        try:
            found, bounded = _from_document(document, metric, gate.params["z"], path)
        except GateError as error:
            checks.append(Check(metric["id"], "error", str(error)))
            continue
        checks += compare(metric, found, gate.params, rows=found.n, bounded=bounded)
    return checks


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
