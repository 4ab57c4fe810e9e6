"""Exhaustive matching, checked by the type checker (typing.assert_never came with Python 3.11)."""

from __future__ import annotations

from typing import NoReturn


def assert_never(value: NoReturn) -> NoReturn:
    """State that all cases were matched before."""
    raise AssertionError(f"unmatched: {value!r}")
