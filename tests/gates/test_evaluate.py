"""The gate `evaluate`: metrics against scikit-learn, bounds against simulation, decisions by hand."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import jsonschema
import numpy as np
import pydantic
import pytest
import sklearn.metrics as sk
from scipy import stats

from mlcc.gates import GATES, ArtifactInfo, GateParamsError
from mlcc.gates._metrics.bounds import bounded
from mlcc.gates._metrics.catalog import value_range
from mlcc.gates._metrics.compute import measured
from mlcc.gates._metrics.estimate import Estimate
from mlcc.gates._metrics.measure import mean_of
from mlcc.gates._metrics.query import ROLES
from mlcc.gates._metrics.rows import Rows
from mlcc.gates._records import GateError
from mlcc.gates.evaluate.compile import compile, needs_packages, references

_SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/verdict.schema.json").read_text())
_Z = 1.6448536269514722


@pytest.fixture
def evaluate(project: Any) -> Any:
    """Return a function that runs an `evaluate` gate over files that were written before."""

    def run(params: dict[str, Any], **artifacts: str) -> Any:
        change = params.pop("change", None)
        project.gate("evaluate", params, artifacts, change=change)
        outcome = project.run("evaluate")
        jsonschema.validate(outcome.record, _SCHEMA)
        return outcome

    return run


def _write(suffix: str, columns: dict[str, Any]) -> str:
    """Write columns of equal length in a format, and return the path."""
    path = f"p.{suffix}"
    rows = list(zip(*(column.tolist() for column in columns.values()), strict=True))
    if suffix == "jsonl":
        lines = [json.dumps(dict(zip(columns, row, strict=True))) for row in rows]
        Path(path).write_text("".join(f"{line}\n" for line in lines))
        return path
    with Path("all.csv").open("w", newline="") as file:
        csv.writer(file).writerows([tuple(columns), *rows])
    if suffix == "parquet":
        duckdb.execute(f"COPY (SELECT * FROM 'all.csv') TO '{path}' (FORMAT parquet)")
    else:
        Path(path).write_bytes(Path("all.csv").read_bytes())
    return path


def _limits(*names: str) -> dict[str, dict[str, float]]:
    """Return limits so wide that every value keeps to them."""
    return {name: {"min": -1e9 if name == "r2" else 1e-12} for name in names}


_ALL_BINARY = (
    *("accuracy", "roc_auc", "balanced_accuracy", "precision", "recall", "f1", "log_loss", "brier_score"),
)
REGRESSION = ("mean_absolute_error", "mean_squared_error", "root_mean_squared_error", "r2")


def _estimate(name: str, **columns: Any) -> Estimate:
    """Return a metric of columns, with its bounds."""
    rows = Rows(columns, len(columns["label"]), 0.5, 2, ["0", "1"])
    return bounded(measured({"metric": name}, rows), _Z, value_range(name))


def _binary(seed: int, n: int, ties: bool) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    label = (rng.random(n) < 0.3).astype(int)
    score = 1 / (1 + np.exp(-rng.normal(1.2 * label - 0.8, 1)))
    return label, np.round(score, 1) if ties else score


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("n", [60, 3000])
def test_binary_metrics_equal_scikit_learn(evaluate: Any, suffix: str, ties: bool, n: int) -> None:
    label, score = _binary(n, n, ties)
    path = _write(suffix, {"late": label, "p": score})
    params = {"predictions": "s", "label": "late", "score": "p", "metrics": _limits(*_ALL_BINARY)}
    outcome = evaluate({**params, "threshold": 0.4, "min_n": 1}, s=path)
    said = (score >= 0.4).astype(int)
    expected = {
        "accuracy": sk.accuracy_score(label, said),
        "roc_auc": sk.roc_auc_score(label, score),
        "balanced_accuracy": sk.balanced_accuracy_score(label, said),
        "precision": sk.precision_score(label, said),
        "recall": sk.recall_score(label, said),
        "f1": sk.f1_score(label, said),
        "log_loss": sk.log_loss(label, score),
        "brier_score": sk.brier_score_loss(label, score),
    }
    for name, value in expected.items():
        check = outcome.check(f"{name}.min")
        assert check["estimate"] == pytest.approx(value, abs=1e-9), name
        assert check["interval"][0] <= check["estimate"] <= check["interval"][1]
    assert outcome.verdict == "pass"


def test_log_loss_at_the_ends_equals_scikit_learn(evaluate: Any) -> None:
    label, score = np.array([0, 1] * 20), np.array([0.0, 1.0, 1.0, 0.5] * 10)
    path = _write("csv", {"y": label, "p": score})
    params = {"predictions": "s", "label": "y", "score": "p", "metrics": _limits("log_loss")}
    found = evaluate(params, s=path).check("log_loss.min")["estimate"]
    assert found == pytest.approx(sk.log_loss(label, score), abs=1e-9)


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
def test_regression_metrics_equal_scikit_learn(evaluate: Any, suffix: str) -> None:
    rng = np.random.default_rng(4)
    label = rng.gamma(2, 3, 500)
    said = label + rng.normal(0.3, 1, 500)
    path = _write(suffix, {"y": label, "p": said})
    params = {"predictions": "s", "label": "y", "prediction": "p", "metrics": _limits(*REGRESSION)}
    outcome = evaluate(params, s=path)
    expected = {
        "mean_absolute_error": sk.mean_absolute_error(label, said),
        "mean_squared_error": sk.mean_squared_error(label, said),
        "root_mean_squared_error": sk.root_mean_squared_error(label, said),
        "r2": sk.r2_score(label, said),
    }
    for name, value in expected.items():
        assert outcome.check(f"{name}.min")["estimate"] == pytest.approx(value, abs=1e-9), name


def test_predicted_classes_equal_scikit_learn(evaluate: Any) -> None:
    label, score = _binary(7, 400, False)
    said = (score > 0.5).astype(int)
    names = ("accuracy", "balanced_accuracy", "precision", "recall", "f1")
    path = _write("parquet", {"y": label, "p": said})
    outcome = evaluate(
        {"predictions": "s", "label": "y", "prediction": "p", "metrics": _limits(*names)}, s=path
    )
    for name in names:
        value = getattr(sk, "accuracy_score" if name == "accuracy" else f"{name}_score")(label, said)
        assert outcome.check(f"{name}.min")["estimate"] == pytest.approx(value, abs=1e-9), name


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
def test_accuracy_of_many_classes(evaluate: Any, suffix: str) -> None:
    label = np.array(["cat", "dog", "emu", "1", "2"] * 10)
    said = np.array(["cat", "dog", "cat", "1.0", "3"] * 10)
    path = _write(suffix, {"y": label, "p": said})
    metrics = {"accuracy": {"min": 0.1}}
    outcome = evaluate({"predictions": "s", "label": "y", "prediction": "p", "metrics": metrics}, s=path)
    assert outcome.check("accuracy.min")["estimate"] == 0.6  # 1 and 1.0 are the same class


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
def test_truth_values_are_labels(evaluate: Any, suffix: str) -> None:
    path = _write(suffix, {"y": np.array([True, False] * 20), "p": np.array([0.9, 0.8] * 20)})
    metrics = {"accuracy": {"min": 0.1}, "recall": {"min": 0.1}}
    outcome = evaluate({"predictions": "s", "label": "y", "score": "p", "metrics": metrics}, s=path)
    assert outcome.check("accuracy.min")["estimate"] == 0.5
    assert outcome.check("recall.min")["estimate"] == 1


def test_means_of_columns(evaluate: Any) -> None:
    rng = np.random.default_rng(1)
    judge, kept = rng.uniform(1, 5, 200), (rng.random(200) < 0.9).astype(int)
    path = _write("parquet", {"judge": judge, "kept": kept})
    metrics = {"score": {"mean": "judge", "min": 1}, "kept": {"mean": "kept", "min": 0.1}}
    outcome = evaluate({"predictions": "s", "metrics": metrics}, s=path)
    check = outcome.check("score.min")
    assert check["estimate"] == pytest.approx(judge.mean(), abs=1e-9)
    error = _Z * judge.std(ddof=1) / math.sqrt(200)
    assert check["interval"] == pytest.approx([judge.mean() - error, judge.mean() + error], abs=1e-8)
    low = stats.binomtest(int(kept.sum()), 200).proportion_ci(0.9, method="wilson").low
    assert outcome.check("kept.min")["interval"][0] == pytest.approx(low, abs=1e-9)


# --- bounds -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hits", "n"), [(0, 20), (1, 20), (17, 20), (20, 20), (850, 1000)])
def test_wilson_bounds_equal_scipy(hits: int, n: int) -> None:
    found = bounded(mean_of(np.array([1.0] * hits + [0.0] * (n - hits))), _Z, (0, 1))
    expected = stats.binomtest(hits, n).proportion_ci(0.9, method="wilson")
    assert found.value == hits / n
    assert (found.lower, found.upper) == pytest.approx((expected.low, expected.high), abs=1e-12)


def _delong(label: Any, score: Any) -> tuple[float, float]:
    """The area and its variance by the definition: every pair, one by one."""
    pos, neg = score[label == 1], score[label == 0]
    wins = (pos[:, None] > neg[None, :]) + 0.5 * (pos[:, None] == neg[None, :])
    v10, v01 = wins.mean(axis=1), wins.mean(axis=0)
    return float(wins.mean()), float(v10.var(ddof=1) / len(pos) + v01.var(ddof=1) / len(neg))


@pytest.mark.parametrize("ties", [False, True])
def test_roc_auc_variance_by_definition(evaluate: Any, ties: bool) -> None:
    label, score = _binary(3, 300, ties)
    path = _write("csv", {"y": label, "p": score})
    outcome = evaluate(
        {"predictions": "s", "label": "y", "score": "p", "metrics": _limits("roc_auc")}, s=path
    )
    area, variance = _delong(label, score)
    logit, error = math.log(area / (1 - area)), _Z * math.sqrt(variance) / (area * (1 - area))
    expected = [1 / (1 + math.exp(-logit + error)), 1 / (1 + math.exp(-logit - error))]
    assert outcome.check("roc_auc.min")["estimate"] == pytest.approx(area, abs=1e-9)
    assert outcome.check("roc_auc.min")["interval"] == pytest.approx(expected, abs=1e-8)


def test_perfect_order_is_not_certain(evaluate: Any) -> None:
    label = np.array([0, 1] * 40)
    path = _write("csv", {"y": label, "p": label * 0.8 + 0.1})
    metrics = {"roc_auc": {"min": 0.95}}
    outcome = evaluate({"predictions": "s", "label": "y", "score": "p", "metrics": metrics}, s=path)
    check = outcome.check("roc_auc.min")
    assert (check["estimate"], check["verdict"]) == (1, "inconclusive")
    assert check["interval"][0] == pytest.approx(
        stats.binomtest(40, 40).proportion_ci(0.9, method="wilson").low
    )


def test_bounds_miss_as_often_as_they_say() -> None:
    """In 1,500 samples of 300 rows each one-sided 95 % bound misses the truth in about 5 % (2.9 to 7.6 %)."""
    rng = np.random.default_rng(20)

    def sample(n: int) -> tuple[Any, Any]:
        label = (rng.random(n) < 0.4).astype(int)
        return label, 1 / (1 + np.exp(-rng.normal(1.5 * label - 0.7, 1)))

    label, score = sample(2_000_000)
    said = score >= 0.5
    truth = {
        "accuracy": sk.accuracy_score(label, said),
        "roc_auc": sk.roc_auc_score(label, score),
        "balanced_accuracy": sk.balanced_accuracy_score(label, said),
        "precision": sk.precision_score(label, said),
        "recall": sk.recall_score(label, said),
        "f1": sk.f1_score(label, said),
        "log_loss": sk.log_loss(label, score),
        "brier_score": sk.brier_score_loss(label, score),
    }
    missed = {name: [0, 0] for name in truth}
    for _ in range(1500):
        rows = sample(300)
        for name, value in truth.items():
            found = _estimate(name, label=rows[0], score=rows[1])
            missed[name][0] += found.lower > value
            missed[name][1] += found.upper < value
    for name, (low, high) in missed.items():
        assert 43 <= low <= 114, (name, low)
        assert 43 <= high <= 114, (name, high)


def test_regression_bounds_miss_as_often_as_they_say() -> None:
    rng = np.random.default_rng(8)
    noise, slope = 0.8, 1.0
    truth = {
        "mean_squared_error": noise**2,
        "root_mean_squared_error": noise,
        "mean_absolute_error": noise * math.sqrt(2 / math.pi),
        "r2": 1 - noise**2 / (slope**2 + noise**2),
    }
    missed = {name: [0, 0] for name in truth}
    for _ in range(1500):
        said = slope * rng.normal(size=400)
        error = rng.normal(0, noise, 400)
        label = said + error
        for name, value in truth.items():
            found = _estimate(name, label=label, prediction=said)
            missed[name][0] += found.lower > value
            missed[name][1] += found.upper < value
    for name, (low, high) in missed.items():
        assert 30 <= low <= 120, (name, low)
        assert 30 <= high <= 120, (name, high)


def test_r2_bounds_equal_the_bootstrap(evaluate: Any) -> None:
    rng = np.random.default_rng(2)
    said = rng.normal(size=2000)
    label = said + rng.normal(0, 0.7, 2000)
    path = _write("parquet", {"y": label, "p": said})
    outcome = evaluate(
        {"predictions": "s", "label": "y", "prediction": "p", "metrics": _limits("r2")}, s=path
    )
    draws = []
    for _ in range(1500):
        rows = rng.integers(0, 2000, 2000)
        draws.append(sk.r2_score(label[rows], said[rows]))
    low, high = np.quantile(draws, [0.05, 0.95])
    width = high - low
    assert outcome.check("r2.min")["interval"] == pytest.approx([low, high], abs=0.1 * width)


# --- decisions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hits", "n", "limits", "verdict", "code"),
    [
        (90, 100, {"min": 0.8}, "pass", 0),
        (79, 100, {"min": 0.8}, "fail", 1),
        (82, 100, {"min": 0.8}, "inconclusive", 3),
        (80, 100, {"min": 0.8}, "inconclusive", 3),
        (8200, 10000, {"min": 0.8}, "pass", 0),
        (10, 100, {"max": 0.2}, "pass", 0),
        (21, 100, {"max": 0.2}, "fail", 1),
        (18, 100, {"max": 0.2}, "inconclusive", 3),
        (50, 100, {"min": 0.3, "max": 0.7}, "pass", 0),
        (75, 100, {"min": 0.3, "max": 0.7}, "fail", 1),
        (29, 29, {"min": 0.1}, "inconclusive", 3),
        (30, 30, {"min": 0.1}, "pass", 0),
        (0, 10, {"min": 0.9}, "inconclusive", 3),
    ],
)
def test_decisions(evaluate: Any, hits: int, n: int, limits: Any, verdict: str, code: int) -> None:
    path = _write("csv", {"y": np.array([1] * n), "p": np.array([1] * hits + [2] * (n - hits))})
    metrics = {"accuracy": limits}
    outcome = evaluate({"predictions": "s", "label": "y", "prediction": "p", "metrics": metrics}, s=path)
    assert (outcome.verdict, outcome.code) == (verdict, code)


def test_messages(evaluate: Any) -> None:
    path = _write("csv", {"y": np.array([1] * 100), "p": np.array([1] * 82 + [2] * 18)})
    metrics = {"accuracy": {"min": 0.8}}
    params = {"predictions": "s", "label": "y", "prediction": "p", "metrics": metrics}
    assert evaluate(params, s=path).summary == (
        "accuracy is 0.82 (95 % lower bound 0.748648, n = 100); at least 0.8 is required; "
        "about 1300 rows would settle it."
    )
    path = _write("csv", {"y": np.array([1] * 12), "p": np.array([1] * 12)})
    assert "there are 12 rows, and 30 are needed" in evaluate(params, s=path).summary


def test_a_rare_class_carries_the_error(evaluate: Any) -> None:
    label = np.array([1] * 20 + [0] * 500)
    score = np.linspace(1, 0, 520)
    path = _write("csv", {"y": label, "p": score})
    params = {
        "predictions": "s",
        "label": "y",
        "score": "p",
        "metrics": _limits("roc_auc", "recall", "accuracy"),
    }
    outcome = evaluate(params, s=path)
    assert outcome.checks == {
        "roc_auc.min": "inconclusive",
        "recall.min": "inconclusive",
        "accuracy.min": "pass",
    }
    assert "rests on only 20 rows, and 30 are needed" in outcome.check("roc_auc.min")["message"]
    assert evaluate({**params, "min_n": 20}, s=path).checks["roc_auc.min"] == "pass"
    assert evaluate({**params, "min_n": 600}, s=path).checks["accuracy.min"] == "inconclusive"


def test_confidence_moves_the_bound(evaluate: Any) -> None:
    path = _write("csv", {"y": np.array([1] * 100), "p": np.array([1] * 87 + [2] * 13)})
    base = {"predictions": "s", "label": "y", "prediction": "p", "metrics": {"accuracy": {"min": 0.8}}}
    assert [evaluate({**base, "confidence": c}, s=path).verdict for c in (0.5, 0.95, 0.99)] == [
        "pass",
        "pass",
        "inconclusive",
    ]


# --- numbers from a file ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "metric", "verdict"),
    [
        ({"acc": 0.9}, {"min": 0.8}, "pass"),
        ({"acc": 0.8}, {"min": 0.8}, "pass"),
        ({"acc": 0.79}, {"min": 0.8}, "fail"),
        ({"acc": 1}, {"min": 1}, "pass"),
        ({"acc": 0.2}, {"max": 0.2}, "pass"),
        ({"acc": 0.21}, {"max": 0.2}, "fail"),
        ({"acc": -1}, {"min": 0, "max": 1}, "fail"),
        ({"a": {"b": 0.9}}, {"min": 0.8, "value": "a.b"}, "pass"),
        ({"a": [0.1, 0.9]}, {"min": 0.8, "value": "a.1"}, "pass"),
        ({"acc": 0.9, "se": 0.05}, {"min": 0.8, "stderr": "se"}, "pass"),
        ({"acc": 0.9, "se": 0.07}, {"min": 0.8, "stderr": "se"}, "inconclusive"),
        ({"acc": 0.7, "se": 0.07}, {"min": 0.8, "stderr": "se"}, "fail"),
        ({"acc": 0.1, "se": 0.07}, {"max": 0.2, "stderr": "se"}, "inconclusive"),
        ({"acc": 0.9, "se": 0}, {"min": 0.8, "stderr": "se"}, "pass"),
        ({"acc": 0.9, "n": 50}, {"min": 0.8, "n": "n"}, "pass"),
        # what is missing or no number never passes
        ({}, {"min": 0.8}, "error"),
        ([], {"min": 0.8}, "error"),
        (0.9, {"min": 0.8}, "error"),
        ({"acc": None}, {"min": 0.8}, "error"),
        ({"acc": "0.9"}, {"min": 0.8}, "error"),
        ({"acc": True}, {"min": 0.8}, "error"),
        ({"acc": [0.9]}, {"min": 0.8}, "error"),
        ({"acc": {}}, {"min": 0.8}, "error"),
        ({"ACC": 0.9}, {"min": 0.8}, "error"),
        ({"a.b": 0.9}, {"min": 0.8, "value": "a.b"}, "error"),
        ({"a": [0.9]}, {"min": 0.8, "value": "a.1"}, "error"),
        ({"a": [0.9]}, {"min": 0.8, "value": "a.-1"}, "error"),
        ({"acc": 0.9}, {"min": 0.8, "stderr": "se"}, "error"),
        ({"acc": 0.9, "se": -0.1}, {"min": 0.8, "stderr": "se"}, "error"),
        ({"acc": 0.9, "se": None}, {"min": 0.8, "stderr": "se"}, "error"),
        ({"acc": 0.9, "n": 0}, {"min": 0.8, "n": "n"}, "error"),
        ({"acc": 0.9, "n": 2.5}, {"min": 0.8, "n": "n"}, "error"),
        ({"acc": 0.9, "n": -5}, {"min": 0.8, "n": "n"}, "error"),
    ],
)
def test_numbers_from_a_file(project: Any, evaluate: Any, document: Any, metric: Any, verdict: str) -> None:
    project.write("m.json", json.dumps(document))
    assert evaluate({"metrics_from": "m", "metrics": {"acc": metric}}, m="m.json").verdict == verdict


@pytest.mark.parametrize(
    "text", ["", "{", '{"acc": NaN}', '{"acc": 1e999}', '{"acc": 1, "acc": 1}', "\ufeff{}"]
)
def test_files_that_are_broken(project: Any, evaluate: Any, text: str) -> None:
    project.write("m.json", text)
    assert evaluate({"metrics_from": "m", "metrics": {"acc": {"min": 0}}}, m="m.json").verdict == "error"


def test_point_only_is_said(project: Any, evaluate: Any) -> None:
    project.write("m.json", '{"acc": 0.9, "n": 50, "se": 0.01}')
    outcome = evaluate({"metrics_from": "m", "metrics": {"acc": {"min": 0.8, "n": "n"}}}, m="m.json")
    assert outcome.summary == "acc is 0.9 (point only: no standard error, n = 50); at least 0.8 is required."
    assert "interval" not in outcome.check("acc.min")
    outcome = evaluate({"metrics_from": "m", "metrics": {"acc": {"min": 0.8, "stderr": "se"}}}, m="m.json")
    assert outcome.check("acc.min") == {
        "id": "acc.min",
        "verdict": "pass",
        "message": "acc is 0.9 (95 % lower bound 0.883551); at least 0.8 is required",
        "estimate": 0.9,
        "interval": [0.8835514637, 0.9164485363],
        "confidence": 0.95,
        "threshold": {"min": 0.8},
        "margin": 0.08355146373,
    }


def test_min_n_of_a_file(project: Any, evaluate: Any) -> None:
    project.write("m.json", '{"acc": 0.9, "n": 50}')
    params = {"metrics_from": "m", "metrics": {"acc": {"min": 0.8, "n": "n"}}}
    assert evaluate({**params, "min_n": 50}, m="m.json").verdict == "pass"
    assert evaluate({**params, "min_n": 51}, m="m.json").verdict == "inconclusive"


def test_one_metric_that_is_missing_spoils_all(project: Any, evaluate: Any) -> None:
    project.write("m.json", '{"acc": 0.9}')
    metrics = {"acc": {"min": 0.8}, "f1": {"min": 0.8}}
    outcome = evaluate({"metrics_from": "m", "metrics": metrics}, m="m.json")
    assert (outcome.verdict, outcome.checks) == ("error", {"acc.min": "pass", "f1": "error"})


# --- corrupt predictions: none may pass -----------------------------------------------------------------------

_GOOD = "y,p\n" + "1,0.9\n0,0.1\n" * 40
_CORRUPT = {
    "empty": "",
    "header only": "y,p\n",
    "no label column": "x,p\n" + "1,0.9\n0,0.1\n" * 40,
    "label in other case": "Y,p\n" + "1,0.9\n0,0.1\n" * 40,
    "no score column": "y,q\n" + "1,0.9\n0,0.1\n" * 40,
    "twin columns": "y,p,p\n" + "1,0.9,0.9\n0,0.1,0.1\n" * 40,
    "no label": _GOOD + ",0.5\n",
    "no score": _GOOD + "1,\n",
    "NaN label": _GOOD + "NaN,0.5\n",
    "NaN score": _GOOD + "1,NaN\n",
    "infinite score": _GOOD + "1,inf\n",
    "score above 1": _GOOD + "1,1.5\n",
    "negative score": _GOOD + "0,-0.1\n",
    "text label": _GOOD + "yes,0.5\n",
    "text score": _GOOD + "1,high\n",
    "third class": _GOOD + "2,0.5\n",
    "-1 as class": _GOOD.replace("0,0.1", "-1,0.1"),
    "half a label": _GOOD + "0.5,0.5\n",
    "only ones": "y,p\n" + "1,0.9\n" * 40,
    "only zeros": "y,p\n" + "0,0.1\n" * 40,
    "ragged": _GOOD + "1\n",
    "long row": _GOOD + "1,0.5,7\n",
    "open quote": _GOOD + '1,"0.5\n',
    "latin-1": (_GOOD + "1,\xe4\n").encode("latin-1"),
    "few rows": "y,p\n1,0.9\n0,0.1\n",
    "inverted": "y,p\n" + "0,0.9\n1,0.1\n" * 40,
}


@pytest.mark.parametrize("name", _CORRUPT)
def test_corrupt_predictions(project: Any, evaluate: Any, name: str) -> None:
    metrics = {"roc_auc": {"min": 0.5}, "log_loss": {"max": 0.9}, "accuracy": {"min": 0.5}}
    params = {"predictions": "s", "label": "y", "score": "p", "metrics": metrics}
    project.write("p.csv", _GOOD)
    assert evaluate(params, s="p.csv").verdict == "pass"
    project.write("p.csv", _CORRUPT[name])
    outcome = evaluate(params, s="p.csv")
    assert outcome.verdict != "pass"
    assert outcome.code in (1, 2, 3)


@pytest.mark.parametrize(
    ("rows", "metrics"),
    [
        (["1,1"] * 40 + ["1,"], ["accuracy"]),
        (["1,1"] * 40 + [",1"], ["accuracy"]),
        (["1,1"] * 40 + ["nan,nan"], ["accuracy"]),
        (["1,1"] * 40 + [","], ["accuracy"]),
        (["1,1", "0,0"] * 40 + ["1,2"], ["precision"]),
        (["1,0", "0,0"] * 40, ["precision"]),  # nothing is predicted positive: not defined
        (["1,0", "0,0"] * 40, ["f1"]),  # zero
        (["1.5,1.5"] * 40 + ["nan,1"], ["mean_absolute_error"]),
        (["1.5,1.5"] * 40 + ["1,inf"], ["mean_absolute_error"]),
        (["1.5,1.5"] * 40 + ["1,x"], ["r2"]),
        (["2,3", "2,1"] * 40, ["r2"]),  # labels that don't differ: not defined
    ],
)
def test_corrupt_classes_and_numbers(
    project: Any, evaluate: Any, rows: list[str], metrics: list[str]
) -> None:
    project.write("p.csv", "y,p\n" + "".join(f"{row}\n" for row in rows))
    limits = {name: {"max": 1e9} if "error" in name else {"min": 0.01} for name in metrics}
    outcome = evaluate({"predictions": "s", "label": "y", "prediction": "p", "metrics": limits}, s="p.csv")
    assert outcome.verdict in ("fail", "error")


@pytest.mark.parametrize("cell", ["", "NaN", "inf", "good", "1_0x"])
def test_corrupt_means(project: Any, evaluate: Any, cell: str) -> None:
    project.write("p.csv", "j,k\n" + "5,1\n4,1\n" * 40 + f"{cell},1\n")
    metrics = {"judge": {"mean": "j", "min": 1}}
    assert evaluate({"predictions": "s", "metrics": metrics}, s="p.csv").verdict == "error"


def test_one_row_has_no_error(project: Any, evaluate: Any) -> None:
    project.write("p.csv", "j,k\n5,1\n")
    params = {"predictions": "s", "metrics": {"judge": {"mean": "j", "min": 1}}, "min_n": 1}
    assert evaluate(params, s="p.csv").verdict == "error"


def test_undefined_metrics_are_named() -> None:
    with pytest.raises(GateError, match="precision is not defined"):
        _estimate("precision", label=np.array([0, 0, 1, 1]), prediction=np.array([0, 0, 0, 0]))
    with pytest.raises(GateError, match="finite"):
        _estimate("mean_squared_error", label=np.array([1e200, 0.0]), prediction=np.array([0.0, 1.0]))


def test_estimate_rests_on_its_rows_by_default() -> None:
    assert Estimate(0.5, 0.4, 0.6, 10).support == 10


@pytest.mark.parametrize(
    "change", [{"metrics": []}, {"z": None}, {"z": "1"}, {"query": ["SELECT 1"]}, {"columns": ["other"]}]
)
def test_committed_parameters_that_were_edited_badly(project: Any, evaluate: Any, change: Any) -> None:
    project.write("p.csv", _GOOD)
    params = {"predictions": "s", "label": "y", "score": "p", "metrics": {"roc_auc": {"min": 0.5}}}
    assert evaluate({**params, "change": change}, s="p.csv").verdict == "error"


# --- compile time -------------------------------------------------------------------------------------------


def _metric(**changes: Any) -> SimpleNamespace:
    keys = ("min", "max", "value", "stderr", "n", "mean", "metric", "k", "quantile", "bins")
    return SimpleNamespace(**{**dict.fromkeys(keys), "min": 0.5, **changes})


def _params(**changes: Any) -> SimpleNamespace:
    keys = ("metrics_from", "predictions", "champion", "overfit", "min_n", *ROLES)
    defaults = {**dict.fromkeys(keys), "threshold": 0.5, "confidence": 0.95, "metrics": {"x": _metric()}}
    return SimpleNamespace(**{**defaults, **changes})


def _only(side: str, limit: float) -> dict[str, float | None]:
    return {"min": None, "max": None, side: limit}


_IDLE = "leave the %s out, or say what is good enough"
_ARTIFACTS = {"m": ArtifactInfo("m.json"), "s": ArtifactInfo("s.parquet"), "t": ArtifactInfo("t.txt")}


@pytest.mark.parametrize(
    ("changes", "loc"),
    [
        ({"metrics_from": "m", "metrics": {"a": _metric(min=None)}}, ("metrics", "a")),
        ({"metrics_from": "m", "metrics": {"a": _metric(min=2, max=1)}}, ("metrics", "a", "max")),
        ({"metrics_from": "m", "metrics": {"a": _metric(min=math.nan)}}, ("metrics", "a", "min")),
        ({"metrics_from": "m", "metrics": {"a": _metric(mean="x")}}, ("metrics", "a", "mean")),
        ({"metrics_from": "m", "metrics": {"a": _metric(value="a..b")}}, ("metrics", "a", "value")),
        ({"metrics_from": "m", "label": "y"}, ("label",)),
        ({"metrics_from": "m", "min_n": 5}, ("metrics", "x")),
        ({"metrics_from": "s"}, ("metrics_from",)),
        ({"metrics_from": "other"}, ("metrics_from",)),
        ({"predictions": "other"}, ("predictions",)),
        ({"metrics_from": "m", "confidence": 1.0}, ("confidence",)),
        ({"predictions": "t", "metrics": {"a": _metric(mean="x")}}, ("predictions",)),
        ({"predictions": "s", "metrics": {"roc_ac": _metric()}}, ("metrics", "roc_ac")),
        ({"predictions": "s", "metrics": {"roc_auc": _metric()}}, ("metrics", "roc_auc")),
        ({"predictions": "s", "label": "y", "metrics": {"accuracy": _metric()}}, ("metrics", "accuracy")),
        (
            {"predictions": "s", "label": "y", "prediction": "p", "metrics": {"roc_auc": _metric()}},
            ("metrics", "roc_auc"),
        ),
        ({"predictions": "s", "label": "y", "score": "p", "metrics": {"r2": _metric()}}, ("metrics", "r2")),
        (
            {
                "predictions": "s",
                "label": "y",
                "prediction": "p",
                "metrics": {"r2": _metric(), "f1": _metric()},
            },
            ("metrics", "r2"),
        ),
        (
            {
                "predictions": "s",
                "label": "y",
                "prediction": "p",
                "metrics": {"r2": _metric(), "accuracy": _metric()},
            },
            ("metrics", "r2"),
        ),
        ({"predictions": "s", "metrics": {"f1": _metric(mean="x")}}, ("metrics", "f1", "mean")),
        ({"predictions": "s", "metrics": {"a": _metric(mean="x", stderr="b")}}, ("metrics", "a", "stderr")),
        ({"predictions": "s", "label": "y", "metrics": {"a": _metric(mean="x")}}, ("label",)),
        (
            {
                "predictions": "s",
                "label": "y",
                "score": "p",
                "threshold": math.inf,
                "metrics": {"f1": _metric()},
            },
            ("threshold",),
        ),
    ],
)
def test_refuses(changes: dict[str, Any], loc: tuple[object, ...]) -> None:
    with pytest.raises(GateParamsError) as caught:
        compile(_params(**changes), _ARTIFACTS, "model")
    assert caught.value.loc == loc


def test_did_you_mean() -> None:
    with pytest.raises(GateParamsError) as caught:
        compile(_params(predictions="s", metrics={"roc_acu": _metric()}), _ARTIFACTS, "model")
    assert caught.value.help is not None
    assert caught.value.help.startswith("did you mean roc_auc?")


@pytest.mark.parametrize(
    ("name", "side", "limit", "message", "help"),
    [
        ("accuracy", "min", 85, "accuracy lies from 0 to 1: no model reaches 85", "did you mean 0.85?"),
        ("roc_auc", "min", 1.5, "roc_auc lies from 0 to 1: no model reaches 1.5", None),
        ("f1", "min", 1000, "f1 lies from 0 to 1: no model reaches 1000", None),
        ("brier_score", "max", -0.1, "brier_score lies from 0 to 1: no model keeps to -0.1", None),
        (
            "brier_score",
            "max",
            15,
            "brier_score lies from 0 to 1: every model keeps to 15",
            "did you mean 0.15?",
        ),
        ("recall", "min", 0, "recall lies from 0 to 1: every model reaches 0", _IDLE % "min"),
        ("precision", "max", 1, "precision lies from 0 to 1: every model keeps to 1", _IDLE % "max"),
        ("log_loss", "min", -1, "log_loss lies from 0 up: every model reaches -1", _IDLE % "min"),
        ("log_loss", "max", -1, "log_loss lies from 0 up: no model keeps to -1", None),
    ],
)
def test_thresholds_that_can_not_be_meant(
    name: str, side: str, limit: float, message: str, help: str | None
) -> None:
    params = _params(predictions="s", label="y", score="p", metrics={name: _metric(**_only(side, limit))})
    with pytest.raises(GateParamsError) as caught:
        compile(params, _ARTIFACTS, "model")
    assert (caught.value.loc, caught.value.message) == (("metrics", name, side), message)
    assert caught.value.help == help


@pytest.mark.parametrize(("limit", "message"), [(70, "no model reaches 70"), (1.01, "no model reaches 1.01")])
def test_thresholds_of_r2(limit: float, message: str) -> None:
    metrics = {"r2": _metric(**_only("min", limit))}
    with pytest.raises(GateParamsError) as caught:
        compile(_params(predictions="s", label="y", prediction="p", metrics=metrics), _ARTIFACTS, "model")
    assert caught.value.message == f"r2 lies from 1 down: {message}"


def test_numbers_of_a_file_may_have_any_scale() -> None:
    assert compile(
        _params(metrics_from="m", metrics={"accuracy": _metric(**_only("min", 85))}), _ARTIFACTS, "model"
    )


def test_the_small_script_judges_a_file_alike(project: Any) -> None:
    project.write("m.json", '{"acc": 0.9, "se": 0.01, "n": 400}')
    metrics = {"acc": {"min": 0.8, "max": 0.91, "stderr": "se", "n": "n"}}
    project.gate("evaluate", {"metrics_from": "m", "metrics": metrics}, {"m": "m.json"})
    whole, small = project.run_script("evaluate"), project.run_script("evaluate.file")
    assert (whole.code, whole.log) == (small.code, small.log)
    digests = [outcome.record.pop("gate_digest") for outcome in (whole, small)]
    assert whole.record == small.record
    assert whole.checks == {"acc.min": "pass", "acc.max": "inconclusive"}
    assert digests[0] != digests[1]


def test_the_small_script_is_for_single_files_alone(project: Any) -> None:
    project.write("d.csv", "y,s\n1,0.9\n0,0.1\n")
    project.gate(
        "evaluate",
        {"predictions": "d", "label": "y", "score": "s", "metrics": {"roc_auc": {"min": 0.5}}},
        {"d": "d.csv"},
    )
    assert project.run_script("evaluate.file").summary.startswith("the gate judges predictions, and this")
    project.write("m.json", '{"acc": 0.9}')
    artifacts = {"code": ["d.csv"], "m": "m.json"}
    project.gate("evaluate", {"metrics_from": "m", "metrics": {"acc": {"min": 0.8}}}, artifacts)
    outcome = project.run_script("evaluate.file")
    assert (outcome.code, "it is no single file" in outcome.summary) == (2, True)


@pytest.mark.parametrize(
    ("packages", "single_files", "name"),
    [("", True, "evaluate.file"), ("", False, "evaluate"), ("evaluate", True, "evaluate")],
)
def test_which_script_a_gate_gets(packages: str, single_files: bool, name: str) -> None:
    assert GATES["evaluate"].script(packages, single_files) == name
    assert GATES["tests"].script(packages, single_files) == "tests"


def test_references() -> None:
    assert references(_params(metrics_from="m")) == ((("metrics_from",), "m"),)
    assert references(_params(predictions="s")) == ((("predictions",), "s"),)
    assert not needs_packages(_params(metrics_from="m"))
    assert needs_packages(_params(predictions="s"))


def test_both_kinds_of_parameters_compile_alike() -> None:
    raw = {"predictions": "s", "label": "y", "score": "p", "metrics": {"roc_auc": {"min": 0.5}}}
    model = GATES["evaluate"].params().model_validate(raw)
    plain = _params(predictions="s", label="y", score="p", metrics={"roc_auc": _metric()})
    compiled = compile(model, _ARTIFACTS, "model")
    assert compiled == compile(plain, _ARTIFACTS, "model")
    assert compiled["z"] == pytest.approx(_Z, abs=1e-12)
    assert (compiled["min_n"], compiled["columns"]) == (30, ["y", "p"])
    assert compiled["values"] == {"label": "binary", "score": "number"}
    json.dumps(compiled, allow_nan=False)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"metrics_from": "m"},
        {"metrics_from": "m", "metrics": {}},
        {"metrics_from": "m", "predictions": "s", "metrics": {"a": {"min": 1}}},
        {"metrics": {"a": {"min": 1}}},
        {"metrics_from": "m", "metrics": {"a": {"min": "1"}}},
        {"metrics_from": "m", "metrics": {"a": {"min": True}}},
        {"metrics_from": "m", "metrics": {"a": {"minimum": 1}}},
        {"metrics_from": "m", "metrics": {"a": {"min": 1}}, "confidence": 0.4},
        {"metrics_from": "m", "metrics": {"a": {"min": 1}}, "confidence": 95},
        {"predictions": "s", "score": "p", "prediction": "q", "metrics": {"f1": {"min": 1}}},
        {"predictions": "s", "metrics": {"f1": {"min": 1}}, "min_n": 0},
    ],
)
def test_the_model_refuses(params: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        GATES["evaluate"].params().model_validate(params)


# --- options, clusters, gaps and plots ----------------------------------------------------------------------


def test_options_and_names_of_your_own(evaluate: Any) -> None:
    rng = np.random.default_rng(0)
    query = np.repeat(np.arange(60), 5)
    relevance = np.tile([0, 0, 1, 2, 3], 60)
    score = relevance + rng.normal(0, 1, 300)
    path = _write("csv", {"y": relevance, "s": score, "q": query})
    metrics = {"at_2": {"metric": "ndcg", "k": 2, "min": 0.1}, "ndcg": {"min": 0.1}}
    outcome = evaluate(
        {"predictions": "s", "label": "y", "score": "s", "query": "q", "metrics": metrics}, s=path
    )
    parts = [(relevance[query == i], score[query == i]) for i in range(60)]
    for name, k in (("at_2", 2), ("ndcg", None)):
        expected = np.mean([sk.ndcg_score([y], [s], k=k) for y, s in parts])
        assert outcome.check(f"{name}.min")["estimate"] == pytest.approx(expected, abs=1e-9)
        assert outcome.check(f"{name}.min")["n"] == 60


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
def test_scores_of_classes(evaluate: Any, suffix: str) -> None:
    rng = np.random.default_rng(0)
    names = np.array(["1", "2", "b"])
    label = rng.integers(0, 3, 300)
    scores = rng.dirichlet([1, 1, 1], 300) * 0.5 + 0.5 * np.eye(3)[label]
    columns = {"y": names[label], **{f"p{i}": scores[:, i] for i in range(3)}}
    path = _write(suffix, columns)
    stated = {"1.0": "p0", "2": "p1", "b": "p2"}  # 1 and 1.0 are the same class
    metrics = {"log_loss": {"max": 2}, "top_k_accuracy": {"min": 0.1, "k": 2}}
    outcome = evaluate({"predictions": "s", "label": "y", "scores": stated, "metrics": metrics}, s=path)
    assert outcome.check("log_loss.max")["estimate"] == pytest.approx(sk.log_loss(label, scores), abs=1e-9)
    unknown = {"1": "p0", "2": "p1", "c": "p2"}
    outcome = evaluate({"predictions": "s", "label": "y", "scores": unknown, "metrics": metrics}, s=path)
    assert outcome.verdict == "error"
    assert (
        f"{int((label == 2).sum())} of 300 rows have no proper value in the label column" in outcome.summary
    )


def test_clusters_widen_the_interval(evaluate: Any) -> None:
    label = np.repeat(np.arange(200) % 10 < 8, 10).astype(int)
    path = _write("csv", {"y": np.ones(2000, int), "p": label, "user": np.repeat(np.arange(200), 10)})
    params = {"predictions": "s", "label": "y", "prediction": "p", "metrics": {"accuracy": {"min": 0.77}}}
    assert evaluate(params, s=path).verdict == "pass"
    outcome = evaluate({**params, "cluster_key": "user"}, s=path)
    expected = stats.binomtest(160, 200).proportion_ci(0.9, method="wilson")
    assert outcome.verdict == "inconclusive"
    assert outcome.check("accuracy.min")["interval"][0] == pytest.approx(expected.low, abs=2e-3)


@pytest.mark.parametrize(
    ("hits", "limit", "verdict"), [(900, 0.1, "pass"), (860, 0.1, "inconclusive"), (700, 0.1, "fail")]
)
def test_gaps_between_training_and_test_data(evaluate: Any, hits: int, limit: float, verdict: str) -> None:
    """95 % on 2,000 training rows: how far its upper bound, and the test data's lower one, lie from the shares."""
    said = np.array([1] * 1900 + [2] * 100)
    Path(_write("csv", {"y": np.ones(2000, int), "p": said})).rename("train.csv")
    path = _write("csv", {"y": np.ones(1000, int), "p": np.array([1] * hits + [2] * (1000 - hits))})
    metrics = {"accuracy": {"min": 0.01}}
    params = {"predictions": "s", "label": "y", "prediction": "p", "metrics": metrics}
    overfit = {"train": "t", "max_gap": {"accuracy": limit}}
    outcome = evaluate({**params, "overfit": overfit}, s=path, t="train.csv")
    check = outcome.check("accuracy.gap")
    share = hits / 1000
    high = stats.binomtest(1900, 2000).proportion_ci(0.9, method="wilson").high
    low = stats.binomtest(hits, 1000).proportion_ci(0.9, method="wilson").low
    assert check["verdict"] == outcome.verdict == verdict
    assert check["estimate"] == pytest.approx(0.95 - share)
    assert check["interval"][1] == pytest.approx(
        0.95 - share + math.hypot(high - 0.95, share - low), abs=1e-9
    )
    assert "on the training data" in check["message"]


