"""Connections that go where the spec says: over no proxy, and without a redirect that is followed."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from http.client import HTTPConnection


def connection_to(url: str, patience: float) -> tuple[HTTPConnection, str]:
    """Return a connection that isn't open yet, and the path behind it. `patience`: seconds that each wait may take.

    Raises ValueError where the URL has no proper port.
    """
    # Most gates ask nobody.
    import http.client
    from urllib.parse import urlsplit

    place = urlsplit(url)
    kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
    return kind(place.hostname or "", place.port, timeout=patience), place.path
