"""Foreign YAML: anchors, merge keys, local tags and words such as `on` are read; nothing is constructed.

The same caps hold as for a spec. An alias stands for the node itself, so that its text costs nothing twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mlcc.diagnostics import Span, SpecError, error
from mlcc.load import yaml_events
from mlcc.load.source import Entry, Mapping, Node, Scalar, Sequence
from mlcc.record import field, record

MAX_DEPTH = 40
MAX_EVENTS = 60_000
MAX_ALIASES = 2_000
MAX_SIZE = 200_000
"""Leaves of the tree with every alias written out: what an alias bomb would exceed."""

_INTEGER = re.compile(r"[-+]?[0-9]{1,18}\Z")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?\Z")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}


@record
class Document:
    """A pipeline's text, its tree, and the local tags (`!reference`) by the identity of their nodes."""

    path: str
    text: str
    root: Node
    tags: dict[int, str] = field(hash=False, compare=False, default_factory=dict)
    merged: tuple[Node, ...] = field(hash=False, compare=False, default=())

    @property
    def lines(self) -> list[str]:
        """Return the text by lines."""
        return self.text.split("\n")


def read_yaml(text: str, path: str) -> Document:
    """Return the last document of YAML text. Raises SpecError where it can't be read."""
    reader = _Reader(text, path)
    try:
        root = reader.last_document()
    except (yaml_events.MarkedYAMLError, yaml_events.DirectiveError) as problem:
        mark = getattr(problem, "mark", None) or getattr(problem, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        what = getattr(problem, "problem", None) or "a `%` directive"
        raise _refusal("not-yaml", f"this can't be read as YAML: {what}", path, line) from None
    except SpecError:
        raise
    except Exception:  # a hostile text makes the parser raise all kinds of errors; none may reach the user
        raise _refusal("not-yaml", "this can't be read as YAML", path, reader.line) from None
    if _size(root, {}) > MAX_SIZE:
        raise _refusal("too-large", "its aliases make it too large to read", path, 1)
    return Document(path, text, root, reader.tags, tuple(reader.merged))


def text_of(node: Node | None) -> str | None:
    """Return a scalar as it is written, None for anything else."""
    if not isinstance(node, Scalar) or (node.plain and node.value is None):
        return None
    return str(node.raw)


def get(node: Node | None, *keys: str) -> Node | None:
    """Return what lies under keys of nested mappings, None where there is nothing."""
    for key in keys:
        if not isinstance(node, Mapping) or key not in node.entries:
            return None
        node = node.entries[key].node
    return node


def items(node: Node | None) -> list[Node]:
    """Return the items of a sequence, a single value as one item, nothing as none."""
    if isinstance(node, Sequence):
        return list(node.items)
    if node is None or (isinstance(node, Scalar) and node.plain and node.value is None):
        return []
    return [node]


def entries(node: Node | None) -> list[Entry]:
    """Return the entries of a mapping; none of anything else."""
    return list(node.entries.values()) if isinstance(node, Mapping) else []


def texts(node: Node | None) -> list[str]:
    """Return the scalars of a list, or a single scalar, as they are written."""
    return [text for item in items(node) if (text := text_of(item)) is not None]


def is_true(node: Node | None) -> bool:
    """Tell whether a node is the word true."""
    return (text_of(node) or "").lower() == "true"


def _refusal(code: str, message: str, path: str, line: int) -> SpecError:
    return SpecError([error(code, message, Span(path, line, 1, line, 1))])


def _size(node: Node, known: dict[int, int]) -> int:
    if isinstance(node, Scalar):
        return 1
    if id(node) not in known:
        inner = [e.node for e in node.entries.values()] if isinstance(node, Mapping) else node.items
        known[id(node)] = 1 + sum(_size(child, known) for child in inner)
    return known[id(node)]


class _Reader:
    def __init__(self, text: str, path: str) -> None:
        self.path = path
        self.line = 1
        self.events = yaml_events.parse(text)
        self.left = MAX_EVENTS
        self.aliases = MAX_ALIASES
        self.anchors: dict[str, Node] = {}
        self.tags: dict[int, str] = {}
        self.merged: list[Node] = []
        self.heights: dict[int, int] = {}

    def next(self) -> yaml_events.Event:
        event = next(self.events)
        self.line = event.start_mark.line + 1
        self.left -= 1
        if self.left < 0:
            message = f"a pipeline may have at most {MAX_EVENTS} keys, values and brackets"
            raise _refusal("too-large", message, self.path, self.line)
        return event

    def last_document(self) -> Node:
        root: Node | None = None
        for event in iter(self.next, None):
            if isinstance(event, yaml_events.StreamEndEvent):
                break
            if isinstance(event, yaml_events.DocumentStartEvent):
                root = self.node(self.next(), 1)
        if root is None:
            raise _refusal("empty-document", "the file holds no pipeline", self.path, 1)
        return root

    def node(self, event: Any, depth: int) -> Node:
        if depth > MAX_DEPTH:
            message = f"a pipeline may be nested at most {MAX_DEPTH} levels deep"
            raise _refusal("too-deep", message, self.path, self.line)
        if isinstance(event, yaml_events.AliasEvent):
            return self.alias(event)
        node: Node
        if isinstance(event, yaml_events.MappingStartEvent):
            node = self.mapping(event, depth)
        elif isinstance(event, yaml_events.SequenceStartEvent):
            node = self.sequence(event, depth)
        else:
            node = self.scalar(event)
        self.measure(node)
        if event.anchor:
            self.anchors[event.anchor] = node
        if event.tag and str(event.tag).startswith("!") and str(event.tag) != "!":
            self.tags[id(node)] = str(event.tag)
        return node

    def measure(self, node: Node) -> None:
        """Refuse what aliases of aliases nest too deeply."""
        inner = node.items if isinstance(node, Sequence) else [e.node for e in entries(node)]
        height = 1 + max((self.heights.get(id(child), 1) for child in inner), default=0)
        self.heights[id(node)] = height
        if height > 2 * MAX_DEPTH:
            raise _refusal("too-deep", "its aliases are nested too deeply", self.path, self.line)

    def alias(self, event: Any) -> Node:
        self.aliases -= 1
        found = self.anchors.get(event.anchor)
        if found is None or self.aliases < 0:
            raise _refusal("alias", f"nothing is anchored as `{event.anchor}`", self.path, self.line)
        return found

    def scalar(self, event: Any) -> Scalar:
        raw = event.value
        plain = event.style is None
        return Scalar(_value(raw) if plain else raw, self.span(event, event), raw, plain)

    def sequence(self, start: yaml_events.Event, depth: int) -> Sequence:
        found: list[Node] = []
        while not isinstance(event := self.next(), yaml_events.SequenceEndEvent):
            found.append(self.node(event, depth + 1))
        return Sequence(found, self.span(start, event))

    def mapping(self, start: yaml_events.Event, depth: int) -> Mapping:
        own: dict[str, Entry] = {}
        inherited: dict[str, Entry] = {}
        while not isinstance(event := self.next(), yaml_events.MappingEndEvent):
            key = self.node(event, depth + 1)
            value = self.node(self.next(), depth + 1)
            name = key.raw if isinstance(key, Scalar) else "?"
            if name == "<<" and isinstance(key, Scalar) and key.plain:
                self.merged.append(key)
                for base in items(value):
                    inherited = {**{e.key: e for e in entries(base)}, **inherited}
                continue
            if name in own:  # the last one counts; the first is kept apart, to be listed
                own[f"{name} (of line {own[name].key_span.line})"] = own.pop(name)
            own[name] = Entry(name, key.span, value)
        return Mapping({**inherited, **own}, self.span(start, event))

    def span(self, first: yaml_events.Event, last: yaml_events.Event) -> Span:
        start, end = first.start_mark, last.end_mark
        return Span(self.path, start.line + 1, start.column + 1, end.line + 1, end.column + 1)


def _value(raw: str) -> str | int | float | bool | None:
    if raw.lower() in _WORDS:
        return _WORDS[raw.lower()]
    if _INTEGER.match(raw):
        return int(raw)
    return float(raw) if _FLOAT.match(raw) else raw


def leaves(node: Node, path: str = "") -> Iterator[tuple[str, Node, Span]]:
    """Yield every scalar and empty collection with its path and the span of its key, each node once."""
    seen: set[int] = set()
    todo: list[tuple[str, Node, Span]] = [(path, node, node.span)]
    while todo:
        where, current, span = todo.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        inner: list[tuple[str, Node, Span]] = []
        if isinstance(current, Mapping):
            prefix = f"{where}." if where else ""
            inner = [(prefix + e.key, e.node, e.key_span) for e in entries(current)]
        elif isinstance(current, Sequence):
            inner = [(f"{where}[{n}]", item, item.span) for n, item in enumerate(current.items)]
        if not inner:
            yield where, current, span
        todo += reversed(inner)
