"""What the driver reads of an endpoint."""

from __future__ import annotations

import re
from typing import Any

from mlcc.release.adapters import AdapterParamsError

_NAME = re.compile(r"[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62}\Z")
LONGEST = 40  # of a release's id: the run's follows, and SageMaker's names have 63 characters


def compile(params: Any, release: str) -> dict[str, object]:
    """Return the parameters. Raises AdapterParamsError."""
    if not _NAME.match(params.endpoint):
        raise AdapterParamsError(
            ("endpoint",), "an endpoint's name has letters, digits and '-', and at most 63 of them"
        )
    if "_" in release or len(release) > LONGEST:
        raise AdapterParamsError(
            (), f"SageMaker's names have letters, digits and '-', and the id '{release}' becomes part of one",
            f"name the release without '_', in at most {LONGEST} characters",
        )  # fmt: skip
    return {"endpoint": params.endpoint, "publish": params.publish}
