"""The metrics that all model gates share: values against scikit-learn, errors against scipy's bootstrap."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as sk
from scipy import optimize, stats

from mlcc.gates._metrics.bounds import bounded
from mlcc.gates._metrics.catalog import METRICS, OPTIONS, value_range
from mlcc.gates._metrics.compute import measured
from mlcc.gates._metrics.measure import Measure, standard_error
from mlcc.gates._metrics.rows import Rows
from mlcc.gates._metrics.widths import half_widths, student
from mlcc.gates._records import GateError
from mlcc.gates._shares import wilson

_Z = 1.6448536269514722


def rows_of(classes: int = 2, **columns: Any) -> Rows:
    """Return predictions; text isn't needed here, classes are codes."""
    return Rows(columns, len(columns["label"]), 0.5, classes, [str(i) for i in range(classes)])


def value_of(name: str, rows: Rows, **options: Any) -> float:
    return measured({"metric": name, **OPTIONS.get(name, {}), **options}, rows).value


def binary(seed: int, n: int, ties: bool = False) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    label = (rng.random(n) < 0.3).astype(np.int64)
    score = 1 / (1 + np.exp(-rng.normal(1.2 * label - 0.8, 1)))
    return label, np.round(score, 1) if ties else score


def several(seed: int, n: int, k: int = 4) -> tuple[Any, Any]:
    """Return labels of k classes and a probability of each."""
    rng = np.random.default_rng(seed)
    label = rng.choice(k, n, p=np.arange(1, k + 1) / (k * (k + 1) / 2))
    weights = rng.gamma(1, size=(n, k)) + 1.5 * (np.arange(k) == label[:, None]) * rng.random((n, 1))
    return label, weights / weights.sum(axis=1, keepdims=True)


def numbers(seed: int, n: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    label = rng.gamma(2, 3, n)
    return label, np.abs(label + rng.normal(0.3, 1, n)) + 0.01


# --- values -------------------------------------------------------------------------------------------------

_BINARY = {
    "accuracy": lambda y, p, s: sk.accuracy_score(y, p),
    "balanced_accuracy": lambda y, p, s: sk.balanced_accuracy_score(y, p),
    "matthews_corrcoef": lambda y, p, s: sk.matthews_corrcoef(y, p),
    "cohen_kappa": lambda y, p, s: sk.cohen_kappa_score(y, p),
    "precision": lambda y, p, s: sk.precision_score(y, p),
    "recall": lambda y, p, s: sk.recall_score(y, p),
    "f1": lambda y, p, s: sk.f1_score(y, p),
    "jaccard": lambda y, p, s: sk.jaccard_score(y, p),
    "true_negative_rate": lambda y, p, s: sk.recall_score(y, p, pos_label=0),
    "false_positive_rate": lambda y, p, s: 1 - sk.recall_score(y, p, pos_label=0),
    "selection_rate": lambda y, p, s: p.mean(),
    "roc_auc": lambda y, p, s: sk.roc_auc_score(y, s),
    "average_precision": lambda y, p, s: sk.average_precision_score(y, s),
    "log_loss": lambda y, p, s: sk.log_loss(y, s),
    "brier_score": lambda y, p, s: sk.brier_score_loss(y, s),
}


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("n", [40, 5000])
@pytest.mark.parametrize("name", _BINARY)
def test_two_classes_equal_scikit_learn(name: str, n: int, ties: bool) -> None:
    label, score = binary(n, n, ties)
    expected = _BINARY[name](label, (score >= 0.5).astype(int), score)
    assert value_of(name, rows_of(label=label, score=score)) == pytest.approx(expected, abs=1e-9)


_SEVERAL = {
    "accuracy": sk.accuracy_score,
    "balanced_accuracy": sk.balanced_accuracy_score,
    "matthews_corrcoef": sk.matthews_corrcoef,
    "cohen_kappa": sk.cohen_kappa_score,
}


@pytest.mark.parametrize("n", [25, 3000])
@pytest.mark.parametrize("name", [name for name, (family, *_) in METRICS.items() if family == "labels"])
def test_several_classes_equal_scikit_learn(name: str, n: int) -> None:
    label, scores = several(n, n, 5)
    said = scores.argmax(axis=1)
    said[said == 2] = 3  # a class that is never predicted
    part, _, how = name.partition("_")
    if name in _SEVERAL:
        expected = _SEVERAL[name](label, said)
    else:
        score = getattr(sk, f"{part}_score")
        expected = score(label, said, average=how, **({"zero_division": 0} if part != "jaccard" else {}))
    assert value_of(name, rows_of(5, label=label, prediction=said)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("log_loss", {}, sk.log_loss),
        ("roc_auc_ovr", {}, lambda y, s: sk.roc_auc_score(y, s, multi_class="ovr")),
        (
            "roc_auc_ovr_weighted",
            {},
            lambda y, s: sk.roc_auc_score(y, s, multi_class="ovr", average="weighted"),
        ),
        ("top_k_accuracy", {"k": 2}, lambda y, s: sk.top_k_accuracy_score(y, s, k=2)),
        ("top_k_accuracy", {"k": 3}, lambda y, s: sk.top_k_accuracy_score(y, s, k=3)),
        ("accuracy", {}, lambda y, s: sk.accuracy_score(y, s.argmax(axis=1))),
    ],
)
def test_scores_of_classes_equal_scikit_learn(name: str, options: Any, expected: Any) -> None:
    label, scores = several(3, 700)
    found = value_of(name, rows_of(4, label=label, scores=scores), **options)
    assert found == pytest.approx(expected(label, scores), abs=1e-9)


