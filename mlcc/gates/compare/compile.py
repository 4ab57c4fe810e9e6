"""From the parameters of a `compare` gate to those of its script."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mlcc.gates import ArtifactInfo, GateParamsError, Loc, artifact_named
from mlcc.gates._metrics.catalog import BOUNDLESS, METRICS, direction, family, value_range
from mlcc.gates._metrics.levels import check_level, normal_quantile
from mlcc.gates._metrics.query import check_metric, check_together, options_of, source_of, table_named
from mlcc.gates.strictness import CEILING, DERIVED, PRESENT, Way

LOOSER: Mapping[str, Way] = dict.fromkeys(
    (
        "z",
        "z_power",
        "metric/metric",
        "*/format",
        "*/query",
        "*/values/**",
        "old_data/*/format",
        "old_data/*/query",
        "holdout/first",  # without `records`, which says it
    ),
    DERIVED,
) | {"holdout": PRESENT, "holdout/records": PRESENT, "holdout/budget": CEILING}
"""See mlcc.gates.strictness."""

_BASELINES = {
    "majority": ("labels", "binary"),
    "prior": ("order", "probability", "classes"),
    "mean": ("number", "series"),
    "median": ("number", "series"),
}


def references(params: Any) -> tuple[tuple[Loc, str], ...]:
    """Return the artifacts with the predictions of both models, the test set and the records of promotions."""
    found: list[tuple[Loc, str]] = [(("candidate",), params.candidate)]
    if params.champion is not None:
        found.append((("champion",), params.champion))
    if params.old_data is not None:
        found += [(("old_data", key), getattr(params.old_data, key)) for key in ("candidate", "champion")]
    if params.holdout is not None:
        held = ((("holdout", key), getattr(params.holdout, key)) for key in ("data", "records"))
        found += [(loc, id) for loc, id in held if id is not None]
    return tuple(found)


def compile(params: Any, artifacts: Mapping[str, ArtifactInfo], guards: str) -> dict[str, object]:
    """Return what is read, what is compared, and when it is good enough. Raises GateParamsError."""
    del guards
    for loc, id in references(params):
        if loc[0] != "holdout":
            table_named(artifacts, id, loc)
    check_compared(params, params.metric, ("metric",))
    check_together(params, {params.metric: ("metric",)})
    _check_margin(params)
    check_level(params.power, 0.5, ("power",), "the power of a test")
    _check_sides(params)
    found: dict[str, object] = {
        "candidate": _source(params, params.candidate, artifacts, ("candidate",)),
        "metric": {"id": params.metric, "metric": params.metric, **options_of(params, params.metric, ())},
        "margin": params.margin,
        "test": params.test,
        "alpha": params.alpha,
        "z": normal_quantile(1 - params.alpha),
        "z_power": normal_quantile(params.power),
        "power": params.power,
        "min_n": params.min_n,
        **_holdout(params, artifacts),
    }
    if params.baseline is not None:
        return {**found, "baseline": params.baseline}
    found["champion"] = _source(params, params.champion, artifacts, ("champion",))
    if params.old_data is not None:
        found["old_data"] = {
            key: _source(params, getattr(params.old_data, key), artifacts, ("old_data", key))
            for key in ("candidate", "champion")
        }
    return found


def check_compared(params: Any, name: str, loc: Loc) -> None:
    """Refuse a metric that no two models can be compared by. Raises GateParamsError."""
    check_metric(params, name, loc)
    better = ", ".join(other for other in METRICS if direction(other) and other not in BOUNDLESS)
    if not direction(name):
        raise GateParamsError(
            loc, f"neither more nor less of {name} is better", f"compare by one of {better}"
        )
    if name in BOUNDLESS:
        raise GateParamsError(
            loc, f"{name} hangs on one row: no interval holds it", f"compare by one of {better}"
        )


def _source(params: Any, id: str, artifacts: Mapping[str, ArtifactInfo], loc: Loc) -> dict[str, object]:
    extra = {} if params.key is None else {"key": (params.key, "text")}
    return source_of(params, id, artifacts, [params.metric], loc, extra)


def _holdout(params: Any, artifacts: Mapping[str, ArtifactInfo]) -> dict[str, object]:
    """Return which test set is counted, and by which records. Raises GateParamsError."""
    if params.holdout is None:
        return {}
    predictions = [id for loc, id in references(params) if loc[0] != "holdout"]
    for key in ("data", "records"):
        id, loc = getattr(params.holdout, key), ("holdout", key)
        if id is None:
            continue
        artifact = artifact_named(artifacts, id, loc)
        if artifact.is_table:
            raise GateParamsError(
                loc, f"'{id}' is a table in a warehouse, whose rows have no digest", "name files"
            )
        if artifact.is_model or id in predictions:
            what = (
                "a model" if artifact.is_model else "a table of predictions, which every model has its own of"
            )
            help = (
                "name the data that the models are scored on" if key == "data" else "name a folder of records"
            )
            raise GateParamsError(loc, f"'{id}' is {what}", help)
    if params.holdout.records == params.holdout.data:
        raise GateParamsError(("holdout", "records"), "the records of promotions are not the test set")
    found: dict[str, object] = {"artifact": params.holdout.data, "budget": params.holdout.budget}
    known = {"first": "none"} if params.holdout.records is None else {"records": params.holdout.records}
    return {"holdout": {**found, **known}}


def _check_margin(params: Any) -> None:
    low, high = value_range(params.metric)
    if not math.isfinite(params.margin) or params.margin < 0:
        raise GateParamsError(
            ("margin",), f"{params.margin} is no margin", "say how much worse is still good enough"
        )
    if params.margin >= high - low:
        help = f"did you mean {params.margin / 100:g}?" if params.margin < 100 else None
        raise GateParamsError(("margin",), f"{params.metric} never differs by {params.margin}", help)
    if params.test == "non_inferior" and params.margin == 0:
        raise GateParamsError(
            (),
            "without a margin an equal candidate never passes: its lower bound lies under 0",
            "add `margin: X`, how much worse is still good enough; or `test: superior`",
        )


def _check_sides(params: Any) -> None:
    """Refuse a pair that can't be joined, and a baseline that the metric can't judge."""
    if params.baseline is None:
        if params.key is None:
            raise GateParamsError((), "the rows of two tables are joined by a key", "add `key: COLUMN`")
        if params.candidate == params.champion:
            raise GateParamsError(("champion",), "the candidate and the champion are the same artifact")
        return
    if params.old_data is not None:
        raise GateParamsError(("old_data",), "old data is about a champion, not about a baseline")
    if family(params.metric) not in _BASELINES[params.baseline]:
        fitting = [name for name, families in _BASELINES.items() if family(params.metric) in families]
        raise GateParamsError(
            ("baseline",),
            f"{params.baseline} gives nothing that {params.metric} judges",
            f"use {' or '.join(fitting)}" if fitting else "compare with a champion",
        )
