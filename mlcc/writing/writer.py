"""WRITE and CHECK: put a compile's files on disk all at once, or say how the disk differs from them.

What mlcc didn't write it never overwrites, whatever the flags; what was edited by hand only with `force`.
Files are written, looked for and removed in a few places only, so that a generated file that the spec no
longer produces is always found.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from mlcc.diagnostics import Diagnostic, OutputError, error
from mlcc.record import record
from mlcc.writing.abandoned import Search
from mlcc.writing.drift import Drift, EditedError, unified
from mlcc.writing.files import File, is_generated, origin, seal
from mlcc.writing.folder import Folder, UnsafePathError, check_path
from mlcc.writing.journal import BadJournalError, BusyError, Change, is_left_behind, open_journal
from mlcc.writing.owner import Owner, owner_of
from mlcc.writing.survey import Found, survey, text_of


@record
class WriteReport:
    """What a write did, as sorted paths.

    `orphans` are generated files that the spec no longer produces, `abandoned` those of specs that are gone.
    """

    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]
    orphans: tuple[str, ...]
    abandoned: tuple[str, ...]


@record
class LockChange:
    """The text of the spec's lock: as it was read (None: there was none), and as it is to be."""

    old: str | None
    new: str


def write(
    files: Sequence[File],
    root: Path,
    *,
    home: str,
    spec: str | None = None,
    call: str | None = None,
    force: bool = False,
    prune: bool = False,
    search: Search | None = None,
    projects: Collection[str] = (),
    kept: Collection[str] = (),
    absorbed: Mapping[str, str] | None = None,
    lock: LockChange | None = None,
) -> WriteReport:
    """Write `files` below `root`, all of them or none; sealed here.

    `home` is the spec's folder relative to `root` (`.` or empty for the root), `spec` the spec's own path, by
    default `mlcc.yaml` there; `call` the command line that compiles it, for messages, by default the one that
    does in `root`; `projects` are the folders of its instances, without any the spec's own; `kept` are outputs that
    are left as they are. `force` overwrites files that were edited by hand, `prune` removes orphans. `search` also counts
    as orphans what specs that are gone have left, there and where workflows lie; without it only in the spec's folder.
    `absorbed` are the edited files (path -> their text) whose edits these files take over, and `lock` is written with them.

    Raises OutputError: `not-ours`, `edited`, `owned-by-other`, `unsafe-path`, `duplicate-output`, `busy`,
    `bad-journal`, `cannot-write`, `lock-changed`; the files are then as they were. Where hand edits are in the way it is an
    EditedError, whose `drifts` show them.
    """
    mine = owner_of(home, spec, call, projects)
    sealed = _sealed(files, mine)
    with _opened(root, mine, "cannot-write") as folder:
        _recover(folder, mine)
        taken = absorbed or {}
        found = survey(folder, root, mine, sealed, search, frozenset(kept))
        if _changes(folder, mine, found, taken, force=force, prune=prune) or lock:
            with open_journal(folder, mine.journal) as journal:
                # looked at again, now that no other compile can be writing
                found = survey(folder, root, mine, sealed, search, frozenset(kept))
                changes = _changes(folder, mine, found, taken, force=force, prune=prune)
                journal.apply([*changes, *_lock_change(folder, mine, lock)])
            if mine.home not in mine.projects:
                folder.remove_folder(mine.own)  # it was made for the journal alone
    return _report(found, prune, (mine.lock,) if lock else ())


def write_lock(
    root: Path, lock: LockChange, *, home: str, spec: str, call: str, projects: Collection[str] = ()
) -> None:
    """Write a lock alone. Arguments and errors are those of `write`."""
    mine = owner_of(home, spec, call, projects)
    with _opened(root, mine, "cannot-write") as folder:
        _recover(folder, mine)
        with open_journal(folder, mine.journal) as journal:
            journal.apply(_lock_change(folder, mine, lock))
        if mine.home not in mine.projects:
            folder.remove_folder(mine.own)


def edited_texts(
    files: Sequence[File], root: Path, *, home: str, spec: str, call: str, projects: Collection[str] = ()
) -> dict[str, str]:
    """Return the outputs that were edited by hand since mlcc wrote them: path -> text. Errors are those of `check`."""
    mine = owner_of(home, spec, call, projects)
    sealed = _sealed(files, mine)
    with _opened(root, mine, "cannot-read") as folder:
        _refuse_interrupted(folder, mine)
        found = survey(folder, root, mine, sealed, None)
    _refuse([problem for one in found if (problem := _foreign(one, mine))])
    return {
        one.path: one.current
        for one in found
        if one.edited and one.current is not None and one.compiled is not None
    }


