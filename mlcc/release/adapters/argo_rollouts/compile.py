"""What the driver reads of a Rollout."""

from __future__ import annotations

from typing import Any

from mlcc.release.adapters import checked_name, checked_template


def compile(params: Any, release: str) -> dict[str, object]:
    """Return the parameters. Raises AdapterParamsError."""
    del release
    return {
        "name": checked_name(params.rollout, "rollout"),
        "namespace": checked_name(params.namespace, "namespace"),
        "container": checked_name(params.container, "container"),
        "what": checked_template(params.image, "image", "registry.example.com/churn:{release}"),
        "publish": params.publish,
    }
