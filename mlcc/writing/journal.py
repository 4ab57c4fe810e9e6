"""Several files replaced as one: after a crash at any point the next run finishes or undoes the whole set.

Renaming file by file is atomic for each but not for all. So a journal is written first:

1. *stage*: what will change, with the old bytes. Then folders are made and each new file is written and
   flushed under a temporary name beside its target. A crash here is undone: the temporary files go.
2. *commit*: everything is on disk; from here on it is finished. Then come the renames and removals.
3. The journal is removed.

A failure (not a crash) after the commit adds an *undo* record and restores the old bytes from the journal.
Each record is one line with its own sha256, flushed before the next step; a torn line counts as unwritten.
The file is also the lock: who writes holds flock on it, and a journal that nobody holds was left by a crash.

A journal can also come with a checkout, from somebody else. So recovery touches only paths that `allowed`
accepts, restores only text that carries mlcc's marker or is a lock, and leaves alone a file that is neither as it was
before nor as it should be after.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import errno
import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from types import TracebackType

from mlcc.record import record, replace
from mlcc.writing.files import is_generated, is_lock
from mlcc.writing.folder import Folder, UnsafePathError, check_path, write_all

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)
_LARGEST = 256 << 20


class BusyError(Exception):
    """Another process is writing."""


class BadJournalError(Exception):
    """The journal isn't one that mlcc could have written here; the message says why."""


@record
class Change:
    """One file's change. `old` or `new` is None where there is no file before or after; `mode` is the old."""

    path: str
    old: bytes | None
    new: bytes | None
    mode: int = 0o644


@record
class _Step:
    """A change as the journal holds it: of the new bytes only the digest."""

    path: str
    old: bytes | None
    new: str | None
    mode: int

    @property
    def fresh(self) -> str:
        """Where the new bytes wait: beside the target, so that the rename stays in one folder."""
        above, slash, name = self.path.rpartition("/")
        return f"{above}{slash}.{name}.mlcc-new"


@record
class _Record:
    phase: str
    folders: tuple[str, ...]
    steps: tuple[_Step, ...]


class Journal:
    """An open, locked journal, made by `open_journal`; a context manager that releases the lock."""

    def __init__(self, folder: Folder, path: str, descriptor: int, made: Sequence[str]) -> None:
        self._folder = folder
        self._path = path
        self._descriptor = descriptor
        self._made = tuple(made)
        self._exists = True

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._exists and self._is_empty():
                self._finish(self._made)
        finally:
            os.close(self._descriptor)

    def _is_empty(self) -> bool:
        return os.fstat(self._descriptor).st_size == 0

    def apply(self, changes: Sequence[Change]) -> None:
        """Make all changes or none; raises OSError or UnsafePathError when none was made.

        Only where undoing fails too is the journal left behind, for the next run to finish.
        """
        if not self._is_empty():  # somebody began and died since it was last looked at
            raise BusyError
        if not changes:
            return
        record = self._staged(changes)
        try:
            self._write(_spell(record))
            self._folder.sync(self._path)
            for path in record.folders:
                self._folder.make_folder(path, flush=False)
            self._folder.flush(above=record.folders)
            for step, change in zip(record.steps, changes, strict=True):
                if change.new is not None:
                    self._folder.create(step.fresh, change.new, flush=False)
            self._folder.flush([step.fresh for step in record.steps if step.new is not None])
            self._sync(record)
        except BaseException:
            self._roll_back(record)
            raise
        try:
            self._write(_spell(_Record("commit", (), ())))
            for step in record.steps:
                self._carry_out(step)
            self._sync(record)
        except BaseException:
            self._write(_spell(_Record("undo", (), ())))
            self._roll_back(record)
            raise
        self._finish(())

    def recover(self, allowed: Callable[[str], bool]) -> None:
        """Finish or undo an interrupted run; raises BadJournalError, OSError or UnsafePathError."""
        record = _parse(self._read(), allowed)
        if record is None:
            self._finish(())
        elif record.phase == "commit":
            self._roll_forward(record)
        else:
            self._roll_back(record)

    def _staged(self, changes: Sequence[Change]) -> _Record:
        folders = dict.fromkeys(self._made)
        for change in changes:
            if change.new is not None:
                folders.update(dict.fromkeys(self._folder.missing_folders(change.path)))
        steps = tuple(_Step(c.path, c.old, _sha256(c.new), c.mode) for c in changes)
        return _Record("stage", tuple(folders), steps)

    def _carry_out(self, step: _Step) -> None:
        if step.new is None:
            self._folder.remove(step.path)
        else:
            self._folder.rename(step.fresh, step.path)

    def _roll_forward(self, record: _Record) -> None:
        for step in record.steps:
            current = self._folder.read(step.path)
            fresh = None if step.new is None else self._folder.read(step.fresh)
            if current == step.old and _sha256(fresh) == step.new:
                self._carry_out(step)
            elif fresh is not None:
                self._folder.remove(step.fresh)
        self._sync(record)
        self._finish(())

    def _roll_back(self, record: _Record) -> None:
        for step in record.steps:
            if _sha256(self._folder.read(step.path)) == step.new:
                self._restore(step)
            if step.new is not None:
                self._folder.remove(step.fresh)
        self._sync(record)
        self._finish(record.folders)

    def _restore(self, step: _Step) -> None:
        if step.old is None:
            self._folder.remove(step.path)
        else:
            self._folder.create(step.fresh, step.old, step.mode)
            self._folder.rename(step.fresh, step.path)

    def _sync(self, record: _Record) -> None:
        self._folder.flush(
            above=list({step.path.rpartition("/")[0]: step.path for step in record.steps}.values())
        )

    def _finish(self, folders: Sequence[str]) -> None:
        self._folder.remove(self._path)
        self._exists = False
        self._folder.sync(self._path)
        for path in sorted(folders, key=lambda path: -path.count("/")):
            self._folder.remove_folder(path)

    def _write(self, line: bytes) -> None:
        write_all(self._descriptor, line)
        os.fsync(self._descriptor)

    def _read(self) -> bytes:
        size = os.fstat(self._descriptor).st_size
        if size > _LARGEST:
            raise BadJournalError("it is too large")
        return os.pread(self._descriptor, size, 0)


