"""From the parameters of an `evaluate` gate to those of its script."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mlcc.gates import ArtifactInfo, GateParamsError, Loc, artifact_named
from mlcc.gates.evaluate.metrics import BINARY, REGRESSION
from mlcc.gates.evaluate.queries import columns, is_binary, means, sums_query
from mlcc.gates.evaluate.ranges import idle, meant, outside
from mlcc.gates.strictness import DERIVED

LOOSER = dict.fromkeys(("format", "columns", "binary", "query", "metrics/*/column"), DERIVED)
"""See mlcc.gates.strictness."""
FORMATS = ("parquet", "csv", "tsv", "jsonl")
DEFAULT_MIN_N = 30
DEFAULT_CONFIDENCE, DEFAULT_QUANTILE = 0.95, 1.644853626951  # the normal distribution's
_KNOWN = ("accuracy", *BINARY, *REGRESSION)
_NEEDS_SCORE = ("roc_auc", "log_loss", "brier_score")


def references(params: Any) -> tuple[tuple[Loc, str], ...]:
    """Return the artifact with the numbers or the predictions."""
    keys = ("metrics_from", "predictions")
    return tuple(((key,), getattr(params, key)) for key in keys if getattr(params, key) is not None)


def needs_packages(params: Any) -> bool:
    """Whether DuckDB is needed: for predictions; numbers in a JSON file need nothing."""
    return params.predictions is not None


def compile(params: Any, artifacts: Mapping[str, ArtifactInfo], guards: str) -> dict[str, object]:
    """Return the bounds to keep to, and for predictions the SQL. Raises GateParamsError."""
    del guards
    if not 0.5 <= params.confidence < 1:
        raise GateParamsError(("confidence",), "the confidence of a bound is from 0.5 to below 1")
    for name, metric in params.metrics.items():
        _check_bounds(metric, ("metrics", name))
    special = _from_file(params, artifacts) if params.predictions is None else _from_rows(params, artifacts)
    return {"confidence": params.confidence, "z": _quantile(params.confidence), **special}


def _quantile(confidence: float) -> float:
    if confidence == DEFAULT_CONFIDENCE:
        return DEFAULT_QUANTILE
    from statistics import NormalDist  # 3 ms that few lints need

    return round(NormalDist().inv_cdf(confidence), 12)


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
    for key in ("label", "score", "prediction"):
        if getattr(params, key) is not None:
            raise GateParamsError(
                (key,), f"{key} is a column of `predictions`; `metrics_from` has only numbers"
            )
    if artifact_named(artifacts, params.metrics_from, ("metrics_from",)).format != "json":
        raise GateParamsError(("metrics_from",), "the numbers must be in a .json file")
    found = []
    for name, metric in params.metrics.items():
        loc: Loc = ("metrics", name)
        if metric.mean is not None:
            raise GateParamsError(
                (*loc, "mean"), "a mean is taken over `predictions`, not over `metrics_from`"
            )
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
    return {"source": "file", "artifact": params.metrics_from, "metrics": found, **least}


def _path(path: str | None, loc: Loc) -> list[str] | None:
    if path is None:
        return None
    steps = path.split(".")
    if not all(steps):
        raise GateParamsError(loc, f"{path} has an empty step between its dots")
    return steps


def _from_rows(params: Any, artifacts: Mapping[str, ArtifactInfo]) -> dict[str, object]:
    artifact = artifact_named(artifacts, params.predictions, ("predictions",))
    format = artifact.format
    if format not in FORMATS or any(c in artifact.path for c in "*?[{"):
        raise GateParamsError(
            ("predictions",),
            f"predictions are one file, or a folder of Parquet files, and {artifact.path} is neither",
            "the file's name must end in .parquet, .csv, .tsv, .jsonl or .ndjson; a folder's in /",
        )
    _check_metrics(params)
    named = means(params)
    found = [
        {
            "id": name,
            **_limits(metric),
            **({"column": named[name], "mean": metric.mean} if name in named else {}),
        }
        for name, metric in params.metrics.items()
    ]
    roles = {key: getattr(params, key) for key in ("label", "score", "prediction")}
    return {
        "source": "rows",
        "artifact": params.predictions,
        "format": format,
        **{key: name for key, name in roles.items() if name is not None},
        **({"threshold": params.threshold} if params.score is not None else {}),
        "columns": columns(params),
        "min_n": DEFAULT_MIN_N if params.min_n is None else params.min_n,
        "binary": is_binary(params, [name for name in params.metrics if name not in named]),
        "metrics": found,
        "query": sums_query(params, format),
    }


def _check_metrics(params: Any) -> None:
    """Refuse metrics that aren't known, or that the named columns can't give."""
    wanted = []
    for name, metric in params.metrics.items():
        loc: Loc = ("metrics", name)
        for key in ("value", "stderr", "n"):
            if getattr(metric, key) is not None:
                raise GateParamsError((*loc, key), f"{key} belongs to `metrics_from`, not to `predictions`")
        if metric.mean is None:
            _check_known(name, loc)
            _check_columns(params, name, loc)
            _check_range(name, metric, loc)
            wanted.append(name)
        elif name in _KNOWN:
            raise GateParamsError((*loc, "mean"), f"{name} is a metric of its own, not the mean of a column")
    both = [next((name for name in wanted if name in kind), None) for kind in (BINARY, REGRESSION)]
    if both[1] and (both[0] or "accuracy" in wanted):
        raise GateParamsError(
            ("metrics", both[1]), f"{both[1]} is about numbers and {both[0] or 'accuracy'} about classes"
        )
    if not math.isfinite(params.threshold):
        raise GateParamsError(("threshold",), "the threshold is not a finite number")
    for key in ("label", "score", "prediction"):
        if getattr(params, key) is not None and not wanted:
            raise GateParamsError((key,), f"no metric uses the {key}")


def _check_known(name: str, loc: Loc) -> None:
    if name in _KNOWN:
        return
    import difflib

    close = difflib.get_close_matches(name, _KNOWN, n=1)
    hint = f"did you mean {close[0]}?" if close else "for the mean of a column, write `mean: COLUMN`"
    raise GateParamsError(loc, f"the metric {name} is not known", f"{hint} Known: {', '.join(_KNOWN)}")


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


def _check_columns(params: Any, name: str, loc: Loc) -> None:
    if params.label is None:
        raise GateParamsError(loc, f"{name} needs the truth", "add `label: COLUMN`")
    if name in _NEEDS_SCORE and params.score is None:
        raise GateParamsError(loc, f"{name} needs a score", "add `score: COLUMN`")
    if name in REGRESSION and params.prediction is None:
        raise GateParamsError(loc, f"{name} needs a predicted number", "add `prediction: COLUMN`")
    if params.score is None and params.prediction is None:
        raise GateParamsError(
            loc, f"{name} needs a prediction", "add `score: COLUMN` or `prediction: COLUMN`"
        )