_NUMBERS = {
    "mean_absolute_error": sk.mean_absolute_error,
    "mean_squared_error": sk.mean_squared_error,
    "root_mean_squared_error": sk.root_mean_squared_error,
    "median_absolute_error": sk.median_absolute_error,
    "mean_absolute_percentage_error": sk.mean_absolute_percentage_error,
    "mean_squared_log_error": sk.mean_squared_log_error,
    "root_mean_squared_log_error": sk.root_mean_squared_log_error,
    "mean_pinball_loss": lambda y, p: sk.mean_pinball_loss(y, p, alpha=0.9),
    "mean_poisson_deviance": sk.mean_poisson_deviance,
    "mean_gamma_deviance": sk.mean_gamma_deviance,
    "max_error": sk.max_error,
    "r2": sk.r2_score,
    "explained_variance": sk.explained_variance_score,
}


@pytest.mark.parametrize("name", _NUMBERS)
@pytest.mark.parametrize("n", [2, 31, 2000])
def test_numbers_equal_scikit_learn(name: str, n: int) -> None:
    label, said = numbers(n, n)
    options = {"quantile": 0.9} if name == "mean_pinball_loss" else {}
    found = value_of(name, rows_of(label=label, prediction=said), **options)
    assert found == pytest.approx(_NUMBERS[name](label, said), rel=1e-9)


def test_large_numbers_keep_their_digits() -> None:
    label, said = numbers(5, 1000)
    rows = rows_of(label=label + 1e8, prediction=said + 1e8)
    assert value_of("r2", rows) == pytest.approx(sk.r2_score(label, said), abs=1e-6)
    assert value_of("explained_variance", rows) == pytest.approx(
        sk.explained_variance_score(label, said), abs=1e-6
    )


def test_poisson_deviance_takes_labels_of_zero() -> None:
    label, said = np.array([0.0, 1.0, 4.0]), np.array([0.5, 1.0, 3.0])
    found = value_of("mean_poisson_deviance", rows_of(label=label, prediction=said))
    assert found == pytest.approx(sk.mean_poisson_deviance(label, said), abs=1e-12)