def test_perfect_test_data_are_not_certainly_without_a_gap(evaluate: Any) -> None:
    """All of 1,000 and of 30 rows are right: a model that is right in 95 % is so in 21 % of such test sets."""
    Path(_write("csv", {"y": np.arange(1000) % 2, "p": np.arange(1000) % 2})).rename("train.csv")
    path = _write("csv", {"y": np.arange(30) % 2, "p": np.arange(30) % 2})
    params = {"predictions": "s", "label": "y", "prediction": "p", "metrics": {"accuracy": {"min": 0.5}}}
    overfit = {"train": "t", "max_gap": {"accuracy": 0.03}}
    outcome = evaluate({**params, "overfit": overfit}, s=path, t="train.csv")
    low = stats.binomtest(30, 30).proportion_ci(0.9, method="wilson").low
    assert outcome.check("accuracy.gap")["interval"][1] == pytest.approx(1 - low)
    assert outcome.verdict == "inconclusive"


def test_thirty_perfect_rows_of_three_classes_show_no_high_floor(evaluate: Any) -> None:
    path = _write("csv", {"y": np.arange(30) % 3, "p": np.arange(30) % 3})
    params = {"predictions": "s", "label": "y", "prediction": "p", "metrics": {"f1_macro": {"min": 0.99}}}
    assert evaluate(params, s=path).verdict == "inconclusive"


