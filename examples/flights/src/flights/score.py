"""Scores the test split with the new ONNX model, and with the champion that it is to replace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import onnxruntime

from flights.featurize import FEATURES
from flights.paths import location, output
from flights.train import read_split


def predict(model: Path, matrix: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Probability of being late, (rows,), for a (rows x features) matrix.

    Raises ValueError if the model was trained on other features.
    """
    meta = json.loads((model / "meta.json").read_text(encoding="utf-8"))
    if meta["features"] != list(FEATURES):
        raise ValueError(f"the model was trained on {meta['features']}, the features are {list(FEATURES)}")
    session = onnxruntime.InferenceSession(model / "model.onnx")
    probabilities: np.ndarray[Any, Any] = session.run(["probabilities"], {"X": matrix})[0]
    return probabilities[:, 1].astype("f8")


def score(features: Path, model: Path, target: Path) -> int:
    """Write id, late, p, carrier, origin, month of the test split to Parquet at `target`; returns the row count."""
    matrix, _ = read_split(features, "test")
    scores = {"p": predict(model, matrix)}
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("scores", scores)
        connection.execute(
            """
            CREATE TABLE scored AS
            SELECT id, late, p, carrier, origin, month
            FROM (SELECT * FROM read_parquet(?) WHERE split = 'test' ORDER BY id) POSITIONAL JOIN scores
            """,
            [str(features)],
        )
        connection.table("scored").order("id").write_parquet(str(target), compression="zstd")
    return len(matrix)


def main() -> None:
    """Score the test split with both models."""
    for model, scored in (("model", "scored"), ("champion", "scored-champion")):
        target = output(scored)
        rows = score(location("features"), location(model), target)
        print(f"{rows} flights scored by the {model} in {target}")


if __name__ == "__main__":
    main()