@pytest.mark.parametrize("k", [0, 1, 3])
@pytest.mark.parametrize("ties", [False, True])
def test_rankings_equal_scikit_learn(k: int, ties: bool) -> None:
    rng = np.random.default_rng(k)
    sizes = rng.integers(2, 9, 60)
    query = np.repeat(np.arange(60), sizes)
    relevance = rng.integers(0, 4, len(query)).astype(float)
    relevance[np.cumsum(sizes) - 1] = 1
    score = np.round(rng.normal(relevance, 2), 0 if ties else 9)
    order = rng.permutation(len(query))
    rows = rows_of(label=relevance[order], score=score[order], query=query[order])
    parts = [(relevance[query == q], score[query == q]) for q in range(60)]
    gains = [sk.ndcg_score([y], [s], k=k or None) for y, s in parts]
    assert value_of("ndcg", rows, k=k) == pytest.approx(np.mean(gains), abs=1e-9)
    ranks = [sk.label_ranking_average_precision_score([y > 0], [s]) for y, s in parts]
    assert value_of("label_ranking_average_precision", rows) == pytest.approx(np.mean(ranks), abs=1e-9)
    firsts = [1 / min(stats.rankdata(-s, "max")[y > 0]) for y, s in parts]
    assert value_of("mean_reciprocal_rank", rows) == pytest.approx(np.mean(firsts), abs=1e-9)


def test_precision_and_recall_of_the_first_places() -> None:
    """By hand: the first query has 2 of 3 relevant in the first two places; of the second, a tie straddles."""
    label = np.array([1, 1, 0, 1, 0, 1, 0.0])
    score = np.array([9, 8, 7, 6, 3, 2, 2.0])
    rows = rows_of(label=label, score=score, query=np.array([0, 0, 0, 0, 1, 1, 1]))
    assert value_of("precision_at_k", rows, k=2) == pytest.approx((2 / 2 + 0.5 / 2) / 2)
    assert value_of("recall_at_k", rows, k=2) == pytest.approx((2 / 3 + 0.5) / 2)


def test_ranges_by_hand() -> None:
    rows = rows_of(
        label=np.array([1.0, 2.0, 3.0, 9.0]), lower=np.array([1, 1, 4, 0.0]), upper=np.array([1, 3, 5, 8.0])
    )
    assert value_of("interval_coverage", rows) == 0.5
    assert value_of("mean_interval_width", rows) == pytest.approx((0 + 2 + 1 + 8) / 4)


def test_scaled_errors_by_hand() -> None:
    """Two series whose labels step by 2 and by 10; errors of 1 and 1, and of 5 and 5: each half a step."""
    rows = rows_of(
        label=np.array([2.0, 10.0, 4.0, 20.0]),
        prediction=np.array([3.0, 15.0, 5.0, 25.0]),
        series=np.array([0, 1, 0, 1]),
        time=np.array([1.0, 1.0, 2.0, 2.0]),
    )
    assert value_of("mean_absolute_scaled_error", rows) == pytest.approx(0.5)


def test_calibration_error_by_hand() -> None:
    label, score = np.array([1, 0, 1, 1]), np.array([0.05, 0.05, 0.75, 0.95])
    found = value_of("expected_calibration_error", rows_of(label=label, score=score), bins=2)
    assert found == pytest.approx(0.5 * abs(0.5 - 0.05) + 0.5 * abs(1 - 0.85))
    certain = value_of("expected_calibration_error", rows_of(label=label, score=label * 1.0), bins=10)
    assert certain == 0