def test_a_gap_of_a_loss_is_worse_test_data(evaluate: Any) -> None:
    Path(_write("csv", {"y": np.arange(50.0), "p": np.arange(50.0) + 0.1})).rename("train.csv")
    path = _write("csv", {"y": np.arange(50.0), "p": np.arange(50.0) + np.tile([1.0, -2.0], 25)})
    params = {
        "predictions": "s",
        "label": "y",
        "prediction": "p",
        "metrics": {"mean_absolute_error": {"max": 9}},
    }
    overfit = {"train": "t", "max_gap": {"mean_absolute_error": 0.5}}
    outcome = evaluate({**params, "overfit": overfit}, s=path, t="train.csv")
    check = outcome.check("mean_absolute_error.gap")
    assert check["estimate"] == pytest.approx(1.4)
    # Errors of 1 and 2 by turns, with the variance of 50 rows; those of the training data don't vary.
    assert check["interval"][1] == pytest.approx(1.4 + stats.t.ppf(0.95, 49) * 0.5 / 7, rel=1e-4)
    assert outcome.verdict == "fail"


def test_a_point_without_an_error_says_so(evaluate: Any) -> None:
    path = _write("csv", {"y": np.arange(40.0), "p": np.arange(40.0) + 1})
    params = {"predictions": "s", "label": "y", "prediction": "p", "metrics": {"max_error": {"max": 2}}}
    outcome = evaluate({**params, "min_n": 1}, s=path)
    assert "max_error is 1 (point only: no standard error, n = 40)" in outcome.summary


