"""The only YAML emitter: plain trees in, block YAML out, the same tree back from every reader.

A tree is dicts with string keys, lists, str, int, float, bool and None, with these marks where the default
spelling reads badly: Block, Flow, Comment, Wrapped, Spaced. Marks are wishes: where one would change what is
read (a tab at the start of a literal block, say) a quoted string is written, so that no value changes.

Strings stay plain only when no YAML 1.1 or 1.2 reader could take them for something else; otherwise they are
single-quoted (printable ASCII) or double-quoted in ASCII with `\\x`, `\\u` and `\\U`. No anchors, no tags,
stable order, time linear in the output.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import cache
from typing import Any, TypeAlias

# Any: dicts are invariant, so with a recursive alias what mypy infers as dict[str, str] would be no Tree.
Tree: TypeAlias = Any

WIDTH = 110


class Block(str):
    """Text to be written as a literal block (`|`), where that is safe."""

    __slots__ = ()


class Flow:
    """A dict or list to be written on one line (`[a, b]`), where it fits."""

    __slots__ = ("value",)

    def __init__(self, value: dict[str, Any] | Sequence[Tree]) -> None:
        self.value = value


class Comment:
    """A scalar with a comment behind it, such as the version that a pinned commit stands for.

    `text` may hold only `A-Za-z0-9 ._:[]-`: anything else raises ValueError.
    """

    __slots__ = ("text", "value")

    def __init__(self, value: str | int | float | bool | None, text: str) -> None:
        if not _COMMENT(text):
            raise ValueError(f"not fit for a comment: {text!r}")
        self.value = value
        self.text = text


class Wrapped:
    """A long string in parts that one space joins; written one part a line (`>-`), where that is safe."""

    __slots__ = ("parts",)

    def __init__(self, parts: Sequence[str]) -> None:
        self.parts = tuple(parts)


class Spaced:
    """A dict whose entries are set apart by blank lines."""

    __slots__ = ("value",)

    def __init__(self, value: dict[str, Any]) -> None:
        self.value = value


def emit(tree: Tree, header: str = "") -> str:
    """Return `tree` as one YAML document, below `header` as comment lines.

    Raises ValueError for what YAML can't carry everywhere (lone surrogates, NaN and infinities, keys that
    aren't strings or are longer than 1,000 characters) and for a header that isn't printable ASCII; TypeError
    for other Python types.
    """
    lines = [_header_line(line) for line in header.splitlines()]
    emitter = _Emitter(lines)
    blank = "\n" if isinstance(tree, Spaced) else ""
    value = tree.value if isinstance(tree, Spaced | Flow) else tree
    if isinstance(value, dict) and value:
        emitter.mapping(value, "", "", blank)
    elif isinstance(value, list | tuple) and value:
        emitter.sequence(value, "", "")
    else:
        lines.append(_inline(value) + "\n")
    return "".join(lines)


def _header_line(line: str) -> str:
    if not (line.isascii() and line.isprintable()):
        raise ValueError(f"not fit for a header: {line!r}")
    return f"# {line}".rstrip() + "\n"


# Plain words start with a letter, `_`, `/` or `$`, or with a dot before a letter that makes no number. Inside
# there is neither `: ` nor ` #`; none ends in a space or a colon. What starts with a digit is always quoted.
_START = r"(?:[A-Za-z_/$]|\.(?=[A-Za-z_/])(?![eE][+-]))"
_PLAIN = re.compile(rf"{_START}[!-9;-~]*(?:(?::(?=[!-~])| (?=[!\"$-~]))[!-9;-~]*)*").fullmatch
# In flow style the indicators `,[]{}` and every `:` go too.
_FLOW_PLAIN = re.compile(rf"{_START}[A-Za-z0-9_./@$*+-]*(?: [A-Za-z0-9_./@$*+-]+)*").fullmatch
_RESERVED = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null", ".inf", ".nan"])

_PRINTABLE = re.compile(r"[ -~]*").fullmatch
_COMMENT = re.compile(r"[A-Za-z0-9._-](?:[A-Za-z0-9 ._:\[\]-]*[A-Za-z0-9._\]-])?").fullmatch
# Ranges, not str.isprintable: that grows with Python's Unicode tables, and output must not.
_ASCII_LETTERS = "!-~"
_LETTERS = (
    "!-~\u00a1-\u00ac\u00ae-\u024f\u0370-\u0482\u048a-\u052f"
    "\u3041-\u3096\u30a1-\u30ff\u4e00-\u9fff\uac00-\ud7a3"
)


@cache
def _line_patterns(letters: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the patterns of a whole block and of one of its lines, made of these letters.

    Cached by need: wide ranges take 8 ms to compile, and most texts are ASCII.
    """
    line = rf"(?:[{letters}](?:[ \t{letters}]*[{letters}])?)"
    return re.compile(rf"\n*{line}(?:\n*\n *{line})*\n?"), re.compile(line)


