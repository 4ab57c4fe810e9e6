"""Counts requests by arm from nginx's log, for Prometheus: `python counters.py LOG PORT`. Standard library only.

Every counter of both arms is there from the start, as 0. The log is read anew at every start, so that none goes back.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

ARMS = {"mlcc_flights_live": "control", "mlcc_flights_candidate": "candidate"}
SLOW = 0.1  # seconds
LATE = 0.5  # the probability from which a flight is said to be late


def counted(line: str) -> tuple[str, list[str]]:
    """Return the arm of a request, and the counters that it adds to; no arm where it isn't one of a model."""
    request = json.loads(line)
    found, failed = ["requests"], request["status"] >= "500"
    if failed:
        found.append("errors")
    if float(request["seconds"]) > SLOW:
        found.append("slow")
    # Here, whoever asks knows already how it came out. Where that is known days later, join it by the request's id.
    known = not failed and request["outcome"] and request["late"]
    if known and (float(request["late"]) >= LATE) != (request["outcome"] == "1"):
        found.append("wrong")
    return ARMS.get(request["to"], ""), found


class Counters:
    """The counters, up to the last whole line of the log."""

    def __init__(self, log: Path) -> None:
        self.log, self.position = log, 0
        names = ("requests", "errors", "slow", "wrong")
        self.values = {(name, arm): 0 for name in names for arm in ARMS.values()}

    def text(self) -> str:
        """Read on, and return the counters as Prometheus takes them."""
        with self.log.open("rb") as file:
            file.seek(self.position)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        for line in whole.decode("utf-8", "replace").splitlines():
            arm, names = counted(line)
            for name in names if arm else ():
                self.values[name, arm] += 1
        self.position += len(whole)  # not beyond a line that is none: then nothing is told any more
        return "".join(f'flights_{name}{{arm="{arm}"}} {n}\n' for (name, arm), n in self.values.items())


class Metrics(BaseHTTPRequestHandler):
    """Answers Prometheus."""

    def do_GET(self) -> None:
        """Answer with the counters."""
        body = COUNTERS.text().encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    COUNTERS = Counters(Path(sys.argv[1]))
    HTTPServer(("127.0.0.1", int(sys.argv[2])), Metrics).serve_forever()