def test_plots(evaluate: Any) -> None:
    label, score = _binary(1, 400, False)
    path = _write("csv", {"y": label, "p": score})
    evaluate({"predictions": "s", "label": "y", "score": "p", "metrics": _limits("roc_auc")}, s=path)
    plots = {plot["title"]: plot for plot in json.loads(Path("_mlcc/s--g/plots.json").read_text())}
    assert list(plots) == ["ROC", "Precision and recall", "Calibration"]
    false, true, _ = sk.roc_curve(label, score, drop_intermediate=False)
    points = plots["ROC"]["series"][0]["points"]
    every = np.column_stack([false, true])
    assert points[0] == [0, 0]
    assert points[-1] == [1, 1]
    assert all(np.abs(every - point).max(axis=1).min() < 1e-8 for point in points)
    inside = (score >= 0.2) & (score < 0.3)
    interval = stats.binomtest(int(label[inside].sum()), int(inside.sum())).proportion_ci(
        0.9, method="wilson"
    )
    x, y, low, high = plots["Calibration"]["series"][0]["points"][2]
    assert (x, y) == (pytest.approx(score[inside].mean()), pytest.approx(label[inside].mean()))
    assert (low, high) == (pytest.approx(interval.low), pytest.approx(interval.high))


def test_plots_of_numbers(evaluate: Any) -> None:
    path = _write("csv", {"y": np.arange(100.0), "p": np.arange(100.0) + 1})
    metrics = {"mean_absolute_error": {"max": 2}}
    evaluate({"predictions": "s", "label": "y", "prediction": "p", "metrics": metrics}, s=path)
    (plot,) = json.loads(Path("_mlcc/s--g/plots.json").read_text())
    assert [point[:2] for point in plot["series"][0]["points"]] == [
        [10 * i + 5.5, 10 * i + 4.5] for i in range(10)
    ]


