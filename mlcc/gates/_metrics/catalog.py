"""The metrics that gates know, by scikit-learn's names: what each needs, which way is better, where it lies."""

from __future__ import annotations

from math import inf

# Family -> what its metrics are about.
# labels: predicted classes, any number of them; binary: the same for labels 0 and 1;
# order: a score of class 1 that need only sort; probability: one from 0 to 1; classes: a score of each class;
# number: a predicted number; interval: a predicted range; series: numbers by series and time;
# ranking: scores of documents by query.
_AVERAGED = ("precision", "recall", "f1", "jaccard")
_SHARE = (0.0, 1.0)
_ERROR = (0.0, inf)

# Name -> family, direction (1: more is better, -1: less is, 0: neither), least and largest value.
METRICS: dict[str, tuple[str, int, tuple[float, float]]] = {
    "accuracy": ("labels", 1, _SHARE),
    "balanced_accuracy": ("labels", 1, _SHARE),
    "matthews_corrcoef": ("labels", 1, (-1.0, 1.0)),
    "cohen_kappa": ("labels", 1, (-1.0, 1.0)),
    "roc_auc": ("order", 1, _SHARE),
    "precision": ("binary", 1, _SHARE),
    "recall": ("binary", 1, _SHARE),
    "f1": ("binary", 1, _SHARE),
    "jaccard": ("binary", 1, _SHARE),
    **{
        f"{name}_{how}": ("labels", 1, _SHARE) for name in _AVERAGED for how in ("macro", "micro", "weighted")
    },
    "selection_rate": ("binary", 0, _SHARE),
    "false_positive_rate": ("binary", -1, _SHARE),
    "true_negative_rate": ("binary", 1, _SHARE),
    "average_precision": ("order", 1, _SHARE),
    "log_loss": ("probability", -1, _ERROR),
    "brier_score": ("probability", -1, _SHARE),
    "expected_calibration_error": ("probability", -1, _SHARE),
    "roc_auc_ovr": ("classes", 1, _SHARE),
    "roc_auc_ovr_weighted": ("classes", 1, _SHARE),
    "top_k_accuracy": ("classes", 1, _SHARE),
    "mean_absolute_error": ("number", -1, _ERROR),
    "mean_squared_error": ("number", -1, _ERROR),
    "root_mean_squared_error": ("number", -1, _ERROR),
    "median_absolute_error": ("number", -1, _ERROR),
    "mean_absolute_percentage_error": ("number", -1, _ERROR),
    "mean_squared_log_error": ("number", -1, _ERROR),
    "root_mean_squared_log_error": ("number", -1, _ERROR),
    "mean_pinball_loss": ("number", -1, _ERROR),
    "mean_poisson_deviance": ("number", -1, _ERROR),
    "mean_gamma_deviance": ("number", -1, _ERROR),
    "max_error": ("number", -1, _ERROR),
    "r2": ("number", 1, (-inf, 1.0)),
    "explained_variance": ("number", 1, (-inf, 1.0)),
    "mean_absolute_scaled_error": ("series", -1, _ERROR),
    "interval_coverage": ("interval", 0, _SHARE),
    "mean_interval_width": ("interval", -1, _ERROR),
    "ndcg": ("ranking", 1, _SHARE),
    "label_ranking_average_precision": ("ranking", 1, _SHARE),
    "mean_reciprocal_rank": ("ranking", 1, _SHARE),
    "precision_at_k": ("ranking", 1, _SHARE),
    "recall_at_k": ("ranking", 1, _SHARE),
}
# Name -> the options that it takes, with their defaults; `k` 0 of ndcg is the whole list.
OPTIONS: dict[str, dict[str, float]] = {
    "top_k_accuracy": {"k": 2},
    "ndcg": {"k": 0},
    "precision_at_k": {"k": 10},
    "recall_at_k": {"k": 10},
    "mean_pinball_loss": {"quantile": 0.5},
    "expected_calibration_error": {"bins": 10},
}
# Metrics without a usable sampling error: they are judged by the point alone.
BOUNDLESS = frozenset({"max_error"})


def family(name: str) -> str:
    """Return what a metric is about."""
    return METRICS[name][0]


def direction(name: str) -> int:
    """Return 1 where more is better, -1 where less is, 0 where neither is."""
    return METRICS[name][1]


def value_range(name: str) -> tuple[float, float]:
    """Return the least and the largest value that a metric can have; any number for one that isn't known."""
    return METRICS[name][2] if name in METRICS else (-inf, inf)
