"""The canary gate over Prometheus: a server that speaks its API, and Prometheus itself where it is installed."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from mlcc.gates._records import GateError
from mlcc.gates.canary.prometheus import observed
from tests.gates.engine_services import missing

QUERIES = {"n": "requests", "bad": "errors"}


class _Server:
    """An HTTP server on the loopback device: `answer(path, headers)` gives status and body."""

    def __init__(self, answer: Callable[[str, Any], tuple[int, bytes]]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                status, body = answer(self.path, self.headers)
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)

    def __enter__(self) -> _Server:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def series(value: Any, at: Any = 100.0, **labels: str) -> dict[str, Any]:
    return {"metric": labels, "value": [at, value]}


def vector(*found: Any, **more: Any) -> bytes:
    return json.dumps(
        {"status": "success", "data": {"resultType": "vector", "result": found}, **more}
    ).encode()


GOOD = {
    "requests": vector(
        series("100", arm="candidate"), series("900", arm="control"), series("7", arm="shadow")
    ),
    "errors": vector(series("1", arm="candidate"), series("9", arm="control")),
    "sum by (arm, le) (score)": vector(
        *(
            series(str(value), arm=arm, le=le)
            for arm, counts in (("candidate", (40, 100)), ("control", (300, 900)))
            for le, value in zip(("0.5", "+Inf"), counts, strict=True)
        )
    ),
}


def source(url: str, **more: Any) -> dict[str, Any]:
    return {
        "url": url, "arm": "arm", "candidate": "candidate", "control": "control", "counts": QUERIES, "histograms": {},
        **more,
    }  # fmt: skip


def ask(answers: dict[str, bytes], status: int = 200, **more: Any) -> Any:
    """Return what is observed at 100 s from a server with these answers."""

    def answer(path: str, headers: Any) -> tuple[int, bytes]:
        asked = parse_qs(urlsplit(path).query)
        assert urlsplit(path).path == "/api/v1/query"
        assert asked["time"] == ["100.000"]
        return status, answers[asked["query"][0]]

    with _Server(answer) as server:
        return observed(source(server.url, **more), 100.0)


def test_counters_and_histograms() -> None:
    found = ask(GOOD, histograms={"score": "sum by (arm, le) (score)"})
    assert found == {
        "time": 100.0,
        "candidate": {"n": 100, "bad": 1, "buckets": {"score": {"0.5": 40, "+Inf": 100}}},
        "control": {"n": 900, "bad": 9, "buckets": {"score": {"0.5": 300, "+Inf": 900}}},
    }


def test_the_oldest_sample_says_the_time() -> None:
    old = vector(series("1", 40.5, arm="candidate"), series("9", arm="control"))
    assert ask({**GOOD, "errors": old})["time"] == 40.5


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (vector(), "no data is not health"),
        (vector(series("1", arm="candidate")), "no series with arm=control"),
        (
            vector(series("1", arm="candidate", pod="a"), series("1", arm="candidate", pod="b")),
            "2 series for the candidate",
        ),
        (vector(series("NaN", arm="candidate"), series("1", arm="control")), "no finite number"),
        (vector(series("+Inf", arm="candidate"), series("1", arm="control")), "no finite number"),
        (vector(series("many", arm="candidate"), series("1", arm="control")), "no finite number"),
        (vector(series(1, arm="candidate"), series("1", arm="control")), "no finite number"),
        (vector(series("1", "x", arm="candidate"), series("1", arm="control")), "no finite number"),
        (vector({"metric": {}, "values": []}), "no labels and one sample"),
        (
            vector(series("1", arm="candidate"), series("1", arm="control"), warnings=["partial"]),
            "a part of the whole",
        ),
        (b'{"status": "error", "error": "parse error"}', "refused"),
        (b'{"status": "success", "data": {"resultType": "scalar", "result": [1, "2"]}}', "no instant vector"),
        (b"[]", "refused"),
        (b"<html>", "not JSON"),
        (b"\xff", "not UTF-8"),
    ],
)
def test_answers_that_are_no_evidence(answer: bytes, reason: str) -> None:
    with pytest.raises(GateError, match=reason):
        ask({**GOOD, "errors": answer})


@pytest.mark.parametrize(
    "answer", [vector(), vector(series("4", arm="candidate", le="1"), series("4", arm="candidate", le="1"))]
)
def test_buckets_that_are_no_evidence(answer: bytes) -> None:
    with pytest.raises(GateError, match="no buckets for the candidate"):
        ask({**GOOD, "score": answer}, histograms={"score": "score"})


@pytest.mark.parametrize("status", [302, 401, 404, 500, 503])
def test_no_other_status_is_an_answer(status: int) -> None:
    with pytest.raises(GateError, match=f"status {status}"):
        ask(GOOD, status)


def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(GateError, match="gives no answer"):
            observed(source(f"http://127.0.0.1:{taken.getsockname()[1]}"), 100.0)


def test_a_token_is_sent_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def answer(path: str, headers: Any) -> tuple[int, bytes]:
        seen.append(headers["Authorization"])
        return 401, b""

    with _Server(answer) as server:
        monkeypatch.setenv("PROM", "s3cret")
        with pytest.raises(GateError, match="401") as caught:
            observed(source(server.url, token="PROM"), 100.0)
        monkeypatch.setenv("PROM", "two\nlines")
        with pytest.raises(GateError, match="PROM holds no token"):
            observed(source(server.url, token="PROM"), 100.0)
    assert seen == ["Bearer s3cret"]
    assert "s3cret" not in str(caught.value)


# --- the real one ----------------------------------------------------------------------------------------

_PROMETHEUS = shutil.which("prometheus")
_EXPOSED = """# TYPE http_requests counter
http_requests_total{{arm="candidate",code="200"}} {good}
http_requests_total{{arm="candidate",code="500"}} {bad}
http_requests_total{{arm="control",code="200"}} {others}
http_requests_total{{arm="control",code="500"}} 5
# TYPE score histogram
score_bucket{{arm="candidate",le="0.5"}} {low}
score_bucket{{arm="candidate",le="+Inf"}} {good}
score_bucket{{arm="control",le="0.5"}} {others_low}
score_bucket{{arm="control",le="+Inf"}} {others}
"""
_CONFIGURATION = """global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs:
- job_name: router
  static_configs: [{{targets: ['{target}']}}]
