"""Asks over HTTP and reads answers in XML, without trust: no redirect is followed, no entity expanded, no wait endless."""

from __future__ import annotations

import http.client
import re
import time
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener
from xml.etree import ElementTree

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_SILENCE = 20.0  # seconds without a byte, after which an answer is given up
_PAUSES = (0.5, 2.0)  # seconds between three tries
_MAX_BODY = 8 << 20
_PASSING = (429, 500, 502, 503, 504)
_CODE = re.compile(r"[A-Za-z0-9.]{1,60}")
_REGION = re.compile(r"[a-z0-9-]{1,40}")
_REASONS = {
    "AccessDenied": "access is denied: reading needs s3:ListBucket and s3:GetObject, writing s3:PutObject",
    "NoSuchBucket": "there is no such bucket",
    "InvalidAccessKeyId": "the access key isn't known",
    "SignatureDoesNotMatch": "the secret access key is wrong",
    "ExpiredToken": "the session token has expired",
    "InvalidToken": "the session token isn't valid",
    "RequestTimeTooSkewed": "this machine's clock is wrong",
    "InvalidObjectState": "the object is archived, and must be restored first",
}


class StoreError(Exception):
    """The store can't be read or written. The message is one sentence, without anything secret."""


class PassingError(StoreError):
    """What may be over at the next try."""


class DeniedError(StoreError):
    """Who asks may not."""


class AbsentError(StoreError):
    """There is no such object."""


class TakenError(StoreError):
    """There is such an object already, or it isn't the one that was asked for."""


class UnknownRequestError(StoreError):
    """The store hasn't what was asked for: some that speak S3's protocol can't put on a condition."""


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def opener() -> OpenerDirector:
    """Return what opens URLs, through the proxy that the environment names."""
    return build_opener(_NoRedirect)


def patiently(once: Callable[[], Any]) -> Any:
    """Return what `once` returns, after at most three tries. Raises StoreError."""
    for pause in _PAUSES:
        try:
            return once()
        except PassingError:
            time.sleep(pause)
    return once()


def ask(web: OpenerDirector, request: Request) -> http.client.HTTPResponse:
    """Return an answer, to be read and closed. Raises StoreError for every answer but 200 and 204."""
    try:
        answer: http.client.HTTPResponse = web.open(request, timeout=_SILENCE)
    except HTTPError as error:
        with error:
            raise _refusal(error) from None
    except (OSError, http.client.HTTPException) as error:
        raise PassingError(f"the endpoint can't be reached ({_kind(error)})") from None
    if answer.status not in (200, 204):
        answer.close()
        raise StoreError(f"the endpoint answers with status {answer.status} where 200 is due")
    return answer


def chunk(answer: http.client.HTTPResponse, most: int = 1 << 20) -> bytes:
    """Return the next bytes of an answer, none at its end. Raises StoreError where the line breaks."""
    try:
        return answer.read1(most)
    except (OSError, http.client.HTTPException) as error:
        raise PassingError(f"the answer broke off ({_kind(error)})") from None


def body(answer: http.client.HTTPResponse) -> bytes:
    """Return an answer's whole body. Raises StoreError for over 8 MiB, and for one that is cut off."""
    found = b""
    while True:
        more = chunk(answer)
        found += more
        if len(found) > _MAX_BODY:
            raise StoreError("the endpoint's answer is longer than S3's are")
        if not more:
            break
    stated = answer.headers.get("Content-Length")
    if stated is not None and stated != str(len(found)):
        raise PassingError("the endpoint's answer was cut off")
    return found


def xml(content: bytes, root: str) -> ElementTree.Element:
    """Return the root element of an answer, whose tag is `root`, without namespaces. Raises StoreError."""
    try:
        text = content.decode("utf-8")
        if "<!" in text:
            raise ValueError("S3 declares no entities")
        found = ElementTree.fromstring(text)  # noqa: S314 - without declarations nothing can expand
    except (ValueError, ElementTree.ParseError):
        raise StoreError("the endpoint doesn't answer as S3 does: no proper XML") from None
    for element in found.iter():
        element.tag = element.tag.rpartition("}")[2]
    if found.tag != root:
        raise StoreError(f"the endpoint doesn't answer as S3 does: no {root}")
    return found


def _refusal(error: HTTPError) -> StoreError:
    """Return what a refusal means. Of the answer only a code and a region's name are shown."""
    code = region = ""
    try:
        refused = xml(error.read(_MAX_BODY), "Error")
        code, region = refused.findtext("Code", ""), refused.findtext("Region", "")
    except (StoreError, OSError, http.client.HTTPException):
        pass  # an answer to HEAD, or of a proxy, holds no reason
    code = code if _CODE.fullmatch(code) else ""
    region = error.headers.get("x-amz-bucket-region") or region
    if error.code == 412:
        return TakenError("an object changed while it was read")
    if 300 <= error.code < 400 or code == "AuthorizationHeaderMalformed":
        where = f": set AWS_REGION to {region}" if _REGION.fullmatch(region) else "; AWS_REGION is wrong"
        return StoreError(f"the bucket lies in another region{where}")
    if code == "NoSuchKey":
        return AbsentError("there is no such object")
    if error.code == 501:
        return UnknownRequestError("the store doesn't know such a request")
    reason = _REASONS.get(code) or ("access is denied" if error.code == 403 else "")
    shown = reason or f"the endpoint answers with status {error.code}{' ' + code if code else ''}"
    kind = PassingError if error.code in _PASSING else DeniedError if error.code == 403 else StoreError
    return kind(shown)


def _kind(error: Exception) -> str:
    """Return what sort of error it is: its text could name what a secret holds."""
    reason = getattr(error, "reason", None)
    found = type(reason if isinstance(reason, Exception) else error).__name__
    return "no answer in time" if found in ("timeout", "TimeoutError") else found
