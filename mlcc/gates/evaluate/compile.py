"""From the parameters of an `evaluate` gate to those of its script."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mlcc.gates import ArtifactInfo, GateParamsError, Loc, artifact_named
from mlcc.gates._metrics.catalog import BOUNDLESS, METRICS, OPTIONS, direction
from mlcc.gates._metrics.levels import check_level, normal_quantile
from mlcc.gates._metrics.query import ROLES, check_metric, check_together, options_of, source_of, table_named
from mlcc.gates.evaluate.ranges import idle, meant, outside
from mlcc.gates.strictness import DERIVED

LOOSER = dict.fromkeys(
    (
        "format",
        "values/**",
        "classes",
        "about",
        "query",
        "metrics/*/column",
        "metrics/*/metric",
        "champion/**",
    ),
    DERIVED,
)
"""See mlcc.gates.strictness."""
DEFAULT_MIN_N = 30


def references(params: Any) -> tuple[tuple[Loc, str], ...]:
    """Return the artifacts with the numbers or predictions, the champion's, and the predictions for the training data."""
    keys = ("metrics_from", "predictions", "champion")
    found = tuple(((key,), getattr(params, key)) for key in keys if getattr(params, key) is not None)
    return found if params.overfit is None else (*found, (("overfit", "train"), params.overfit.train))


def needs_packages(params: Any) -> bool:
    """Whether DuckDB and NumPy are needed: for predictions; numbers in a JSON file need nothing."""
    return params.predictions is not None


def compile(params: Any, artifacts: Mapping[str, ArtifactInfo], guards: str) -> dict[str, object]:
    """Return the bounds to keep to, and for predictions the SQL. Raises GateParamsError."""
    del guards
    if params.champion is not None and params.champion in (params.predictions, params.metrics_from):
        raise GateParamsError(("champion",), "the model and the champion are the same artifact")
    check_level(params.confidence, 0.5, ("confidence",), "the confidence of a bound")
    for name, metric in params.metrics.items():
        _check_bounds(metric, ("metrics", name))
    special = _from_file(params, artifacts) if params.predictions is None else _from_rows(params, artifacts)
    return {"confidence": params.confidence, "z": normal_quantile(params.confidence), **special}


def _check_bounds(metric: Any, loc: Loc) -> None:
    if metric.min is None and metric.max is None:
        raise GateParamsError(loc, "a metric has a floor (min), a ceiling (max), or both")
    for key in ("min", "max"):
        bound = getattr(metric, key)
        if bound is not None and not math.isfinite(bound):
            raise GateParamsError((*loc, key), f"{key} is not a finite number")
    if metric.min is not None and metric.max is not None and metric.min > metric.max:
        raise GateParamsError((*loc, "max"), f"max ({metric.max}) is less than min ({metric.min})")


def _limits(metric: Any) -> dict[str, float]:
    return {key: getattr(metric, key) for key in ("min", "max") if getattr(metric, key) is not None}


def _from_file(params: Any, artifacts: Mapping[str, ArtifactInfo]) -> dict[str, object]:
    for key in (*ROLES, "overfit"):
        if getattr(params, key) is not None:
            what = "needs" if key == "overfit" else "is a column of"
            raise GateParamsError((key,), f"{key} {what} `predictions`; `metrics_from` has only numbers")
    for key in ("metrics_from", "champion"):
        id = getattr(params, key)
        if id is not None and artifact_named(artifacts, id, (key,)).format != "json":
            raise GateParamsError((key,), "the numbers must be in a .json file")
    found = []
    for name, metric in params.metrics.items():
        loc: Loc = ("metrics", name)
        for key in ("mean", "metric", "k", "quantile", "bins"):
            if getattr(metric, key) is not None:
                raise GateParamsError((*loc, key), f"{key} is about `predictions`, not about `metrics_from`")
        if params.min_n is not None and metric.n is None:
            raise GateParamsError(loc, "min_n needs to know where the number of rows is", "add `n: PATH`")
        paths = {key: _path(getattr(metric, key), (*loc, key)) for key in ("stderr", "n")}
        value = _path(metric.value, (*loc, "value")) or [name]
        found.append(
            {
                "id": name,
                **_limits(metric),
                "value": value,
                **{key: path for key, path in paths.items() if path is not None},
            }
        )
    least = {} if params.min_n is None else {"min_n": params.min_n}
    champion = {} if params.champion is None else {"champion": {"artifact": params.champion}}
    return {"source": "file", "artifact": params.metrics_from, "metrics": found, **least, **champion}


