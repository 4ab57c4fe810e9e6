"""Ended runs in a folder of their own, and servers on loopback that are told of them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runtime.loopback import Server, serve


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ)
    for name in [*os.environ]:
        if name.startswith(("MLCC_", "GITHUB_", "CI_")):
            monkeypatch.delenv(name)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Take no time between tries, and return how long each would have been waited for."""
    found: list[float] = []

    class Clock:
        monotonic = staticmethod(time.monotonic)
        sleep = staticmethod(found.append)

    for module in ("runtime.webhooks", "runtime.rest", "notify.mail"):
        monkeypatch.setattr(f"mlcc.{module}.time", Clock)
    return found


@pytest.fixture
def hook() -> Iterator[Server]:
    """A webhook that takes everything."""
    with serve(lambda _: (200, b"ok")) as server:
        yield server