@pytest.mark.parametrize(
    ("name", "columns", "reason"),
    [
        ("precision", {"label": [0, 1], "score": [0.1, 0.2]}, "not defined"),
        ("roc_auc", {"label": [1, 1], "score": [0.1, 0.2]}, "one class"),
        ("average_precision", {"label": [0, 0], "score": [0.1, 0.2]}, "no positive"),
        ("matthews_corrcoef", {"label": [0, 1], "score": [0.1, 0.2]}, "not defined"),
        ("cohen_kappa", {"label": [1, 1], "score": [0.9, 0.8]}, "not defined"),
        ("r2", {"label": [1.0, 1.0], "prediction": [1.0, 2.0]}, "not defined"),
        ("mean_squared_log_error", {"label": [-0.5, 1.0], "prediction": [1.0, 2.0]}, "negative"),
        ("mean_poisson_deviance", {"label": [0.0, 1.0], "prediction": [0.0, 2.0]}, "not positive"),
        ("mean_gamma_deviance", {"label": [0.0, 1.0], "prediction": [1.0, 2.0]}, "not positive"),
        ("ndcg", {"label": [0.0, 0.0], "score": [1.0, 2.0], "query": [0, 0]}, "nothing relevant"),
        ("ndcg", {"label": [-1.0, 1.0], "score": [1.0, 2.0], "query": [0, 0]}, "negative"),
        ("interval_coverage", {"label": [0.0], "lower": [1.0], "upper": [0.0]}, "ends before it begins"),
        ("log_loss", {"label": [0, 1], "scores": [[0.5, 0.1], [0.4, 0.6]]}, "don't sum to 1"),
        ("roc_auc_ovr", {"label": [0, 0], "scores": [[0.5, 0.5], [0.4, 0.6]]}, "a class has no row"),
        ("top_k_accuracy", {"label": [0, 1], "scores": [[0.5, 0.5], [0.4, 0.6]]}, "there are 2 classes"),
        (
            "mean_absolute_scaled_error",
            {"label": [1.0, 1.0], "prediction": [1.0, 1.0], "series": [0, 0], "time": [1.0, 2.0]},
            "gives no scale",
        ),
        (
            "mean_absolute_scaled_error",
            {"label": [1.0, 2.0], "prediction": [1.0, 1.0], "series": [0, 0], "time": [1.0, 1.0]},
            "twice",
        ),
    ],
)
def test_what_is_not_defined_is_refused(name: str, columns: Any, reason: str) -> None:
    rows = rows_of(**{alias: np.array(values) for alias, values in columns.items()})
    with pytest.raises(GateError, match=reason):
        value_of(name, rows)


# --- influences ---------------------------------------------------------------------------------------------


def _columns(name: str, n: int) -> Rows:
    family = METRICS[name][0]
    if family in ("labels", "binary", "order", "probability"):
        label, score = binary(8, n)
        return rows_of(label=label, score=score)
    if family == "classes":
        label, scores = several(8, n)
        return rows_of(4, label=label, scores=scores)
    label, said = numbers(8, n)
    return rows_of(label=label, prediction=said)


_SMOOTH = [
    name
    for name, (family, *_) in METRICS.items()
    if family not in ("ranking", "series", "interval") and name not in ("max_error", "median_absolute_error")
]


@pytest.mark.parametrize("name", _SMOOTH)
def test_influence_is_the_derivative_by_the_weight_of_a_row(name: str) -> None:
    """A row that is there once more changes the value by its influence over n, up to a rest of order 1 / n²."""
    n = 400
    rows = _columns(name, n)
    metric = {"metric": name, **OPTIONS.get(name, {})}
    found = measured(metric, rows)
    assert found.influence.mean() == pytest.approx(0, abs=1e-9)
    spread = found.influence.std()
    for i in (0, 17, 101, 399):
        more = measured(metric, rows.take(np.append(np.arange(n), i)))
        assert (more.value - found.value) * (n + 1) == pytest.approx(
            found.influence[i], abs=0.04 * spread + 0.02 * abs(found.influence[i])
        )


