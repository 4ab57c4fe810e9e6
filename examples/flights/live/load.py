"""Asks for predictions of flights whose outcome is known: `python load.py PORT SECONDS [PER_SECOND]`. Standard library only."""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from collections import Counter
from pathlib import Path

THREADS = 16
PATIENCE = 10.0  # seconds
ROWS = Path(__file__).with_name("rows.json")


def ask(port: int, flight: dict[str, float | None], late: int) -> str:
    """Return the status of the answer, or "lost" where none came."""
    headers = {"Content-Type": "application/json", "X-Outcome": str(late), "Connection": "close"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("POST", "/predict", json.dumps(flight), headers)
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        return "lost"
    finally:
        connection.close()
    return str(answer.status)


class Load:
    """Steady requests, so many a second, from several threads; `answers` counts them by status."""

    def __init__(self, port: int, per_second: float = 100.0) -> None:
        self.port, self.per_second = port, per_second
        self.answers: Counter[str] = Counter()
        known = json.loads(ROWS.read_text("utf-8"))
        self.flights = [dict(zip(known["features"], row, strict=True)) for row in known["rows"]]
        self.late = known["late"]
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(THREADS)]

    def __enter__(self) -> Load:
        self._begun = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        while not self._stop.wait(self._begun + number / self.per_second - time.monotonic()):
            row = number * 7 % len(self.flights)  # 7 is prime to their number: each comes
            answer = ask(self.port, self.flights[row], self.late[row])
            with self._lock:
                self.answers[answer] += 1
            number += THREADS


if __name__ == "__main__":
    with Load(int(sys.argv[1]), *map(float, sys.argv[3:])) as load:
        time.sleep(float(sys.argv[2]))
    print(", ".join(f"{number} {answer}" for answer, number in sorted(load.answers.items())))
