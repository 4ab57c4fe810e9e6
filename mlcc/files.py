"""A file that a compile produces."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class File:
    """One output: `path` is posix and relative to the repository root, `text` is its whole content."""

    path: str
    text: str