@pytest.mark.parametrize("name", ["f1_macro", "average_precision", "r2", "matthews_corrcoef"])
def test_standard_errors_equal_the_bootstrap(name: str) -> None:
    rows = _columns(name, 2000)
    rng = np.random.default_rng(1)
    metric = {"metric": name}
    draws = [measured(metric, rows.take(rng.integers(0, 2000, 2000))).value for _ in range(500)]
    found = standard_error(measured(metric, rows).influence)
    assert found == pytest.approx(np.std(draws), rel=0.15)


def test_standard_error_of_a_median_equals_its_spread_over_samples() -> None:
    rng = np.random.default_rng(0)
    values, errors = [], []
    for _ in range(300):
        found = measured(
            {"metric": "median_absolute_error"},
            rows_of(label=rng.normal(0.3, 1, 2000), prediction=np.zeros(2000)),
        )
        values.append(found.value)
        errors.append(standard_error(found.influence))
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.12)


def test_clusters_add_their_influences() -> None:
    """Every row four times: as clusters they have the error of the rows that there were."""
    label, score = binary(2, 500)
    once = measured({"metric": "roc_auc"}, rows_of(label=label, score=score))
    four = measured({"metric": "roc_auc"}, rows_of(label=np.repeat(label, 4), score=np.repeat(score, 4)))
    clustered = standard_error(four.influence, np.repeat(np.arange(500), 4))
    assert clustered == pytest.approx(standard_error(once.influence), rel=0.01)
    assert standard_error(four.influence) == pytest.approx(clustered / 2, rel=0.01)


def test_clustered_shares_have_fewer_trials() -> None:
    hits = np.repeat((np.arange(300) % 10 > 0).astype(np.int64), 5)
    found = measured({"metric": "accuracy"}, rows_of(label=np.ones(1500, np.int64), prediction=hits))
    clusters = np.repeat(np.arange(300), 5)
    bound = bounded(found, _Z, (0, 1), clusters)
    expected = stats.binomtest(270, 300).proportion_ci(0.9, method="wilson")
    assert (bound.lower, bound.upper) == pytest.approx((expected.low, expected.high), abs=1e-3)
    assert bound.support == 300


def test_clusters_that_never_miss_are_no_certainty() -> None:
    ones = np.ones(1000, np.int64)
    found = measured({"metric": "accuracy"}, rows_of(label=ones, prediction=ones))
    assert bounded(found, _Z, (0, 1), np.repeat(np.arange(20), 50)).lower == pytest.approx(
        wilson(20, 20, _Z)[0]
    )


def _share_without_a_hit(n: int) -> float:
    """Return Wilson's upper bound of a share of 0 in n."""
    return float(stats.binomtest(0, n).proportion_ci(0.9, method="wilson").high)


@pytest.mark.parametrize(
    ("name", "weight"),
    [
        ("accuracy", 1),
        ("f1_macro", 1),
        ("precision_macro", 1),
        ("recall_macro", 1),
        ("f1_weighted", 1),
        ("balanced_accuracy", 1),
        # One miss leaves two unions with a row too many.
        ("jaccard_macro", 2),
        ("jaccard_weighted", 2),
        # Agreement over the two thirds that chance leaves to be won.
        ("matthews_corrcoef", 1.5),
        ("cohen_kappa", 1.5),
    ],
)
def test_thirty_perfect_rows_are_no_certainty(name: str, weight: float) -> None:
    """Ten of each of 3 classes: what a metric loses for each miss, times the misses that may be."""
    label = np.repeat(np.arange(3), 10)
    found = measured({"metric": name}, rows_of(3, label=label, prediction=label))
    bound = bounded(found, _Z, value_range(name))
    assert (bound.value, bound.upper) == (1, 1)
    assert bound.lower == pytest.approx(1 - weight * _share_without_a_hit(30))


def test_rows_that_are_all_wrong_are_no_certainty_either() -> None:
    label = np.repeat(np.arange(3), 10)
    found = measured({"metric": "recall_macro"}, rows_of(3, label=label, prediction=(label + 1) % 3))
    bound = bounded(found, _Z, (0, 1))
    assert (bound.value, bound.lower) == (0, 0)
    assert bound.upper == pytest.approx(_share_without_a_hit(30))


