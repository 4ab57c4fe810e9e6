"""The emitted scripts, run as a pipeline runs them."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from mlcc.gates import GATES
from tests.gates.servers import running, server
from tests.gates.test_serve import GOLDEN

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
_LIGHTGBM = (
    "tree\nversion=v4\nmax_feature_idx=0\nfeature_names=income\ntree_sizes=44\n\n"
    "Tree=0\nnum_leaves=1\nleaf_value=0.5\n\n\nend of trees\n"
)
_SNAPSHOTS = "".join(
    f'{{"time": {time}, "candidate": {{"n": {n}, "bad": 0}}, "control": {{"n": {n}, "bad": 1}}}}\n'
    for time, n in ((1764000000, 10), (1764000600, 1010))
)
_JUNIT = '<testsuite tests="1"><testcase name="a"/></testsuite>'


@pytest.mark.parametrize(
    ("kind", "params", "files", "artifacts"),
    [
        ("contract", _CONTRACT, {"d.csv": _CSV}, {"raw": "d.csv"}),
        (
            "leakage",
            {"train": "old", "key": ["id"], "features": ["income", "region"]},
            {"d.csv": _CSV, "old.csv": "id,income,region\n4,1,SE\n"},
            {"raw": "d.csv", "old": "old.csv"},
        ),
        (
            "drift",
            {"reference": "old", "columns": {"income": {"ks": 0.9}}, "min_n": 3},
            {"d.csv": _CSV + "4,8,NO\n" * 400, "old.csv": _CSV + "4,8,NO\n" * 400},
            {"raw": "d.csv", "old": "old.csv"},
        ),
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
            "feature_parity",
            {
                "offline": "raw",
                "online": "served",
                "key": ["id"],
                "columns": {"income": {"tolerance": 0.5}},
                "min_n": 3,
            },
            {"d.csv": _CSV, "o.csv": "id,income\n1,10\n2,0.25\n3,7\n"},
            {"raw": "d.csv", "served": "o.csv"},
        ),
        ("reproduce", {"run": "echo $MLCC_SEED > o", "outputs": ["o"]}, {"d.csv": _CSV}, {"raw": "d.csv"}),
        (
            "pipeline_smoke",
            {"run": "echo '[2, 1]' > o.json", "outputs": {"o": {"path": "o.json"}}},
            {"d.csv": _CSV},
            {"raw": "d.csv"},
        ),
        (
            "serve",
            {"run": f"{sys.executable} app.py", "protocol": "jsonl", "golden": "golden.json"},
            {
                "d.csv": _CSV,
                "golden.json": '[{"name": "a", "request": [1], "response": [1]}]',
                "app.py": "for line in __import__('sys').stdin: print(line, end='')",
            },
            {"raw": "d.csv"},
        ),
        (
            "artifact",
            {"format": "lightgbm", "schema_of": "raw"},
            {"d.csv": _CSV, "m.txt": _LIGHTGBM},
            {"model": "m.txt", "raw": "d.csv"},
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
            "canary",
            {
                "observations": {"file": "o.jsonl"},
                "weight": 50,
                "max_age": "36500d",
                "metrics": {"errors": {"rate": {"max": 0.01, "worse_than_control": 1.5}}},
            },
            {"d.csv": _CSV, "o.jsonl": _SNAPSHOTS},
            {"raw": "d.csv"},
        ),
        (
            "evidence",
            {"topic": "review", "record": "r.json", "max_age": "90000d", "about": []},
            {"d.csv": _CSV, "r.json": '{"date": "2026-01-01"}'},
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


def test_answers(project: Any) -> None:
    project.write("d.csv", _CSV)
    project.write("golden.json", json.dumps(GOLDEN))
    with running(server()) as port:
        params = {"url": f"http://127.0.0.1:{port}", "golden": "golden.json", "tolerance": 1e-6}
        project.gate("answers", params, {"raw": "d.csv"})
        outcome = project.run_script("answers")
        assert (outcome.verdict, outcome.code) == ("pass", 0), outcome.log
        # The trace tells how long its answer took.
        assert project.run("answers").checks == outcome.checks


def test_registry() -> None:
    assert list(GATES) == [
        *("tests", "contract", "leakage", "drift", "feature_parity", "feature_value", "reproduce"),
        *(
            "pipeline_smoke",
            "evaluate",
            "compare",
            "slices",
            "artifact",
            "serve",
            "answers",
            "canary",
            "evidence",
            "command",
        ),
    ]
