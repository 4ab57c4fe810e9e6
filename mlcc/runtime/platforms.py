"""The CI systems by name. Standard library only: bundled into the emitted scripts."""

from __future__ import annotations

import os
from collections.abc import Callable

from mlcc.backends.github.platform import GitHub
from mlcc.backends.gitlab.platform import GitLab
from mlcc.backends.jenkins.platform import Jenkins
from mlcc.runtime.platform import Platform
from mlcc.runtime.records import RunError

PLATFORMS: dict[str, Callable[[], Platform]] = {"github": GitHub, "gitlab": GitLab, "jenkins": Jenkins}


def this_platform() -> Platform:
    """Return the CI system that this runs on, by MLCC_PLATFORM. Raises RunError."""
    name = os.environ.get("MLCC_PLATFORM", "")
    if name not in PLATFORMS:
        raise RunError(f"MLCC_PLATFORM names none of {', '.join(PLATFORMS)}")
    return PLATFORMS[name]()