def open_journal(folder: Folder, path: str) -> Journal:
    """Open and lock the journal, made if missing. Raises BusyError, OSError or UnsafePathError."""
    made = folder.missing_folders(path)
    try:
        for above in made:
            folder.make_folder(above)
        return Journal(folder, path, _locked(folder, path), made)
    except BaseException:
        for above in reversed(made):
            folder.remove_folder(above)
        raise


def _locked(folder: Folder, path: str) -> int:
    for _ in range(100):
        descriptor = folder.open_file(path, _FLAGS)
        try:
            _lock(descriptor, fcntl.LOCK_EX)
            # its holder may have removed it between our open and our lock: then that lock guards nothing
            if os.fstat(descriptor).st_nlink > 0:
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
    raise BusyError


def is_left_behind(folder: Folder, path: str) -> bool:
    """Whether an interrupted run left a journal; changes nothing. Raises BusyError during a write."""
    try:
        descriptor = folder.open_file(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        _lock(descriptor, fcntl.LOCK_SH)
        return os.fstat(descriptor).st_nlink > 0
    finally:
        os.close(descriptor)


def _lock(descriptor: int, kind: int) -> None:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError as fault:
        raise BusyError from fault
    except OSError as fault:
        # some cluster file systems have no locks; there two compiles at once are the user's to avoid
        if fault.errno not in _NO_LOCKS:
            raise


def _sha256(data: bytes | None) -> str | None:
    return None if data is None else hashlib.sha256(data).hexdigest()


def _spell(record: _Record) -> bytes:
    steps = [
        {
            "path": step.path,
            "old": None if step.old is None else base64.b64encode(step.old).decode(),
            "new": step.new,
            "mode": step.mode,
        }
        for step in record.steps
    ]
    payload = json.dumps({"phase": record.phase, "folders": record.folders, "steps": steps}).encode()
    return f"{_sha256(payload)} ".encode() + payload + b"\n"


def _parse(data: bytes, allowed: Callable[[str], bool]) -> _Record | None:
    """Return the first record with the last one's phase; None when nothing was recorded in full."""
    records: list[_Record] = []
    for line in data.split(b"\n"):
        digest, _, payload = line.partition(b" ")
        if digest != (_sha256(payload) or "").encode():
            break
        records.append(_read_record(payload))
    if not records:
        return None
    first = records[0]
    for path in (*first.folders, *(step.path for step in first.steps)):
        _check(path)
    for step in first.steps:
        if not allowed(step.path):
            raise BadJournalError(f"`{step.path}` isn't a place for mlcc's output")
        old = None if step.old is None else step.old.decode("utf-8", "surrogateescape")
        if old is not None and not (is_generated(old) or is_lock(old)):
            raise BadJournalError(f"`{step.path}` wasn't mlcc's to change")
    return replace(first, phase=records[-1].phase)


def _check(path: str) -> None:
    try:
        check_path(path)
    except UnsafePathError as fault:
        raise BadJournalError(str(fault)) from fault


def _read_record(payload: bytes) -> _Record:
    with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        raw = json.loads(payload)
        steps = tuple(
            _Step(
                path=_text(step["path"]),
                old=None if step["old"] is None else base64.b64decode(_text(step["old"]), validate=True),
                new=None if step["new"] is None else _text(step["new"]),
                mode=int(step["mode"]) & 0o777,
            )
            for step in raw["steps"]
        )
        return _Record(_text(raw["phase"]), tuple(map(_text, raw["folders"])), steps)
    raise BadJournalError("it has a record of another form")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(type(value).__name__)
    return value
