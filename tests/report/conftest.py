from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a spec, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