def ensure_writable(
    files: Sequence[File],
    root: Path,
    *,
    home: str,
    spec: str | None = None,
    call: str | None = None,
    force: bool = False,
    prune: bool = False,
    projects: Collection[str] = (),
    kept: Collection[str] = (),
) -> None:
    """Raise the OutputError that `write` would refuse these files with; changes nothing.

    Where an earlier compile didn't end, nothing is known before `write` has finished that.
    """
    mine = owner_of(home, spec, call, projects)
    sealed = _sealed(files, mine)
    with _opened(root, mine, "cannot-write") as folder:
        if not is_left_behind(folder, mine.journal):
            _changes(
                folder,
                mine,
                survey(folder, root, mine, sealed, None, frozenset(kept)),
                {},
                force=force,
                prune=prune,
            )


def check(
    files: Sequence[File],
    root: Path,
    *,
    home: str,
    spec: str | None = None,
    call: str | None = None,
    search: Search | None = None,
    projects: Collection[str] = (),
    part: bool = False,
) -> list[Drift]:
    """Return how the files below `root` differ from `files`, sorted by path; changes nothing.

    `part`: the files are those of some of the spec's instances, which says nothing of others in shared folders. Other
    arguments and errors are those of `write`, and `interrupted`: a compile that didn't end is for the next
    `write` to finish. Finishing it here would trust a journal that may have come with a pull request.
    """
    mine = owner_of(home, spec, call, projects)
    sealed = _sealed(files, mine)
    with _opened(root, mine, "cannot-read") as folder:
        _refuse_interrupted(folder, mine)
        found = survey(folder, root, mine, sealed, search, part=part)
    _refuse([problem for one in found if (problem := _foreign(one, mine))])
    return [_drift(one, mine) for one in found if not one.same]


def _refuse_interrupted(folder: Folder, mine: Owner) -> None:
    if is_left_behind(folder, mine.journal):
        message = f"an earlier compile left `{mine.journal}` and may not have ended"
        help = f"run `{mine.command()}`; if the file came with the checkout, delete it"
        raise OutputError([error("interrupted", message, None, help=help)])


def _lock_change(folder: Folder, mine: Owner, lock: LockChange | None) -> list[Change]:
    """Return the change of the lock, which must still be what was read."""
    if lock is None:
        return []
    old = folder.read(mine.lock)
    if (None if old is None else text_of(old).replace("\r\n", "\n")) != lock.old:
        message = f"`{mine.lock}` isn't what it was when this compile began"
        raise OutputError([error("lock-changed", message, None, help="run it again")])
    return [Change(mine.lock, old, _bytes(lock.new), 0o644 if old is None else folder.mode(mine.lock))]


def _sealed(files: Sequence[File], mine: Owner) -> dict[str, str]:
    """Seal every file's text by path; raises OutputError for paths that can't be written to."""
    sealed: dict[str, str] = {}
    problems: list[Diagnostic] = []
    folded: dict[str, str] = {}
    for file in files:
        twin = folded.setdefault(file.path.casefold(), file.path)
        if file.path in sealed or twin != file.path:
            message = f"`{file.path}` and `{twin}` would be one file where case doesn't count"
            problems.append(error("duplicate-output", message, None, help="rename one of the two ids"))
        try:
            check_path(file.path)
            if not mine.is_place(file.path):
                raise UnsafePathError(f"`{file.path}` isn't a place for mlcc's output")
        except UnsafePathError as fault:
            problems.append(error("unsafe-path", str(fault), None))
        text = seal(file.text)
        if not mine.is_mine(file.path, text):
            raise ValueError(f"{file.path} doesn't name {mine.path} in its marker")
        sealed[file.path] = text
    _refuse(problems)
    return sealed


@contextmanager
def _opened(root: Path, mine: Owner, code: str) -> Iterator[Folder]:
    """Open the root, and turn what goes wrong below it into diagnostics."""
    try:
        with Folder(root) as folder:
            yield folder
    except UnsafePathError as fault:
        message = f"{fault}; mlcc reads and writes through real folders only"
        raise OutputError([error("unsafe-path", message, None)]) from fault
    except BusyError as fault:
        message = "another compile of this spec is writing"
        raise OutputError(
            [error("busy", message, None, help="run it again when that one has ended")]
        ) from fault
    except BadJournalError as fault:
        message = f"`{mine.journal}` can't be trusted: {fault}"
        raise OutputError(
            [error("bad-journal", message, None, help="delete it, then compile again")]
        ) from fault
    except OSError as fault:
        message = f"{fault.strerror or fault}: `{fault.filename or root}`"
        raise OutputError([error(code, message, None, help=_after_failure(root, mine))]) from fault


