"""What the driver reads of an endpoint."""

from __future__ import annotations

import re
from typing import Any

from mlcc.release.adapters import AdapterParamsError, checked_template

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]*\Z")


def compile(params: Any, release: str) -> dict[str, object]:
    """Return the parameters. Raises AdapterParamsError."""
    del release
    for key in ("endpoint", "region", "project", "machine_type"):
        if not _WORD.match(getattr(params, key)):
            raise AdapterParamsError((key,), "this is a word of letters, digits, '-', '_', '.' and ':'")
    return {
        "endpoint": params.endpoint,
        "region": params.region,
        "project": params.project,
        "model": checked_template(params.model, "model", "churn-{release}"),
        "machine_type": params.machine_type,
        "replicas": params.replicas,
        "publish": params.publish,
    }
