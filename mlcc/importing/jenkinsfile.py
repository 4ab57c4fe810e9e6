"""A tolerant reader of Jenkinsfiles: balanced blocks and statements with their lines, and string literals.

It is no Groovy parser. What it doesn't understand stays a statement, which the importer then lists.
"""

from __future__ import annotations

import re

from mlcc.diagnostics import Span, SpecError, error
from mlcc.load.source import Entry, Mapping, Node, Scalar

MAX_DEPTH = 40
MAX_STATEMENTS = 20_000
_CLOSING = {"(": ")", "[": "]"}
_STRING = re.compile(
    r"'''(?:\\.|[^\\])*?'''|\"\"\"(?:\\.|[^\\])*?\"\"\"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"", re.DOTALL
)
_GAP = re.compile(r"(?:[\s;]+|//[^\n]*|/\*.*?(?:\*/|\Z))+", re.DOTALL)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_CONTINUED = re.compile(r"\s*[.?]\w|\s*(?:\|\||&&|\+)\s")
_HEAD = re.compile(r"([A-Za-z_][\w.]*)\s*(.*)\Z", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "", "b": "", "f": ""}


def read_jenkinsfile(text: str, path: str) -> Mapping:
    """Return the blocks of a Jenkinsfile: a mapping from each head to its block or, of a statement, its text."""
    return _Reader(text, path).block(1, 0)


class _Reader:
    def __init__(self, text: str, path: str) -> None:
        self.text, self.path = text, path
        self.at = 0
        self.left = MAX_STATEMENTS
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def span(self, start: int, end: int) -> Span:
        from bisect import bisect_right

        first, last = bisect_right(self.starts, start), bisect_right(self.starts, max(start, end - 1))
        column, end_column = (
            start - self.starts[first - 1] + 1,
            max(end, start + 1) - self.starts[last - 1] + 1,
        )
        return Span(self.path, first, column, last, end_column)

    def block(self, depth: int, start: int) -> Mapping:
        if depth > MAX_DEPTH:
            raise self.refusal("too-deep", f"a Jenkinsfile may be nested at most {MAX_DEPTH} levels deep")
        found: dict[str, Entry] = {}
        while True:
            gap = _GAP.match(self.text, self.at)
            self.at = gap.end() if gap else self.at
            if self.at >= len(self.text):
                break
            if self.text[self.at] == "}":
                self.at += 1
                if depth > 1:
                    break
                continue
            self.entry(found, depth)
        return Mapping(found, self.span(start, self.at))

    def entry(self, found: dict[str, Entry], depth: int) -> None:
        self.left -= 1
        if self.left < 0:
            raise self.refusal("too-large", f"a Jenkinsfile may have at most {MAX_STATEMENTS} statements")
        start = self.at
        opens = self.statement()
        head = self.text[start : self.at].strip()
        span = self.span(start, self.at)
        node: Node
        if opens:
            self.at += 1
            node = self.block(depth + 1, start)
        else:
            node = Scalar(head, span, head, False)
        key = head or "{"
        if key in found:
            key = f"{key} (line {span.line})"
        while key in found:
            key += "'"
        found[key] = Entry(key, span, node)

    def statement(self) -> bool:
        """Move to the end of a statement, or to the brace that opens its block; tell which."""
        closing: list[str] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            string = _STRING.match(self.text, self.at) if char in "'\"" else None
            comment = _COMMENT.match(self.text, self.at) if char == "/" else None
            if string or (comment and (closing or char != "/" or not string)):
                self.at = (string or comment).end()  # type: ignore[union-attr]
                continue
            if char in _CLOSING:
                closing.append(_CLOSING[char])
            elif char == "{":
                if not closing:
                    return True
                closing.append("}")
            elif closing and char == closing[-1]:
                closing.pop()
            elif not closing and (char in ";}" or (char == "\n" and not self.continues())):
                return False
            self.at += 1
        return False

    def continues(self) -> bool:
        """Tell whether a statement goes on behind a line break: after a comma, or before a dot or an operator."""
        before = self.text[: self.at].rstrip()[-1:]
        return before in (",", "=", "+") or bool(_CONTINUED.match(self.text, self.at))

    def refusal(self, code: str, message: str) -> SpecError:
        return SpecError([error(code, message, self.span(min(self.at, len(self.text)), self.at))])


def head_of(text: str) -> tuple[str, str]:
    """Return the first word of a statement or a block's head, and its arguments without the brackets around them."""
    match = _HEAD.match(text.strip())
    if match is None:
        return "", text
    name, rest = match.groups()
    rest = rest.strip()
    if rest.startswith("(") and _end_of(rest) == len(rest):
        rest = rest[1:-1].strip()
    return name, rest


def _end_of(text: str) -> int:
    """Return where the bracket that a text begins with is closed; 0 where it isn't."""
    closing: list[str] = []
    position = 0
    while position < len(text):
        string = _STRING.match(text, position) if text[position] in "'\"" else None
        if string:
            position = string.end()
            continue
        if text[position] in "([{":
            closing.append({"(": ")", "[": "]", "{": "}"}[text[position]])
        elif closing and text[position] == closing[-1]:
            closing.pop()
            if not closing:
                return position + 1
        position += 1
    return 0


def arguments(text: str) -> list[tuple[str, str]]:
    """Split arguments at commas outside of brackets and strings; each with its name, empty where it has none."""
    parts, start, position = [], 0, 0
    depth = 0
    while position <= len(text):
        char = text[position : position + 1]
        string = _STRING.match(text, position) if char in ("'", '"') else None
        if string:
            position = string.end()
            continue
        depth += (char in ("(", "[", "{")) - (char in (")", "]", "}")) if char else 0
        if (char == "," and depth <= 0) or not char:
            parts.append(text[start:position].strip())
            start = position + 1
        position += 1
    found = []
    for part in parts:
        match = re.match(r"([A-Za-z_]\w*)\s*:\s*(.*)\Z", part, re.DOTALL)
        found.append((match[1], match[2].strip()) if match else ("", part))
    return [pair for pair in found if pair != ("", "")]


def argument(text: str, name: str, position: int | None = None) -> str | None:
    """Return an argument by its name, or by its position among those without one."""
    found = arguments(text)
    named = next((value for key, value in found if key == name), None)
    bare = [value for key, value in found if not key]
    return named if named is not None or position is None or position >= len(bare) else bare[position]


def literal(text: str | None) -> tuple[str, bool] | None:
    """Return the text of a string literal, and whether Groovy puts values into it; None for anything else."""
    text = (text or "").strip()
    match = _STRING.match(text)
    if match is None or match.end() != len(text):
        return None
    width = 3 if text[:3] in ("'''", '"""') else 1
    inner = text[width:-width]
    double = text[0] == '"'
    if not double:
        return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), inner, flags=re.DOTALL), False
    # a value stays `$`; a dollar of the shell, written `\$`, is told apart by a mark that no text holds
    plain = re.sub(
        r"\\(.)", lambda m: "\1" if m[1] == "$" else _ESCAPES.get(m[1], m[1]), inner, flags=re.DOTALL
    )
    return plain, "$" in plain


def plain_text(text: str | None) -> str | None:
    """Return a string literal without values in it; None for anything else."""
    found = literal(text)
    return None if found is None or found[1] else found[0].replace("\1", "$")
