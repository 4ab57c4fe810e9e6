"""One broken spec, with marks for where its diagnostic points."""

from __future__ import annotations

from typing import NamedTuple

from tests.plans import HEAD

MARKS = "◆①②③④"


class Case(NamedTuple):
    """A spec and the one diagnostic that it gets. `others` are the messages at ①, ②, …"""

    name: str
    body: str
    code: str
    message: str
    others: tuple[str, ...] = ()
    help: str | None = None
    head: str = HEAD

    @property
    def marked(self) -> str:
        """Return the whole spec with its marks."""
        return self.head + self.body

    @property
    def text(self) -> str:
        """Return the spec as a user would write it."""
        return "".join(c for c in self.marked if c not in MARKS)

    def place(self, mark: str) -> str:
        """Return LINE:COLUMN of a mark, other marks not counted."""
        before = self.marked[: self.marked.index(mark)]
        line = "".join(c for c in before.rpartition("\n")[2] if c not in MARKS)
        return f"{before.count(chr(10)) + 1}:{len(line) + 1}"
