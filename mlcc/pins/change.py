"""The lock as it is and as a compile leaves it: what is written, or shown as drift."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlcc.diagnostics import Diagnostic, SpecError
from mlcc.pins.approval import updated
from mlcc.pins.lock import Lock, lock_text
from mlcc.writing.drift import Drift, unified
from mlcc.writing.outputs import Output
from mlcc.writing.writer import LockChange


def lock_changes(
    outputs: Iterable[Output], *, approve: bool = False, create: bool = False
) -> list[LockChange | None]:
    """Return how each spec's lock changes; None: it doesn't, or there is none and it isn't to be created.

    Raises SpecError for what isn't approved.
    """
    found: list[LockChange | None] = []
    problems: list[Diagnostic] = []
    texts: dict[str, str] = {}
    for one in outputs:
        try:
            found.append(change_of(one, approve=approve) if one.lock or create else None)
        except SpecError as problem:
            problems += problem.diagnostics
            texts.update(one.texts)
    if problems:
        raise SpecError(problems, texts)
    return found


def change_of(one: Output, *, approve: bool) -> LockChange | None:
    """Return how a spec's lock changes; None: it doesn't. The first lock approves all. Raises SpecError."""
    if one.lock is None:
        return LockChange(None, lock_text(updated(one.planned, Lock(one.lock_path), approve=True)))
    old = one.texts[one.lock.path]
    text = lock_text(updated(one.planned, one.lock, approve=approve))
    return None if text == old else LockChange(old, text)


def lock_drift(one: Output, change: LockChange | None, call: str) -> Iterator[Drift]:
    """Yield the lock as drift where it isn't what a compile leaves."""
    if change is not None and change.old is not None:
        yield Drift(one.lock_path, "stale", unified(one.lock_path, change.old, change.new), call)
