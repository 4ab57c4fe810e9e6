"""A repository's root folder, entered by descriptors so that no symbolic link can lead a write outside it.

Paths are posix and relative to the root. Every component is opened with O_NOFOLLOW below its parent's
descriptor: what was checked is what is written to, whatever is swapped on disk in between.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

# Nothing generated comes near this; a file of that size is somebody else's and must not fill the memory.
_LARGEST = 64 << 20
_TOGETHER, _FEW = 128, 16  # files that are flushed together, and by how many threads
_MOST_OPEN = 256  # folders


class UnsafePathError(Exception):
    """A path that mlcc won't touch; the message says why."""


def check_path(path: str) -> None:
    """Raise UnsafePathError unless `path` is relative, plain, and below the root on any platform."""
    reason = _fault(path)
    if reason:
        raise UnsafePathError(f"`{path}` {reason}")


def _fault(path: str) -> str | None:
    parts = path.split("/")
    if path.startswith("/") or "\\" in path:
        return "isn't a relative posix path"
    if any(part in ("", ".", "..") for part in parts):
        return "has an empty, `.` or `..` component"
    if path.startswith("-"):
        return "begins with `-`, which commands take for an option"
    if not path.isprintable() or unicodedata.normalize("NFC", path) != path:
        return "has characters that differ between file systems"
    # git runs what lies in there (hooks), so no output may; `git~1` is its short name on FAT
    if any(part.casefold() in (".git", "git~1") for part in parts):
        return "lies in git's own folder"
    return None


