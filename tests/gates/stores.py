"""A project whose gates find a store, as fixtures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gates.conftest import Project, project
from tests.objects.store import Store, environment, hasty_script, moto

__all__ = ["project", "service", "store"]


@pytest.fixture(scope="module")
def service() -> Iterator[Store]:
    with moto() as found:
        found.bucket("acme-ml")
        yield found


@pytest.fixture
def store(service: Store, project: Project, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store with the bucket acme-ml, as the environment names it; the project has the script that asks it."""
    environment(monkeypatch, service.env)
    project.write(".mlcc/objects.py", hasty_script())
    return service