def _is_block(text: str) -> bool:
    """Tell whether a text can be a block scalar as it is."""
    return bool(_line_patterns(_ASCII_LETTERS if text.isascii() else _LETTERS)[0].fullmatch(text))


def _is_part(text: str) -> bool:
    """Tell whether a text can be a line of a folded scalar."""
    return bool(_line_patterns(_ASCII_LETTERS if text.isascii() else _LETTERS)[1].fullmatch(text))


_ESCAPED = re.compile(r"[^ !#-\[\]-~]")
_NAMED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    code = ord(char)
    if 0xD800 <= code <= 0xDFFF:
        raise ValueError("a lone surrogate can't be written as YAML")
    if char in _NAMED:
        return _NAMED[char]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _quoted(text: str) -> str:
    if _PRINTABLE(text):
        return "'" + text.replace("'", "''") + "'"
    return '"' + _ESCAPED.sub(_escape, text) + '"'


def _string(text: str) -> str:
    if _PLAIN(text) and text.lower() not in _RESERVED:
        return text
    return _quoted(text)


def _flow_string(text: str) -> str:
    if _FLOW_PLAIN(text) and text.lower() not in _RESERVED:
        return text
    return _quoted(text)


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise ValueError(f"a key must be a string, not {type(key).__name__}")
    text = _flow_string(str.__str__(key))  # the stricter form, so that a key reads the same in both styles
    if len(text) > 1000:
        raise ValueError("a key longer than 1,000 characters can't be written as YAML")
    return text


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"{value!r} can't be written as YAML")
    text = repr(value)
    # `1e+16` is a string to YAML 1.1, which wants a dot; `1e-07` likewise
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


