"""The gate `evaluate`: holds metrics against floors and ceilings, by their confidence bounds."""

from __future__ import annotations

# SQL is what this module runs: committed text and a source written by mlcc.gates._table.
# ruff: noqa: S608
import sys
from math import ceil

from mlcc.gates._records import Check, GateError, Verdict, is_finite, number, verdict_of, visible
from mlcc.gates._strict import read_json
from mlcc.gates._support import Gate, run
from mlcc.gates._table import close, open_table
from mlcc.gates.evaluate.metrics import Estimate, estimate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_LEAST_SUPPORT = 30
_SIDES = {"min": ("lower", "at least"), "max": ("upper", "at most")}


def judge(gate: Gate) -> Verdict:
    """Judge every metric that the parameters name."""
    if not is_finite(gate.params.get("z")) or not gate.params.get("metrics"):
        raise GateError("the gate's parameters are not complete")
    judged = _judge_file if gate.params["source"] == "file" else _judge_rows
    return verdict_of(judged(gate))


def _judge_file(gate: Gate) -> list[Check]:
    path = gate.path(gate.params["artifact"])
    document = read_json(path)
    checks: list[Check] = []
    for metric in gate.params["metrics"]:
        try:
            found, bounded = _from_document(document, metric, gate.params["z"], path)
        except GateError as error:
            checks.append(Check(metric["id"], "error", str(error)))
            continue
        checks += _compare(metric, found, gate.params, rows=found.n, bounded=bounded)
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


def _judge_rows(gate: Gate) -> list[Check]:
    sums = _sums(gate)
    rows = sums["n"]
    if type(rows) is not int or rows < 1:
        return [Check("rows", "fail", "there are no predictions", estimate=0, threshold={"min": 1})]
    for name, count in sums.items():
        if name.endswith("_invalid") and count != 0:
            what = _columns_of(gate.params, name[: -len("_invalid")])
            raise GateError(f"{count} of {rows} rows have no proper value in {what}")
    if gate.params["binary"]:
        positives = sums["tp"] + sums["fn"]
        if not 0 < positives < rows:
            raise GateError(f"all {rows} labels are {'1' if positives else '0'}: there is only one class")
    checks: list[Check] = []
    for metric in gate.params["metrics"]:
        try:
            found = estimate(metric["id"], metric.get("column"), sums, gate.params["z"])
        except GateError as error:
            checks.append(Check(metric["id"], "error", str(error)))
            continue
        checks += _compare(metric, found, gate.params, rows=rows, bounded=True)
    return checks


def _columns_of(params: dict[str, Any], name: str) -> str:
    """Say which column a count of improper values is about."""
    metric = next((metric for metric in params["metrics"] if metric.get("column") == name), None)
    return f"the column of {visible(metric['id'], 80)}" if metric else f"the {name.replace('_', ' ')} column"


def _sums(gate: Gate) -> dict[str, Any]:
    """Return the one row of the committed query, by name."""
    params = gate.params
    table = open_table(gate, params["artifact"], params["format"])
    try:
        missing = [visible(name, 80) for name in params["columns"] if name not in table.columns]
        if missing:
            raise GateError(f"{visible(gate.path(params['artifact']))} has no column {', '.join(missing)}")
        table.rows(f"CREATE VIEW source AS SELECT * FROM {table.source}")
        values = table.one("\n".join(params["query"]))
        names = [column[0] for column in table.connection.description]
    finally:
        close(table, gate)
    return dict(zip(names, values))  # noqa: B905 - strict= is newer than Python 3.8


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