def _path(path: str | None, loc: Loc) -> list[str] | None:
    if path is None:
        return None
    steps = path.split(".")
    if not all(steps):
        raise GateParamsError(loc, f"{path} has an empty step between its dots")
    return steps


def _from_rows(params: Any, artifacts: Mapping[str, ArtifactInfo]) -> dict[str, object]:
    table_named(artifacts, params.predictions, ("predictions",))
    computed = _check_metrics(params)
    named = {name: metric.mean for name, metric in params.metrics.items() if metric.mean is not None}
    aliases = {name: f"mean{i}" for i, name in enumerate(named, 1)}
    extra = {aliases[name]: (column, "number") for name, column in named.items()}
    about = {"about": {alias: f"the column of {name}" for name, alias in aliases.items()}} if aliases else {}

    def table(key: str) -> dict[str, object]:
        id = getattr(params, key)
        return {**source_of(params, id, artifacts, computed.values(), (key,), extra), **about}

    found = [
        {"id": name, **_limits(metric), **_what(name, metric, computed, aliases)}
        for name, metric in params.metrics.items()
    ]
    return {
        "source": "rows",
        **table("predictions"),
        **({} if params.champion is None else {"champion": table("champion")}),
        "min_n": DEFAULT_MIN_N if params.min_n is None else params.min_n,
        "metrics": found,
        **_overfit(params, artifacts, found),
    }


def _what(
    name: str, metric: Any, computed: Mapping[str, str], aliases: Mapping[str, str]
) -> dict[str, object]:
    if name in aliases:
        return {"column": aliases[name]}
    return {"metric": computed[name], **options_of(metric, computed[name], ("metrics", name))}


def _overfit(
    params: Any, artifacts: Mapping[str, ArtifactInfo], found: list[dict[str, object]]
) -> dict[str, object]:
    """Return what the gap between training and test data is held to. Raises GateParamsError."""
    if params.overfit is None:
        return {}
    known = {str(metric["id"]): metric for metric in found if "metric" in metric}
    gaps = []
    for name, limit in params.overfit.max_gap.items():
        loc: Loc = ("overfit", "max_gap", name)
        metric = known.get(name) or {"id": name, "metric": name}
        if name not in known:
            check_metric(params, name, loc)
            metric.update(OPTIONS.get(name, {}))
        if not direction(str(metric["metric"])):
            raise GateParamsError(
                loc, f"neither more nor less of {metric['metric']} is better: it has no gap"
            )
        if metric["metric"] in BOUNDLESS:
            raise GateParamsError(
                loc, f"{metric['metric']} has no standard error: its gap can't be told from noise"
            )
        if not (math.isfinite(limit) and limit >= 0):
            raise GateParamsError(loc, f"{limit} is no gap", "say how much better the training data may look")
        gaps.append(
            {key: value for key, value in metric.items() if key not in ("min", "max")} | {"max_gap": limit}
        )
    wanted = [str(gap["metric"]) for gap in gaps]
    train = source_of(params, params.overfit.train, artifacts, wanted, ("overfit", "train"))
    return {"overfit": {"train": train, "gaps": gaps}}


def _check_metrics(params: Any) -> dict[str, str]:
    """Return the metric behind each name that isn't a mean. Refuse what the named columns can't give."""
    wanted: dict[str, str] = {}
    for name, metric in params.metrics.items():
        loc: Loc = ("metrics", name)
        for key in ("value", "stderr", "n"):
            if getattr(metric, key) is not None:
                raise GateParamsError((*loc, key), f"{key} belongs to `metrics_from`, not to `predictions`")
        if metric.mean is None:
            known = metric.metric or name
            check_metric(params, known, loc if metric.metric is None else (*loc, "metric"))
            _check_range(known, metric, loc)
            wanted[name] = known
        elif name in METRICS:
            raise GateParamsError((*loc, "mean"), f"{name} is a metric of its own, not the mean of a column")
        elif metric.metric is not None:
            raise GateParamsError(
                (*loc, "metric"), "a metric is either one of mlcc's or the mean of a column"
            )
    check_together(params, {known: ("metrics", name) for name, known in wanted.items()})
    return wanted


def _check_range(name: str, metric: Any, loc: Loc) -> None:
    """Refuse a threshold that no model reaches, or every model."""
    for side, limit in _limits(metric).items():
        message = outside(name, side, limit)
        if message is not None:
            raise GateParamsError((*loc, side), message, meant(name, limit))
        message = idle(name, side, limit)
        if message is not None:
            help = meant(name, limit) or f"leave the {side} out, or say what is good enough"
            raise GateParamsError((*loc, side), message, help)
