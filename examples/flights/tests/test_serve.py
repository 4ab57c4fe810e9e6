from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flights import score, serve, train, window
from flights.featurize import FEATURES


@pytest.fixture(scope="module")
def client(sample: Path) -> Iterator[HTTPConnection]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), serve.handler(sample / "model"))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    yield connection
    connection.close()
    server.shutdown()
    server.server_close()


def ask(client: HTTPConnection, body: Any) -> tuple[int, Any]:
    client.request("POST", "/predict", json.dumps(body))
    answer = client.getresponse()
    return answer.status, json.loads(answer.read())


def test_the_server_answers_as_the_model_scores(client: HTTPConnection, sample: Path) -> None:
    matrix, _ = train.read_split(sample / "features.parquet", "test")
    rows = [[None if np.isnan(value) else float(value) for value in row] for row in matrix[:5]]
    status, answer = ask(client, {"rows": rows})
    assert status == 200
    assert answer["late"] == pytest.approx(score.predict(sample / "model", matrix[:5]), abs=1e-6)


@pytest.mark.parametrize("body", [{}, [], {"rows": []}, {"rows": [[1.0]]}, {"rows": [["x"] * len(FEATURES)]}])
def test_what_is_no_row_is_refused(client: HTTPConnection, body: Any) -> None:
    status, answer = ask(client, body)
    assert status == 400
    assert list(answer) == ["error"]


def test_the_server_says_when_it_is_ready(client: HTTPConnection) -> None:
    client.request("GET", "/health")
    answer = client.getresponse()
    assert answer.status == 200
    assert json.loads(answer.read())["features"] == list(FEATURES)


def test_the_newest_month_is_cut_out(sample: Path, tmp_path: Path) -> None:
    features = sample / "features.parquet"
    last = window.newest(features)
    assert last == 10  # the sample begins in September and lasts six weeks
    whole = window.cut(features, 1, 12, tmp_path / "all.parquet")
    parts = [window.cut(features, month, month, tmp_path / f"{month}.parquet") for month in (9, 10)]
    assert min(parts) > 0
    assert sum(parts) == whole
