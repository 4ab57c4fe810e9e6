"""Writes one object of S3: at once, or in parts where it is large.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

from __future__ import annotations

import contextlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.sax.saxutils import escape

from mlcc.objects.answers import StoreError, TakenError, UnknownRequestError, body, patiently, xml
from mlcc.objects.bucket import Bucket
from mlcc.objects.sign import query_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

PIECE = 16 << 20  # bytes; S3 takes parts from 5 MiB
_MOST_PARTS = 10_000
_LINES = 4  # parts on their way at once


class Pieces(NamedTuple):
    """Bytes to be sent, and how many. `open` starts them anew, in pieces of a size; it raises StoreError where they changed."""

    size: int
    open: Callable[[int], Iterator[bytes]]

    def __call__(self, size: int) -> Iterator[bytes]:
        """Yield the bytes in pieces of at most `size`."""
        return self.open(size)


def upload(bucket: Bucket, key: str, pieces: Pieces, new: bool) -> None:
    """Write an object, whole or not at all; `new`: only where none has its key. Raises StoreError."""
    if pieces.size > PIECE:
        return _in_parts(bucket, key, pieces)
    content = b"".join(pieces(PIECE))
    try:
        _put(bucket, key, content, {"If_None_Match": "*"} if new else {})
    except TakenError:
        pass  # somebody else was faster with the same bytes
    except UnknownRequestError:
        _put(bucket, key, content, {})
    return None


def _put(bucket: Bucket, key: str, content: bytes, condition: dict[str, str]) -> None:
    def put() -> None:
        with bucket.ask(key, "PUT", content, **condition) as answer:
            body(answer)

    patiently(put)


def _in_parts(bucket: Bucket, key: str, pieces: Pieces) -> None:
    begun = xml(
        patiently(lambda: _say(bucket, key, "POST", b"", "uploads=")), "InitiateMultipartUploadResult"
    )
    id = begun.findtext("UploadId", "")
    if not id:
        raise StoreError("the endpoint doesn't answer as S3 does: an upload in parts has no id")
    try:
        tags = _parts(bucket, key, id, pieces)
        parts = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(tag)}</ETag></Part>"
            for number, tag in enumerate(tags, 1)
        )
        whole = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
        # It may answer 200, and say in its body that it failed.
        answer = patiently(lambda: _say(bucket, key, "POST", whole, query_of([("uploadId", id)])))
        xml(answer, "CompleteMultipartUploadResult")
    except BaseException:
        with contextlib.suppress(StoreError):  # parts that stay are paid for
            _say(bucket, key, "DELETE", None, query_of([("uploadId", id)]))
        raise


def _parts(bucket: Bucket, key: str, id: str, pieces: Pieces) -> list[str]:
    """Send the parts, a few at once, and return their tags."""
    size = max(PIECE, -(-pieces.size // _MOST_PARTS))
    tags: list[str] = []
    sent: deque[Future[Any]] = deque()
    with ThreadPoolExecutor(_LINES) as threads:
        for number, content in enumerate(pieces(size), 1):
            if len(sent) == _LINES:  # no more of it in memory
                tags.append(sent.popleft().result())
            sent.append(threads.submit(_send, bucket, key, id, number, content))
        tags += [one.result() for one in sent]
    return tags


def _send(bucket: Bucket, key: str, id: str, number: int, content: bytes) -> str:
    query = query_of([("partNumber", str(number)), ("uploadId", id)])

    def put() -> str:
        with bucket.ask(key, "PUT", content, query) as answer:
            body(answer)
            return answer.headers.get("ETag") or ""

    return str(patiently(put))


def _say(bucket: Bucket, key: str, method: str, content: bytes | None, query: str) -> bytes:
    with bucket.ask(key, method, content, query) as answer:
        return body(answer)