def test_a_rare_class_hides_as_much_as_it_weighs() -> None:
    """Each of 5 rows is a fifth of a recall, which is a third of the mean: 205 / 15 times a row of accuracy."""
    label = np.repeat([0, 1, 2], [100, 100, 5])
    found = measured({"metric": "recall_macro"}, rows_of(3, label=label, prediction=label))
    expected = 1 - _share_without_a_hit(205) * 205 / 15
    assert bounded(found, _Z, (0, 1)).lower == pytest.approx(expected)


@pytest.mark.parametrize("n", [30, 100])
def test_floors_of_averages_are_not_passed_by_luck(n: int) -> None:
    """Models that are right with probability 0.95, whose f1_macro is that too: of 1,000 floors of it 50 ± 20 may pass.

    Without a bound for rows that show no spread, 0.95 ** 30 = 21 % of 30 rows pass.
    """
    rng = np.random.default_rng(n)
    passed = 0
    for _ in range(1000):
        label = rng.permutation(np.arange(n) % 3)
        said = np.where(rng.random(n) < 0.95, label, (label + rng.integers(1, 3, n)) % 3)
        found = measured({"metric": "f1_macro"}, rows_of(3, label=label, prediction=said))
        passed += bounded(found, _Z, (0, 1)).lower >= 0.95
    assert passed <= 70


@pytest.mark.parametrize("name", ["accuracy", "f1", "balanced_accuracy", "roc_auc", "f1_macro"])
def test_perfect_clusters_are_as_many_trials_as_there_are(name: str) -> None:
    """30 clusters of 100 rows, half of each class."""
    label = np.tile([0, 1], 1500)
    found = measured({"metric": name}, rows_of(label=label, score=label * 0.8 + 0.1))
    bound = bounded(found, _Z, (0, 1), np.repeat(np.arange(30), 100))
    assert (bound.value, bound.support) == (1, 30)
    assert bound.lower == pytest.approx(1 - _share_without_a_hit(30))


@pytest.mark.parametrize("name", ["accuracy", "f1", "balanced_accuracy", "roc_auc"])
def test_one_miss_in_one_cluster_shows_no_more_than_none(name: str) -> None:
    """By the error of its influences alone, a row of 3,000 would leave a lower bound of 0.998."""
    label = np.tile([0, 1], 1500)
    score = label * 0.8 + 0.1
    score[0] = 0.95
    found = measured({"metric": name}, rows_of(label=label, score=score))
    bound = bounded(found, _Z, (0, 1), np.repeat(np.arange(30), 100))
    assert bound.lower == pytest.approx(1 - _share_without_a_hit(30), abs=2e-3)


def test_one_cluster_that_carries_the_error_is_not_forgotten() -> None:
    """One of 60 clusters has all that lies in the wrong order, and 41 % of the rows: normal theory on the logit scale."""
    label = np.tile([0, 1], 1000)
    clusters = np.append(np.zeros(823, np.int64), 1 + np.arange(1177) % 59)
    score = np.where(clusters == 0, 1 - label, label) * 0.5 + 0.25 * label
    found = measured({"metric": "roc_auc"}, rows_of(label=label, score=score))
    bound = bounded(found, _Z, (0, 1), clusters)
    logit = math.log(found.value / (1 - found.value))
    width = _Z * standard_error(found.influence, clusters) / (found.value * (1 - found.value))
    assert bound.lower == pytest.approx(1 / (1 + math.exp(width - logit)))
    assert bound.lower < wilson(60 * found.value, 60, _Z)[0]


