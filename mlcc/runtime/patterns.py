"""Patterns of paths, branches and tags. One definition for the compiler and for the emitted scripts."""

from __future__ import annotations

import re


def path_matches(pattern: str, path: str) -> bool:
    """Tell whether a changed path belongs to a pattern.

    `src/` is everything below; `a.csv` is that file, or everything below a folder of that name; `*` and `?`
    stay within one part of the path, `**` crosses parts. Both are posix paths relative to the same folder.
    """
    if "*" not in pattern and "?" not in pattern:
        folder = pattern if pattern.endswith("/") else pattern + "/"
        return path == pattern or path.startswith(folder)
    expression = _translate(pattern.rstrip("/"))
    if pattern.endswith("/"):
        expression += "/.*"
    return re.fullmatch(expression, path, re.DOTALL) is not None


def name_matches(pattern: str, name: str) -> bool:
    """Tell whether a branch or tag belongs to a pattern: `*` doesn't cross `/`, `**` does."""
    return re.fullmatch(_translate(pattern), name, re.DOTALL) is not None


def _translate(pattern: str) -> str:
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(words.get(part, re.escape(part)) for part in parts)
