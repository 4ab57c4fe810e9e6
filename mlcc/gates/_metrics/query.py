"""From the columns that metrics need to the SQL that reads them: a column of numbers or classes for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any

from mlcc.gates import ArtifactInfo, GateParamsError, Loc, artifact_named, file_format
from mlcc.gates._metrics.catalog import METRICS, OPTIONS, family
from mlcc.gates._sql import identifier, text_literal
from mlcc.gates._values import JSON_FORMATS, TEXT_FORMS

_NEEDS = {
    "labels": (),
    "binary": (),
    "order": ("score",),
    "probability": ("score",),
    "classes": ("scores",),
    "number": ("prediction",),
    "series": ("prediction", "series", "time"),
    "interval": ("lower", "upper"),
    "ranking": ("score", "query"),
}
_ABOUT_NUMBERS = ("number", "series", "interval")
_ABOUT_CLASSES = ("labels", "binary", "order", "probability", "classes")
_ALSO_CLASSES = ("log_loss", "expected_calibration_error")
_WORDS = {
    "score": "a score",
    "scores": "a score of each class",
    "prediction": "a predicted number",
    "series": "the series of a row",
    "time": "the time of a row",
    "lower": "the lower end of the predicted range",
    "upper": "the upper end of the predicted range",
    "query": "the query of a row",
}
ROLES = ("label", "score", "scores", "prediction", "query", "series", "time", "lower", "upper", "cluster_key")
"""The parameters that name columns of predictions."""


def table_named(artifacts: Mapping[str, ArtifactInfo], id: str, loc: Loc) -> ArtifactInfo:
    """Return an artifact that parameters name at `loc`. Raises GateParamsError where it is no table."""
    artifact = artifact_named(artifacts, id, loc)
    if artifact.is_model:
        raise GateParamsError(
            loc,
            f"'{id}' is a model, and this is about predictions",
            "name the table of what the model predicted",
        )
    file_format(artifact, loc, "a table of predictions")
    return artifact


def source_of(
    params: Any,
    id: str,
    artifacts: Mapping[str, ArtifactInfo],
    metrics: Iterable[str],
    loc: Loc,
    extra: Mapping[str, tuple[str, str]] | None = None,
) -> dict[str, object]:
    """Return what the runtime reads of a table of predictions, for metrics that were checked.

    `extra` maps more aliases to (column, sort): `number`, `text`, `group`, or `score` or `prediction`, for a column like
    that one. Raises GateParamsError for an artifact that is no table.
    """
    artifact = table_named(artifacts, id, loc)
    format = str(artifact.format)
    roles = _roles(params, set(metrics))
    wanted = dict(roles)
    for alias, (column, sort) in (extra or {}).items():
        wanted[alias] = (column, roles[sort][1] if sort in roles else sort)
    classes = list(params.scores or ())
    parts = [
        f"  {_expression(sort, _column(column, format), classes)} AS {alias}"
        for alias, (column, sort) in wanted.items()
    ]
    found: dict[str, object] = {
        "artifact": id,
        "format": format,
        "columns": [column for column, _ in wanted.values()],
        "values": {alias: sort for alias, (_, sort) in wanted.items()},
        "query": ["SELECT", *(f"{part}," for part in parts[:-1]), parts[-1], "FROM source"],
        "threshold": params.threshold,
    }
    return {**found, "classes": classes} if classes else found


def check_metric(params: Any, name: str, loc: Loc) -> None:
    """Refuse a metric that isn't known, or that the named columns can't give. Raises GateParamsError."""
    _check_known(name, loc)
    if params.label is None:
        raise GateParamsError(loc, f"{name} needs the truth", "add `label: COLUMN`")
    for key in _NEEDS[family(name)]:
        if getattr(params, key) is None and not (name in _ALSO_CLASSES and params.scores is not None):
            shape = "{CLASS: COLUMN}" if key == "scores" else "COLUMN"
            raise GateParamsError(loc, f"{name} needs {_WORDS[key]}", f"add `{key}: {shape}`")
    said = [key for key in ("score", "prediction", "scores") if getattr(params, key) is not None]
    if not said and family(name) in ("labels", "binary"):
        raise GateParamsError(
            loc, f"{name} needs a prediction", "add `score: COLUMN` or `prediction: COLUMN`"
        )
    if family(name) == "binary" and said == ["scores"]:
        raise GateParamsError(
            loc,
            f"{name} is about the classes 0 and 1",
            f"for several classes, say {name}_macro, or add `score: COLUMN`"
            if f"{name}_macro" in METRICS
            else "add `score: COLUMN`",
        )
    if family(name) == "ranking" and params.cluster_key is not None:
        raise GateParamsError(
            ("cluster_key",), f"the queries are the clusters of {name}", "leave cluster_key out"
        )


def check_together(params: Any, metrics: Mapping[str, Loc]) -> None:
    """Refuse metrics of numbers beside metrics of classes, columns that none needs, and no real threshold."""
    numbers = next((name for name in metrics if family(name) in _ABOUT_NUMBERS), None)
    classes = next((name for name in metrics if family(name) in _ABOUT_CLASSES), None)
    if numbers and classes:
        raise GateParamsError(metrics[numbers], f"{numbers} is about numbers and {classes} about classes")
    if not isfinite(params.threshold):
        raise GateParamsError(("threshold",), "the threshold is not a finite number")
    for key in ROLES:
        if getattr(params, key) is not None and not metrics and key != "cluster_key":
            raise GateParamsError((key,), f"no metric uses the {key}")


def options_of(metric: Any, name: str, loc: Loc) -> dict[str, object]:
    """Return a metric's options with their defaults. Raises GateParamsError for one that it doesn't take."""
    taken = OPTIONS.get(name, {})
    found: dict[str, object] = {}
    for key in ("k", "quantile", "bins"):
        value = getattr(metric, key)
        if value is not None and key not in taken:
            others = [other for other in OPTIONS if key in OPTIONS[other]]
            raise GateParamsError(
                (*loc, key), f"{name} takes no {key}", f"{key} belongs to {', '.join(others)}"
            )
        if key in taken:
            found[key] = taken[key] if value is None else value
    return found


def _check_known(name: str, loc: Loc) -> None:
    if name in METRICS:
        return
    import difflib

    close = difflib.get_close_matches(name, METRICS, n=1)
    hint = f"did you mean {close[0]}?" if close else "for the mean of a column, write `mean: COLUMN`"
    raise GateParamsError(loc, f"the metric {name} is not known", f"{hint} Known: {', '.join(METRICS)}")


def _roles(params: Any, metrics: set[str]) -> dict[str, tuple[str, str]]:
    """Return the alias, column and sort of each column that the metrics read."""
    found: dict[str, tuple[str, str]] = {}
    families = {family(name) for name in metrics}
    if metrics:
        found["label"] = (params.label, _label_sort(params, families))
        if params.score is not None:
            probability = metrics & {"log_loss", "brier_score", "expected_calibration_error"}
            found["score"] = (params.score, "probability" if probability else "number")
        if params.prediction is not None:
            sort = found["label"][1]
            found["prediction"] = (params.prediction, sort)
        for i, column in enumerate((params.scores or {}).values()):
            found[f"score_{i}"] = (column, "probability")
        for key in {
            "query": "text",
            "series": "text",
            "time": "number",
            "lower": "number",
            "upper": "number",
        }.items():
            if any(key[0] in _NEEDS[each] for each in families):
                found[key[0]] = (getattr(params, key[0]), key[1])
    if params.cluster_key is not None:
        found["cluster"] = (params.cluster_key, "text")
    return found


def _label_sort(params: Any, families: set[str]) -> str:
    """Say what labels must be: 0 or 1 (for a score of class 1 too), one of the scored classes, a number, a class."""
    if params.scores is not None:
        return "member"
    if families & {"binary", "order", "probability"} or ("labels" in families and params.score is not None):
        return "binary"
    return "class" if "labels" in families else "number"


def _column(name: str, format: str) -> str:
    if format in JSON_FORMATS:
        pointer = "/" + name.replace("~", "~0").replace("/", "~1")
        return f"json_extract_string(json, {text_literal(pointer)})"
    return identifier(name)


def _expression(sort: str, column: str, classes: list[str]) -> str:
    """Return SQL for a value: NULL is what can't be judged."""
    if sort in ("number", "binary", "probability"):
        return _number(column)
    if sort == "class":
        return _class(column)
    if sort == "member":
        listed = ", ".join(_class(text_literal(name)) for name in classes)
        return f"NULLIF(list_position([{listed}], {_class(column)}), 0) - 1"
    text = f"CAST({column} AS VARCHAR)"
    # Keys are compared by half of their MD5: numbers sort and join many times faster than text.
    return text if sort == "group" else f"md5_number_lower({text})"


def _number(column: str) -> str:
    """Return a column as a finite number, or NULL: a NULL is counted as a row that can't be judged."""
    cast = _cast(column)
    truth = f"CASE lower(CAST({column} AS VARCHAR)) WHEN 'true' THEN 1 WHEN 'false' THEN 0 END"
    return f"CASE WHEN isfinite({cast}) THEN {cast} WHEN {cast} IS NULL THEN {truth} END"


def _class(column: str) -> str:
    """Return a class as text: 1 and 1.0 are the same class, NaN is none."""
    cast = _cast(column)
    text = f"CAST({column} AS VARCHAR)"
    return f"CASE WHEN isnan(TRY_CAST({column} AS DOUBLE)) THEN NULL ELSE COALESCE(CAST({cast} AS VARCHAR), {text}) END"


def _cast(column: str) -> str:
    """Return a column as a number, or NULL. Text must look like one: DuckDB's cast reads 1_0 as 10."""
    form = text_literal(TEXT_FORMS["number"])
    fits = f"typeof({column}) <> 'VARCHAR' OR regexp_full_match(CAST({column} AS VARCHAR), {form})"
    return f"CASE WHEN {fits} THEN TRY_CAST({column} AS DOUBLE) END"