def test_clusters_that_vary_have_the_error_of_their_sums() -> None:
    """20 clusters of 50 rows, of which 5 to 15 are missed: Student's width, by the means of clusters."""
    misses = np.array([5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 10, 10, 9, 11, 8, 12, 7, 13, 10])
    hits = (np.arange(50) >= misses[:, None]).astype(np.int64)
    found = measured({"metric": "f1"}, rows_of(label=np.ones(1000, np.int64), prediction=hits.reshape(-1)))
    bound = bounded(found, _Z, (0, 1), np.repeat(np.arange(20), 50))
    sums = found.influence.reshape(20, 50).sum(axis=1)
    width = stats.t.ppf(0.95, 19) * sums.std(ddof=1) / math.sqrt(20) / 50
    assert found.value - bound.lower == pytest.approx(width, rel=0.02)


def test_certain_scores_of_few_rows_may_be_uncalibrated() -> None:
    label = np.arange(30) % 2
    found = measured(
        {"metric": "expected_calibration_error", "bins": 10}, rows_of(label=label, score=label * 1.0)
    )
    bound = bounded(found, _Z, value_range("expected_calibration_error"))
    assert (bound.value, bound.lower) == (0, 0)
    assert bound.upper == pytest.approx(_share_without_a_hit(30))


def test_scores_that_are_all_as_true_may_be_wrong_unseen() -> None:
    """Squares of 0.05, but for rounding; a row may have one of 1."""
    label = np.arange(30) % 2
    found = measured({"metric": "brier_score"}, rows_of(label=label, score=0.05 + 0.9 * label))
    expected = 0.0025 + 0.9975 * _share_without_a_hit(30)
    assert bounded(found, _Z, value_range("brier_score")).upper == pytest.approx(expected)


def test_one_unit_has_no_error() -> None:
    with pytest.raises(GateError, match="only one row"):
        standard_error(np.array([0.0]))
    with pytest.raises(GateError, match="only one cluster"):
        standard_error(np.array([0.0, 1.0]), np.array([0, 0]))


def test_bounds_keep_to_what_a_metric_can_be() -> None:
    values = np.array([0.0] * 99 + [5.0])
    found = measured({"metric": "mean_absolute_error"}, rows_of(label=values, prediction=values * 0))
    assert bounded(found, 3, value_range("mean_absolute_error")).lower == 0


def test_bounds_that_are_not_finite_are_refused() -> None:
    with pytest.raises(GateError, match="finite"):
        bounded(Measure(1.0, np.array([math.nan, 0.0])), _Z, (0, 1))


def test_skewed_errors_move_the_end_on_the_side_of_their_tail() -> None:
    """That end by the definition of Hall's transformation, whose root is searched for."""
    errors = np.random.default_rng(0).exponential(1, 100)
    found = measured({"metric": "mean_absolute_error"}, rows_of(label=errors, prediction=errors * 0))
    bound = bounded(found, _Z, (0, math.inf))
    error, skew, t = errors.std(ddof=1) / 10, 1.5 * stats.skew(errors) / 10, stats.t.ppf(0.95, 99)
    root = optimize.brentq(lambda x: x + skew * x**2 / 3 + skew**2 * x**3 / 27 + skew / 6 + t, -9, 0)
    assert bound.lower == pytest.approx(errors.mean() - t * error)
    assert bound.upper == pytest.approx(errors.mean() - root * error)
    assert -root > t + 0.1


def test_a_tail_below_moves_the_lower_end() -> None:
    influence = np.random.default_rng(0).exponential(1, 100)
    influence -= influence.mean()
    assert half_widths(-influence, _Z) == half_widths(influence, _Z)[::-1]
    assert half_widths(influence * 0, _Z) == (0, 0)


@pytest.mark.parametrize("share", [0.9, 0.95, 0.99])
@pytest.mark.parametrize("freedom", [12, 29, 999])
def test_student_quantiles_equal_scipys(share: float, freedom: int) -> None:
    found = student(float(stats.norm.ppf(share)), freedom)
    assert found == pytest.approx(stats.t.ppf(share, freedom), rel=2e-3)


