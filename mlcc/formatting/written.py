"""A spec as it is written: its keys, items and values in their own spelling, with the comments that belong to each.

A comment on a line of its own belongs to what follows it, unless it is indented deeper than that: then it belongs to
what it stands below. A comment at the end of a line belongs to the last key, item or value of that line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from mlcc.load import yaml_events
from mlcc.load.yaml_events import Event, MappingStartEvent, ScalarEvent, SequenceStartEvent

MOST_BLANKS = 2
"""Longer runs of blank lines are shortened to this."""

_COMMENT = re.compile(r"#[^\n]*")
_DASH = re.compile(r"#[^\n]*|-")
_COLON = re.compile(r" *:")
_HEADER = re.compile(r"([|>][-+0-9]*) *(#[^\n]*)?")
_END = (yaml_events.SequenceEndEvent, yaml_events.MappingEndEvent)


class Comment(NamedTuple):
    """A comment with its `#`. `column` counts from 0; `blanks` are the blank lines above it.

    `own`: nothing else is on its line. `apart`: a bracket or comma stands between it and the value before it.
    """

    text: str
    column: int
    blanks: int
    own: bool
    apart: bool


class Leaf:
    """A scalar. `lines` are its own spelling without indentation; of a block text the first is the header.

    `style` is None for a plain one, else `'`, `"`, `|` or `>`. `lower`: it began on a line below its key.
    """

    def __init__(self, lines: list[str], style: str | None, lower: bool = False) -> None:
        self.lines = lines
        self.style = style
        self.lower = lower

    @property
    def is_block(self) -> bool:
        """Whether it is a `|` or `>` text."""
        return self.style in ("|", ">")

    @property
    def keeps_blanks(self) -> bool:
        """Whether blank lines behind it are part of its value."""
        return self.is_block and "+" in self.lines[0]


class Collection:
    """A mapping or a sequence; `flow`: in brackets."""

    def __init__(self, mapping: bool, flow: bool) -> None:
        self.mapping = mapping
        self.flow = flow
        self.parts: list[Part] = []


class Part:
    """A key with its value, or an item (`key` is None).

    `column` is that of the key or dash, from 0. `leads` are comments above it, `remark` is the one at the end of
    its line, `below` those that stand below it, further in. `blanks` are the blank lines right above it.
    """

    def __init__(self, key: str | None, column: int, blanks: int) -> None:
        self.key = key
        self.column = column
        self.blanks = blanks
        self.leads: list[Comment] = []
        self.remark: Comment | None = None
        self.below: list[Comment] = []
        self.node: Leaf | Collection = Leaf([""], None)

    def note(self, comment: Comment) -> None:
        """Take a comment at the end of a line."""
        # behind a plain text with spaces it could be taken for a part of it, and in a command is refused
        text = self.node.lines[-1] if isinstance(self.node, Leaf) and self.node.style is None else ""
        if comment.apart and " " in text:
            self.leads.append(comment._replace(blanks=0))
        elif self.remark is None:
            self.remark = comment
        else:
            self.below.append(comment._replace(blanks=0))


class Document:
    """A whole file. `before` are the comments above the marker `---`, None: there is no marker."""

    def __init__(self) -> None:
        self.before: list[Comment] | None = None
        self.root = Part(None, -1, 0)


def written(text: str) -> Document:
    """Return a text as it is written. It is one that `mlcc.load.source.read` accepts, with `\\n` between lines."""
    return _Reader(text).document()


def comments(text: str) -> list[str]:
    """Return the comments of a text that `mlcc.load.source.read` accepts, sorted."""
    found: list[str] = []
    at = 0
    for event in yaml_events.parse(text):
        if isinstance(event, ScalarEvent) and (event.value or event.style):
            found += _COMMENT.findall(text, at, event.start_mark.index)
            at = event.end_mark.index
            if event.style in ("|", ">"):
                found += _COMMENT.findall(text[event.start_mark.index : at].partition("\n")[0])
    found += _COMMENT.findall(text, at)
    return sorted(comment.rstrip() for comment in found)


class _Reader:
    """`at` is the index behind the last token, `last` the part that it belongs to, `depth` that of brackets."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.events: Iterator[Event] = yaml_events.parse(text)
        self.at = self.depth = 0
        self.last = Part(None, -1, 0)

    def document(self) -> Document:
        found = Document()
        self.last = root = found.root
        next(self.events)  # start of the stream
        start = next(self.events)
        if start.end_mark.index > start.start_mark.index:
            found.before = list(self.comments(start.start_mark.index))
            self.at = start.end_mark.index
        self.node(next(self.events), root)
        self.place(self.comments(len(self.text)), _closed(root), root.below)
        return found

    # Nodes

    def node(self, event: Event, part: Part) -> None:
        """Read the value of a part, which starts with `event`."""
        if isinstance(event, ScalarEvent):
            part.node = self.leaf(event, part)
        elif isinstance(event, (MappingStartEvent, SequenceStartEvent)):
            mapping, flow = isinstance(event, MappingStartEvent), bool(event.flow_style)
            part.node = Collection(mapping, flow)
            if flow:
                part.leads += self.comments(event.start_mark.index)
                self.at, self.last = event.end_mark.index, part
            self.depth += flow
            self.parts(part, part.node)
            self.depth -= flow

    def parts(self, owner: Part, node: Collection) -> None:
        """Read the parts of a collection, and its end."""
        while not isinstance(event := next(self.events), _END):
            part = self.start(event, node)
            node.parts.append(part)
            self.last = part
            self.node(next(self.events) if node.mapping else event, part)
        if node.flow:
            self.place(self.comments(event.start_mark.index), [], owner.below)
            self.at, self.last = event.end_mark.index, owner

    def start(self, event: Event, node: Collection) -> Part:
        """Read the key or the dash of a part, and the comments above it."""
        begin, end = event.start_mark.index, event.end_mark.index
        if not node.mapping and not node.flow:
            begin = next(m.start() for m in _DASH.finditer(self.text, self.at) if m.group() == "-")
        key = _key(event, self.text[begin:end]) if node.mapping else None
        found = self.comments(begin)
        part = Part(key, self.column(begin), self.blanks(begin))
        closed = [] if node.flow or not node.parts else [node.parts[-1], *_closed(node.parts[-1])]
        self.place(found, closed, part.leads)
        if node.mapping:
            colon = _COLON.match(self.text, end)
            self.at = colon.end() if colon else end
        else:
            self.at = begin if node.flow else begin + 1
        return part

    def leaf(self, event: ScalarEvent, part: Part) -> Leaf:
        if event.style is None and not event.value:  # it is where the next token is
            return Leaf([""], None)
        start, end = event.start_mark.index, event.end_mark.index
        lower = part.key is not None and "\n" in self.text[self.at : start]
        found = list(self.comments(start))
        raw = self.text[start:end]
        self.at, self.last = end, part
        part.leads += found
        if event.style in ("|", ">"):
            return self.block(raw, event, part)
        lines = [line.strip(" ") for line in raw.split("\n")]
        if event.style == '"':
            lines = [_escaped_end(line, whole) for line, whole in zip(lines, raw.split("\n"), strict=True)]
        if event.style == "'" and len(lines) == 1 and not set('"\\') & set(raw) and "'" not in raw[1:-1]:
            return Leaf([f'"{raw[1:-1]}"'], '"', lower)
        return Leaf(lines, event.style, lower)

    def block(self, raw: str, event: ScalarEvent, part: Part) -> Leaf:
        """Return a `|` or `>` text: its header, and its lines without their indentation."""
        first, *lines = raw.split("\n")
        header = _HEADER.match(first)
        assert header is not None, "a block text begins with its header"
        style, digits = header[1], re.sub(r"[^0-9]", "", header[1])
        if header[2]:
            column = self.column(event.start_mark.index) + header.start(2)
            part.note(Comment(header[2].rstrip(), column, 0, own=False, apart=False))
        indent = part.column + int(digits) if digits else _indent(next(filter(str.strip, lines), ""))
        content: list[str] = []
        for line in lines:
            if line.strip(" ") and _indent(line) < indent:
                break
            content.append(line[indent:])
        if raw.endswith("\n") and content and not content[-1]:
            content.pop()  # what follows the last line break
        while content and not content[-1] and "+" not in style:
            content.pop()
        if not event.value.endswith("\n") and event.value:  # the file ends in the middle of its last line
            style = re.sub("[-+]", "", style) + "-"
        return Leaf([re.sub("[0-9]", "2", style), *content], event.style)

    # Comments

    def comments(self, end: int) -> Iterator[Comment]:
        """Yield the comments between the last token and `end`; those at ends of lines go to whose they are."""
        for match in _COMMENT.finditer(self.text, self.at, end):
            start = match.start()
            before = self.text[self.text.rfind("\n", 0, start) + 1 : start]
            own = not before.strip(" ")
            apart = bool(self.text[self.at : start].strip(" "))
            blanks = self.blanks(start) if own else 0
            # those in brackets are aligned with what will stand elsewhere
            yield Comment(match.group().rstrip(), 0 if self.depth else len(before), blanks, own, apart)

    def place(self, found: Iterator[Comment], closed: list[Part], following: list[Comment]) -> None:
        """Give comments to the part that they belong to.

        `closed` are the parts that have just ended, from the outermost in, `following` takes what is none of theirs.
        """
        last = self.last
        for comment in found:
            if not comment.own:
                last.note(comment)
                continue
            inner = [number for number, part in enumerate(closed) if part.column < comment.column]
            closed = closed[: inner[-1] + 1] if inner else []
            (closed[-1].below if closed else following).append(comment)

    def column(self, index: int) -> int:
        return index - self.text.rfind("\n", 0, index) - 1

    def blanks(self, index: int) -> int:
        """Return how many blank lines to keep above what is at `index`; 0 where it isn't the first on its line."""
        start = self.text.rfind("\n", 0, index) + 1
        if self.text[start:index].strip(" "):
            return 0
        count = 0
        while count < MOST_BLANKS and start > 0:
            end = start - 1
            start = self.text.rfind("\n", 0, end) + 1
            if self.text[start:end].strip(" "):
                break
            count += 1
        return count


def _closed(part: Part) -> list[Part]:
    """Return the last parts inside of a block, from the outermost in."""
    found: list[Part] = []
    node = part.node
    while isinstance(node, Collection) and not node.flow and node.parts:
        found.append(node.parts[-1])
        node = node.parts[-1].node
    return found


def _key(event: Event, raw: str) -> str:
    """Return a key as it is written; a key of several lines as its one word."""
    assert isinstance(event, ScalarEvent)
    return f'"{event.value}"' if "\n" in raw else raw


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _escaped_end(line: str, whole: str) -> str:
    """Return a line of a double-quoted text with the space that a backslash at its end keeps."""
    slashes = len(line) - len(line.rstrip("\\"))
    return line + " " if slashes % 2 and whole.rstrip("\n").endswith(" ") else line
