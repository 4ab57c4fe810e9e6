"""Where each artifact lies: the pipeline says it in ARTIFACT_<ID>; by hand the paths of mlcc.yaml hold."""

from __future__ import annotations

import os
from pathlib import Path

DEFAULTS = {
    "raw": "data/flights.parquet",
    "features": "build/features.parquet",
    "model": "build/model",
    "champion": "champion",
    "scored": "build/scored.parquet",
    "scored-champion": "build/scored-champion.parquet",
    "recent": "build/recent.parquet",
    "bundle": "dist/flights-model.tar.gz",
}


def location(artifact: str) -> Path:
    """Path of an artifact, relative to the project's folder. KeyError for an unknown id."""
    default = DEFAULTS[artifact]
    return Path(os.environ.get("ARTIFACT_" + artifact.upper().replace("-", "_")) or default)


def output(artifact: str) -> Path:
    """Like `location`, with the parent folder made."""
    path = location(artifact)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
