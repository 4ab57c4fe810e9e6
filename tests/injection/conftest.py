"""Counts what was tried."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.fixture
def count(request: pytest.FixtureRequest) -> Callable[[int], None]:
    """Return a function that counts strings that were compiled and arrived; `tests/conftest.py` prints the sum."""
    return _counter(request, "strings compiled")


@pytest.fixture
def executed(request: pytest.FixtureRequest) -> Callable[[int], None]:
    """Return a function that counts strings that really went through commands; `tests/conftest.py` prints the sum."""
    return _counter(request, "strings executed")


def _counter(request: pytest.FixtureRequest, name: str) -> Callable[[int], None]:
    properties = request.node.user_properties
    properties.append((name, 0))

    def add(number: int) -> None:
        properties[-1] = (name, properties[-1][1] + number)

    return add
