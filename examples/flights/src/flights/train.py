"""Fits gradient-boosted trees on the training split and exports them to ONNX."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from sklearn.ensemble import HistGradientBoostingClassifier

from flights.featurize import FEATURES
from flights.paths import location, output

SEED = 20130101
ITERATIONS = 100
LEAVES = 15
TOLERANCE = 1e-5  # largest difference between the trees' and ONNX's probabilities


def read_split(features: Path, split: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Matrix (rows x features), float32 with NaN for null, and the labels (rows,), 0 or 1.

    Raises ValueError if the split has no row.
    """
    with duckdb.connect() as connection:
        columns = connection.execute(
            f"SELECT {', '.join(FEATURES)}, late FROM read_parquet(?) WHERE split = ? ORDER BY id",
            [str(features), split],
        ).fetchnumpy()
    matrix: np.ndarray[Any, Any] = np.column_stack(
        [np.ma.filled(np.ma.asarray(columns[name], dtype="f4"), np.nan) for name in FEATURES]
    )
    if not len(matrix):
        raise ValueError(f"{features} has no row in the split {split!r}")
    return matrix, np.asarray(columns["late"])


def fit(matrix: np.ndarray[Any, Any], late: np.ndarray[Any, Any], learning_rate: float) -> bytes:
    """Fit and export; returns the ONNX file's bytes.

    Raises ValueError if the export doesn't predict what the trees predict.
    """
    trees = HistGradientBoostingClassifier(
        learning_rate=learning_rate,
        max_iter=ITERATIONS,
        max_leaf_nodes=LEAVES,
        early_stopping=False,
        random_state=SEED,
    ).fit(matrix, late)
    # A name is given because the default one is random, and the digest of the file is what gets released.
    graph = to_onnx(trees, matrix[:1], name="flights", options={"zipmap": False})
    exported: bytes = graph.SerializeToString()
    sample = matrix[:: max(1, len(matrix) // 5000)]
    predicted = onnxruntime.InferenceSession(exported).run(["probabilities"], {"X": sample})[0][:, 1]
    difference = float(np.abs(predicted - trees.predict_proba(sample)[:, 1]).max())
    if not difference <= TOLERANCE:
        raise ValueError(
            f"the ONNX export differs from the trees by {difference:.2g} (at most {TOLERANCE:.2g})"
        )
    return exported


def made_from() -> dict[str, str | None]:
    """Return the digests of the code and the features that a pipeline trains on; by hand there are none."""
    return {artifact: os.environ.get(f"DIGEST_{artifact.upper()}") for artifact in ("code", "features")}


def export(features: Path, folder: Path, learning_rate: float) -> int:
    """Write model.onnx and meta.json into `folder`; returns the number of flights trained on."""
    matrix, late = read_split(features, "train")
    meta = {
        "features": list(FEATURES),
        "iterations": ITERATIONS,
        "label": "late",
        "late_share": round(float(late.mean()), 6),
        "learning_rate": learning_rate,
        "leaves": LEAVES,
        "made_from": made_from(),
        "rows": len(late),
        "seed": SEED,
    }
    folder.mkdir(exist_ok=True)
    (folder / "model.onnx").write_bytes(fit(matrix, late, learning_rate))
    (folder / "meta.json").write_text(json.dumps(meta, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return len(late)


def main() -> None:
    """Train the model; LEARNING_RATE is taken from the environment."""
    folder = output("model")
    rows = export(location("features"), folder, float(os.environ.get("LEARNING_RATE") or 0.1))
    print(f"trained on {rows} flights, in {folder}")


if __name__ == "__main__":
    main()
