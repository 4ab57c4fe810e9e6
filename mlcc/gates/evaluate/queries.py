"""The SQL that sums up predictions: one row of named numbers, from which every metric follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mlcc.gates._sql import identifier, real_literal, text_literal
from mlcc.gates.evaluate.metrics import BINARY, REGRESSION

# The smallest step at 1.0 of a float: scikit-learn keeps probabilities that far from 0 and 1 in log_loss.
_EPSILON = "2.220446049250313e-16"


def sums_query(params: Any, format: str) -> list[str]:
    """Return the query over `source` that gives one row of sums for the metrics of `params`.

    Its names: `n`; `<column>_invalid` counts of rows that can't be judged; tp, fp, fn, tn, hits; auc and
    auc_variance; for each mean, mean, variance, and for columns of `mean` ones and other (values but 0, 1).
    """
    wanted = {name for name, metric in params.metrics.items() if metric.mean is None}
    parts = _row_parts(params, format, wanted)
    tables = {"examples": ["SELECT", *_listed(parts, "  "), "FROM source"]}
    if "r2" in wanted:
        tables["centre"] = ["SELECT AVG(y) AS y_mean FROM examples"]
    if "roc_auc" in wanted:
        tables.update(_DELONG)
    origin = "FROM examples, centre" if "r2" in wanted else "FROM examples"
    return [*_with(tables), "SELECT", *_listed(_sums(params, wanted), "  "), origin]


def means(params: Any) -> dict[str, str]:
    """Return the query's name for each metric that is the mean of a column."""
    named = [name for name, metric in params.metrics.items() if metric.mean is not None]
    return {name: f"mean{i}" for i, name in enumerate(named, 1)}


def columns(params: Any) -> list[str]:
    """Return the names of the columns that the query reads, each once."""
    names = [params.label, params.score, params.prediction]
    names += [metric.mean for metric in params.metrics.values()]
    return list(dict.fromkeys(name for name in names if name is not None))


def is_binary(params: Any, wanted: Iterable[str]) -> bool:
    """Whether labels must be 0 or 1: for scores and for the metrics of two classes."""
    wanted = set(wanted)
    return bool(wanted & set(BINARY)) or ("accuracy" in wanted and params.score is not None)


def _listed(parts: list[str], indent: str) -> list[str]:
    return [f"{indent}{part}," for part in parts[:-1]] + [f"{indent}{parts[-1]}"]


def _with(tables: Mapping[str, list[str]]) -> list[str]:
    lines: list[str] = []
    for name, body in tables.items():
        lines += [f"), {name} AS (" if lines else f"WITH {name} AS (", *(f"  {line}" for line in body)]
    return [*lines, ")"]


def _column(name: str, format: str) -> str:
    if format == "jsonl":
        pointer = "/" + name.replace("~", "~0").replace("/", "~1")
        return f"json_extract_string(json, {text_literal(pointer)})"
    return identifier(name)


def _number(column: str) -> str:
    """Return a column as a finite number, or NULL: a NULL is counted as a row that can't be judged."""
    cast = f"TRY_CAST({column} AS DOUBLE)"
    truth = f"CASE lower(CAST({column} AS VARCHAR)) WHEN 'true' THEN 1 WHEN 'false' THEN 0 END"
    return f"CASE WHEN isfinite({cast}) THEN {cast} WHEN {cast} IS NULL THEN {truth} END"


def _row_parts(params: Any, format: str, wanted: set[str]) -> list[str]:
    parts: list[str] = []
    if wanted:
        label = _column(params.label, format)
        numeric = is_binary(params, wanted) or bool(wanted & set(REGRESSION))
        if numeric:
            parts.append(f"{_number(label)} AS y")
        if params.score is not None:
            parts.append(f"{_number(_column(params.score, format))} AS s")
        if params.prediction is not None:
            prediction = _column(params.prediction, format)
            parts.append(f"{_number(prediction)} AS p" if numeric else f"{_same(label, prediction)} AS hit")
    means_of = means(params)
    parts += [
        f"{_number(_column(metric.mean, format))} AS {means_of[name]}"
        for name, metric in params.metrics.items()
        if metric.mean is not None
    ]
    return parts


def _same(label: str, prediction: str) -> str:
    """Return 1 where two classes are the same (1 and 1.0 are), 0 where not, NULL where one is missing."""
    numbers = f"TRY_CAST({label} AS DOUBLE) = TRY_CAST({prediction} AS DOUBLE)"
    texts = f"CAST({label} AS VARCHAR) = CAST({prediction} AS VARCHAR)"
    nan = " OR ".join(f"isnan(TRY_CAST({column} AS DOUBLE))" for column in (label, prediction))
    return f"CASE WHEN {nan} THEN NULL ELSE CAST(COALESCE({numbers}, {texts}) AS INTEGER) END"


def _sums(params: Any, wanted: set[str]) -> list[str]:
    parts = ["COUNT(*) AS n"]
    if wanted:
        parts += _invalid(params, wanted)
        parts += _classes(params, wanted)
        parts += _errors(wanted)
    for name in means(params).values():
        parts.append(f"COUNT(*) - COUNT({name}) AS {name}_invalid")
        parts.append(f"favg({name}) AS {name}_mean")
        parts.append(f"VAR_SAMP({name}) AS {name}_variance")
        parts.append(f"SUM(CASE WHEN {name} = 1 THEN 1 ELSE 0 END) AS {name}_ones")
        parts.append(f"SUM(CASE WHEN {name} IN (0, 1) THEN 0 ELSE 1 END) AS {name}_other")
    return parts