def _other_scalar(value: object) -> str:
    """Spell what isn't exactly a str: constants, numbers and subclasses."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return _number(float(value))
    if isinstance(value, str):
        return _string(str.__str__(value))
    raise TypeError(f"{type(value).__name__} can't be written as YAML")


def _inline(value: Tree) -> str:
    """Spell a scalar or an empty collection in block style."""
    if type(value) is str:
        return _string(value)
    if isinstance(value, dict) and not value:
        return "{}"
    if isinstance(value, list | tuple) and not value:
        return "[]"
    return _other_scalar(value)


class _Emitter:
    """Appends lines to `out`; strings and keys are spelled once each."""

    def __init__(self, out: list[str]) -> None:
        self.out = out
        self.strings: dict[str, str] = {}
        self.keys: dict[str, str] = {}

    def key(self, key: str) -> str:
        """Spell a key."""
        name = self.keys.get(key)
        if name is None:
            name = self.keys[key] = _key(key)
        return name

    def mapping(self, value: dict[str, Any], first: str, indent: str, blank: str = "") -> None:
        """Write entries; `first` is what precedes the first key on its line (an indent or a dash)."""
        out, strings, keys = self.out, self.strings, self.keys
        lead = first
        for key, item in value.items():
            name = keys.get(key) or self.key(key)
            kind = type(item)
            if kind is str:
                text = strings.get(item)
                if text is None:
                    text = strings[item] = _string(item)
                out.append(f"{lead}{name}: {text}\n")
            elif kind is dict and item:
                out.append(f"{lead}{name}:\n")
                deeper = indent + "  "
                self.mapping(item, deeper, deeper)
            elif kind is list and item:
                out.append(f"{lead}{name}:\n")
                self.sequence(item, indent + "  ", indent + "  ")
            else:
                self.marked(item, f"{lead}{name}:", indent, name)
            lead = blank + indent

    def sequence(self, value: Sequence[Tree], first: str, indent: str) -> None:
        """Write items, each behind a dash; `first` as in mapping."""
        out, strings = self.out, self.strings
        lead = first
        for item in value:
            kind = type(item)
            if kind is str:
                text = strings.get(item)
                if text is None:
                    text = strings[item] = _string(item)
                out.append(f"{lead}- {text}\n")
            elif kind is dict and item:
                self.mapping(item, f"{lead}- ", indent + "  ")
            elif kind is list and item:
                self.sequence(item, f"{lead}- ", indent + "  ")
            else:
                self.marked(item, f"{lead}-", indent, None)
            lead = indent

    def marked(self, item: Tree, lead: str, indent: str, key: str | None) -> None:
        """Write what isn't a str or a filled dict or list, behind `lead` (which ends in `:` or `-`)."""
        kind = type(item)
        if kind is Flow:
            text = self.flow(item.value)
            if text is not None and len(lead) + 1 + len(text) <= WIDTH:
                self.out.append(f"{lead} {text}\n")
            else:
                self.nested(item.value, lead, indent, key)
        elif kind is Comment:
            self.out.append(f"{lead} {_inline(item.value)} # {item.text}\n")
        elif kind is Block:
            self.block(item, lead, indent)
        elif kind is Wrapped:
            self.wrapped(item, lead, indent)
        elif kind is Spaced:
            self.nested(item.value, lead, indent, key, "\n")
        elif isinstance(item, dict | list | tuple):
            self.nested(item, lead, indent, key)
        else:
            self.out.append(f"{lead} {_inline(item)}\n")

    def nested(self, value: Tree, lead: str, indent: str, key: str | None, blank: str = "") -> None:
        """Write a collection in block style below a key, or behind a dash."""
        if not value:
            self.out.append(f"{lead} {_inline(value)}\n")
            return
        deeper = indent + "  "
        first = lead + " "
        if key is not None:
            self.out.append(lead + "\n")
            first = deeper
        if isinstance(value, dict):
            self.mapping(value, first, deeper, blank)
        else:
            self.sequence(value, first, deeper)

    def flow(self, value: Tree) -> str | None:
        """Spell a tree on one line; None when it holds a mark that only block style can show."""
        kind = type(value)
        if kind is str:
            return _flow_string(value)
        if kind is Flow:
            return self.flow(value.value)
        if kind is Block or kind is Comment or kind is Wrapped or kind is Spaced:
            return None
        parts: list[str] = []
        if isinstance(value, dict):
            for key, item in value.items():
                text = self.flow(item)
                if text is None:
                    return None
                parts.append(f"{self.key(key)}: {text}")
            return "{" + ", ".join(parts) + "}"
        if isinstance(value, list | tuple):
            for item in value:
                text = self.flow(item)
                if text is None:
                    return None
                parts.append(text)
            return "[" + ", ".join(parts) + "]"
        return _other_scalar(value)

    def block(self, text: Block, lead: str, indent: str) -> None:
        """Write a literal block, or a quoted string where a reader could lose or change a character."""
        plain = str.__str__(text)
        if not _is_block(plain):
            self.out.append(f"{lead} {_string(plain)}\n")
            return
        keep = plain.endswith("\n")
        self.out.append(f"{lead} {'|' if keep else '|-'}\n")
        lines = plain[:-1].split("\n") if keep else plain.split("\n")
        self.out.extend(f"{indent}  {line}\n" if line else "\n" for line in lines)

    def wrapped(self, item: Wrapped, lead: str, indent: str) -> None:
        """Write a folded block with a part on each line, or the joined string where that isn't safe."""
        if len(item.parts) < 2 or not all(map(_is_part, item.parts)):
            self.out.append(f"{lead} {_string(' '.join(item.parts))}\n")
            return
        self.out.append(f"{lead} >-\n")
        self.out.extend(f"{indent}  {part}\n" for part in item.parts)
