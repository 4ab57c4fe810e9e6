"""Regular expressions that mean the same to RE2 (DuckDB, BigQuery), Java (Spark), Postgres and Snowflake.

RE2's language is what a spec has. What those engines read in other ways (`\\b` is a backspace to Postgres, `.` stops at
other line ends in Java, `[[:alpha:]]` is a nested class there) is written out, or refused with its place.

Sources: RE2's wiki/Syntax; java.util.regex.Pattern; PostgreSQL, chapter 9.7.3; Snowflake, String functions (regular
expressions).
"""

from __future__ import annotations

import re

_CLASSES = {"d": "0-9", "w": "0-9A-Za-z_", "s": "\t\n\f\r "}
_CHARACTERS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}
_SPECIAL = frozenset("\\^$.[]|()?*+{}")
_SPECIAL_IN_CLASS = frozenset("\\^-[]&~")
_REPEAT = re.compile(r"\{([0-9]{1,4})(,([0-9]{1,4})?)?\}")
_CODE = re.compile(r"\\x(?:\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2}))")
MOST_REPEATS = 255  # Postgres' limit


class UnportableError(Exception):
    """A pattern that some engine would read in another way. The message says what, and how else to write it."""


def portable(pattern: str) -> str:
    """Return a pattern that each engine reads as RE2 reads the given one, when all of a value must match.

    Groups are plain ones, no repetition is lazy (both make no difference to whether a whole value matches), classes
    such as `\\d` are written out. Raises UnportableError.
    """
    return _Reader(pattern).read()


class _Reader:
    def __init__(self, pattern: str) -> None:
        self.text = pattern
        self.at = 0

    def read(self) -> str:
        written = self.alternatives(depth=0)
        if self.at < len(self.text):
            raise UnportableError("it has a `)` without a `(`")
        return written

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def alternatives(self, depth: int) -> str:
        """Return `a|b|c` up to the end or the closing parenthesis."""
        if depth > 32:
            raise UnportableError("its groups are nested more than 32 deep")
        branches = [self.branch(depth)]
        while self.peek() == "|":
            self.at += 1
            branches.append(self.branch(depth))
        return "|".join(branches)

    def branch(self, depth: int) -> str:
        parts: list[str] = []
        start = self.at
        while self.peek() not in ("", "|", ")"):
            if self.is_idle_anchor(depth, start):
                self.at += 1
                continue
            parts.append(self.atom(depth) + self.repetition())
        return "".join(parts)

    def is_idle_anchor(self, depth: int, start: int) -> bool:
        """Whether a `^` or `$` stands where a whole value begins or ends anyway."""
        if depth or self.peek() not in ("^", "$"):
            return False
        after = self.text[self.at + 1 : self.at + 2]
        return self.at == start if self.peek() == "^" else after in ("", "|")

    def atom(self, depth: int) -> str:
        sign = self.peek()
        if sign == "(":
            return self.group(depth)
        if sign == "[":
            return self.bracket()
        if sign == "\\":
            return self.escape()
        self.at += 1
        if sign == ".":
            return "[^\n]"
        if sign in ("^", "$"):
            raise UnportableError(
                f"`{sign}` stands inside of it, where engines differ; all of a value must match anyway"
            )
        if sign in _SPECIAL:
            raise UnportableError(f"`{sign}` is neither escaped nor in its place; write `\\{sign}`")
        return sign

    def group(self, depth: int) -> str:
        self.at += 1
        if self.text.startswith("?:", self.at):
            self.at += 2
        elif self.peek() == "?":
            raise UnportableError(
                "it has `(?`: flags and named groups differ; plain groups and `(?:` are the same"
            )
        inner = self.alternatives(depth + 1)
        if self.peek() != ")":
            raise UnportableError("a group is not closed")
        self.at += 1
        return f"({inner})"

    def repetition(self) -> str:
        match = _REPEAT.match(self.text, self.at)
        if match:
            self.at = match.end()
            least, most = int(match[1]), int(match[3] or match[1])
            if not least <= most <= MOST_REPEATS:
                raise UnportableError(
                    f"{match[0]} repeats over {MOST_REPEATS} times, or fewer than its least number"
                )
            found = match[0]
        elif self.peek() in ("*", "+", "?") and self.peek():
            found = self.peek()
            self.at += 1
        else:
            return ""
        if self.peek() == "?":  # lazy: whether all of a value matches is the same
            self.at += 1
        if (self.peek() in ("*", "+", "?") and self.peek()) or _REPEAT.match(self.text, self.at):
            raise UnportableError(f"a repetition follows on `{found}`; put a group around what is repeated")
        return found

    def escape(self) -> str:
        """Return a class, or one character, that is written with a backslash outside of brackets."""
        name = self.text[self.at + 1 : self.at + 2]
        if name.lower() in _CLASSES and name:
            self.at += 2
            return f"[{'^' if name.isupper() else ''}{_CLASSES[name.lower()]}]"
        return _escaped(self.character(), _SPECIAL)

    def bracket(self) -> str:
        self.at += 1
        negated = self.peek() == "^"
        self.at += negated
        parts: list[str] = []
        while self.peek() != "]" or not parts:  # `]` is itself where it comes first
            if not self.peek():
                raise UnportableError("a `[` is not closed")
            parts.append(self.member())
        self.at += 1
        return f"[{'^' if negated else ''}{''.join(parts)}]"

    def member(self) -> str:
        """Return one character, range or class inside of brackets."""
        if self.text.startswith(("[:", "[.", "[="), self.at):
            raise UnportableError("it has a named class such as [:alpha:]; write its characters out")
        name = self.text[self.at + 1 : self.at + 2]
        if self.peek() == "\\" and name in _CLASSES and name:
            self.at += 2
            return _CLASSES[name]
        first = self.character()
        ends = self.text[self.at + 1 : self.at + 2]
        if self.peek() != "-" or ends in ("]", ""):
            return _escaped(first, _SPECIAL_IN_CLASS)
        self.at += 1
        last = self.character()
        if last < first:
            raise UnportableError(f"the range {first}-{last} runs backwards")
        return f"{_escaped(first, _SPECIAL_IN_CLASS)}-{_escaped(last, _SPECIAL_IN_CLASS)}"

    def character(self) -> str:
        """Return the next character, however it is written."""
        if self.peek() != "\\":
            self.at += 1
            return self.text[self.at - 1]
        code = _CODE.match(self.text, self.at)
        if code:
            self.at = code.end()
            value = int(code[1] or code[2], 16)
            if value == 0 or value > 0x10FFFF or 0xD800 <= value < 0xE000:
                raise UnportableError(f"{code[0]} is no character that text can hold")
            return chr(value)
        name = self.text[self.at + 1 : self.at + 2]
        self.at += 2
        if name in _CHARACTERS and name:
            return _CHARACTERS[name]
        if not name or not name.isascii() or name.isalnum() or not name.isprintable():
            raise UnportableError(f"`\\{name}` means different things to different engines")
        return name


def _escaped(character: str, special: frozenset[str]) -> str:
    return "\\" + character if character in special else character