class Folder:
    """An open root. Use as a context manager; OSError passes through, UnsafePathError is raised for links."""

    def __init__(self, root: Path) -> None:
        self._open = {"": os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)}

    def __enter__(self) -> Folder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()

    def read(self, path: str, limit: int | None = None) -> bytes | None:
        """Return the file's bytes, or the first `limit` of them; None when there is no such file."""
        try:
            descriptor = self.open_file(path, _READ)
        except FileNotFoundError:
            return None
        try:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode):
                raise UnsafePathError(f"`{path}` isn't a regular file")
            if limit is None and about.st_size > _LARGEST:
                raise UnsafePathError(f"`{path}` is larger than {_LARGEST >> 20} MiB")
            return _read_all(descriptor, _LARGEST if limit is None else limit)
        finally:
            os.close(descriptor)

    def mode(self, path: str) -> int:
        """Return the permission bits of an existing file."""
        parent, name = self._parent(path)
        return stat.S_IMODE(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)

    def open_file(self, path: str, flags: int, mode: int = 0o644) -> int:
        """Return a descriptor of a file; raises FileNotFoundError also where a folder above is missing."""
        with _naming(path):
            parent, name = self._parent(path)
            try:
                return os.open(name, flags, mode, dir_fd=parent)
            except OSError as fault:
                if fault.errno == errno.ELOOP:
                    raise UnsafePathError(f"`{path}` is a symbolic link") from fault
                raise

    def create(self, path: str, data: bytes, mode: int = 0o644, *, flush: bool = True) -> None:
        """Write a new file and flush it to disk, replacing a leftover of the same name."""
        self.remove(path)
        descriptor = self.open_file(path, _CREATE, mode)
        try:
            os.fchmod(descriptor, mode)  # whatever the umask
            write_all(descriptor, data)
            if flush:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, path: str, target: str) -> None:
        """Move a file over another in the same folder, atomically."""
        with _naming(target):
            parent, name = self._parent(path)
            os.rename(name, target.rpartition("/")[2], src_dir_fd=parent, dst_dir_fd=parent)

    def remove(self, path: str) -> None:
        """Remove a file if it is there."""
        with contextlib.suppress(FileNotFoundError), _naming(path):
            parent, name = self._parent(path)
            os.unlink(name, dir_fd=parent)

    def missing_folders(self, path: str) -> list[str]:
        """Return the folders above `path` that don't exist yet, outermost first."""
        parts = path.split("/")[:-1]
        above = ["/".join(parts[: count + 1]) for count in range(len(parts))]
        return [folder for folder in above if self.folder(folder) is None]

    def make_folder(self, path: str, *, flush: bool = True) -> None:
        """Create one folder, unless it exists, and flush its entry to disk."""
        with _naming(path):
            parent, name = self._parent(path)
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, dir_fd=parent)
            if flush:
                os.fsync(parent)

    def remove_folder(self, path: str) -> None:
        """Remove a folder that is there and empty."""
        descriptor = self._open.pop(path, None)
        if descriptor is not None:
            os.close(descriptor)
        try:
            parent, name = self._parent(path)
            os.rmdir(name, dir_fd=parent)
        except OSError as fault:
            if fault.errno not in (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST):
                raise

    def sync(self, path: str) -> None:
        """Flush the entries of the folder above `path` to disk."""
        with contextlib.suppress(FileNotFoundError):
            os.fsync(self._parent(path)[0])

    def flush(self, files: Sequence[str] = (), above: Sequence[str] = ()) -> None:
        """Flush files to disk, and the entries of the folders above paths: many at once, as a disk takes them."""
        wanted = [(path, self._opened) for path in files] + [(path, self._opened_above) for path in above]
        for start in range(0, len(wanted), _TOGETHER):
            with contextlib.ExitStack() as stack:
                found = [open_(path) for path, open_ in wanted[start : start + _TOGETHER]]
                descriptors = [descriptor for descriptor in found if descriptor is not None]
                for descriptor in descriptors:
                    stack.callback(os.close, descriptor)
                _fsync_all(descriptors)

    def _opened(self, path: str) -> int:
        return self.open_file(path, _READ)

    def _opened_above(self, path: str) -> int | None:
        try:
            return os.dup(self._parent(path)[0])
        except FileNotFoundError:
            return None

    def files(self, path: str, deep: bool) -> Iterator[str]:
        """Yield the regular files in a folder, sorted; none when it is missing. Links aren't followed."""
        descriptor = self.folder(path)
        if descriptor is None:
            return
        with os.scandir(descriptor) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        for entry in entries:
            below = f"{path}/{entry.name}" if path else entry.name
            if entry.is_file(follow_symlinks=False):
                yield below
            elif deep and entry.is_dir(follow_symlinks=False):
                yield from self.files(below, deep)

    def folder(self, path: str) -> int | None:
        """Return a folder's descriptor, or None when there is none; raises UnsafePathError for a link."""
        known = self._open.get(path)
        if known is not None:
            return known
        above, _, name = path.rpartition("/")
        parent = self.folder(above)
        if parent is None:
            return None
        try:
            descriptor = os.open(name, _FOLDER, dir_fd=parent)
        except FileNotFoundError:
            return None
        except OSError as fault:
            fault.filename = path
            if fault.errno in (errno.ENOTDIR, errno.ELOOP):
                kind = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
                what = "is a symbolic link" if stat.S_ISLNK(kind) else "isn't a folder"
                raise UnsafePathError(f"`{path}` {what}") from fault
            raise
        self._forget(path)
        self._open[path] = descriptor
        return descriptor

    def _forget(self, path: str) -> None:
        """Close folders that were opened long ago, but those on the way to a path: a process may have few open files."""
        if len(self._open) < _MOST_OPEN:
            return
        for old in list(self._open)[: _MOST_OPEN // 2]:
            if old and not path.startswith(f"{old}/"):
                os.close(self._open.pop(old))

    def _parent(self, path: str) -> tuple[int, str]:
        above, _, name = path.rpartition("/")
        parent = self.folder(above)
        if parent is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), above)
        return parent, name


@contextlib.contextmanager
def _naming(path: str) -> Iterator[None]:
    """Put the path from the root into an OSError, which knows only the last component."""
    try:
        yield
    except OSError as fault:
        fault.filename = path
        raise


def _fsync_all(descriptors: Sequence[int]) -> None:
    """Flush open files. A few aren't worth threads."""
    if len(descriptors) <= _FEW:
        for descriptor in descriptors:
            os.fsync(descriptor)
        return
    from concurrent.futures import ThreadPoolExecutor  # few compiles write that much

    with ThreadPoolExecutor(_FEW) as pool:
        list(pool.map(os.fsync, descriptors))


def _read_all(descriptor: int, limit: int) -> bytes:
    chunks: list[bytes] = []
    left = limit
    while left > 0:
        chunk = os.read(descriptor, min(left, 1 << 20))
        if not chunk:
            break
        chunks.append(chunk)
        left -= len(chunk)
    return b"".join(chunks)


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte: a single write may take fewer."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
