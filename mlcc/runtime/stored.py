"""Artifacts whose bytes the store keeps: nodes pass on a handle, and the bytes are found by its digest.

A file lies in the store by the sha256 of its bytes. A folder lies there as the lines that its digest is of, by that digest, and
each of its files by its own: equal files are kept once, and a folder can't be changed without another digest.

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

from mlcc.runtime.digest import DigestError, tree_lines
from mlcc.runtime.records import RunError, read_record, write_record
from mlcc.runtime.store import StoreAccess

HANDLE = "handle.json"
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_LINE = re.compile(r"([0-9a-f]{64})  ([^\n]+)")


def put_stored(shown: str, digest: str, source: Path, folder: Path, store: StoreAccess) -> None:
    """Bring an artifact into the store, and leave its handle in a folder: where it lies, its digest, its size in bytes.

    `digest` is the one of the file or the folder at `source`. Raises RunError.
    """
    hex = digest[len("sha256:") :]
    if source.is_dir():
        size = _put_folder(shown, hex, source, store)
    else:
        size = source.stat().st_size
        store.move("push", [[str(source), hex]], size)
    uri = f"{store.plan['store'].rstrip('/')}/sha256/{hex[:2]}/{hex}"
    write_record(folder / HANDLE, {"uri": uri, "digest": digest, "size": size})


def _put_folder(shown: str, hex: str, source: Path, store: StoreAccess) -> int:
    """Push a folder's files and then, since whoever finds them looks for the files, its lines. Returns its bytes."""
    try:
        lines = tree_lines(source)
        files = [[str(source / path), found] for found, path in _listed_files(shown, lines)]
        size = sum(Path(path).stat().st_size for path, _ in files)
    except (DigestError, OSError) as problem:
        raise RunError(f"{shown} can't be stored: {problem}") from None
    store.move("push", files, size)
    with tempfile.TemporaryDirectory(prefix="mlcc-") as private:
        listed = Path(private) / "lines"
        listed.write_bytes(lines.encode("utf-8"))
        store.move("push", [[str(listed), hex]], 0)
    return size


def get_stored(shown: str, digest: str, where: Path, folder: Path, form: str, store: StoreAccess) -> None:
    """Fetch an artifact from the store to `where`, by the handle that its writer left in a folder.

    `digest` is what the writer says that it wrote, `form` file or folder. Raises RunError for any other bytes.
    """
    handle = read_handle(shown, folder)
    if handle["digest"] != digest:
        raise RunError(
            f"{shown}, has other bytes than it wrote: its handle is of {handle['digest']} instead of {digest}"
        )
    get_stored_by(shown, handle, where, form, store)


def get_stored_by(shown: str, handle: dict[str, Any], where: Path, form: str, store: StoreAccess) -> None:
    """Fetch an artifact from the store to `where`, by its handle. `form` is file or folder. Raises RunError."""
    digest = handle["digest"]
    try:
        _get(shown, digest, where, form, handle["size"], store)
    except RunError as problem:
        raise RunError(f"{shown} as {digest}, can't be fetched: {problem}") from None
    except OSError as problem:
        raise RunError(f"{shown}, can't be written here: {problem.strerror}") from None


def read_handle(shown: str, folder: Path) -> dict[str, Any]:
    """Return a whole handle. Raises RunError."""
    handle = read_record(folder / HANDLE)
    if handle is None:
        raise RunError(f"{shown}, left no handle")
    return whole_handle(shown, handle)


def whole_handle(shown: str, handle: Any) -> dict[str, Any]:
    """Return a JSON value if it is a handle: address, digest, and size in bytes. Raises RunError."""
    if (
        not isinstance(handle, dict)
        or not isinstance(handle.get("uri"), str)
        or not isinstance(handle.get("digest"), str)
        or not _DIGEST.fullmatch(handle["digest"])
        or type(handle.get("size")) is not int
        or handle["size"] < 0
    ):
        raise RunError(f"{shown}, has a handle that isn't whole")
    return handle


def _get(shown: str, digest: str, where: Path, form: str, size: int, store: StoreAccess) -> None:
    hex = digest[len("sha256:") :]
    if form == "file":
        return store.move("pull", [[str(where), hex]], size)
    with tempfile.TemporaryDirectory(prefix="mlcc-") as private:
        listed = Path(private) / "lines"
        store.move("pull", [[str(listed), hex]], 0)
        lines = listed.read_bytes().decode("utf-8", "replace")
    return store.move(
        "pull", [[str(where / path), found] for found, path in _listed_files(shown, lines)], size
    )


def _listed_files(shown: str, lines: str) -> list[tuple[str, str]]:
    """Return (sha256, path) of each line. Raises RunError where they can't be a folder's."""
    found = [_LINE.fullmatch(line) for line in lines[:-1].split("\n")] if lines.endswith("\n") else []
    files = [(match[1], match[2]) for match in found if match is not None]
    odd = any(part in ("", ".", "..") for _, path in files for part in path.split("/"))
    if not files or len(files) < len(found) or odd or len({path for _, path in files}) < len(files):
        raise RunError(f"{shown}, lies in the store as something that is no folder")
    return files
