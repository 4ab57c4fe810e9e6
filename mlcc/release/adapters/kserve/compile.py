"""What the driver reads of an InferenceService."""

from __future__ import annotations

from typing import Any

from mlcc.release.adapters import checked_name, checked_template


def compile(params: Any, release: str) -> dict[str, object]:
    """Return the parameters. Raises AdapterParamsError."""
    del release
    return {
        "name": checked_name(params.service, "service"),
        "namespace": checked_name(params.namespace, "namespace"),
        "what": checked_template(params.storage_uri, "storage_uri", "s3://models/{release}"),
        "publish": params.publish,
    }