def test_few_clusters_have_students_width() -> None:
    """Ten clusters with the same rows each are ten rows."""
    sums = np.array([-3.0, -2.0, -2.0, -1.0, 0.0, 0.0, 1.0, 2.0, 2.0, 3.0])
    expected = stats.t.ppf(0.95, 9) * sums.std(ddof=1) / math.sqrt(10)
    found = half_widths(np.repeat(sums, 4), _Z, np.repeat(np.arange(10), 4))
    assert found == (pytest.approx(expected, rel=1e-3), pytest.approx(expected, rel=1e-3))


@pytest.mark.parametrize("digits", [1, 9])
def test_influences_on_the_average_precision_are_the_jackknifes(digits: int) -> None:
    """By scikit-learn, without each row in turn; rounded scores are tied."""
    label, score = binary(6, 60)
    score = np.round(score, digits)
    found = measured({"metric": "average_precision"}, rows_of(label=label, score=score))
    without = np.array(
        [sk.average_precision_score(np.delete(label, i), np.delete(score, i)) for i in range(60)]
    )
    assert found.influence == pytest.approx(59 * (without.mean() - without), abs=1e-10)


def test_a_single_positive_has_an_average_precision() -> None:
    label = np.array([0, 1, 0])
    found = measured({"metric": "average_precision"}, rows_of(label=label, score=np.array([0.9, 0.8, 0.1])))
    assert (found.value, found.support) == (0.5, 1)
    assert np.isfinite(found.influence).all()


def test_bounds_of_a_ratio_are_fiellers() -> None:
    """The lower one, by its definition: there the numerator less the bound times the denominator is t errors from 0."""
    rng = np.random.default_rng(4)
    label = rng.gamma(2, 3, 60)
    said = label + rng.standard_t(5, 60)
    found = measured({"metric": "r2"}, rows_of(label=label, prediction=said))
    bound = bounded(found, _Z, value_range("r2"))
    errors, spread = (label - said) ** 2, (label - label.mean()) ** 2

    def off(limit: float) -> float:
        terms = errors - (1 - limit) * spread
        return float(terms.mean() / (terms.std(ddof=1) / math.sqrt(60)) + stats.t.ppf(0.95, 59))

    assert stats.skew(found.influence) > 0
    assert bound.lower == pytest.approx(optimize.brentq(off, 0, found.value), abs=1e-4)


def test_floors_of_r2_are_passed_as_seldom_as_they_say() -> None:
    """Of 2,000 samples of 100 rows; the influences at the value itself would pass in 177."""
    rng = np.random.default_rng(5)
    passed = 0
    for _ in range(2000):
        label = rng.gamma(2, 3, 100)
        said = label + rng.standard_t(6, 100)
        found = measured({"metric": "r2"}, rows_of(label=label, prediction=said))
        passed += bounded(found, _Z, value_range("r2")).lower > 1 - 1.5 / 18
    assert 60 <= passed <= 125


def test_upper_bounds_of_long_tails_are_not_bold() -> None:
    """Of 2,000 samples of 50 squares of Student's t with 6 degrees of freedom; normal theory misses in 346."""
    squares = np.random.default_rng(8).standard_t(6, (2000, 50)) ** 2
    missed = sum(row.mean() + half_widths(row - row.mean(), _Z)[1] < 1.5 for row in squares)
    assert 80 <= missed <= 155


def test_upper_bounds_of_skewed_errors_miss_as_often_as_they_say() -> None:
    """Of 2,000 samples of 100 exponential errors 5 % are 100 ± 10; normal theory alone misses in 160."""
    rng = np.random.default_rng(3)
    missed = 0
    for _ in range(2000):
        errors = rng.exponential(1, 100)
        found = measured({"metric": "mean_absolute_error"}, rows_of(label=errors, prediction=errors * 0))
        missed += bounded(found, _Z, (0, math.inf)).upper < 1
    assert 70 <= missed <= 130
