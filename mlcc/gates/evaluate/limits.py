"""A metric held against its floor and ceiling, by its confidence bounds: however the metric was found."""

from __future__ import annotations

from math import ceil

from mlcc.gates._metrics.axes import MOVED, moved_by
from mlcc.gates._metrics.estimate import Estimate
from mlcc.gates._records import Check, GateError, is_finite, number, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

_LEAST_SUPPORT = 30
_SIDES = {"min": ("lower", "at least"), "max": ("upper", "at most")}


def refuse_incomplete(params: dict[str, Any]) -> None:
    """Raise GateError for parameters that hold nothing to judge by."""
    if not is_finite(params.get("z")) or not params.get("metrics"):
        raise GateError("the gate's parameters are not complete")


def held(
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


def name_axes(
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


def _compare(
    metric: dict[str, Any], found: Estimate, params: dict[str, Any], *, rows: int, bounded: bool
) -> list[Check]:
    """Hold a metric against its limits. `rows` are the table's; `bounded`: its error is known."""
    few = too_few(found, params.get("min_n", 0), rows)
    confidence = params["confidence"] if bounded else None
    sides = [side for side in ("min", "max") if side in metric]
    return [compare_side(metric["id"], side, metric[side], found, confidence, few) for side in sides]


def compare_side(
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


def too_few(found: Estimate, least: int, rows: int) -> str:
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