def _after_failure(root: Path, mine: Owner) -> str:
    if os.path.lexists(root / mine.journal):  # which an unreadable folder doesn't fail
        return f"what was begun is recorded in `{mine.journal}`; `{mine.command()}` finishes or undoes it"
    return "nothing was changed"


def _recover(folder: Folder, mine: Owner) -> None:
    if is_left_behind(folder, mine.journal):
        with open_journal(folder, mine.journal) as journal:
            journal.recover(mine.is_recoverable)


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode("utf-8", "surrogateescape")


def _changes(
    folder: Folder,
    mine: Owner,
    found: Sequence[Found],
    absorbed: Mapping[str, str],
    *,
    force: bool,
    prune: bool,
) -> list[Change]:
    """Return what has to change; raises OutputError for every file that mustn't."""
    concerned = [one for one in found if not one.same and (one.compiled is not None or prune)]
    edited = [
        one
        for one in concerned
        if one.edited and not force and absorbed.get(one.path) != one.current and not _foreign(one, mine)
    ]
    problems = [
        _foreign(one, mine) or (_hand_edit(one, mine) if one in edited else None) for one in concerned
    ]
    _refuse([problem for problem in problems if problem], [_drift(one, mine) for one in edited])
    return [
        Change(
            one.path,
            _bytes(one.current),
            _bytes(one.compiled),
            0o644 if one.current is None else folder.mode(one.path),
        )
        for one in concerned
    ]


def _foreign(one: Found, mine: Owner) -> Diagnostic | None:
    """The problem with a file that somebody else wrote."""
    if one.current is None or one.same or one.abandoned:
        return None
    if is_generated(one.current) and mine.is_mine(one.path, one.current):
        return None
    source = origin(one.current)
    if source is not None:
        message = f"`{one.path}` is compiled from `{source}`, not from `{mine.path}`"
        return error("owned-by-other", message, None, help="give the two specs different names")
    message = f"`{one.path}` exists, and mlcc didn't write it"
    return error(
        "not-ours", message, None, help="move or delete it, then compile again; --force doesn't help here"
    )


def _hand_edit(one: Found, mine: Owner) -> Diagnostic:
    """The problem with a file that was changed since mlcc wrote it."""
    message = f"`{one.path}` was edited by hand since mlcc wrote it"
    if one.compiled is None:
        way = f"it is no longer compiled from the spec; `{mine.command('--prune', '--force')}` removes it"
    else:
        way = (
            f"put the change into `{mine.path}` (what it can't say goes under `targets`), "
            f"or drop it with `{mine.command('--force')}`"
        )
    return error("edited", message, None, help=way)


def _drift(one: Found, mine: Owner) -> Drift:
    if one.current is None:
        return Drift(one.path, "missing", "", mine.command(), len(_bytes(one.compiled) or b""))
    flags = ["--force"] if one.edited else []
    if one.compiled is None:
        return Drift(one.path, "orphan", "", mine.command("--prune", *flags), len(_bytes(one.current) or b""))
    return Drift(one.path, "edited" if one.edited else "stale", _diff(one), mine.command(*flags))


def _diff(one: Found) -> str:
    return unified(one.path, one.current or "", one.compiled or "")


def _refuse(problems: Sequence[Diagnostic], edits: Sequence[Drift] = ()) -> None:
    if edits:
        raise EditedError(problems, edits)
    if problems:
        raise OutputError(problems)


def _report(found: Sequence[Found], prune: bool, beside: tuple[str, ...] = ()) -> WriteReport:
    outputs = [one for one in found if one.compiled is not None]
    orphans = tuple(one.path for one in found if one.compiled is None and not one.abandoned)
    abandoned = tuple(one.path for one in found if one.compiled is None and one.abandoned)
    return WriteReport(
        written=(*(one.path for one in outputs if not one.same), *beside),
        unchanged=tuple(one.path for one in outputs if one.same),
        removed=tuple(sorted(orphans + abandoned)) if prune else (),
        orphans=() if prune else orphans,
        abandoned=() if prune else abandoned,
    )
