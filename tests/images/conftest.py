"""A registry, and projects whose image goes there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.images.registry import DOCKERFILE, PASSWORD, RealRegistry, buildah_env, registry
from tests.plans import HEAD
from tests.runtime.conftest import Make
from tests.runtime.conftest import make as make
from tests.runtime.project import Project

NAME = "acme/credit"
Build = Callable[..., Project]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    with registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture
def build(make: Make, service: RealRegistry, tmp_path: Path) -> Build:
    """Return a function that makes the project of a spec; HOST and PLACE stand for the registry and for buildah's files."""
    storage = buildah_env(tmp_path / "images")["CONTAINERS_STORAGE_CONF"]

    def project(spec: str, host: str = "", files: dict[str, str] | None = None, head: str = HEAD) -> Project:
        text = head + spec.replace("HOST", host or service.host).replace("PLACE", storage)
        made = make(text, {"Dockerfile": DOCKERFILE, **(files or {})})
        os.environ["MLCC_SECRET_REGISTRY_PASSWORD"] = PASSWORD
        return made

    return project