def _count(condition: str, name: str) -> str:
    return f"SUM(CASE WHEN {condition} THEN 1 ELSE 0 END) AS {name}"


def _invalid(params: Any, wanted: set[str]) -> list[str]:
    """Count what can't be judged: no value, NaN, and what is outside the range that the metrics need."""
    if is_binary(params, wanted):
        parts = ["SUM(CASE WHEN y IN (0, 1) THEN 0 ELSE 1 END) AS label_invalid"]
    elif wanted & set(REGRESSION):
        parts = ["COUNT(*) - COUNT(y) AS label_invalid"]
    else:
        parts = ["COUNT(*) - COUNT(hit) AS label_or_prediction_invalid"]
    if params.score is not None:
        probability = wanted & {"log_loss", "brier_score"}
        proper = "s BETWEEN 0 AND 1" if probability else "s IS NOT NULL"
        parts.append(f"SUM(CASE WHEN {proper} THEN 0 ELSE 1 END) AS score_invalid")
    elif is_binary(params, wanted):
        parts.append("SUM(CASE WHEN p IN (0, 1) THEN 0 ELSE 1 END) AS prediction_invalid")
    elif wanted & set(REGRESSION):
        parts.append("COUNT(*) - COUNT(p) AS prediction_invalid")
    return parts


def _classes(params: Any, wanted: set[str]) -> list[str]:
    if not is_binary(params, wanted):
        return ["SUM(hit) AS hits"] if "accuracy" in wanted else []
    positive = f"s >= {real_literal(params.threshold)}" if params.score is not None else "p = 1"
    parts = [
        _count(f"y = 1 AND {positive}", "tp"),
        _count(f"y = 0 AND {positive}", "fp"),
        _count(f"y = 1 AND NOT ({positive})", "fn"),
        _count(f"y = 0 AND NOT ({positive})", "tn"),
        _count(f"(y = 1) = ({positive})", "hits"),
    ]
    if "roc_auc" in wanted:
        parts += ["(SELECT auc FROM area) AS auc", "(SELECT variance FROM delong) AS auc_variance"]
    if "log_loss" in wanted:
        inside = f"LEAST(GREATEST(CASE y WHEN 1 THEN s ELSE 1 - s END, {_EPSILON}), 1 - {_EPSILON})"
        parts += _mean(f"-ln({inside})", "log_loss")
    if "brier_score" in wanted:
        parts += _mean("(s - y) * (s - y)", "squared")
    return parts


def _errors(wanted: set[str]) -> list[str]:
    parts: list[str] = []
    squared, spread = "(y - p) * (y - p)", "(y - y_mean) * (y - y_mean)"
    if "mean_absolute_error" in wanted:
        parts += _mean("abs(y - p)", "absolute")
    if wanted & {"mean_squared_error", "root_mean_squared_error", "r2"}:
        parts += _mean(squared, "squared")
    if "r2" in wanted:
        parts += _mean(spread, "spread")
        parts.append(f"COVAR_SAMP({squared}, {spread}) AS squared_spread_covariance")
    return parts


def _mean(expression: str, name: str) -> list[str]:
    # favg sums with compensation: the plain average loses digits over millions of rows.
    return [f"favg({expression}) AS {name}_mean", f"VAR_SAMP({expression}) AS {name}_variance"]


# DeLong, DeLong and Clarke-Pearson (1988): the area is the share of (positive, negative) pairs in the right
# order, ties counting half; its variance comes from each row's share of pairs that it wins (v10 for
# positives, v01 for negatives). Grouping by score makes it one sort.
_DELONG = {
    "scores": ["SELECT s, SUM(y) AS pos, SUM(1 - y) AS neg FROM examples GROUP BY s"],
    "ranked": [
        "SELECT pos, neg, SUM(pos) OVER upto AS pos_upto, SUM(neg) OVER upto AS neg_upto,",
        "  SUM(pos) OVER () AS positives, SUM(neg) OVER () AS negatives",
        "FROM scores WINDOW upto AS (ORDER BY s ROWS UNBOUNDED PRECEDING)",
    ],
    "placed": [
        "SELECT pos, neg, positives, negatives,",
        "  (neg_upto - neg / 2) / NULLIF(negatives, 0) AS v10,",
        "  (positives - pos_upto + pos / 2) / NULLIF(positives, 0) AS v01",
        "FROM ranked",
    ],
    "area": ["SELECT fsum(pos * v10) / NULLIF(SUM(pos), 0) AS auc FROM placed"],
    "delong": [
        "SELECT",
        "  fsum(pos * power(v10 - auc, 2)) / NULLIF((MAX(positives) - 1) * MAX(positives), 0)",
        "  + fsum(neg * power(v01 - auc, 2)) / NULLIF((MAX(negatives) - 1) * MAX(negatives), 0)",
        "  AS variance",
        "FROM placed, area",
    ],
}