@pytest.mark.parametrize(
    ("changes", "loc"),
    [
        ({"metrics": {"m": _metric(metric="f2")}}, ("metrics", "m", "metric")),
        ({"metrics": {"m": _metric(metric="f1", mean="x")}}, ("metrics", "m", "metric")),
        ({"metrics": {"f1": _metric(k=3)}}, ("metrics", "f1", "k")),
        ({"metrics": {"roc_auc_ovr": _metric()}}, ("metrics", "roc_auc_ovr")),
        ({"metrics": {"ndcg": _metric()}}, ("metrics", "ndcg")),
        ({"metrics": {"ndcg": _metric()}, "query": "q", "cluster_key": "u"}, ("cluster_key",)),
        ({"metrics": {"f1": _metric()}, "score": None, "scores": {"a": "x", "b": "z"}}, ("metrics", "f1")),
        (
            {"overfit": SimpleNamespace(train="t", max_gap={"f1": 0.1})},
            ("overfit", "train"),
        ),
        ({"overfit": SimpleNamespace(train="s", max_gap={"f1": -1})}, ("overfit", "max_gap", "f1")),
        ({"overfit": SimpleNamespace(train="s", max_gap={"f2": 1})}, ("overfit", "max_gap", "f2")),
        (
            {"overfit": SimpleNamespace(train="s", max_gap={"selection_rate": 1})},
            ("overfit", "max_gap", "selection_rate"),
        ),
        (
            {
                "overfit": SimpleNamespace(train="s", max_gap={"max_error": 1}),
                "metrics": {"mean_absolute_error": _metric()},
                "score": None,
                "prediction": "p",
            },
            ("overfit", "max_gap", "max_error"),
        ),
        ({"predictions": None, "metrics_from": "m", "score": None, "label": None, "query": "q"}, ("query",)),
    ],
)
def test_refuses_options(changes: dict[str, Any], loc: tuple[object, ...]) -> None:
    base = {"predictions": "s", "label": "y", "score": "p", "metrics": {"f1": _metric()}}
    with pytest.raises(GateParamsError) as caught:
        compile(_params(**{**base, **changes}), _ARTIFACTS, "model")
    assert caught.value.loc == loc


