"""Lays a written spec out: blocks indented by two, brackets on one line where they fit, comments where they belong."""

from __future__ import annotations

from collections.abc import Iterable

from mlcc.formatting.written import Collection, Comment, Document, Leaf, Part

WIDTH = 100
"""Columns that brackets may reach to; comments behind them don't count."""
INDENT = 2


def laid_out(document: Document) -> str:
    """Return the text of a document, which ends in one line break."""
    lines = _Layout().document(document)
    first = next((number for number, line in enumerate(lines) if line), 0)
    return "\n".join(lines[first:]) + "\n"


class _Layout:
    """`open_text`: the line before is of a text that would take blank lines behind it for its own."""

    def __init__(self) -> None:
        self.open_text = False

    def document(self, document: Document) -> list[str]:
        root = document.root
        lines = [] if document.before is None else [*self.comments(document.before, 0), "---"]
        lines += self.comments(root.leads, 0)
        inline = _fitting(root, 0)
        if inline is not None or isinstance(root.node, Leaf):
            lines.append(_noted(inline or "", root.remark, aligned=True))
        else:
            lines += self.comments([root.remark] if root.remark else [], 0)
            lines += self.all(root.node.parts, 0)
        return lines + self.comments(root.below, 0)

    def all(self, parts: Iterable[Part], indent: int) -> list[str]:
        """Return parts, each with what stands above it."""
        lines: list[str] = []
        for part in parts:
            lines += self.above(part, indent)
            lines += self.body(part, indent)
        return lines

    def above(self, part: Part, indent: int) -> list[str]:
        """Return the comments and blank lines above a part. Those inside of an item, before its first key, are too."""
        lines = self.comments(part.leads, indent) + self.blank(part.blanks)
        column = indent
        while (first := _first_on_line(part, column)) is not None:
            found = [*([part.remark] if part.remark else []), *first.leads]
            lines += self.comments([comment._replace(blanks=0) for comment in found], indent)
            part, column = first, column + INDENT
        return lines

    def body(self, part: Part, indent: int) -> list[str]:
        """Return a part from its key or dash on, and the comments below it."""
        start = " " * indent + ("-" if part.key is None else f"{part.key}:")
        below = indent + INDENT
        inline = _fitting(part, len(start) + 1)
        first = _first_on_line(part, indent)
        if isinstance(part.node, Leaf):
            lines = self.leaf(part.node, start, part.remark)
            below -= part.node.is_block  # where it can't be taken for a line of the text
        elif inline is not None:
            lines = [_noted(f"{start} {inline}", part.remark, aligned=True)]
            self.open_text = False
        elif first is not None:
            lines = self.body(first, below)
            lines[0] = start + lines[0][len(start) :]
            lines += self.all(part.node.parts[1:], below)
        else:
            lines = [_noted(start, part.remark, aligned=not part.node.flow)]
            self.open_text = False
            lines += self.all(part.node.parts, below)
        return lines + self.comments(part.below, below)

    def leaf(self, leaf: Leaf, start: str, remark: Comment | None) -> list[str]:
        """Return a scalar behind its key or dash."""
        self.open_text = leaf.keeps_blanks
        inner = " " * (len(start) - len(start.lstrip(" ")) + INDENT)
        rest = [inner + line if line else "" for line in leaf.lines[1:]]
        if leaf.is_block:
            return [_noted(f"{start} {leaf.lines[0]}", remark, aligned=True), *rest]
        line = f"{start} {leaf.lines[0]}".rstrip(" ") if not rest else f"{start} {leaf.lines[0]}"
        if leaf.lower and not rest and len(line) > WIDTH:
            return [start, _noted(inner + leaf.lines[0], remark, aligned=True)]
        *lines, last = [line, *rest]
        return [*lines, _noted(last, remark, aligned=True)]

    def comments(self, comments: Iterable[Comment], indent: int) -> list[str]:
        """Return comments, a line each, with the blank lines above them."""
        lines: list[str] = []
        for comment in comments:
            lines += self.blank(comment.blanks)
            lines.append(" " * indent + comment.text)
            self.open_text = False
        return lines

    def blank(self, count: int) -> list[str]:
        return [] if self.open_text else [""] * count


def _fitting(part: Part, column: int) -> str | None:
    """Return a collection as brackets that fit behind `column`; None where it has to be a block."""
    found = _inline(part.node) if isinstance(part.node, Collection) else None
    if found is None or not isinstance(part.node, Collection):
        return None
    return found if column + len(found) <= WIDTH or not part.node.parts else None


def _inline(node: Leaf | Collection) -> str | None:
    """Return a value on one line; None where it isn't written in brackets, or has comments or several lines."""
    if isinstance(node, Leaf):
        return (node.lines[0] or "null") if len(node.lines) == 1 and not node.is_block else None
    found: list[str] = []
    for part in node.parts:
        value = _inline(part.node) if node.flow else None
        if value is None or part.leads or part.remark or part.below:
            return None
        found.append(value if part.key is None else f"{part.key}: {value}")
    return f"{{{', '.join(found)}}}" if node.mapping else f"[{', '.join(found)}]"


def _first_on_line(part: Part, indent: int) -> Part | None:
    """Return the part that stands on the line of an item's dash; None where there is none."""
    if part.key is not None or not isinstance(part.node, Collection):
        return None
    return part.node.parts[0] if _fitting(part, indent + INDENT) is None else None


def _noted(line: str, remark: Comment | None, *, aligned: bool) -> str:
    """Return a line with its comment; `aligned`: in the column that it was in, as far as there is room."""
    if remark is None:
        return line
    column = remark.column if aligned and remark.column <= WIDTH else 0
    return line.ljust(max(len(line) + 2, column)) + remark.text
