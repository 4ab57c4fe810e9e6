"""AWS Signature Version 4 for requests with headers.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

NOTHING = hashlib.sha256(b"").hexdigest()


class Key(NamedTuple):
    """What signs requests: an access key's id and secret, and a token where the key is of a session."""

    id: str
    secret: str
    token: str = ""


def signed(
    url: str,
    headers: dict[str, str],
    key: Key,
    region: str,
    moment: str,
    method: str = "GET",
    payload: str = NOTHING,
) -> dict[str, str]:
    """Return the headers of a request, with those that sign it.

    `url` is encoded already. `moment` is the time in UTC, as 20130524T000000Z. `payload` is the sha256 of the body, in hex.
    """
    parts = urlsplit(url)
    found = {**headers, "x-amz-content-sha256": payload, "x-amz-date": moment}
    if key.token:
        found["x-amz-security-token"] = key.token
    covered = {name.lower(): value.strip() for name, value in found.items()}
    covered["host"] = parts.netloc
    names = ";".join(sorted(covered))
    lines = "".join(f"{name}:{covered[name]}\n" for name in sorted(covered))
    query = query_of(parse_qsl(parts.query, keep_blank_values=True))
    request = "\n".join((method, parts.path or "/", query, lines, names, payload))
    scope = f"{moment[:8]}/{region}/s3/aws4_request"
    digest = hashlib.sha256(request.encode()).hexdigest()
    signature = _hmac(_signing_key(key.secret, scope), f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}").hex()
    found["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={key.id}/{scope},SignedHeaders={names},Signature={signature}"
    )
    return found


def encoded(text: str, safe: str = "") -> str:
    """Return text as URLs spell it, with all but letters, digits, `-._~` and `safe` as %XX."""
    return quote(text, safe=safe + "~")


def query_of(pairs: Iterable[tuple[str, str]]) -> str:
    """Return the query of a URL in the one spelling that is signed."""
    return "&".join(f"{name}={value}" for name, value in sorted((encoded(n), encoded(v)) for n, v in pairs))


def _signing_key(secret: str, scope: str) -> bytes:
    key = b"AWS4" + secret.encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
