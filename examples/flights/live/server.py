"""Serves one model: `python server.py MODEL PORT`.

POST /predict takes a flight's features by name and answers {"late": probability}; so does the header X-Late, which the router
can log. GET /health answers once the model is loaded.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI, Response

MODEL, PORT = Path(sys.argv[1]), int(sys.argv[2])

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1  # rows come one by one
session = onnxruntime.InferenceSession(MODEL / "model.onnx", options)
features = json.loads((MODEL / "meta.json").read_text("utf-8"))["features"]
app = FastAPI()


@app.get("/health")
async def health() -> dict[str, list[str]]:
    """Tell what a flight must have."""
    return {"features": features}


@app.post("/predict")
async def predict(flight: dict[str, float | None], response: Response) -> dict[str, float]:
    """Return how likely the flight is late; a feature that is null isn't known."""
    known = [flight.get(name) for name in features]
    row = np.array([[np.nan if value is None else value for value in known]], "f4")
    late = float(session.run(["probabilities"], {"X": row})[0][0, 1])
    response.headers["X-Late"] = f"{late:.4f}"
    return {"late": late}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="warning")