# --- change axes --------------------------------------------------------------------------------------------
# With 400 rows, 8 of 10 right is 0.8, and its lower bound 0.764; 0.7 is required.


def _hits(right: int, of: int = 10, n: int = 400) -> dict[str, Any]:
    """Return predictions of 0 and 1, of which `right` of every `of` are right."""
    label = np.arange(n) // of % 2
    return {"y": label, "p": np.where(np.arange(n) % of < right, label, 1 - label)}


def _both(candidate: dict[str, Any], champion: dict[str, Any]) -> dict[str, str]:
    _write("csv", champion)
    Path("p.csv").rename("champion.csv")
    return {"t": _write("csv", candidate), "old": "champion.csv"}


_FLOOR = {
    "predictions": "t",
    "champion": "old",
    "label": "y",
    "prediction": "p",
    "metrics": {"accuracy": {"min": 0.7}},
}


@pytest.mark.parametrize(
    ("right", "said"),
    [
        (8, "The model moved it: on the same data the champion's accuracy is 0.8 (95 % lower bound "),
        (6, "The data moved it: on the same data the champion's accuracy is 0.6 (95 % lower bound "),
        (
            7,
            "Whether the model or the data moved it can't be told: on the same data the champion's accuracy is 0.7",
        ),
    ],
)
def test_the_axis_is_named(evaluate: Any, right: int, said: str) -> None:
    artifacts = _both(_hits(5), _hits(right))
    outcome = evaluate(dict(_FLOOR), **artifacts)
    assert outcome.verdict == "fail"
    message = outcome.check("accuracy.min")["message"]
    assert message.startswith("accuracy is 0.5 (95 % lower bound ")
    assert f"at least 0.7 is required. {said}" in message
    assert said in outcome.summary


