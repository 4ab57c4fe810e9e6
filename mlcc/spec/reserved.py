"""What the language has and this version of mlcc hasn't: told apart from typing errors."""

from __future__ import annotations

from mlcc import __version__

KEYS: dict[str, frozenset[str]] = {}
"""Model -> keys that it will have. A key that the model has by now is no longer looked up."""

WORDS: dict[tuple[str, str], frozenset[str]] = {}
"""Model and key -> values that it will take."""


def message(what: str) -> str:
    """Return what is said of such a key or value."""
    return f"{what} is part of the language, but not yet of this version of mlcc ({__version__})"
