"""Projects for the tests of the runtime."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.runtime.loopback import Server, serve
from tests.runtime.project import GIT_ENV, Project

Make = Callable[..., Project]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Return a function that makes the project of a spec (and files), in the current folder from then on."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    environment = dict(os.environ)
    for name in [*os.environ]:
        if name.startswith(("MLCC_", "GITHUB_", "ACTIONS_")):
            monkeypatch.delenv(name)
    for name, value in GIT_ENV.items():
        monkeypatch.setenv(name, value)

    def project(spec: str, files: dict[str, str] | None = None, folder: str = "project") -> Project:
        root = tmp_path / folder
        root.mkdir()
        monkeypatch.chdir(root)
        return Project(root, spec, {"src/a.py": "a = 1\n", **(files or {})})

    yield project
    os.environ.clear()
    os.environ.update(environment)
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def no_waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Take no time between tries, and return how long each would have been waited for."""
    waited: list[float] = []

    class Clock:
        monotonic = staticmethod(time.monotonic)
        sleep = staticmethod(waited.append)

    monkeypatch.setattr("mlcc.runtime.webhooks.time", Clock)
    return waited


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A webhook that takes everything."""
    with serve(lambda _: (200, b"ok")) as server:
        yield server
