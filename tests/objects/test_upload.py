"""Objects of S3 that are written: on a condition, at once or in parts, and nothing that stays half done."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from mlcc.objects import answers, upload
from mlcc.objects.account import Account
from mlcc.objects.answers import StoreError, opener
from mlcc.objects.bucket import Bucket
from mlcc.objects.sign import Key
from mlcc.objects.upload import Pieces
from tests.objects.store import VARIABLES, Answering, Reply, answering, refusal

BEGUN: Reply = (
    200,
    {},
    b"<InitiateMultipartUploadResult><UploadId>u/1</UploadId></InitiateMultipartUploadResult>",
)
ENDED: Reply = (200, {}, b"<CompleteMultipartUploadResult/>")


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "_PAUSES", (0.0, 0.0))
    monkeypatch.setattr(upload, "PIECE", 4)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def _cut(content: bytes, most: int) -> Iterator[bytes]:
    return (content[start : start + most] for start in range(0, len(content), most))


def _upload(url: str, content: bytes, new: bool = True) -> None:
    bucket = Bucket("acme-ml", Account(Key("id", "secret"), "us-east-1", url), opener())
    upload.upload(bucket, "k", Pieces(len(content), lambda most: _cut(content, most)), new)


class Told:
    """What a store is told, and what it answers by method and query."""

    def __init__(self, answer: Answering) -> None:
        self.answer = answer
        self.requests: list[tuple[str, str, bytes]] = []

    def __call__(self, request: BaseHTTPRequestHandler) -> Reply | None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        assert request.headers["x-amz-content-sha256"] == hashlib.sha256(body).hexdigest()
        query = request.path.partition("?")[2]
        condition = " if none" if request.headers.get("If-None-Match") == "*" else ""
        self.requests.append((request.command + condition, query, body))
        return self.answer(request)


def test_a_small_object_is_put_where_there_is_none() -> None:
    told = Told(lambda _: (200, {}, b""))
    with answering(told) as url:
        _upload(url, b"abc")
        _upload(url, b"abc", new=False)
    assert told.requests == [("PUT if none", "", b"abc"), ("PUT", "", b"abc")]


def test_somebody_else_was_faster() -> None:
    told = Told(lambda _: refusal(412, "PreconditionFailed"))
    with answering(told) as url:
        _upload(url, b"abc")
    assert len(told.requests) == 1


def test_a_store_without_conditions() -> None:
    told = Told(
        lambda r: refusal(501, "NotImplemented") if r.headers.get("If-None-Match") else (200, {}, b"")
    )
    with answering(told) as url:
        _upload(url, b"abc")
    assert told.requests == [("PUT if none", "", b"abc"), ("PUT", "", b"abc")]


def _parts(request: BaseHTTPRequestHandler) -> Reply:
    query = request.path.partition("?")[2]
    if request.command == "PUT":
        return 200, {"ETag": f'"t{query[len("partNumber=")]}"'}, b""
    if request.command == "DELETE":
        return 204, {}, b""
    return BEGUN if query == "uploads=" else ENDED


def test_a_large_object_goes_in_parts() -> None:
    told = Told(_parts)
    with answering(told) as url:
        _upload(url, b"abcdefghij")
    first, *sent, last = told.requests
    assert first == ("POST", "uploads=", b"")
    assert sorted(sent) == [
        ("PUT", "partNumber=1&uploadId=u%2F1", b"abcd"),
        ("PUT", "partNumber=2&uploadId=u%2F1", b"efgh"),
        ("PUT", "partNumber=3&uploadId=u%2F1", b"ij"),
    ]
    tags = "".join(f'<Part><PartNumber>{n}</PartNumber><ETag>"t{n}"</ETag></Part>' for n in (1, 2, 3))
    assert last == (
        "POST",
        "uploadId=u%2F1",
        f"<CompleteMultipartUpload>{tags}</CompleteMultipartUpload>".encode(),
    )


@pytest.mark.parametrize("wrong", ["part", "end"])
def test_parts_do_not_stay_behind(wrong: str) -> None:
    """The end may be answered by 200 and an error."""

    def answer(request: BaseHTTPRequestHandler) -> Reply:
        if wrong == "part" and "partNumber=2" in request.path:
            return refusal(403, "AccessDenied")
        if wrong == "end" and request.command == "POST" and "uploadId" in request.path:
            return 200, {}, b"<Error><Code>InternalError</Code></Error>"
        return _parts(request)

    told = Told(answer)
    with answering(told) as url, pytest.raises(StoreError):
        _upload(url, b"abcdefghij")
    assert told.requests[-1][:2] == ("DELETE", "uploadId=u%2F1")


def test_a_store_that_recovers() -> None:
    replies = iter([refusal(503, "SlowDown"), (200, {}, b"")])
    told = Told(lambda _: next(replies))
    with answering(told) as url:
        _upload(url, b"abc", new=False)
    assert len(told.requests) == 2
