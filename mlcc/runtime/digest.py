"""SHA-256 digests of artifacts: what a gate judged is what its readers get, byte for byte.

A file's digest is the sha256 of its bytes. The digest of a folder, or of a set of committed paths, is the
sha256 of the sorted lines `<hex>  <path>\\n`, one a file, with the path relative and with `/`; in a shell:
`find . -type f -printf '%P\\n' | xargs -d '\\n' sha256sum | LC_ALL=C sort | sha256sum`.
"""

from __future__ import annotations

# os.path is loaded at start-up anyway; pathlib would cost a gate that judges two numbers 10 ms.
# ruff: noqa: PTH100, PTH112, PTH114, PTH118, PTH120
import os

from mlcc.runtime.file_digest import DigestError as DigestError
from mlcc.runtime.file_digest import file_digest as file_digest
from mlcc.runtime.file_digest import hex_digest, sha256, shown_name
from mlcc.runtime.patterns import path_matches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SIGNS_OF_PATTERNS = frozenset("*?")
_GENERATED_FOLDERS = frozenset((".git", "__pycache__", "_mlcc"))


def artifact_digest(path: str | Sequence[str], root: str = ".") -> str:
    """Return the digest of an artifact as the plan locates it.

    A list of paths is digested by `paths_digest`, a path that ends in `/` by `tree_digest`, a table's name
    (`ENGINE://SCHEMA.TABLE`) by `table_digest`, any other by `file_digest`. Raises DigestError.
    """
    if not isinstance(path, str):
        return paths_digest(path, root)
    if "://" in path:
        return table_digest(path)
    place = os.path.join(root, path)
    return tree_digest(place) if path.endswith("/") else file_digest(place)


def table_digest(name: str) -> str:
    """Return `table:<hex>`, the sha256 of a table's name: what tells tables apart, and not what is in them.

    Of a table as of a moment, the name says so (see mlcc.runtime.moments).
    """
    return f"table:{sha256(name.encode('utf-8')).hexdigest()}"


def tree_digest(folder: str | os.PathLike[str]) -> str:
    """Return `sha256:<hex>` of all files below a folder. Raises DigestError, as `tree_lines` does."""
    return f"sha256:{sha256(tree_lines(folder).encode('utf-8')).hexdigest()}"


def tree_lines(folder: str | os.PathLike[str]) -> str:
    """Return the lines that the digest of a folder is of: the sha256 and the path of each file, sorted.

    Raises DigestError for a missing or empty folder, a symlink anywhere, a device, an unreadable file, and a
    file name that could not be told apart in the lines.
    """
    top = os.fspath(folder).rstrip("/") or "/"
    if os.path.islink(top) or not os.path.isdir(top):
        raise DigestError(f"{shown_name(top)} is not a folder")
    return _digest_lines(top, _walk(top, ""))


def paths_digest(paths: Iterable[str], root: str | os.PathLike[str]) -> str:
    """Return `sha256:<hex>` of the files that `paths` name. Raises DigestError, as `files_of` does."""
    lines = _digest_lines(os.fspath(root), files_of(paths, root))
    return f"sha256:{sha256(lines.encode('utf-8')).hexdigest()}"


def files_of(paths: Iterable[str], root: str | os.PathLike[str] = ".") -> set[str]:
    """Return the committed files that `paths` name, relative to `root`.

    A path names what `path_matches` says: a file, a folder with all below it, or both through wildcards. In a
    git work tree only tracked files count, so that build products don't; elsewhere all files but `.git`,
    `_mlcc`, `__pycache__` and `*.pyc`. Raises DigestError, also for a path that names no file.
    """
    top = os.fspath(root)
    tracked = _tracked(top)
    chosen: set[str] = set()
    for path in paths:
        if not path.strip("/"):
            raise DigestError("a path is empty")
        names = tracked if tracked is not None else _candidates(top, path)
        found = [name for name in names if path_matches(path, name)]
        if not found:
            what = "file" if tracked is None else "committed file"
            raise DigestError(f"{shown_name(path)} names no {what}")
        chosen.update(found)
    return chosen


def _digest_lines(top: str, relative: Iterable[str]) -> str:
    lines = []
    for name in relative:
        if any(ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 for c in name):
            raise DigestError(f"the file name {shown_name(name)} is not plain UTF-8 on one line")
        lines.append(f"{hex_digest(os.path.join(top, name), name)}  {name}\n")
    if not lines:
        raise DigestError(f"{shown_name(top)} holds no file")
    return "".join(sorted(lines))


def _walk(top: str, below: str, skip: frozenset[str] = frozenset()) -> list[str]:
    """Return what is no folder below a folder, relative to `top`; folders named in `skip` are left out.

    Symlinks are returned, not followed: digesting them is what fails.
    """
    found: list[str] = []
    pending = [below]
    while pending:
        folder = pending.pop()
        try:
            entries = list(os.scandir(os.path.join(top, folder)))
        except OSError as error:
            raise DigestError(f"{shown_name(folder or top)} can't be read: {error.strerror}") from None
        for entry in entries:
            name = f"{folder}/{entry.name}" if folder else entry.name
            if not entry.is_dir(follow_symlinks=False):
                found.append(name)
            elif entry.name not in skip:
                pending.append(name)
    return found


def _candidates(top: str, path: str) -> list[str]:
    """Return the files that a path could name, outside git: those below its part without wildcards."""
    parts = path.rstrip("/").split("/")
    fixed = next((i for i, part in enumerate(parts) if _SIGNS_OF_PATTERNS & set(part)), len(parts))
    base = "/".join(parts[:fixed])
    for i in range(1, fixed + 1):
        folder = "/".join(parts[:i])
        if os.path.islink(os.path.join(top, folder)):
            raise DigestError(f"{shown_name(folder)} is a symlink")
    place = os.path.join(top, base)
    if base and not os.path.isdir(place):
        return [base] if os.path.lexists(place) else []
    return [name for name in _walk(top, base, _GENERATED_FOLDERS) if not name.endswith(".pyc")]


def _tracked(top: str) -> list[str] | None:
    """Return the tracked files below `top`, or None outside a git work tree or without git."""
    import subprocess

    # Neither a hook of the repository nor its owner matters for a listing; both would only make it fail or,
    # worse, run something.
    call = ["git", "-c", "core.fsmonitor=false", "-c", "safe.directory=*", "-C", top]
    call += ["ls-files", "-z", "--cached", "--recurse-submodules"]
    try:
        done = subprocess.run(call, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except FileNotFoundError:
        return None
    if done.returncode == 0:
        return sorted({os.fsdecode(name) for name in done.stdout.split(b"\0") if name})
    if _inside_work_tree(top):
        said = shown_name(os.fsdecode(done.stderr.strip()))
        raise DigestError(f"git can't list the committed files: {said}")
    return None


def _inside_work_tree(top: str) -> bool:
    folder = os.path.abspath(top)
    while not os.path.lexists(os.path.join(folder, ".git")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return False
        folder = parent
    return True