@pytest.mark.parametrize("right", [7, 9])
def test_a_champion_decides_nothing(evaluate: Any, right: int) -> None:
    outcome = evaluate(dict(_FLOOR), **_both(_hits(right), _hits(5)))
    assert outcome.verdict == ("pass" if right == 9 else "inconclusive")
    assert "moved" not in outcome.summary
    Path("champion.csv").write_text("")
    assert evaluate(dict(_FLOOR), t="p.csv", old="champion.csv").verdict == outcome.verdict


@pytest.mark.parametrize(
    ("champion", "why"),
    [
        (
            _hits(8, n=390),
            "there are 400 rows in the predictions, 390 in the champion's: score the same examples",
        ),
        (
            {"y": np.zeros(400, int), "p": np.zeros(400, int)},
            "the predictions and the champion's have other labels",
        ),
        ({"y": _hits(8)["y"]}, "champion.csv has no column p"),
        (
            {"y": _hits(8)["y"], "p": np.full(400, "")},
            "400 of 400 rows have no proper value in the prediction column",
        ),
    ],
)
def test_a_champion_that_says_nothing(evaluate: Any, champion: Any, why: str) -> None:
    outcome = evaluate(dict(_FLOOR), **_both(_hits(5), champion))
    assert (outcome.verdict, outcome.code) == ("fail", 1)
    assert f". Whether the model or the data moved it can't be told: {why}" in outcome.summary


