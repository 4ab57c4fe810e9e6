"""The emitted scripts, run as a pipeline runs them."""

from __future__ import annotations

from typing import Any

import pytest

from mlcc.gates import GATES

_CSV = "id,income,region\n1,10.5,SE\n2,0,NO\n3,7,SE\n"
_CONTRACT = {
    "columns": {
        "id": {"type": "integer", "unique": True},
        "income": {"type": "number", "min": 0},
        "region": {"type": "string", "values": ["SE", "NO"]},
    },
    "extra_columns": "deny",
    "unique": ["id", "region"],
    "rows": {"min": 3},
    "checks": {"no-zero-id": {"sql": "SELECT * FROM data WHERE id = 0"}},
}
_JUNIT = '<testsuite tests="1"><testcase name="a"/></testsuite>'


@pytest.mark.parametrize(
    ("kind", "params", "files", "artifacts"),
    [
        ("contract", _CONTRACT, {"d.csv": _CSV}, {"raw": "d.csv"}),
        (
            "evaluate",
            {"metrics_from": "m", "metrics": {"acc": {"min": 0.8, "stderr": "se"}}},
            {"d.csv": _CSV, "m.json": '{"acc": 0.9, "se": 0.01}'},
            {"raw": "d.csv", "m": "m.json"},
        ),
        (
            "evaluate",
            {"predictions": "raw", "label": "y", "score": "s", "metrics": {"roc_auc": {"min": 0.5}}},
            {"d.csv": "y,s\n" + "1,0.9\n0,0.2\n" * 40 + "1,0.1\n"},
            {"raw": "d.csv"},
        ),
        (
            "compare",
            {
                "candidate": "raw",
                "baseline": "majority",
                "label": "y",
                "score": "s",
                "metric": "accuracy",
                "test": "superior",
            },
            {"d.csv": "y,s\n" + "1,0.9\n0,0.2\n" * 40 + "1,0.1\n"},
            {"raw": "d.csv"},
        ),
        (
            "slices",
            {
                "predictions": "raw",
                "label": "y",
                "score": "s",
                "by": ["r"],
                "metrics": {"recall": {"min": 0.5}},
                "min_n": 30,
            },
            {"d.csv": "r,y,s\n" + "a,1,0.9\na,0,0.2\nb,1,0.9\nb,0,0.2\n" * 40},
            {"raw": "d.csv"},
        ),
        (
            "feature_value",
            {
                "predictions": "raw",
                "label": "y",
                "score": "s",
                "without": {"f": "t"},
                "metric": "brier_score",
            },
            {"d.csv": "y,s,t\n" + "1,0.9,0.6\n0,0.2,0.5\n" * 40},
            {"raw": "d.csv"},
        ),
        ("command", {"run": "echo hello"}, {"d.csv": _CSV}, {"raw": "d.csv"}),
        (
            "tests",
            {"run": f"echo '{_JUNIT}' > j.xml", "junit": "j.xml"},
            {"d.csv": _CSV},
            {"raw": "d.csv"},
        ),
    ],
)
def test_passes(project: Any, kind: str, params: Any, files: Any, artifacts: Any) -> None:
    for path, text in files.items():
        project.write(path, text)
    project.gate(kind, params, artifacts)
    outcome = project.run_script(kind)
    assert (outcome.verdict, outcome.code) == ("pass", 0), outcome.log
    same = project.run(kind)
    assert same.record["checks"] == outcome.record["checks"]


def test_registry() -> None:
    assert list(GATES) == [
        *("tests", "contract", "feature_value", "evaluate", "compare", "slices", "command"),
    ]
