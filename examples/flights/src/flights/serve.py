"""Serves the model over HTTP on the loopback: what the gate `serves` starts, asks and measures.

GET /health answers 200 once the model is loaded. POST /predict takes {"rows": [[...], ...]}, one list of the
features per flight (null where there is no history), and answers {"late": [probability, ...]}.
"""

from __future__ import annotations

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from flights.featurize import FEATURES
from flights.paths import location

MOST_BYTES = 1_000_000
MOST_ROWS = 1_000


def matrix_of(body: bytes) -> np.ndarray[Any, Any]:
    """Return a request's rows as (rows x features). Raises ValueError for anything else."""
    document = json.loads(body)
    rows = document.get("rows") if isinstance(document, dict) else None
    if not isinstance(rows, list) or not 0 < len(rows) <= MOST_ROWS:
        raise ValueError(f"`rows` has 1 to {MOST_ROWS} rows")
    matrix = np.array(
        [[np.nan if value is None else value for value in row] for row in rows if isinstance(row, list)], "f4"
    )
    if matrix.shape != (len(rows), len(FEATURES)):
        raise ValueError(f"a row has the {len(FEATURES)} features {', '.join(FEATURES)}")
    return matrix


def handler(model: Path) -> type[BaseHTTPRequestHandler]:
    """Return what answers requests with the model in the folder `model`."""
    session = onnxruntime.InferenceSession(model / "model.onnx")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # or an answer waits 40 ms for the acknowledgement of its headers

        def do_GET(self) -> None:
            self.answer(200 if self.path == "/health" else 404, {"features": list(FEATURES)})

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if self.path != "/predict" or not 0 < length <= MOST_BYTES:
                self.close_connection = True
                return self.answer(400, {"error": "POST up to a megabyte of JSON to /predict"})
            try:
                matrix = matrix_of(self.rfile.read(length))
            except (ValueError, TypeError) as problem:
                return self.answer(400, {"error": str(problem)})
            late = session.run(["probabilities"], {"X": matrix})[0][:, 1]
            return self.answer(200, {"late": [float(p) for p in late]})

        def answer(self, status: int, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: a line per request would be most of what the measuring gate waits for."""

    return Handler


def main() -> None:
    """Serve on 127.0.0.1, at the port that PORT names."""
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), handler(location("model")))
    server.serve_forever()


if __name__ == "__main__":
    main()
