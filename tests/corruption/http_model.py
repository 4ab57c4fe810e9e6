"""A model that is served over HTTP, and what its server does instead of giving the golden answer."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.corruption.bases import SECRET, Base
from tests.corruption.damage_files import Apply, Damage, whole_of, written

# Answers /health at once, /predict with the bytes of the file `given`, and all else as /predict should be: a client
# that is led elsewhere gets the golden answer there. The file `mode` makes it misbehave once it is ready.
_SERVER = """
import os, socket, struct, time

MODE = open("mode").read() if os.path.exists("mode") else ""
GOOD = open("good", "rb").read()


def asked(connection):
    data = b""
    while b"\\r\\n\\r\\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return ""
        data += piece
    return data.split(b" ")[1].decode()


def predict(connection):
    if MODE == "end":
        os._exit(3)
    if MODE == "hang":
        time.sleep(600)
    if MODE == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif MODE == "drip":
        for byte in open("given", "rb").read():
            connection.sendall(bytes([byte]))
            time.sleep(1)
    elif os.path.isfile("given"):
        connection.sendall(open("given", "rb").read())


with socket.create_server(("127.0.0.1", int(os.environ["PORT"]))) as listening:
    while True:
        connection, _ = listening.accept()
        path = asked(connection)
        try:
            if path == "/health":
                connection.sendall(b"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: 0\\r\\n\\r\\n")
                if MODE == "refuse":
                    listening.close()
                    connection.close()
                    time.sleep(600)
            elif path == "/predict":
                predict(connection)
            elif path:
                connection.sendall(GOOD)
        except OSError:
            pass
        connection.close()
"""
_ANSWER = {"score": 0.5625, "said": "yes"}
_QUERY = {"name": "small", "request": {"body": {"x": [1, 2], "note": SECRET}}, "response": {"body": _ANSWER}}


def _response(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", "Connection: close", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


_BODY = json.dumps(_ANSWER).encode()
_GOOD = _response(_BODY)

BASES = (
    Base(
        "serve-http", "serve",
        # The server reads what is given only when it is asked: whatever lies there, it starts.
        {"run": "exec python3 -I server.py", "golden": "golden.json", "tolerance": 1e-6, "answer_within": "3s"},
        {"m": "m.bin"},
        {
            "golden.json": json.dumps([_QUERY]).encode(), "given": _GOOD, "good": _GOOD, "m.bin": b"w",
            "server.py": _SERVER.encode(),
        },
        "given", "http answer", number="0.5625",
        ends=dict.fromkeys(("run", "special", "foreign", "broken"), "fail"),
        harmless=frozenset(("a link to the whole file",)),  # it is the server that reads it
    ),
)  # fmt: skip


def http_answer(base: Base) -> Iterator[Damage]:
    """Yield what a server does instead of answering, or answers instead."""
    for mode in ("refuse", "hang", "drip", "reset", "end"):
        yield f"the server: {mode}", "broken", _misbehaving(mode)
    whole = whole_of(base)
    for end in range(1, len(whole), 9):
        yield f"cut after {end} bytes", "broken", written(base, whole[:end])
    for what, body in _bodies(base.number):
        yield f"the body: {what}", "broken", written(base, _response(body))
    for what, answer in _answers():
        yield f"the answer: {what}", "broken", written(base, answer)
    yield (
        "the answer: 40 MB",
        "broken",
        written(base, lambda: _response(b'{"a": "' + b"x" * (40 << 20) + b'"}')),
    )
    endless = _response(_BODY).replace(f"Content-Length: {len(_BODY)}".encode(), b"X: y")
    yield (
        "the answer: 40 MB, of no stated length",
        "broken",
        written(base, lambda: endless + b" " * (40 << 20)),
    )


def _misbehaving(mode: str) -> Apply:
    return lambda root: (root / "mode").write_text(mode)


def _bodies(number: str) -> Iterator[tuple[str, bytes]]:
    for new in (
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "null",
        "true",
        f'"{number}"',
        f"[{number}]",
        "",
        "9" * 5000,
    ):
        what = new if len(new) < 20 else "5,000 digits"
        yield f"a number is {what or 'missing'}", _BODY.replace(number.encode(), new.encode())
    yield from (
        ("nothing", b""), ("HTML", b"<!DOCTYPE html><html><body>OK</body></html>"), ("text", b"yes"),
        ("two documents", _BODY * 2), ("single quotes", _BODY.replace(b'"', b"'")), ("a list", b"[" + _BODY + b"]"),
        ("a key twice", _BODY[:-1] + b', "score": 0.5}'), ("a key more", _BODY[:-1] + b', "more": 1}'),
        ("a key less", b'{"score": 0.5625}'), ("a BOM", b"\xef\xbb\xbf" + _BODY),
        ("not UTF-8", _BODY.replace(b"yes", b"y\xff")), ("NUL", _BODY + b"\0"), ("UTF-16", _BODY.decode().encode("utf-16")),
        ("100,000 brackets", b"[" * 100_000), ("200 levels", b'{"a":' * 200 + b"1" + b"}" * 200),
        ("orders to a runner", b"::error::x\r\n##vso[task.complete]\n"),
    )  # fmt: skip


def _answers() -> Iterator[tuple[str, bytes]]:
    length = f"Content-Length: {len(_BODY)}".encode()
    for status in (
        "201 Created",
        "204 No Content",
        "206 Partial Content",
        "400 Bad",
        "404 Not Found",
        "500 Error",
        "999 X",
    ):
        yield f"status {status}", _response(_BODY, status)
    for status in ("301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"):
        yield f"status {status} to another path", _response(b"", status, "Location: /elsewhere")
        yield f"status {status} to another host", _response(_BODY, status, "Location: http://192.0.2.1/")
    yield from (
        ("half of the stated length", _GOOD.replace(length, b"Content-Length: 4000")),
        ("less than the body", _GOOD.replace(length, b"Content-Length: 9")),
        ("a length of nothing", _GOOD.replace(length, b"Content-Length: 0")),
        ("no status", _BODY), ("a status that is text", _GOOD.replace(b"200", b"abc")),
        ("a status of four digits", _GOOD.replace(b"200", b"2000")), ("another protocol", b"SSH-2.0-x\r\n\r\n"),
        ("another version", _GOOD.replace(b"HTTP/1.1", b"HTTP/3.x")), ("TLS", b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03"),
        ("gzip that wasn't asked for", _response(_BODY, "200 OK", "Content-Encoding: gzip")),
        ("a header of 100,000 characters", _response(_BODY, "200 OK", "X: " + "y" * 100_000)),
        ("1,000 headers", _response(_BODY, "200 OK", *["X: y"] * 1000)),
        ("a chunk that is cut", _GOOD.replace(length, b"Transfer-Encoding: chunked").replace(_BODY, b"fff\r\n" + _BODY)),
        ("a chunk without a size", _GOOD.replace(length, b"Transfer-Encoding: chunked").replace(_BODY, b"zz\r\n" + _BODY)),
        ("chunks without an end", _GOOD.replace(length, b"Transfer-Encoding: chunked").replace(
            _BODY, b"%x\r\n%s\r\n" % (len(_BODY), _BODY))),
        ("orders in the reason", _response(_BODY, "500 ::error::x ##vso[task.complete]")),
    )  # fmt: skip
