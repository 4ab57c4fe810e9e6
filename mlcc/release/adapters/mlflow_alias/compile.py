"""What the driver reads of an alias."""

from __future__ import annotations

import re
from typing import Any

from mlcc.release.adapters import AdapterParamsError
from mlcc.runtime.web import may_have_token

_URL = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/-]*)?\Z")
_ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,200}\Z")
_VERSION = re.compile(r"(?:latest|v[0-9]+)\Z", re.IGNORECASE)


def compile(params: Any, release: str) -> dict[str, object]:
    """Return the parameters. Raises AdapterParamsError."""
    del release
    if not _URL.match(params.url):
        raise AdapterParamsError(
            ("url",), "the server is http://HOST or https://HOST, with a port and a path if need be"
        )
    if params.token is not None and not may_have_token(params.url):
        raise AdapterParamsError(
            ("token",), "a token goes over an encrypted line only", "let `url` begin with https://"
        )
    if not _ALIAS.match(params.alias) or _VERSION.match(params.alias):
        raise AdapterParamsError(
            ("alias",),
            "an alias has letters, digits, '_' and '-'; `latest` and those such as v1 are MLflow's own",
        )
    return {
        "url": params.url.rstrip("/"),
        "model": params.model,
        "alias": params.alias,
        "publish": params.publish,
        "token": params.token,
    }
