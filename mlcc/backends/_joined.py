"""JOIN: what the instances of a spec write into one file, as one YAML document. Each text is the emitter's own."""

from __future__ import annotations

import re
from collections.abc import Iterable

_KEY = re.compile(r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*"|[^:]+""")

_STEP = "  "


class JoinError(ValueError):
    """Two texts say different things of one `name`, given with the names that it lies below."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def joined(texts: Iterable[str]) -> str:
    """Return emitted YAML documents as one, below the first one's header. What they have in common stands once.

    Mappings of the same name are joined in turn. Raises JoinError where other values of one name differ.
    """
    entries: dict[str, str] = {}
    header = ""
    for text in texts:
        head, body = _divided(text)
        header = header or head
        _add(entries, body, ())
    return header + "\n\n".join(entries.values()) + "\n"


def _divided(text: str) -> tuple[str, str]:
    """Return the comments at the start of a document, and the rest."""
    lines = text.splitlines(keepends=True)
    count = next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return "".join(lines[:count]), "".join(lines[count:])


def _add(entries: dict[str, str], body: str, above: tuple[str, ...]) -> None:
    """Add the entries of a mapping below the names `above` to `entries`, key -> text without a line's end."""
    for text in _texts(body, _STEP * len(above)):
        key = _key(text)
        before = entries.setdefault(key, text)
        if before != text:
            entries[key] = _both(before, text, (*above, key))


def _texts(body: str, indent: str) -> list[str]:
    """Return the text of each entry at an indentation."""
    found: list[list[str]] = []
    for line in body.splitlines():
        if not found or (line.startswith(indent) and line[len(indent) :][:1] not in ("", " ")):
            found.append([])
        found[-1].append(line)
    return ["\n".join(lines).rstrip("\n") for lines in found]


def _key(text: str) -> str:
    match = _KEY.match(text.lstrip(" "))
    return match[0] if match else text


def _both(one: str, other: str, names: tuple[str, ...]) -> str:
    """Return two mappings of the same name as one."""
    (head, _, inner), (same, _, more) = one.partition("\n"), other.partition("\n")
    entries: dict[str, str] = {}
    for body in (inner, more):
        if head != same or not body or body.lstrip(" ").startswith("- "):
            raise JoinError(".".join(names))
        _add(entries, body, names)
    return "\n".join([head, *entries.values()])
