"""From predictions to a metric: one place for every kind of gate."""

from __future__ import annotations

from mlcc.gates._metrics.catalog import family
from mlcc.gates._metrics.classes import class_metric
from mlcc.gates._metrics.measure import Measure, mean_of
from mlcc.gates._metrics.numbers import number_metric, range_metric, scaled_error
from mlcc.gates._metrics.ranking import query_values
from mlcc.gates._metrics.rows import Rows, numbered
from mlcc.gates._metrics.scores import (
    average_precision,
    calibration_error,
    log_loss,
    one_vs_rest,
    roc_auc,
    top_k,
)
from mlcc.gates._records import GateError, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def measured(metric: Mapping[str, Any], rows: Rows) -> Measure:
    """Return a metric of predictions; `metric` has `metric`, its options, or `column` for a column's mean.

    Raises GateError where it isn't defined on these rows.
    """
    import numpy as np

    name = metric.get("metric", metric.get("column", ""))
    try:
        with np.errstate(all="ignore"):
            found = _computed(metric, rows)
    except GateError as error:
        raise GateError(
            f"{visible(metric.get('id', name), 80)} is not defined on these rows: {error}"
        ) from None
    if not np.isfinite(found.value):
        raise GateError(f"{visible(metric.get('id', name), 80)} is not a finite number on these rows")
    return found


def _computed(metric: Mapping[str, Any], rows: Rows) -> Measure:
    if "column" in metric:
        found = mean_of(rows[metric["column"]])
        found.shape = "column" if found.shape == "number" else found.shape
        return found
    name = metric["metric"]
    what = family(name)
    label = rows["label"]
    if what in ("labels", "binary"):
        return class_metric(name, label, said_classes(rows), rows.classes)
    if what in ("order", "probability", "classes"):
        return _scored(name, metric, rows)
    if what == "ranking":
        values = query_values(name, label, rows["score"], numbered(rows["query"]), metric.get("k", 0))
        return mean_of(values)
    if what == "interval":
        return range_metric(name, label, rows["lower"], rows["upper"])
    if what == "series":
        return scaled_error(label, rows["prediction"], numbered(rows["series"]), rows["time"])
    return number_metric(name, label, rows["prediction"], metric.get("quantile", 0.5))


def said_classes(rows: Rows) -> Any:
    """Return the class that each row's prediction says, as codes from 0: (n,)."""
    import numpy as np

    if "scores" in rows.arrays:
        return rows["scores"].argmax(axis=1)
    if "score" in rows.arrays:
        return (rows["score"] >= rows.threshold).astype(np.int64)
    return rows["prediction"]


def _scored(name: str, metric: Mapping[str, Any], rows: Rows) -> Measure:
    import numpy as np

    label = rows["label"]
    if name == "roc_auc":
        return roc_auc(label, rows["score"])
    if name == "average_precision":
        return average_precision(label, rows["score"])
    if name == "brier_score":
        return mean_of((rows["score"] - label) ** 2)
    several = "scores" in rows.arrays
    scores = (
        _summing_to_one(rows["scores"]) if several else np.column_stack([1 - rows["score"], rows["score"]])
    )
    if name == "log_loss":
        return log_loss(label, scores)
    if name == "expected_calibration_error":
        if several:
            return calibration_error(scores.argmax(axis=1) == label, scores.max(axis=1), metric["bins"])
        return calibration_error(label, rows["score"], metric["bins"])
    if name == "top_k_accuracy":
        return top_k(label, scores, metric["k"])
    return one_vs_rest(label, scores, weighted=name.endswith("weighted"))


def _summing_to_one(scores: Any) -> Any:
    """Return the scores of the classes. Raises GateError where a row's don't sum to 1."""
    import numpy as np

    wrong = int((np.abs(scores.sum(axis=1) - 1) > 1e-4).sum())
    if wrong:
        raise GateError(f"the scores of {wrong} of {len(scores)} rows don't sum to 1")
    return scores
