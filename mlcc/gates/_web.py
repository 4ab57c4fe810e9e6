"""Addresses of HTTP services, and the tokens that they ask for."""

from __future__ import annotations

import os

from mlcc.gates._records import GateError

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def url_fault(url: str) -> str | None:
    """Say why a text is no address of a service: http or https, a host, at most a port and a path. None where it is one.

    What is said goes on after the address's name: "is no URL". The address itself isn't quoted.
    """
    from urllib.parse import urlsplit  # most gates ask nobody

    try:
        place = urlsplit(url)
        (place.hostname or "").encode("idna")  # as a name's resolution does
        sound = place.scheme in ("http", "https") and bool(place.hostname) and place.port != 0
    except ValueError:
        return "is no URL"
    if not sound or not url.isascii() or not url.isprintable() or " " in url:
        return "is no URL of http or https"
    if "@" in place.netloc or "?" in url or "#" in url:
        return "must have neither a user, a query nor a fragment"
    return None


def is_confidential(url: str) -> bool:
    """Whether nobody can read on the way what is sent to an address: it is encrypted, or stays on this machine."""
    from urllib.parse import urlsplit

    place = urlsplit(url)
    return place.scheme == "https" or place.hostname in _LOOPBACK


def bearer(variable: str | None, whom: str) -> dict[str, str]:
    """Return the headers that show the token of an environment variable; None: no headers.

    Raises GateError where the variable holds none. `whom` is who asks for it.
    """
    if variable is None:
        return {}
    value = os.environ.get(variable, "")
    if not value or not value.isascii() or not value.isprintable():
        raise GateError(f"the variable {variable} holds no token for {whom}")
    return {"Authorization": f"Bearer {value}"}
