"""Where diagnostics point, for machines: they read paths from the repository's root, wherever the command was run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from mlcc.diagnostics import Diagnostic, Span
from mlcc.record import replace
from mlcc.repository import find_root


def from_root(diagnostics: Iterable[Diagnostic], root: Path | None) -> list[Diagnostic]:
    """Return diagnostics with paths relative to `root`, by default the folder of each file's repository.

    A file outside of it, or in no repository, keeps its path from the current folder.
    """
    known: dict[str, str] = {}

    def moved(span: Span) -> Span:
        if span.file not in known:
            known[span.file] = _path(span.file, root)
        return replace(span, file=known[span.file])

    return [_moved(diagnostic, moved) for diagnostic in diagnostics]


def from_folder(span: Span | None, root: Path) -> dict[str, str | int] | None:
    """Return where a span begins as plain values: file (relative to a root), line and column."""
    if span is None:
        return None
    return {"file": _path(span.file, root), "line": span.line, "column": span.column}


def _moved(diagnostic: Diagnostic, moved: Callable[[Span], Span]) -> Diagnostic:
    span = moved(diagnostic.span) if diagnostic.span else None
    related = tuple(replace(other, span=moved(other.span)) for other in diagnostic.related)
    return replace(diagnostic, span=span, related=related)


def _path(shown: str, root: Path | None) -> str:
    real = Path(shown).resolve()
    top = find_root(Path(shown)) if root is None else root.resolve()
    if not real.is_relative_to(top) or (root is None and not (top / ".git").exists()):
        return shown
    return os.path.relpath(real, top).replace(os.sep, "/")
