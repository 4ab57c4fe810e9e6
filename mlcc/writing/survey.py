"""What lies where a compile writes: its outputs beside what they should be, and what nobody produces any more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mlcc.record import record
from mlcc.writing.abandoned import HEAD, Search, abandoned_files, is_abandoned
from mlcc.writing.files import is_generated, is_intact
from mlcc.writing.folder import Folder
from mlcc.writing.owner import Owner


@record
class Found:
    """A file as it is (None: absent) beside what it should be (None: it is an orphan).

    `abandoned`: the spec that it was compiled from is gone, so it is nobody's.
    """

    path: str
    current: str | None
    compiled: str | None
    abandoned: bool = False

    @property
    def same(self) -> bool:
        """Whether it is as it should be."""
        return self.current == self.compiled

    @property
    def edited(self) -> bool:
        """Whether it was edited since mlcc wrote it."""
        return self.current is not None and not self.same and not is_intact(self.current)


def survey(
    folder: Folder,
    root: Path,
    mine: Owner,
    sealed: dict[str, str],
    search: Search | None,
    kept: frozenset[str] = frozenset(),
    *,
    part: bool = False,
) -> list[Found]:
    """Return every output beside the file on disk, and every orphan; sorted by path. The `kept` ones are neither."""
    found: dict[str, Found] = {}
    for path, text in sealed.items():
        current = _read(folder, path)
        if current == text:
            current = text  # one copy of the text: most files are as they were
        found[path] = Found(path, current, text, current is not None and is_abandoned(root, current))
    for path in _places(folder, mine, part):
        if path in sealed or path in kept or not mine.is_place(path):
            continue
        head = text_of(folder.read(path, HEAD) or b"")
        if is_generated(head) and mine.is_mine(path, head):
            found[path] = Found(path, _read(folder, path), None)
        elif _is_left(path, mine, search) and is_abandoned(root, head):
            found[path] = Found(path, _read(folder, path), None, abandoned=True)
    for path in abandoned_files(folder, root, search, mine.path, mine.projects) if search else ():
        found.setdefault(path, Found(path, _read(folder, path), None, abandoned=True))
    return sorted(found.values(), key=lambda one: one.path)


def _is_left(path: str, mine: Owner, search: Search | None) -> bool:
    """Whether a file that isn't this spec's is this compile's to find when its spec is gone."""
    return mine.is_script(path) or (search is not None and path not in search.produced)


def _places(folder: Folder, mine: Owner, part: bool) -> Iterator[str]:
    if not part:
        yield from folder.files(".github/workflows", deep=False)
        yield from folder.files(".gitlab", deep=True)
        yield from (path for path in folder.files(mine.home, deep=False) if mine.is_beside(path))
    for project in sorted(mine.projects):
        yield from folder.files(f"{project}/.mlcc" if project else ".mlcc", deep=True)
        yield from (path for path in folder.files(project, deep=False) if mine.is_beside(path))


def _read(folder: Folder, path: str) -> str | None:
    """Return a file's text: all of it when it is generated, else its head, which is enough to refuse it."""
    head = folder.read(path, HEAD)
    if head is None or len(head) < HEAD or not is_generated(text_of(head)):
        return None if head is None else text_of(head)
    return text_of(folder.read(path) or b"")


def text_of(data: bytes) -> str:
    """Return bytes as text from which the same bytes come back."""
    return data.decode("utf-8", "surrogateescape")
