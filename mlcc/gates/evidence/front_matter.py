"""Reads Markdown records: a strict front matter, and which sections have text.

The front matter is a small part of YAML that every YAML reader understands alike: between two lines `---`,
lines of `key: value`, `key: [a, b]`, or `key:` with `- item` lines below. A value is plain text or in quotes.
Whatever else YAML has is refused, so that no two readers can disagree about a record.
"""

from __future__ import annotations

import re

from mlcc.gates._records import GateError

_KEY = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*):(?: +(.*))?\Z")
_ITEM = re.compile(r" *- +(.*)\Z")
# Signs that mean something at a plain value's beginning, and those that mean something inside.
_SPECIAL = tuple("!&*|>%@`{}[],?-\"'#")
_INSIDE = re.compile(r": |:\Z| #")
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*\Z")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_PLACEHOLDER = re.compile(r"[\W_]*(?:(?:todo|tbd|tba|fixme|n/?a|none|xxx)[\W_]*)*\Z", re.IGNORECASE)


def split_record(text: str, shown: str) -> tuple[dict[str, object], str]:
    """Return the front matter (key -> text, or list of texts) and the text below it. Raises GateError."""
    lines = text.split("\n")
    ends = [i for i, line in enumerate(lines) if line.rstrip() == "---"]
    if not ends or ends[0] != 0 or len(ends) < 2:
        raise GateError(f"{shown} has no front matter: key: value lines between two lines ---")
    fields: dict[str, object] = {}
    items: list[str] | None = None
    for number, line in enumerate(lines[1 : ends[1]], 2):
        place = f"line {number} of {shown}"
        if not line.isprintable():
            raise GateError(f"{place} has a tab or another sign that can't be seen")
        if not line.strip() or line.startswith("#"):
            continue
        item = _ITEM.match(line.rstrip())
        if item is not None and items is not None:
            items.append(_scalar(item[1], place))
            continue
        key = _KEY.match(line.rstrip())
        if key is None:
            raise GateError(f"{place} is no `key: value`, which is all that a record's front matter may hold")
        if key[1] in fields:
            raise GateError(f"{place} has the key {key[1]} again")
        items = None
        if key[2]:
            fields[key[1]] = _value(key[2].strip(), place)
        else:
            items = []
            fields[key[1]] = items
    return fields, "\n".join(lines[ends[1] + 1 :])


def _value(text: str, place: str) -> object:
    if not text.startswith("["):
        return _scalar(text, place)
    if not text.endswith("]") or any(sign in text[1:-1] for sign in "[]{}\"'"):
        raise GateError(f"{place} has a list that isn't [a, b] of plain values")
    inner = text[1:-1].strip()
    return [_scalar(part.strip(), place) for part in inner.split(",")] if inner else []


def _scalar(text: str, place: str) -> str:
    """Return a plain or quoted value as text; numbers and dates stay as they are written."""
    quote = text[:1]
    if len(text) > 1 and quote in ("'", '"') and text.endswith(quote):
        inner = text[1:-1]
        if quote in inner or (quote == '"' and "\\" in inner):
            raise GateError(f"{place} has a quote or a backslash inside of quotes")
        return inner
    if not text or text.startswith(_SPECIAL) or _INSIDE.search(text):
        raise GateError(f"{place} has a value that isn't plain text: put it into quotes")
    return text


def filled_sections(text: str) -> dict[str, bool]:
    """Return the headings of Markdown text (lower case) and whether there is text below each.

    Text belongs to all headings that it lies under. Comments and placeholders such as TODO are no text, and
    headings inside fenced code are none. Of two headings of a name, one with text is enough.
    """
    found: dict[str, bool] = {}
    above: list[tuple[int, str]] = []
    fence = ""
    for line in _COMMENT.sub("", text).split("\n"):
        mark = _FENCE.match(line)
        if mark is not None and (not fence or line.strip() == fence):
            fence = "" if fence else mark[1]
            continue
        heading = None if fence else _HEADING.match(line)
        if heading is not None:
            level, name = len(heading[1]), heading[2].strip().lower()
            above = [entry for entry in above if entry[0] < level] + [(level, name)]
            found.setdefault(name, False)
        elif _PLACEHOLDER.match(line) is None:
            found.update((name, True) for _, name in above)
    return found


def is_filled(value: object) -> bool:
    """Whether a value says something: not empty, no placeholder, and all of a list's items do."""
    if isinstance(value, str):
        return _PLACEHOLDER.match(value) is None
    if isinstance(value, (list, dict)):
        inner = value.values() if isinstance(value, dict) else value
        return bool(value) and all(is_filled(item) for item in inner)
    return value is not None
