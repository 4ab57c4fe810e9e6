"""A small HTTP server on loopback that answers as a test tells it, and remembers what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Asked(NamedTuple):
    """A request: path with query, headers, and what was posted."""

    path: str
    headers: dict[str, str]
    body: bytes = b""


class Server:
    """`answer` maps a request to (status, body); `headers` go with every answer."""

    def __init__(self, answer: Callable[[Asked], tuple[int, bytes]]) -> None:
        self.asked: list[Asked] = []
        self.answer = answer
        self.url = ""
        self.headers: dict[str, str] = {}


@contextmanager
def serve(answer: Callable[[Asked], tuple[int, bytes]]) -> Iterator[Server]:
    """Run a server for the length of a `with` block."""
    server = Server(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            asked = Asked(self.path, dict(self.headers.items()), self.rfile.read(length))
            server.asked.append(asked)
            status, body = server.answer(asked)
            self.send_response(status)
            for name, value in {**server.headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(ConnectionError):  # who asked no longer listens
                self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the name that http.server looks for

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server.url = f"http://127.0.0.1:{http.server_address[1]}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
