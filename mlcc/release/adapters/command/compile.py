"""What the driver reads of a user's program."""

from __future__ import annotations


def compile(params: object, release: str) -> object:
    """Return the command as it is written."""
    del release
    return params
