"""YAML events -> nodes with spans: what `mlcc.load.source` does after the text itself was found to be sound."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Related, Span, SpecError, error
from mlcc.load import scalars, yaml_events
from mlcc.load.source import HIDDEN, MAX_DIAGNOSTICS, Entry, Mapping, Node, Scalar, Sequence, describe_hidden
from mlcc.load.yaml_events import Event, FileMark, MappingStartEvent, ScalarEvent, SequenceStartEvent

MAX_DEPTH = 32
MAX_EVENTS = 30_000
"""Keys, scalars, and starts and ends of collections. What the parser manages in about half a second."""
MAX_SCALAR = 64 * 1024
"""Longest scalar, in characters."""

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_COLON = re.compile(r" *:")
_COMMENT = re.compile(r"[ \t]+#[^\n]*")
_COMMANDS = frozenset({"run", "setup", "submit", "poll", "cancel", "collect"})
_END = (yaml_events.SequenceEndEvent, yaml_events.MappingEndEvent)

_CHARACTERS = {
    "\t": ("a tab isn't allowed here", "use spaces"),
    "#": ("a comment needs a space before its `#`", "quote the value if it isn't a comment"),
}
# What ruamel says, and what it means to somebody who writes a spec.
_SYNTAX = (
    ("mapping values are not allowed here", "`: ` isn't allowed here", "quote a value that contains `: `"),
    ("cannot start any token", "this character can't start a value", "quote the value"),
    ("could not find expected ':'", "`key: value` expected", "put `: ` after the key"),
    ("found unexpected end of stream", "this quote is never closed", "close it"),
    ("found unexpected document separator", "this quote is never closed", "close it"),
    ("expected ',' or ']'", "`,` or `]` expected", "close the list, or quote what contains `,`, `[` or `: `"),
    ("expected ',' or '}'", "`,` or `}` expected", "close the mapping, or quote what contains `,` or `: `"),
    ("expected <block end>", "this doesn't fit what is above it", "check its indentation and quotes"),
    (
        "sequence entries are not allowed",
        "a list item isn't allowed here",
        "begin the list on a line of its own",
    ),
    ("found unknown escape", "unknown escape in a quoted string", "write \\\\ for a backslash, or use '...'"),
    ("found unexpected ':'", "`:` isn't allowed here", "quote the value"),
)


def build(text: str, display: str) -> Mapping:
    """Return the root mapping of the YAML document `text`, which may hold no hidden character and no `\\r`.

    Raises SpecError with every diagnostic up to the first one that makes the rest unreadable.
    """
    builder = _Builder(text, display)
    root = None
    try:
        root = builder.document()
    except _UnreadableError:
        pass
    except yaml_events.DirectiveError as problem:
        builder.report("directive", "a `%` directive isn't allowed", builder.point(problem.mark), "delete it")
    except yaml_events.MarkedYAMLError as problem:
        builder.syntax(problem)
    except Exception:  # a hostile text makes the parser raise all kinds of errors; none may reach the user
        builder.report("not-yaml", "this can't be read as YAML", builder.last)
    if builder.diagnostics or root is None:
        raise SpecError(builder.diagnostics)
    return root


class _UnreadableError(Exception):
    """The rest of the text isn't worth reading; the diagnostic that says why was reported."""


