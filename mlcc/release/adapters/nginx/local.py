"""Asks what listens on this host. Standard library only: bundled into the emitted script."""

from __future__ import annotations

import contextlib
import http.client
import socket

ANSWER_SECONDS = 5.0
MAX_LOCAL = 1 << 16  # bytes


def answer_of(port: int, path: str) -> tuple[int, str]:
    """Return status and text that a server of 127.0.0.1 answers; 0 where it doesn't. No proxy is asked."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        answer = connection.getresponse()
        return answer.status, answer.read(MAX_LOCAL).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


def accepts(port: int) -> bool:
    """Tell whether something accepts connections on a port of 127.0.0.1."""
    try:
        with contextlib.closing(socket.create_connection(("127.0.0.1", port), timeout=1.0)):
            return True
    except OSError:
        return False
