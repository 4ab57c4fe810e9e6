"""What specs that are gone have left: a spec that is moved or deleted takes none of its compiled files along."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path

from mlcc.record import record
from mlcc.writing.files import is_generated, origin
from mlcc.writing.folder import Folder, UnsafePathError, check_path

HEAD = 1 << 16  # bytes: more than enough to tell whether a file carries the marker


@record
class Search:
    """Where a compile looks for files of specs that are gone, beside the places of its own.

    `files` lie where a spec in their folder would have written them; `produced` are outputs of the call's other specs.
    """

    files: tuple[str, ...]
    produced: frozenset[str]


def is_abandoned(root: Path, text: str) -> bool:
    """Whether a generated file names a spec that isn't there any more."""
    source = origin(text)
    return source is not None and _is_gone(root, source)


def _is_gone(root: Path, source: str) -> bool:
    try:
        check_path(source)
        (root / source).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, UnsafePathError):  # what can't be looked at may be there
        return False
    return False


def abandoned_files(
    folder: Folder, root: Path, search: Search, spec: str, projects: Collection[str]
) -> Iterator[str]:
    """Yield those of `search.files` whose spec lay in the same folder and is gone, or an instance of `spec`.

    Scripts don't name a spec, since they are the same in every project: they go with the files beside them that do.
    """
    groups: dict[str, dict[str, str | None]] = {}
    instances: set[str] = set()
    for path in search.files:
        head = "" if path in search.produced else _head(folder, path)
        if is_generated(head):
            home = home_of(path)
            groups.setdefault(home, {})[path] = origin(head)
            # a copy of another repository may name such a spec, too, but not this folder
            if (
                path == f"{home}/.mlcc/plan.json"
                and origin(head) == spec
                and f'"home": {json.dumps(home)}' in head
            ):
                instances.add(home)
    for home in instances.difference(projects):
        yield from groups.pop(home)
    for home, sources in groups.items():
        # a copy of another repository has markers too, with paths from its own root
        own = {source for source in sources.values() if source and source.rpartition("/")[0] == home}
        gone = {source for source in own if _is_gone(root, source)}
        for path, source in sources.items():
            if source in gone or (source is None and own and gone == own):
                yield path


def home_of(path: str) -> str:
    """Return the folder of the spec that an output lies beside, or in whose `.mlcc` it lies."""
    above, inside, _ = f"/{path}".partition("/.mlcc/")
    return above[1:] if inside else path.rpartition("/")[0]


def _head(folder: Folder, path: str) -> str:
    try:
        return (folder.read(path, HEAD) or b"").decode("utf-8", "surrogateescape")
    except UnsafePathError:
        return ""
