"""A repository with a spec, and clients that answer what a test records."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import project as project
from tests.doctor.clients import Fakes, install


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fakes:
    made = install(tmp_path / "clients")
    monkeypatch.setenv("PATH", str(made.folder), prepend=":")
    return made
