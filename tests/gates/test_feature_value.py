"""The gate `feature_value`: gains by hand, costs, and what the compiler refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from mlcc.gates import GATES, ArtifactInfo, GateParamsError
from mlcc.gates.feature_value.compile import compile, references

_SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/verdict.schema.json").read_text())
_BASE = {"predictions": "s", "label": "y", "prediction": "p", "without": {"age": "q"}, "metric": "accuracy"}


def write(both: int, better: int, worse: int, neither: int) -> None:
    """Write rows that the whole model and the one without a feature get right: both, only one, or neither."""
    cells = (("1,1,1", both), ("1,1,2", better), ("1,2,1", worse), ("1,2,2", neither))
    lines = ["y,p,q", *(row for row, count in cells for _ in range(count))]
    Path("s.csv").write_text("\n".join(lines) + "\n")


@pytest.fixture
def value(project: Any) -> Any:
    def run(params: dict[str, Any], **others: str) -> Any:
        stated = {key: item for key, item in {**_BASE, **params}.items() if item is not None}
        project.gate("feature_value", stated, {"s": "s.csv", **others})
        outcome = project.run("feature_value")
        jsonschema.validate(outcome.record, _SCHEMA)
        return outcome

    return run


# With 100 of 1,000 rows discordant, the standard error of the gain is 0.01.
@pytest.mark.parametrize(
    ("cells", "params", "verdict", "code"),
    [
        ((700, 80, 20, 200), {}, "pass", 0),
        ((700, 80, 20, 200), {"min_gain": 0.04}, "pass", 0),  # 0.06 - 0.0165
        ((700, 80, 20, 200), {"min_gain": 0.05}, "inconclusive", 3),
        ((700, 80, 20, 200), {"min_gain": 0.07}, "fail", 1),
        ((700, 55, 45, 200), {}, "inconclusive", 3),
        ((700, 50, 50, 200), {}, "fail", 1),
        ((700, 20, 80, 200), {}, "fail", 1),
        ((900, 0, 0, 100), {}, "fail", 1),
        ((20, 5, 0, 0), {}, "inconclusive", 3),
    ],
)
def test_gains(value: Any, cells: Any, params: Any, verdict: str, code: int) -> None:
    write(*cells)
    outcome = value(params)
    assert (outcome.verdict, outcome.code) == (verdict, code), outcome.summary


def test_the_sentence(value: Any) -> None:
    write(700, 80, 20, 200)
    outcome = value({"min_gain": 0.01})
    low = outcome.check("age.gain")["interval"][0]
    assert outcome.summary == (
        f"accuracy is 0.78 with age and 0.72 without it (gain 0.06, 95 % lower bound {low:.6g}, n = 1000, "
        "p = 1.12e-09); a gain of at least 0.01 is required."
    )


@pytest.mark.parametrize(
    ("document", "verdict"),
    [
        ('{"age": 2}', "pass"),
        ('{"age": 5.0, "other": 80}', "pass"),
        ('{"age": 5.1}', "fail"),
        ('{"age": -1}', "error"),
        ('{"age": "2"}', "error"),
        ('{"age": true}', "error"),
        ('{"age": NaN}', "error"),
        ("{}", "error"),
        ("[2]", "error"),
        ("", "error"),
    ],
)
def test_costs(project: Any, value: Any, document: str, verdict: str) -> None:
    write(700, 80, 20, 200)
    project.write("c.json", document)
    assert value({"cost": {"from": "c", "max_ms": 5}}, c="c.json").verdict == verdict


def test_scores(value: Any) -> None:
    rng = np.random.default_rng(0)
    label = (rng.random(500) < 0.5).astype(int)
    score = np.clip(0.5 + 0.3 * (label - 0.5) + rng.normal(0, 0.1, 500), 0.01, 0.99)
    lines = [f"{y},{s},{rng.random():.3f},{s}" for y, s in zip(label, score, strict=True)]
    Path("s.csv").write_text("y,s,without_a,without_b\n" + "\n".join(lines) + "\n")
    columns = {"a": "without_a", "b": "without_b"}
    outcome = value({"prediction": None, "score": "s", "without": columns, "metric": "roc_auc"})
    assert outcome.checks == {"a.gain": "pass", "b.gain": "fail"}


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("", "error"),
        ("y,p,q\n", "fail"),
        ("y,p\n" + "1,1\n" * 40, "error"),
        ("y,p,q\n" + "1,1,2\n" * 40 + "1,1,\n", "error"),
        ("y,p,q\n" + "1,1,2\n" * 40 + "1,1,nan\n", "error"),
    ],
)
def test_corrupt_predictions(project: Any, value: Any, text: str, verdict: str) -> None:
    project.write("s.csv", text)
    assert value({}).verdict == verdict


_ARTIFACTS = {"s": ArtifactInfo("s.parquet"), "c": ArtifactInfo("c.json"), "t": ArtifactInfo("t.txt")}


@pytest.mark.parametrize(
    ("changes", "loc"),
    [
        ({"predictions": "t"}, ("predictions",)),
        ({"metric": "acuracy"}, ("metric",)),
        ({"metric": "selection_rate"}, ("metric",)),
        ({"without": {"age": "p"}}, ("without", "age")),
        ({"prediction": None, "scores": {"a": "x", "b": "z"}}, ()),
        ({"cost": {"from": "s", "max_ms": 5}}, ("cost", "from")),
        ({"cost": {"from": "c", "max_ms": 0}}, ("cost", "max_ms")),
    ],
)
def test_refuses(changes: dict[str, Any], loc: tuple[object, ...]) -> None:
    raw = {key: item for key, item in {**_BASE, **changes}.items() if item is not None}
    with pytest.raises(GateParamsError) as caught:
        compile(GATES["feature_value"].params().model_validate(raw), _ARTIFACTS, "model")
    assert caught.value.loc == loc


def test_references() -> None:
    raw = {**_BASE, "cost": {"from": "c", "max_ms": 5}}
    model = GATES["feature_value"].params().model_validate(raw)
    assert references(model) == ((("predictions",), "s"), (("cost", "from"), "c"))
