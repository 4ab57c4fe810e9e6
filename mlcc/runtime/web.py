"""Asks the CI system's web interface a question. Standard library only: bundled into the emitted script."""

from __future__ import annotations

import json
from typing import Any

NETWORK_SECONDS = 20
MAX_ANSWER = 4_000_000  # bytes


def get_json(url: str, token: str) -> Any:
    """Return what an API answers; None when it doesn't answer as it should."""
    import urllib.request  # dear, and most nodes ask no API

    if not may_have_token(url):
        return None
    request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
        url, headers={"Authorization": f"Bearer {token}", "Accept": "application/json", "User-Agent": "mlcc"}
    )
    try:
        with urllib.request.urlopen(request, timeout=NETWORK_SECONDS) as answer:  # noqa: S310 - likewise
            return json.loads(answer.read(MAX_ANSWER))
    except (OSError, ValueError):
        return None


def may_have_token(url: str) -> bool:
    """Tell whether a token may go to an address: over an encrypted line, or to this machine."""
    return url.startswith(("https://", "http://127.0.0.1:", "http://localhost:"))


def url_quoted(text: str) -> str:
    """Return a text as a part of a URL's query."""
    unreserved = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
    return "".join(chr(byte) if byte in unreserved else f"%{byte:02X}" for byte in text.encode())
