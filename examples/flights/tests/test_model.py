from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from flight_rows import read
from flights import check, package, report, score, train
from flights.featurize import FEATURES


@pytest.fixture(scope="session")
def scored(sample: Path) -> Path:
    score.score(sample / "features.parquet", sample / "model", sample / "scored.parquet")
    return sample / "scored.parquet"


def test_the_same_data_give_the_same_model(sample: Path, tmp_path: Path) -> None:
    train.export(sample / "features.parquet", tmp_path / "again", learning_rate=0.1)
    for name in ("model.onnx", "meta.json"):
        assert (tmp_path / "again" / name).read_bytes() == (sample / "model" / name).read_bytes()


def test_the_learning_rate_is_used_and_recorded(sample: Path, tmp_path: Path) -> None:
    train.export(sample / "features.parquet", tmp_path / "slow", learning_rate=0.01)
    assert json.loads((tmp_path / "slow" / "meta.json").read_text())["learning_rate"] == 0.01
    assert (tmp_path / "slow" / "model.onnx").read_bytes() != (sample / "model" / "model.onnx").read_bytes()


def test_a_split_without_rows_is_an_error(sample: Path) -> None:
    with pytest.raises(ValueError, match="no row in the split 'validation'"):
        train.read_split(sample / "features.parquet", "validation")


def test_missing_history_is_nan(sample: Path) -> None:
    matrix, late = train.read_split(sample / "features.parquet", "train")
    assert matrix.shape == (len(late), len(FEATURES))
    assert np.isnan(matrix[0, FEATURES.index("held_origin_4h")])


def test_only_the_test_split_is_scored(sample: Path, scored: Path) -> None:
    expected = [
        (row["id"], row["late"], row["carrier"], row["month"])
        for row in read(sample / "features.parquet")
        if row["split"] == "test"
    ]
    rows = read(scored)
    assert [(row["id"], row["late"], row["carrier"], row["month"]) for row in rows] == expected
    assert all(0 < row["p"] < 1 for row in rows)


def test_scores_belong_to_their_rows(sample: Path, scored: Path) -> None:
    matrix, _ = train.read_split(sample / "features.parquet", "test")
    tenth = float(score.predict(sample / "model", matrix[10:11])[0])
    assert read(scored)[10]["p"] == pytest.approx(tenth, abs=1e-6)


def test_a_model_of_other_features_is_refused(sample: Path, tmp_path: Path) -> None:
    model = shutil.copytree(sample / "model", tmp_path / "model")
    meta = json.loads((model / "meta.json").read_text())
    (model / "meta.json").write_text(json.dumps({**meta, "features": ["dep_delay"]}))
    with pytest.raises(ValueError, match="trained on"):
        score.predict(model, np.zeros((1, len(FEATURES)), "f4"))


def test_report_states_the_metrics() -> None:
    # Pairs (late, punctual): 0.9 > 0.2, 0.9 > 0.4, 0.3 > 0.2, 0.3 < 0.4: AUC 3/4.
    columns = {
        "late": np.array([1, 1, 0, 0]),
        "p": np.array([0.9, 0.3, 0.2, 0.4]),
        "month": np.array([10, 10, 10, 11]),
        "carrier": np.array(["AA", "UA", "AA", "UA"]),
    }
    loss = -(math.log(0.9) + math.log(0.3) + math.log(0.8) + math.log(0.6)) / 4
    text = report.render(columns)
    assert f"ROC AUC 0.7500, log loss {loss:.4f} on 4 flights." in text
    assert "| 11 | 1 | 0.000 | 0.400 | n/a |" in text
    assert "| AA | 2 | 0.500 | 0.550 | 1.000 |" in text


def test_the_model_passes_its_check(sample: Path) -> None:
    verdict = check.judge(sample / "model")
    assert (verdict["verdict"], verdict["summary"]) == ("pass", "3 of 3 checks passed")


@pytest.mark.parametrize("content", [b"", b"not a model"], ids=["empty", "garbage"])
def test_a_broken_model_fails_its_check(sample: Path, tmp_path: Path, content: bytes) -> None:
    model = shutil.copytree(sample / "model", tmp_path / "model")
    (model / "model.onnx").write_bytes(content)
    assert check.judge(model)["verdict"] == "fail"


def test_a_large_model_fails_its_check(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "MOST_BYTES", 100)
    assert check.judge(sample / "model")["summary"] == "failed: small"


def test_check_writes_the_verdict_file(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARTIFACT_MODEL", str(sample / "model"))
    monkeypatch.setenv("MLCC_VERDICT", str(tmp_path / "verdict.json"))
    assert check.main() == 0
    assert json.loads((tmp_path / "verdict.json").read_text())["verdict"] == "pass"


def test_the_bundle_depends_on_the_model_alone(sample: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(sample / "model", tmp_path / "copy")
    (copy / "model.onnx").touch()
    assert package.pack(sample / "model", tmp_path / "a.tar.gz") == ["meta.json", "model.onnx"]
    package.pack(copy, tmp_path / "b.tar.gz")
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "b.tar.gz").read_bytes()


def test_an_empty_model_is_not_packed(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(ValueError, match="is empty"):
        package.pack(tmp_path / "model", tmp_path / "a.tar.gz")