def test_each_limit_has_its_own_axis(evaluate: Any) -> None:
    # The champion is sure of what is right in 8 of 10, the candidate knows nothing.
    label = _hits(8)["y"]
    sure = np.where(_hits(8)["p"] == label, label * 0.98 + 0.01, 0.99 - label * 0.98)
    artifacts = _both({"y": label, "s": np.full(400, 0.4)}, {"y": label, "s": sure})
    metrics = {"accuracy": {"min": 0.7}, "log_loss": {"max": 0.5}, "brier_score": {"max": 0.3}}
    params = {"predictions": "t", "champion": "old", "label": "y", "score": "s", "metrics": metrics}
    outcome = evaluate(params, **artifacts)
    assert outcome.checks == {"accuracy.min": "fail", "log_loss.max": "fail", "brier_score.max": "pass"}
    assert ". The model moved it: " in outcome.check("accuracy.min")["message"]
    assert ". The data moved it: " in outcome.check("log_loss.max")["message"]  # 0.2 * ln 100 > 0.5


@pytest.mark.parametrize(
    ("champion", "said"),
    [
        ('{"acc": 0.8, "se": 0.01}', "The model moved it: on the same data the champion's acc is 0.8"),
        ('{"acc": 0.65, "se": 0.01}', "The data moved it: on the same data the champion's acc is 0.65"),
        (
            '{"acc": 0.71, "se": 0.01}',
            "Whether the model or the data moved it can't be told: on the same data",
        ),
        ('{"se": 0.01}', "Whether the model or the data moved it can't be told: old.json has no acc"),
        ('{"acc": NaN}', "Whether the model or the data moved it can't be told: old.json is not strict JSON"),
    ],
)
def test_the_axis_of_numbers(project: Any, evaluate: Any, champion: str, said: str) -> None:
    project.write("new.json", '{"acc": 0.6, "se": 0.01}')
    project.write("old.json", champion)
    metrics = {"acc": {"min": 0.7, "stderr": "se"}}
    outcome = evaluate({"metrics_from": "m", "champion": "c", "metrics": metrics}, m="new.json", c="old.json")
    assert outcome.verdict == "fail"
    assert f"at least 0.7 is required. {said}" in outcome.summary


def test_a_champion_is_another_artifact_of_the_same_sort() -> None:
    artifacts = {
        "t": ArtifactInfo("t.csv"),
        "m": ArtifactInfo("m.json"),
        "model": ArtifactInfo("m/", is_model=True),
    }
    rows = {"predictions": "t", "label": "y", "prediction": "p", "metrics": {"accuracy": {"min": 0.5}}}
    numbers = {"metrics_from": "m", "metrics": {"acc": {"min": 0.5}}}
    for params, champion, message in (
        (rows, "t", "the same artifact"),
        (numbers, "m", "the same artifact"),
        (rows, "model", "'model' is a model"),
        (rows, "other", "there is no artifact 'other'"),
        (numbers, "t", "must be in a .json file"),
    ):
        model = GATES["evaluate"].params().model_validate({**params, "champion": champion})
        assert (("champion",), champion) in references(model)
        with pytest.raises(GateParamsError, match=message) as caught:
            compile(model, artifacts, "t")
        assert caught.value.loc == ("champion",)
