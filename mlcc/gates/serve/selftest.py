"""Models on which a `serve` gate must not pass: they don't start, answer wrongly, are slow, or take much memory."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.gates.fixtures import Fixture, artifact_files

_MODEL = """
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

asked = json.loads(sys.argv[1])
hoard = b"x" * asked.get("hoard", 0)
turn = 0

def answer():
    global turn
    turn += 1
    if turn % 12 == 0:
        time.sleep(asked.get("sleep", 0))
    if asked.get("ends"):
        os._exit(1)
    return asked.get("answer", "0").encode()

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self.reply(200, b"{}")

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.reply(asked.get("status", 200), answer())

    def reply(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

if not asked["lines"]:
    HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
for line in sys.stdin.buffer:
    sys.stdout.buffer.write(answer() + b"\\n")
    sys.stdout.buffer.flush()
"""
"""Answers every query with the same JSON. Every twelfth answer, more than one in twenty, may be slow."""
_MOST_SECONDS = 60
_MOST_BYTES = 1 << 30
_SLOW = 12


def known_bad(document: Mapping[str, Any]) -> Iterator[Fixture]:
    """Yield models that don't start, that answer wrongly, and, where there are limits, that exceed them."""
    params = document["params"]
    files = {**artifact_files(document), params["golden"]: _golden(params)}
    check = "golden " + params.get("trace", "zero")
    good, far = stand_in(params), 2 * params["tolerance"] + 1
    yield Fixture("the model doesn't start", "fail", files, "start", "exit 1")
    for name, model in (
        ("a number is off", {"answer": json.dumps(far)}),
        ("a number is NaN", {"answer": "NaN"}),
        ("a number is text", {"answer": '"0"'}),
        ("the answer is no JSON", {"answer": "zero"}),
        *([("the status is another", {"status": 500})] if params["protocol"] == "http" else ()),
    ):
        yield Fixture(name, "fail", files, check, stand_in(params, **model))
    yield Fixture("the model ends at the first query", "fail", files, program=stand_in(params, ends=True))
    for name, golden in (("empty", b"[]"), ("no JSON", b"zero"), ("NaN", b"NaN")):
        broken = {**files, params["golden"]: golden}
        yield Fixture(f"the golden queries are {name}", "error", broken, program=good)
    absent = {path: content for path, content in files.items() if path != params["golden"]}
    yield Fixture("the golden queries are missing", "error", absent, program=good)
    yield from _beyond_limits(params, files)


def _beyond_limits(params: Mapping[str, Any], files: Mapping[str, bytes]) -> Iterator[Fixture]:
    """Yield models that exceed each limit, as far as that takes neither too long nor too much memory."""
    champion = params.get("champion", {})
    ratios = [champion.get(key, 0) for key in ("max_latency_ratio", "max_memory_ratio")]
    sleeps = {
        "latency_p95": params.get("max_latency", 0) / 1000,
        "latency_ratio": 0.02 * ratios[0],
    }
    turns = (params["requests"] + params["warmup"]) / _SLOW
    for check, seconds in sleeps.items():
        longest = min(_MOST_SECONDS / turns, params["answer_within"] - 1)
        if 0 < seconds < longest - 0.05:
            program = _candidate(params, sleep=seconds + 0.05)
            yield Fixture(f"the model is slow ({check})", "fail", files, check, program)
    sizes = {"memory": params.get("max_memory", 0), "memory_ratio": int(ratios[1] * 60_000_000)}
    for check, size in sizes.items():
        if 0 < size < _MOST_BYTES:
            yield Fixture(
                f"the model takes much memory ({check})", "fail", files, check, _candidate(params, hoard=size)
            )


def _golden(params: Mapping[str, Any]) -> bytes:
    """Return a golden file with one query, to which the answer is 0."""
    http = params["protocol"] == "http"
    request = {"method": "POST", "path": "/predict", "body": 0} if http else 0
    query = {"name": params.get("trace", "zero"), "request": request, "response": {"body": 0} if http else 0}
    return json.dumps([query]).encode()


def stand_in(params: Mapping[str, Any], **model: Any) -> str:
    """Return the line of bash that starts a stand-in of the model."""
    stated = json.dumps({"lines": params["protocol"] == "jsonl", **model})
    return f"exec {shlex.join([sys.executable, '-u', '-c', _MODEL, stated])}"


def _candidate(params: Mapping[str, Any], **model: Any) -> str:
    """Return a program that is good as the champion, and as the candidate what `model` says."""
    return f'case "$0" in *champion.sh) {stand_in(params)} ;; esac\n{stand_in(params, **model)}'