class _Builder:
    def __init__(self, text: str, display: str) -> None:
        self.text = text
        self.display = display
        self.diagnostics: list[Diagnostic] = []
        self.last = Span(display, 1, 1, 1, 1)
        self.events: Iterator[Event] = yaml_events.parse(text)
        self.left = MAX_EVENTS

    # Events

    def next(self) -> Event:
        event = next(self.events)
        self.left -= 1
        if self.left < 0:
            self.stop("too-large", f"a spec may have at most {MAX_EVENTS} keys, values and brackets", event)
        return event

    def document(self) -> Mapping | None:
        self.next()  # start of the stream
        event = self.next()
        root = None
        if not isinstance(event, yaml_events.StreamEndEvent):
            event = self.next()
            if isinstance(event, ScalarEvent) and event.style is None and not event.value:
                self.stop("empty-document", "the file holds no spec", event, "`mlcc init` writes one")
            root = self.node(event, 1, False)
            self.next()  # end of the document
            event = self.next()
        if not isinstance(event, yaml_events.StreamEndEvent):
            self.stop("several-documents", "a spec is one YAML document; a second one starts here", event)
        if root is None:
            self.stop("empty-document", "the file holds no spec", event, "`mlcc init` writes one")
        elif not isinstance(root, Mapping):
            kind = "list" if isinstance(root, Sequence) else "single value"
            self.report("not-a-mapping", f"a spec is a mapping of keys to values, not a {kind}", root.span)
            return None
        return root

    # Nodes

    def node(self, event: Event, depth: int, command: bool) -> Node:
        """Build the node that starts with `event`. `command` is true where a scalar is a shell command."""
        if isinstance(event, ScalarEvent):
            self.properties(event)
            return self.scalar(event, command)
        if depth > MAX_DEPTH:
            self.stop("too-deep", f"a spec may be nested at most {MAX_DEPTH} levels deep", event)
        if isinstance(event, MappingStartEvent):
            self.properties(event)
            return self.mapping(event, depth)
        if isinstance(event, SequenceStartEvent):
            self.properties(event)
            return self.sequence(event, depth, command)
        span = self.span(event.start_mark, event.end_mark)
        self.report(
            "alias",
            "a YAML alias (`*name`) isn't allowed",
            span,
            "write the value out, or state it once under `defaults`",
        )
        return Scalar(None, span, "", True)

    def mapping(self, start: MappingStartEvent, depth: int) -> Mapping:
        entries: dict[str, Entry] = {}
        span = end = self.span(start.start_mark, start.end_mark)
        while not isinstance(event := self.next(), _END):
            key, key_span = self.key(event, depth + 1)
            end = self.last
            after = event.end_mark
            value = self.next()
            if isinstance(value, ScalarEvent) and value.style is None and not value.value:
                node: Node = self.nothing(value, after)
            else:
                node = self.node(value, depth + 1, key in _COMMANDS)
            end = node.span if node.span.end_line >= end.end_line else end
            if key is None:
                continue
            if key in entries:
                related = (Related(entries[key].key_span, "first written here"),)
                self.report("duplicate-key", f"the key `{key}` is written twice", key_span, related=related)
            else:
                entries[key] = Entry(key, key_span, node)
        return Mapping(entries, self.whole(span, start, event, end))

    def sequence(self, start: SequenceStartEvent, depth: int, command: bool) -> Sequence:
        items: list[Node] = []
        span = end = self.span(start.start_mark, start.end_mark)
        while not isinstance(event := self.next(), _END):
            items.append(self.node(event, depth + 1, command))
            end = items[-1].span
        return Sequence(items, self.whole(span, start, event, end))

    def whole(
        self, span: Span, start: MappingStartEvent | SequenceStartEvent, end: Event, last: Span
    ) -> Span:
        """Return the span of a collection: to its bracket, or to the end of its last item."""
        if start.flow_style and end.end_mark.index > end.start_mark.index:
            last = self.span(end.start_mark, end.end_mark)
        return Span(self.display, span.line, span.column, last.end_line, last.end_column)

    def key(self, event: Event, depth: int) -> tuple[str | None, Span]:
        """Return the key, or None when it is refused."""
        if not isinstance(event, ScalarEvent):
            node = self.node(event, depth, False)
            self.report("bad-key", "a key must be a single word", node.span)
            return None, node.span
        self.properties(event)
        text = str(event.value)
        self.last = span = self.span(event.start_mark, event.end_mark)
        unquoted = event.style is None
        if unquoted and text == "<<":
            self.report("merge-key", "a merge key (`<<`) isn't allowed", span, "use `extends` or `profiles`")
            return None, span
        if not _KEY.fullmatch(text):
            rule = "it starts with a letter or `_`, then letters, digits, `_`, `.` or `-`"
            self.report("bad-key", "this isn't a valid key", span, rule)
            return None, span
        raw = self.text[event.start_mark.index : event.end_mark.index]
        if event.style in ("|", ">") or (event.style == '"' and not raw.endswith(f'"{text}"')):
            rule = "write it on one line, without escapes"
            self.report("bad-key", f"the key `{text}` isn't written as it reads", span, rule)
            return None, span
        if unquoted and (problem := scalars.read_key(text)):
            self.report(problem.code, problem.message, span, problem.help)
        return text, span

    def nothing(self, event: ScalarEvent, key_end: FileMark) -> Scalar:
        """Return the null of a key with no value, at the colon; ruamel puts it at the next token."""
        self.properties(event)
        colon = _COLON.match(self.text, key_end.index)
        line, column = key_end.line + 1, key_end.column + 1 + (len(colon.group()) if colon else 0)
        return Scalar(None, Span(self.display, line, column, line, column), "", True)

    def scalar(self, event: ScalarEvent, command: bool) -> Scalar:
        text = str(event.value)
        start, end = event.start_mark, event.end_mark
        raw = self.text[start.index : end.index]
        if event.style in ("|", ">"):
            raw = raw.rstrip()
            self.last = self.block_span(start, raw)
        else:
            self.last = self.span(start, end)
        if len(text) > MAX_SCALAR:
            self.report("too-large", f"a value may be at most {MAX_SCALAR} characters long", self.last)
        hidden = HIDDEN.search(text)
        if hidden:
            message = f"this value contains a {describe_hidden(hidden.group())}"
            self.report("control-character", message, self.last)
        if event.style is not None:
            return Scalar(text, self.last, raw, False)
        value, problem = scalars.read(text)
        if problem:
            self.report(problem.code, problem.message, self.last, problem.help)
        if command:
            self.dropped_comment(text, end)
        return Scalar(value, self.last, raw, True)

    def dropped_comment(self, text: str, end: FileMark) -> None:
        comment = _COMMENT.match(self.text, end.index)
        if comment and " " in text:
            column = end.column + 1 + len(comment.group()) - len(comment.group().lstrip())
            line = end.line + 1
            span = Span(self.display, line, column, line, end.column + 1 + len(comment.group()))
            message = "YAML drops this as a comment: it is not part of the command"
            cure = "quote the command, or put the comment on a line of its own"
            self.report("comment-in-command", message, span, cure)

    def properties(self, event: ScalarEvent | MappingStartEvent | SequenceStartEvent) -> None:
        """Refuse the anchor and the tag of a node."""
        if event.anchor is None and event.ctag is None:
            return
        span = self.point(event.start_mark)
        if event.anchor is not None:
            self.report(
                "anchor",
                "a YAML anchor (`&name`) isn't allowed",
                span,
                "write the value out, or state it once under `defaults` or in a file that `extends` names",
            )
        if event.ctag is not None:
            self.report("tag", "a YAML tag (`!name`) isn't allowed", span, "delete it, or quote the value")

    # Diagnostics

    def span(self, start: FileMark, end: FileMark) -> Span:
        return Span(self.display, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def point(self, mark: FileMark) -> Span:
        """Return the span of the word at `mark`."""
        word = re.compile(r"[^\s,\]}]*").match(self.text, mark.index)
        length = len(word.group()) if word else 0
        line, column = mark.line + 1, mark.column + 1
        return Span(self.display, line, column, line, column + max(length, 1))

    def block_span(self, start: FileMark, raw: str) -> Span:
        """Return the span of a `|` or `>` scalar; ruamel's ends where the next line begins."""
        lines = raw.count("\n")
        column = len(raw) - raw.rindex("\n") if lines else start.column + 1 + len(raw)
        return Span(self.display, start.line + 1, start.column + 1, start.line + 1 + lines, column)

    def report(
        self, code: str, message: str, span: Span, help: str | None = None, related: tuple[Related, ...] = ()
    ) -> None:
        self.diagnostics.append(error(code, message, span, related=related, help=help))
        if len(self.diagnostics) >= MAX_DIAGNOSTICS:
            raise _UnreadableError

    def stop(self, code: str, message: str, event: Event, help: str | None = None) -> None:
        self.report(code, message, self.point(event.start_mark), help)
        raise _UnreadableError

    def syntax(self, problem: yaml_events.MarkedYAMLError) -> None:
        said = str(problem.problem)
        mark = problem.problem_mark or problem.context_mark
        span = self.point(mark) if mark else self.last
        if "tag handle" in said or "tag" in str(problem.context):
            self.report("tag", "a YAML tag (`!name`) isn't allowed", span, "delete it, or quote the value")
            return
        if mark and self.text[mark.index : mark.index + 1] in _CHARACTERS:
            message, cure = _CHARACTERS[self.text[mark.index]]
            self.report("not-yaml", message, span, cure)
            return
        for pattern, message, cure in _SYNTAX:
            if pattern in said:
                if "quote is never closed" in message and problem.context_mark:
                    span = self.point(problem.context_mark)
                self.report("not-yaml", message, span, cure)
                return
        self.report("not-yaml", "this can't be read as YAML", span)
