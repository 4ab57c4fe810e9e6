"""Model servers for tests: a good one, and ones that misbehave on their predictions."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# One file that stands alone, run as a program.
GOOD = """
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def log_message(self, *a):
        pass

    def reply(self, status, body, *headers):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.reply(200 if self.path == "/health" else 404, b"{}")

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.predict(asked)

    def predict(self, asked):
        self.reply(200, json.dumps({"score": sum(asked["x"]) / 10, "label": "yes"}).encode())

EXTRA

ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


def server(extra: str = "") -> str:
    """Return the program of a server; `extra` is code before it starts, such as another `predict`."""
    return GOOD.replace("EXTRA", extra)


def predicts(body: str) -> str:
    """Return a server whose predictions are made by these lines."""
    lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
    return server(f"def predict(self, asked):\n{lines}\nHandler.predict = predict")


@contextmanager
def running(program: str, port: int | None = None) -> Iterator[int]:
    """Run a server for as long as a `with` block lasts; yield the port of 127.0.0.1 at which it will listen."""
    port = free_port() if port is None else port
    with subprocess.Popen(
        [sys.executable, "-u", "-c", program], env={**os.environ, "PORT": str(port)}
    ) as process:
        try:
            yield port
        finally:
            process.kill()


def free_port() -> int:
    """Return a port of 127.0.0.1 at which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
