"""The fixtures on which emitted model gates must not pass: each ends as it says, and the right predictions pass."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from mlcc.gates import GATES

_SCORED = {"label": "y", "score": "p"}
_CASES: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
    "evaluate, scores": (
        "evaluate",
        {
            "predictions": "s",
            **_SCORED,
            "metrics": {
                "roc_auc": {"min": 0.7},
                "log_loss": {"max": 0.5, "min": 0.3},
                "j": {"mean": "j", "max": 700},
            },
            "cluster_key": "user",
        },
        {"s": "s.csv", "model": "model/"},
    ),
    "evaluate, numbers": (
        "evaluate",
        {
            "predictions": "s",
            "label": "y",
            "prediction": "p",
            "metrics": {"r2": {"min": 0.5}, "mean_poisson_deviance": {"max": 1}},
            "overfit": {"train": "t", "max_gap": {"mean_absolute_error": 0.2}},
        },
        {"s": "s.parquet", "t": "t.jsonl"},
    ),
    "evaluate, rankings": (
        "evaluate",
        {"predictions": "s", **_SCORED, "query": "q", "metrics": {"ndcg": {"min": 0.5, "k": 5}}, "min_n": 20},
        {"s": "s.jsonl"},
    ),
    "evaluate, ranges": (
        "evaluate",
        {
            "predictions": "s",
            "label": "y",
            "lower": "a",
            "upper": "b",
            "metrics": {"mean_interval_width": {"max": 9}},
        },
        {"s": "s.csv"},
    ),
    "evaluate, a file": (
        "evaluate",
        {
            "metrics_from": "m",
            "metrics": {"a": {"value": "x.a", "stderr": "x.s", "n": "n", "min": 1, "max": 2}},
        },
        {"m": "m.json"},
    ),
    "evaluate, a champion": (
        "evaluate",
        {"predictions": "s", "champion": "t", **_SCORED, "metrics": {"accuracy": {"min": 0.6}}},
        {"s": "s.csv", "t": "t.parquet"},
    ),
    "compare, classes": (
        "compare",
        {
            "candidate": "s",
            "champion": "t",
            "key": "id",
            "label": "y",
            "prediction": "p",
            "metric": "f1_macro",
            "margin": 0.05,
        },
        {"s": "s.csv", "t": "t.csv"},
    ),
    "compare, scores of classes": (
        "compare",
        {
            "candidate": "s",
            "champion": "t",
            "key": "id",
            "label": "y",
            "scores": {"a": "pa", "b": "pb", "c": "pc"},
            "metric": "log_loss",
            "margin": 0.05,
        },
        {"s": "s.parquet", "t": "t.csv"},
    ),
    "compare, a baseline": (
        "compare",
        {"candidate": "s", "baseline": "majority", **_SCORED, "metric": "accuracy", "margin": 0.01},
        {"s": "s.csv"},
    ),
    "slices, classes": (
        "slices",
        {
            "predictions": "s",
            "label": "y",
            "prediction": "p",
            "by": ["region", ["region", "age"]],
            "metrics": {"recall": {"min": 0.6}},
            "gap": {"accuracy": {"max": 0.2}},
            "min_n": 100,
        },
        {"s": "s.csv"},
    ),
    "slices, a reference": (
        "slices",
        {
            "predictions": "s",
            "reference": "t",
            "key": "id",
            "label": "y",
            "prediction": "p",
            "by": ["region"],
            "metrics": {"mean_absolute_error": {"max": 1, "max_drop": 0.2}},
        },
        {"s": "s.parquet", "t": "t.csv"},
    ),
    "feature_value, scores": (
        "feature_value",
        {
            "predictions": "s",
            **_SCORED,
            "without": {"income": "p_income", "age": "p_age"},
            "metric": "log_loss",
            "min_gain": 0.01,
            "cost": {"from": "c", "max_ms": 5},
        },
        {"s": "s.csv", "c": "c.json"},
    ),
    "feature_value, classes": (
        "feature_value",
        {"predictions": "s", "label": "y", "prediction": "p", "without": {"age": "q"}, "metric": "f1_macro"},
        {"s": "s.jsonl"},
    ),
}


@pytest.mark.parametrize("name", _CASES)
def test_every_fixture_ends_as_it_says(project: Any, name: str) -> None:
    kind, params, artifacts = _CASES[name]
    document = project.gate(kind, params, artifacts)
    known_bad = import_module(f"{GATES[kind].module}.selftest").known_bad
    fixtures = list(known_bad(document))
    assert len({fixture.name for fixture in fixtures}) == len(fixtures)
    assert {"fail", "error"} <= {fixture.verdict for fixture in fixtures}
    for fixture in fixtures:
        for path, content in fixture.files.items():
            project.write(path, content)
        outcome = project.run(kind)
        assert outcome.verdict == fixture.verdict, (fixture.name, outcome.summary)


@pytest.mark.parametrize("kind", ["evaluate", "compare"])
def test_too_few_rows_for_the_gate_are_inconclusive(project: Any, kind: str) -> None:
    table = {"evaluate": "predictions", "compare": "candidate"}[kind]
    params: dict[str, Any] = {table: "s", **_SCORED, "min_n": 5000}
    params |= {"metrics": {"accuracy": {"min": 0.6}}} if kind == "evaluate" else {}
    params |= {"metric": "accuracy", "baseline": "majority", "margin": 0.1} if kind == "compare" else {}
    document = project.gate(kind, params, {"s": "s.csv"})
    first = next(iter(import_module(f"{GATES[kind].module}.selftest").known_bad(document)))
    for path, content in first.files.items():
        project.write(path, content)
    assert project.run(kind).verdict == first.verdict == "inconclusive"
