"""Stores on loopback for tests: moto's S3, and one that answers whatever a test says."""

from __future__ import annotations

import hashlib
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from typing import NamedTuple
from xml.sax.saxutils import escape

import pytest

from mlcc.emitted import objects_script
from mlcc.objects.sign import encoded

SECRET = "hunter2-of-the-store"
VARIABLES = (
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_STS", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "http_proxy", "HTTP_PROXY",
)  # fmt: skip


def hasty_script() -> str:
    """Return the emitted script with waits that a test can bear."""
    text = objects_script()
    for long, short in (
        ("_SILENCE = 20.0", "_SILENCE = 0.3"),
        ("_PAUSES = (0.5, 2.0)", "_PAUSES = (0.01, 0.01)"),
    ):
        assert long in text
        text = text.replace(long, short)
    return text


class Store(NamedTuple):
    """An S3 that keeps what it is given. It asks for no key."""

    url: str

    @property
    def env(self) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL": self.url, "AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": SECRET}

    def bucket(self, name: str, *, versions: bool = False) -> None:
        self._put(f"/{name}", b"")
        if versions:
            self._put(
                f"/{name}?versioning",
                b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
            )

    def put(self, bucket: str, key: str, content: str | bytes) -> None:
        data = content if isinstance(content, bytes) else content.encode()
        self._put(f"/{bucket}/{encoded(key, safe='/')}", data)

    def get(self, bucket: str, key: str) -> bytes:
        request = urllib.request.Request(f"{self.url}/{bucket}/{encoded(key, safe='/')}", headers=self._key)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return bytes(answer.read())

    @property
    def _key(self) -> dict[str, str]:
        scope = "tester/20260101/us-east-1/s3/aws4_request"
        return {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope},Signature=0"}

    def _put(self, path: str, data: bytes) -> None:
        headers = {"Content-Type": "application/octet-stream", **self._key}
        request = urllib.request.Request(self.url + path, data, headers, method="PUT")
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 200


def environment(monkeypatch: pytest.MonkeyPatch, env: dict[str, str]) -> None:
    """Set the variables that name a store and a key, and no others."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)


@contextmanager
def moto() -> Iterator[Store]:
    """Run moto's server."""
    if find_spec("moto") is None:
        if os.environ.get("MLCC_TEST_ALL") == "1":
            pytest.fail("moto is not installed")
        pytest.skip("moto is not installed")
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and server.poll() is None:
            try:
                with closing(socket.create_connection(("127.0.0.1", port), timeout=1)):
                    break
            except OSError:
                time.sleep(0.1)
        yield Store(f"http://127.0.0.1:{port}")
    finally:
        server.terminate()
        server.wait(30)


def free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


Reply = tuple[int, dict[str, str], bytes]
Answering = Callable[[BaseHTTPRequestHandler], "Reply | None"]


@contextmanager
def answering(reply: Answering, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Run a server that answers every request by `reply`; None: it wrote the answer itself, or none. Yields its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = reply(self)
            if found is None:
                return
            status, headers, body = found
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def etag(content: bytes) -> str:
    """Return the ETag of an object that was put whole and isn't encrypted by a key of one's own: its MD5."""
    return hashlib.md5(content).hexdigest()


def listing(*objects: tuple[str, bytes], more: str = "<IsTruncated>false</IsTruncated>") -> Reply:
    """Return a page of a listing, as S3 spells it."""
    entries = "".join(
        f"<Contents><Key>{escape(key)}</Key><ETag>&quot;{etag(content)}&quot;</ETag><Size>{len(content)}</Size></Contents>"
        for key, content in objects
    )
    text = f'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{more}{entries}</ListBucketResult>'
    return 200, {}, text.encode()


def refusal(status: int, code: str, more: str = "") -> Reply:
    """Return a refusal, as S3 spells it."""
    return status, {}, f"<Error><Code>{code}</Code><Message>{SECRET}</Message>{more}</Error>".encode()
