"""Spec files that a command rewrites: each is replaced at once, and only where it is still as it was read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from mlcc.diagnostics import Diagnostic, MlccError, OutputError, SpecError, error
from mlcc.load.source import Sequence, load, plain, read_file
from mlcc.record import record
from mlcc.repository import find_root
from mlcc.writing.folder import Folder, UnsafePathError

Rewriter = Callable[[str, str], str]
"""Takes a spec's text and its display path, returns the text that it should have. Raises SpecError."""


@record
class Rewrite:
    """A spec file, by its display path too, with its bytes and those that it should have."""

    path: Path
    shown: str
    before: bytes
    after: bytes

    @property
    def changes(self) -> bool:
        """Whether the file isn't as it should be."""
        return self.before != self.after

    def diff(self, label: str) -> str:
        """Return what changes, as a unified diff; the new text is called `label`."""
        from mlcc.writing.drift import unified  # only where it is shown

        before, after = (data.decode("utf-8", "replace") for data in (self.before, self.after))
        return unified(self.shown, before.replace("\r\n", "\n"), after, label) if self.changes else ""


def with_bases(paths: Iterable[Path]) -> list[Path]:
    """Return specs and the files of their repositories that they extend, each once.

    A spec that can't be read is returned like any other: whoever reads it next says why.
    """
    found: dict[Path, Path] = {}
    left = list(paths)
    while left:
        path = left.pop(0)
        if found.setdefault(path.resolve(), path) is path:
            left += _bases(path)
    return list(found.values())


def rewrites(paths: Iterable[Path], rewriter: Rewriter) -> list[Rewrite]:
    """Return what becomes of files; writes nothing. Raises what is wrong with any of them: then none is written."""
    fault: type[MlccError] = SpecError
    made: list[Rewrite] = []
    problems: list[Diagnostic] = []
    texts: dict[str, str] = {}
    for path in paths:
        shown = path.as_posix()
        try:
            load(path)  # says what is wrong, also where it isn't text
            before = read_file(path, shown)
            made.append(Rewrite(path, shown, before, rewriter(before.decode("utf-8"), shown).encode()))
        except MlccError as problem:
            problems += problem.diagnostics
            texts.update(problem.texts)
            fault = OutputError if isinstance(problem, OutputError) else fault
    if problems:
        raise fault(problems, texts)
    return made


def save(made: Iterable[Rewrite]) -> None:
    """Replace the files that change. Raises OutputError: none is replaced where one of them mustn't or can't be."""
    changed = [one for one in made if one.changes]
    for one in changed:
        _replace(one, really=False)
    for one in changed:
        _replace(one, really=True)


def counted(made: list[Rewrite]) -> str:
    """Return how many of files change, in words."""
    changed = sum(one.changes for one in made)
    return f"{changed} of {len(made)} file{'' if len(made) == 1 else 's'}"


def _replace(one: Rewrite, *, really: bool) -> None:
    name = one.path.name
    fresh = f".{name}.mlcc-new"
    try:
        with Folder(one.path.parent) as folder:
            os.close(folder.open_file(name, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC))
            if folder.read(name) != one.before:
                message = f"{one.shown} was changed in the meantime"
                raise OutputError([error("busy", message, None, help="run it again")])
            if not really:
                return
            try:
                folder.create(fresh, one.after, folder.mode(name))
                folder.rename(fresh, name)
            finally:
                folder.remove(fresh)
            folder.sync(name)
    except UnsafePathError:
        message = f"{one.shown} is a symbolic link, which could lead anywhere"
        help = "name the file that it leads to"
        raise OutputError([error("unsafe-path", message, None, help=help)]) from None
    except OSError as problem:
        message = f"{one.shown} can't be written: {problem.strerror or problem}"
        raise OutputError([error("cannot-write", message, None, help="it is as it was")]) from None


def _bases(path: Path) -> list[Path]:
    """Return the files that a spec extends, as far as they are there and in its repository."""
    try:
        entry = load(path).root.entries.get("extends")
    except MlccError:
        return []
    items = plain(entry.node) if entry is not None and isinstance(entry.node, Sequence) else []
    root = find_root(path)
    names = [item for item in items if isinstance(item, str)] if isinstance(items, list) else []
    found = [Path(os.path.normpath(path.parent / name)) for name in names]
    return [base for base in found if base.is_file() and base.resolve().is_relative_to(root)]