"""


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[tuple[str, dict[str, int]]]:
    """Run Prometheus over a router that exposes counters; yield its URL, and the counters to change."""
    if _PROMETHEUS is None:
        missing("prometheus")
    counters = {"good": 0, "bad": 0, "others": 1000, "low": 0, "others_low": 400}
    with _Server(lambda path, headers: (200, _EXPOSED.format(**counters).encode())) as router:
        place = tmp_path / "prometheus.yml"
        place.write_text(_CONFIGURATION.format(target=router.url.removeprefix("http://")))
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        call = [
            str(_PROMETHEUS), f"--config.file={place}", f"--storage.tsdb.path={tmp_path / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
        ]  # fmt: skip
        with (tmp_path / "log").open("wb") as log, subprocess.Popen(call, stdout=log, stderr=log) as process:
            try:
                _await(
                    lambda: _count(url, 'http_requests_total{arm="control",code="200"}') == 1000,
                    tmp_path / "log",
                )
                yield url, counters
            finally:
                process.terminate()


def _count(url: str, query: str) -> float | None:
    try:
        asked = f"{url}/api/v1/query?query={urllib.request.quote(query)}"  # type: ignore[attr-defined]
        with urllib.request.urlopen(asked, timeout=5) as answer:
            result = json.load(answer)["data"]["result"]
    except OSError:
        return None
    return float(result[0]["value"][1]) if result else None


def _await(ready: Callable[[], bool], log: Path) -> None:
    until = time.monotonic() + 60
    while not ready():
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.1)


def test_the_real_prometheus(project: Any, prometheus: Any, tmp_path: Path) -> None:
    url, counters = prometheus
    project.write("m.bin", "m")
    queries = {
        "n": "sum by (arm) (http_requests_total)",
        "bad": 'sum by (arm) (http_requests_total{code="500"})',
        "score": "sum by (arm, le) (score_bucket)",
    }
    metrics = {"errors": {"rate": {"max": 0.02, "worse_than_control": 1.5}}, "scores": {"histogram": "score"}}
    stated = {
        "observations": {"prometheus": {"url": url, "queries": queries}},
        "weight": 50,
        "metrics": metrics,
    }
    changed = {"bake": 6, "every": 0.2, "fail_after": 1000}
    project.gate("canary", stated, {"model": "m.bin"}, artifact_kind="model", change=changed)

    def serve_once_it_looks() -> None:
        _await((tmp_path / "_mlcc/s--g/snapshots.jsonl").exists, tmp_path / "log")
        counters.update(good=998, bad=2, low=400, others=2000, others_low=800)

    traffic = threading.Thread(target=serve_once_it_looks)
    traffic.start()
    outcome = project.run_script("canary")
    traffic.join()
    assert (outcome.verdict, outcome.code) == ("pass", 0), outcome.log
    assert outcome.check("requests")["n"] == 1000
    assert outcome.check("errors")["estimate"] == 0.002
    # 998 and 1,000 values, of which 400 and 400 are in the lower bucket.
    assert "0.0802 % of the requests lie in other buckets" in outcome.check("scores")["message"]


def test_what_a_server_that_was_replaced_has_counted(
    prometheus: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the message on a counter that went back advises: the sum of what is seen goes back, that of the maxima doesn't."""
    url, _ = prometheus
    for pod, count, seen in (("a", 500, 500), ("b", 20, 20)):
        line = f'served{{{{pod="{pod}",arm="control"}}}} {count}\n'
        monkeypatch.setattr(sys.modules[__name__], "_EXPOSED", "# TYPE served counter\n" + line)
        _await(lambda seen=seen: _count(url, "sum by (arm) (served)") == seen, tmp_path / "log")  # type: ignore[misc]
    assert _count(url, "sum by (arm) (max_over_time(served[2h]))") == 520
