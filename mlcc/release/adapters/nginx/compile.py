"""What the driver reads of servers behind nginx."""

from __future__ import annotations

import re
from typing import Any

from mlcc.release.adapters import AdapterParamsError
from mlcc.spec.scalars import seconds

_FOLDER = re.compile(r"(?:/[A-Za-z0-9._-]+)+/?\Z")
_PATH = re.compile(r"/[!-~]*\Z")


def compile(params: Any, release: str) -> dict[str, object]:
    """Return the parameters with seconds and nginx's names. Raises AdapterParamsError."""
    del release
    if not _FOLDER.match(params.folder) or ".." in params.folder.split("/"):
        raise AdapterParamsError(
            ("folder",), "the folder is no absolute path of letters, digits, '.', '_' and '-'",
            "it stays between runs, so it can't lie in the checked out repository: /srv/churn",
        )  # fmt: skip
    if not _PATH.match(params.liveness):
        raise AdapterParamsError(
            ("liveness",), "the path of a URL starts with '/' and has no spaces: /healthz"
        )
    ports = [*params.ports, params.status]
    twice = next((port for n, port in enumerate(ports) if port in ports[:n]), None)
    if twice is not None:
        raise AdapterParamsError(("ports",), f"the port {twice} stands here twice, or is `status`, too")
    return {
        "name": params.name.replace("-", "_"),
        "folder": params.folder.rstrip("/"),
        "ports": list(params.ports),
        "status": params.status,
        "start": params.start,
        "stop": params.stop,
        "liveness": params.liveness,
        "start_within": seconds(params.start_within),
        "keep": params.keep,
        "reload": params.reload,
    }
