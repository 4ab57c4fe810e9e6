"""Metrics that a job stated in a JSON file, each perhaps with its standard error and number of rows."""

from __future__ import annotations

from mlcc.gates._metrics.estimate import Estimate
from mlcc.gates._records import Check, GateError, is_finite, visible
from mlcc.gates._strict import read_json
from mlcc.gates._support import Gate
from mlcc.gates.evaluate.limits import held, name_axes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


def stated_checks(gate: Gate) -> list[Check]:
    """Return the checks of the metrics that the gate's file states."""
    checks = _checks_of(gate, gate.params["artifact"])
    name_axes(checks, gate.params, lambda source: _checks_of(gate, source["artifact"]))
    return checks


def _checks_of(gate: Gate, artifact: str) -> list[Check]:
    path = gate.path(artifact)
    document = read_json(path)

    def estimated(metric: dict[str, Any]) -> tuple[Estimate, bool, int]:
        found, bounded = _from_document(document, metric, gate.params["z"], path)
        return found, bounded, found.n

    return held(gate.params, estimated)


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
