"""From the parameters of a `slices` gate to those of its script."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mlcc.gates import ArtifactInfo, GateParamsError, Loc
from mlcc.gates._metrics.catalog import BOUNDLESS, direction, family
from mlcc.gates._metrics.levels import normal_quantile
from mlcc.gates._metrics.query import check_metric, check_together, options_of, source_of, table_named
from mlcc.gates.evaluate.ranges import idle, meant, outside
from mlcc.gates.strictness import DERIVED, FLOOR, Way

LOOSER: Mapping[str, Way] = {
    "alpha": FLOOR,  # the more a rejection must show, the less is blocked
    **dict.fromkeys(
        (
            "z",
            "metrics/*/metric",
            "gaps/*/metric",
            "predictions/format",
            "predictions/query",
            "predictions/values/**",
        ),
        DERIVED,
    ),
}
"""See mlcc.gates.strictness."""

_LIMITS = ("min", "max", "max_drop")


def references(params: Any) -> tuple[tuple[Loc, str], ...]:
    """Return the artifacts with the predictions, and with the champion's."""
    found: tuple[tuple[Loc, str], ...] = ((("predictions",), params.predictions),)
    return found if params.reference is None else (*found, (("reference",), params.reference))


def compile(params: Any, artifacts: Mapping[str, ArtifactInfo], guards: str) -> dict[str, object]:
    """Return what is read, how it is sliced, and the limits. Raises GateParamsError."""
    del guards
    for loc, id in references(params):
        table_named(artifacts, id, loc)
    _check_limits(params)
    names = [*params.metrics, *params.gap]
    check_together(params, {name: ("metrics" if name in params.metrics else "gap", name) for name in names})
    columns = list(dict.fromkeys(column for group in params.by for column in _group(group)))
    aliases = {column: f"slice_{i}" for i, column in enumerate(columns)}
    key = {} if params.key is None else {"key": (params.key, "text")}
    extra = {**key, **{alias: (column, "group") for column, alias in aliases.items()}}
    found: dict[str, object] = {
        "predictions": source_of(params, params.predictions, artifacts, names, ("predictions",), extra),
        "by": [{column: aliases[column] for column in _group(group)} for group in params.by],
        "metrics": [_metric(name, metric, ("metrics", name)) for name, metric in params.metrics.items()],
        "gaps": [_metric(name, gap, ("gap", name)) for name, gap in params.gap.items()],
        "min_n": params.min_n,
        "max_slices": params.max_slices,
        "alpha": params.alpha,
        "z": normal_quantile(1 - params.alpha),
    }
    if params.reference is not None:
        found["reference"] = source_of(params, params.reference, artifacts, names, ("reference",), key)
    return found


def _group(group: Any) -> list[str]:
    return [group] if isinstance(group, str) else list(group)


def _metric(name: str, metric: Any, loc: Loc) -> dict[str, object]:
    limits = {key: getattr(metric, key) for key in _LIMITS if getattr(metric, key, None) is not None}
    return {"id": name, "metric": name, **limits, **options_of(metric, name, loc)}


def _check_limits(params: Any) -> None:
    """Refuse a gate without limits, limits that can't be meant, and drops without a reference."""
    if not params.metrics and not params.gap:
        raise GateParamsError(
            (), "nothing is asked of the slices", "add `metrics: {NAME: {min: X}}` or `gap`"
        )
    if not all(_group(group) for group in params.by):
        raise GateParamsError(("by",), "a crossing names no column", "list the columns to cross")
    for name, metric in params.metrics.items():
        loc: Loc = ("metrics", name)
        _check_known(params, name, loc)
        if all(getattr(metric, key) is None for key in _LIMITS):
            raise GateParamsError(loc, "a metric has a min, a max or a max_drop")
        for side in ("min", "max"):
            _check_side(name, side, getattr(metric, side), loc)
        if metric.max_drop is not None:
            _check_drop(params, name, loc)
    for name, gap in params.gap.items():
        _check_known(params, name, ("gap", name))
        if idle(name, "max", gap.max) and math.isfinite(gap.max):
            raise GateParamsError(("gap", name, "max"), f"no two slices differ by {gap.max} in {name}")
    if params.reference is not None and not params.metrics:
        raise GateParamsError(
            ("reference",), "no metric is held to the reference", "add one with `max_drop: X`"
        )
    if params.reference is not None and params.key is None:
        raise GateParamsError(
            ("reference",), "the rows of two tables are joined by a key", "add `key: COLUMN`"
        )


def _check_known(params: Any, name: str, loc: Loc) -> None:
    check_metric(params, name, loc)
    if name in BOUNDLESS or family(name) in ("ranking", "series"):
        raise GateParamsError(loc, f"{name} can't be judged by slices of rows")


def _check_side(name: str, side: str, limit: float | None, loc: Loc) -> None:
    if limit is None:
        return
    message = outside(name, side, limit) or idle(name, side, limit)
    if message is not None:
        raise GateParamsError((*loc, side), message, meant(name, limit))


def _check_drop(params: Any, name: str, loc: Loc) -> None:
    if params.reference is None or params.key is None:
        missing = "reference" if params.reference is None else "key"
        what = "ARTIFACT" if missing == "reference" else "COLUMN"
        raise GateParamsError((*loc, "max_drop"), "a drop is from a champion", f"add `{missing}: {what}`")
    if not direction(name):
        raise GateParamsError(
            (*loc, "max_drop"), f"neither more nor less of {name} is better: it doesn't drop"
        )
