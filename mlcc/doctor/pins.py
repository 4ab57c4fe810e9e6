"""How old the pins are: the lock's, or those that mlcc ships."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from mlcc.compiler import Compiled
from mlcc.diagnostics import SpecError
from mlcc.doctor.finding import HERE, Finding
from mlcc.pins.approval import updated
from mlcc.pins.change import change_of
from mlcc.pins.lock import Lock, Pin
from mlcc.today import today
from mlcc.writing.outputs import Output, outputs_of

OLDEST_DAYS = 90
_SHOWN = 3
_WHAT = f"the pins were looked at in the last {OLDEST_DAYS} days"


def findings(one: Compiled) -> Iterator[Finding]:
    """Yield whether the lock is what a compile leaves, and whether a pin is older than 90 days.

    Whether there is something newer than an old pin can't be told from here; of the lock's the team has to say that it
    looked. The shipped ones are mlcc's: they leave it open.
    """
    (spec,) = outputs_of([one])
    lock, path = spec.lock, spec.lock_path
    if lock is None:
        used = updated(spec.planned, Lock(path), approve=True)
        old = too_old(used.pins, today())
        mend = "update mlcc, or own the pins: `mlcc lock`, and an update bot" if old else ""
        yield Finding(HERE, "pins", "unknown" if old else "done", _WHAT, old or "those that mlcc ships", mend)
        return
    old = too_old(lock.pins, today())
    mend = f"let an update bot look, or look yourself, and write the new date into {path}" if old else ""
    yield Finding(HERE, "pins", "missing" if old else "done", _WHAT, old or path, mend)
    yield _approved(spec)


def too_old(pins: tuple[Pin, ...], day: str) -> str:
    """Return which pins are too old on a day, the oldest first; empty where none is."""
    found = sorted((pin.date, pin.name) for pin in pins if not _is_fresh(pin.date, day))
    rest = len(found) - _SHOWN
    shown = ", ".join(f"{name} of {since}" for since, name in found[:_SHOWN])
    return shown + (f" and {rest} more" if rest > 0 else "")


def _is_fresh(since: str, day: str) -> bool:
    """Tell whether a day is at most 90 days back. What is no day, or is still to come, isn't (but in another time zone)."""
    try:
        return -1 <= (date.fromisoformat(day) - date.fromisoformat(since)).days <= OLDEST_DAYS
    except ValueError:
        return False


def _approved(one: Output) -> Finding:
    what = f"{one.lock_path} approves what the compiled files do, and no more"
    try:
        change = change_of(one, approve=False)
    except SpecError as problem:
        more = f" and {len(problem.diagnostics) - 1} more" if len(problem.diagnostics) > 1 else ""
        detail = problem.diagnostics[0].message + more
        return Finding(HERE, "approved", "missing", what, detail, "review it, then `mlcc compile --approve`")
    part = any(made.analysis.instance for made in one.pipelines)  # the lock approves what all instances do
    if change is not None and not part:
        return Finding(HERE, "approved", "missing", what, "it isn't what a compile leaves", "mlcc compile")
    return Finding(HERE, "approved", "done", what)
