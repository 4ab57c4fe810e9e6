"""YAML events, read by ruamel's pure-Python scanner and parser, and by nothing else of ruamel.

Its constructors and its C loader are never used: the first raise all kinds of errors on hostile input, the
second crashes on deep nesting. The package imports everything that it has; a third of that is needed here,
so the modules are imported without the package's `__init__`.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_PACKAGE = "ruamel.yaml"


@contextmanager
def _bare_package() -> Iterator[None]:
    """Let submodules of ruamel.yaml be imported without its `__init__` (40 of 60 ms), and leave no trace.

    The modules are dropped from `sys.modules` afterwards: an ordinary `import ruamel.yaml` still works.
    """
    spec = None if _PACKAGE in sys.modules else importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.submodule_search_locations is None:
        yield
        return
    bare = ModuleType(_PACKAGE)
    bare.__path__ = list(spec.submodule_search_locations)
    sys.modules[_PACKAGE] = bare
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name == _PACKAGE or name.startswith(_PACKAGE + ".")]:
            del sys.modules[name]


with _bare_package():
    from ruamel.yaml.error import FileMark, MarkedYAMLError
    from ruamel.yaml.events import (
        AliasEvent,
        DocumentStartEvent,
        Event,
        MappingEndEvent,
        MappingStartEvent,
        ScalarEvent,
        SequenceEndEvent,
        SequenceStartEvent,
        StreamEndEvent,
    )
    from ruamel.yaml.parser import Parser
    from ruamel.yaml.reader import Reader
    from ruamel.yaml.scanner import Scanner
    from ruamel.yaml.tokens import ScalarToken

__all__ = [
    "AliasEvent",
    "DirectiveError",
    "DocumentStartEvent",
    "Event",
    "FileMark",
    "MappingEndEvent",
    "MappingStartEvent",
    "MarkedYAMLError",
    "ScalarEvent",
    "SequenceEndEvent",
    "SequenceStartEvent",
    "StreamEndEvent",
    "parse",
]


class DirectiveError(Exception):
    """The text has a `%` directive; `mark` says where."""

    def __init__(self, mark: FileMark) -> None:
        super().__init__("directive")
        self.mark = mark


# Spaces, comments and line breaks between two tokens. Stricter than ruamel where readers differ: a tab
# separates nothing, and a comment has a space before it.
_GAP = re.compile(r" *(?:(?<![^ \n])#[^\n\0]*)?(?:\n *(?:#[^\n\0]*)?)*")
# What a plain scalar takes from one line, outside and inside of brackets.
_WORD, _FLOW_WORD = (rf"(?:[^ \t\n\0:{more}]|:(?![ \t\n\0]))+" for more in ("", r",\[\]{}"))
_LINE = re.compile(rf"{_WORD}(?: +(?!#){_WORD})*")
_FLOW_LINE = re.compile(rf"{_FLOW_WORD}(?: +(?!#){_FLOW_WORD})*")


class _Loader(Reader, Scanner, Parser):
    """The three passes in one object, which is how they find each other.

    What is overridden does the same in less time: ruamel goes character by character, and looks the other two
    passes up at each of them. That keeps the largest spec that is accepted under a second.
    """

    comment_handling = None
    processing_version = scanner_processing_version = (1, 2)
    scanner: Any = None
    reader: Any = None
    resolver: Any = None

    def __init__(self, text: str) -> None:
        Reader.__init__(self, None, loader=self)
        # Not through `stream`: the text was checked before, and the reader would check and copy it again.
        self.buffer = text + "\0"
        self.scanner = self.reader = self.resolver = self
        Scanner.__init__(self, loader=self)
        Parser.__init__(self, loader=self)

    def forward(self, length: int = 1) -> None:
        """Move on by `length` characters."""
        start = self.pointer
        end = start + length
        self.pointer = self.index = end
        lines = self.buffer.count("\n", start, end)
        if lines:
            self.line += lines
            self.column = end - self.buffer.rindex("\n", start, end) - 1
        else:
            self.column += length

    def get_mark(self) -> FileMark:
        """Return where the scanner is."""
        return FileMark("", self.index, self.line, self.column)

    def check_token(self, *choices: type) -> bool:
        """Tell whether the next token is one of `choices`."""
        while self.need_more_tokens():
            self.fetch_more_tokens()
        return bool(self.tokens) and (not choices or isinstance(self.tokens[0], choices))

    def need_more_tokens(self) -> bool:
        """Tell whether the next token isn't known yet: it may turn out to be a key."""
        if self.done:
            return False
        if not self.tokens:
            return True
        if not self.possible_simple_keys:
            return False
        self.stale_possible_simple_keys()
        return bool(self.next_possible_simple_key() == self.tokens_taken)

    def scan_to_next_token(self) -> None:
        """Skip what separates tokens."""
        gap = _GAP.match(self.buffer, self.pointer)
        if gap and gap.end() > self.pointer:
            line = self.line
            self.forward(gap.end() - self.pointer)
            if self.line != line and not self.flow_context:
                self.allow_simple_key = True

    def scan_plain(self) -> ScalarToken:
        """Read an unquoted scalar."""
        start = end = self.get_mark()
        indent = self.indent + 1
        line = _FLOW_LINE if self.flow_context else _LINE
        parts: list[str] = []
        gap: list[str] | None = []
        while gap is not None and (text := line.match(self.buffer, self.pointer)):
            self.allow_simple_key = False
            parts += [*gap, text.group()]
            self.forward(len(text.group()))
            end = self.get_mark()
            gap = self.scan_plain_spaces(indent, start)
            if not gap or self.peek() == "#" or (not self.flow_context and self.column < indent):
                break
        return ScalarToken("".join(parts), True, start, end)

    def fetch_directive(self) -> None:
        """Refuse `%YAML` and `%TAG`, and unknown ones, which ruamel skips."""
        raise DirectiveError(self.get_mark())


def parse(text: str) -> Iterator[Event]:
    """Yield the events of `text`, whose line breaks are all `\\n`.

    Raises DirectiveError, and whatever ruamel raises: MarkedYAMLError mostly, on hostile input not only.
    """
    loader = _Loader(text)
    while loader.check_event():
        yield loader.get_event()
