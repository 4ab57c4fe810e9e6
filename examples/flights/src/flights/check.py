"""Checks that the exported model can be served: a gate of its own, with mlcc's verdict file.

Exit 0: every check passed; 1: one failed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx

from flights.featurize import FEATURES
from flights.paths import location
from flights.score import predict

MOST_BYTES = 2_000_000


def small(model: Path) -> str | None:
    """The file fits the device that serves it."""
    size = (model / "model.onnx").stat().st_size
    return None if 0 < size <= MOST_BYTES else f"model.onnx has {size} bytes, allowed are {MOST_BYTES}"


def valid(model: Path) -> str | None:
    """ONNX's own checker accepts the file, and all weights are inside it."""
    graph = onnx.load(model / "model.onnx", load_external_data=False)
    onnx.checker.check_model(graph, full_check=True)
    outside = [w.name for w in graph.graph.initializer if w.data_location == onnx.TensorProto.EXTERNAL]
    return f"weights outside the file: {outside}" if outside else None


def answers(model: Path) -> str | None:
    """Probabilities are in 0..1, for missing history too, and a row's answer doesn't depend on its batch."""
    rows = np.random.default_rng(0).uniform(0, 1, (64, len(FEATURES))).astype("f4")
    rows[::2, -4:] = np.nan
    together = predict(model, rows)
    alone = np.concatenate([predict(model, row[None]) for row in rows])
    if not bool(np.all((together >= 0) & (together <= 1))):
        return "a probability is outside 0..1"
    return None if np.allclose(together, alone, rtol=0, atol=1e-6) else "an answer depends on the batch"


CHECKS: dict[str, Callable[[Path], str | None]] = {"small": small, "valid": valid, "answers": answers}


def judge(model: Path) -> dict[str, object]:
    """Verdict of all checks; a check that raises has failed."""
    checks = []
    for name, check in CHECKS.items():
        try:
            problem = check(model)
        except Exception as error:  # an unreadable model is a failed one, whatever the libraries raise
            problem = f"{type(error).__name__}: {error}".splitlines()[0]
        checks.append({"id": name, "verdict": "fail" if problem else "pass", "message": problem or "ok"})
    failed = [check["id"] for check in checks if check["verdict"] != "pass"]
    summary = f"failed: {', '.join(failed)}" if failed else f"{len(checks)} of {len(checks)} checks passed"
    return {"verdict": "fail" if failed else "pass", "summary": summary, "checks": checks}


def main() -> int:
    """Judge the model and write the verdict to the file named by MLCC_VERDICT, if any."""
    verdict = judge(location("model"))
    if target := os.environ.get("MLCC_VERDICT"):
        Path(target).write_text(json.dumps(verdict, indent=2) + "\n", encoding="utf-8")
    print(verdict["summary"])
    return 0 if verdict["verdict"] == "pass" else 1


if __name__ == "__main__":
    raise SystemExit(main())
