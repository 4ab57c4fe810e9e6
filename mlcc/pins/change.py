"""The lock as it is and as a compile leaves it: what is written, or shown as drift."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlcc.compiler import Analysis, Compiled
from mlcc.diagnostics import Diagnostic, SpecError
from mlcc.drift import Drift, unified
from mlcc.files import LOCK
from mlcc.pins.approval import updated
from mlcc.pins.lock import Lock, lock_text
from mlcc.writer import LockChange


def lock_changes(
    compiled: Iterable[Compiled], *, approve: bool = False, create: bool = False
) -> list[LockChange | None]:
    """Return how each spec's lock changes; None: it doesn't, or there is none and it isn't to be created.

    Raises SpecError for what isn't approved.
    """
    found: list[LockChange | None] = []
    problems: list[Diagnostic] = []
    texts: dict[str, str] = {}
    for one in compiled:
        there = one.analysis.lock is not None
        try:
            found.append(change_of(one.analysis, one.targets, approve=approve) if there or create else None)
        except SpecError as problem:
            problems += problem.diagnostics
            texts.update(one.analysis.texts)
    if problems:
        raise SpecError(problems, texts)
    return found


def change_of(analysis: Analysis, targets: tuple[str, ...], *, approve: bool) -> LockChange | None:
    """Return how a spec's lock changes; None: it doesn't. The first lock approves all. Raises SpecError."""
    lock = analysis.lock
    if lock is None:
        first = updated(analysis.plan, targets, Lock(lock_path(analysis.plan.home)), approve=True)
        return LockChange(None, lock_text(first))
    old = analysis.texts[lock.path]
    text = lock_text(updated(analysis.plan, targets, lock, approve=approve))
    return None if text == old else LockChange(old, text)


def lock_path(home: str) -> str:
    """Return the path of a spec's lock from the repository's root."""
    return f"{home}/{LOCK}" if home else LOCK


def lock_drift(analysis: Analysis, change: LockChange | None, call: str) -> Iterator[Drift]:
    """Yield the lock as drift where it isn't what a compile leaves."""
    if change is not None and change.old is not None:
        path = lock_path(analysis.plan.home)
        yield Drift(path, "stale", unified(path, change.old, change.new), call)
