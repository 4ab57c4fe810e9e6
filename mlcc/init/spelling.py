"""Spells values so that every YAML reader takes them for the same text."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORDS = re.compile(r"[A-Za-z_./][\w./-]*(?: [\w./=-]+)*", re.ASCII)
OTHER_READINGS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
"""Words that some YAML reader takes for something else than text, in lower case."""


def scalar(text: str) -> str:
    """Return text as a YAML scalar: plain where nobody could mistake it, in double quotes otherwise."""
    if _WORDS.fullmatch(text) and text.lower() not in OTHER_READINGS and not text.startswith("."):
        return text
    return '"' + "".join(_ESCAPES.get(c, c) for c in text) + '"'


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}


def flow(items: Iterable[str]) -> str:
    """Return texts as a flow sequence."""
    return "[" + ", ".join(map(scalar, items)) + "]"
