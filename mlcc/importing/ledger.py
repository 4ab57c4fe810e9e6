"""What became of every line of a pipeline: placed, kept as an overlay, replaced, or listed.

Leaves of the tree are marked while the spec is drafted. A leaf that nobody marked is listed by itself, so that an
importer can forget to place something, but not lose it.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from mlcc.importing.document import Document, leaves
from mlcc.load.source import Mapping, Node, Scalar, Sequence
from mlcc.record import record, replace

UNKNOWN = "it has no counterpart that is known"


class Status(str, Enum):
    """What became of a part of the pipeline."""

    PLACED = "placed"
    OVERLAY = "overlay"
    REPLACED = "replaced"
    LISTED = "listed"


@record
class Note:
    """One part of the pipeline: its lines (from 1, both inclusive), its path, and where it went or why it did not.

    `place` is where it stands in the spec, empty where it stands nowhere.
    """

    status: Status
    line: int
    end_line: int
    what: str
    text: str
    place: tuple[str, ...] = ()


class Ledger:
    """Collects what became of the parts."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.suggestions: list[str] = []
        self._marks: dict[int, tuple[Status, str, tuple[str, ...]]] = {}
        self._extra: list[Note] = []
        for node in document.merged:
            self.replaced(node, "what the alias stands for is written out")

    def placed(self, node: Node | None, *place: str) -> None:
        """Say where a part stands in the spec."""
        self._mark(node, Status.PLACED, ".".join(place), place)

    def overlay(self, node: Node | None, *place: str) -> None:
        """Say where a part is kept as text of one CI system."""
        self._mark(node, Status.OVERLAY, ".".join(place), place)

    def replaced(self, node: Node | None, by: str) -> None:
        """Say what of mlcc does the same."""
        self._mark(node, Status.REPLACED, by, ())

    def listed(self, node: Node | None, reason: str) -> None:
        """Say why a part has no place."""
        self._mark(node, Status.LISTED, reason, ())

    def finding(self, line: int, what: str, reason: str) -> None:
        """List something about a line that is placed as far as it could be."""
        note = Note(Status.LISTED, line, line, what, reason)
        if note not in self._extra:
            self._extra.append(note)

    def suggest(self, text: str) -> None:
        """Note what a person may want to do next; it isn't a loss."""
        if text not in self.suggestions:
            self.suggestions.append(text)

    def withdraw(self, place: tuple[str, ...], reason: str) -> bool:
        """List what was placed at or below a place of the spec, since it can't stand there; tell whether anything was."""
        placed = (Status.PLACED, Status.OVERLAY)
        found = [
            key
            for key, (status, _, where) in self._marks.items()
            if status in placed and where[: len(place)] == place
        ]
        self._marks.update(dict.fromkeys(found, (Status.LISTED, reason, ())))
        return bool(found)

    def _mark(self, node: Node | None, status: Status, text: str, place: tuple[str, ...]) -> None:
        todo = [] if node is None else [node]
        while todo:
            current = todo.pop()
            if id(current) in self._marks:
                continue
            self._marks[id(current)] = (status, text, place)
            if isinstance(current, Mapping):
                todo += [entry.node for entry in current.entries.values()]
            elif isinstance(current, Sequence):
                todo += current.items

    def frame(self, node: Node, line: int, found: dict[int, Status], known: dict[int, Status]) -> Status:
        """Return what became of the best part of a node; enter it at the lines that the node begins and ends on."""
        if id(node) in known:
            return known[id(node)]
        if isinstance(node, Mapping):
            inner = [(entry.node, entry.key_span.line) for entry in node.entries.values()]
        else:
            inner = [(item, item.span.line) for item in node.items] if isinstance(node, Sequence) else []
        own = self._marks.get(id(node), (Status.LISTED, "", ()))[0]
        status = max(
            (self.frame(child, at, found, known) for child, at in inner), key=_ORDER.index, default=own
        )
        known[id(node)] = status
        for number in (line, node.span.line, _last_line(node)):
            found.setdefault(number, status)
        return status

    def notes(self) -> list[Note]:
        """Return what became of every leaf, and the findings, in the order of the file."""
        found = list(self._extra)
        for what, node, key in leaves(self.document.root):
            status, text, place = self._marks.get(id(node), (Status.LISTED, UNKNOWN, ()))
            start, end = (key.line, key.line) if _is_empty(node) else (node.span.line, _last_line(node))
            found.append(Note(status, min(key.line, start), max(end, key.line), what, text, place))
        for node in self.document.merged:
            note = Note(Status.REPLACED, node.span.line, node.span.line, "<<", "", ())
            found.append(replace(note, text=self._marks[id(node)][1]))
        return sorted(found, key=lambda note: (note.line, note.end_line, note.what))


_ORDER = [Status.LISTED, Status.OVERLAY, Status.PLACED, Status.REPLACED]
"""From the worst to the best."""


def _is_empty(node: Node) -> bool:
    """Tell whether a key has no value: then the parser places it before what comes next."""
    return isinstance(node, Scalar) and node.plain and not node.raw


def _last_line(node: Node) -> int:
    """Return the last line that a leaf stands on: the span of a block ends at the start of the next line."""
    span = node.span
    return span.end_line - 1 if span.end_column == 1 and span.end_line > span.line else span.end_line


def by_line(ledger: Ledger, notes: Iterable[Note], comment: str) -> dict[int, Status | None]:
    """Return what became of every line that holds something, from 1; None: nobody knows.

    A line with several parts counts as its worst one. One that only opens or closes a part is listed where all of the part is.
    """
    found: dict[int, Status] = {}
    for note in notes:
        for number in range(note.line, note.end_line + 1):
            other = found.get(number)
            found[number] = note.status if other is None else min(note.status, other, key=_ORDER.index)
    frame: dict[int, Status] = {}
    ledger.frame(ledger.document.root, ledger.document.root.span.line, frame, {})
    lines = ledger.document.lines
    held = [n for n, line in enumerate(lines, 1) if line.strip() and not line.lstrip().startswith(comment)]
    return {number: found.get(number) or frame.get(number) or _nearest(number, frame) for number in held}


def _nearest(number: int, frame: dict[int, Status]) -> Status | None:
    """Return what became of the part that a bracket, or the rest of a comment, on a line of its own belongs to."""
    before = [line for line in frame if line < number]
    return frame[max(before)] if before else None
