"""What the outputs may do, against what the lock approves; and the lock as a compile leaves it.

What is more than approved is an error, unless the call approves it. What is no longer asked for drops out by itself, and
so does a pin that nothing uses.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import TypeVar

from mlcc.backends import BACKENDS
from mlcc.backends._grants import Grant
from mlcc.backends.github.pins import SHIPPED
from mlcc.diagnostics import Diagnostic, SpecError, error
from mlcc.emitted import packages
from mlcc.gates.requirements import DATE, shipped_packages
from mlcc.pins.lock import ActionPin, Approved, ImagePin, Lock, PackagePin
from mlcc.plan import Plan
from mlcc.record import replace

_MOST = 100  # diagnostics
_LONGEST, _SHOWN = 500, 80  # characters of what is approved
_WORDS = {
    "actions": "run the action",
    "images": "use the image",
    "packages": "install the package",
    "permissions": "have the permission",
    "raw": "state the raw text",
    "secrets": "use the secret",
    "triggers": "start by",
}
Pin = TypeVar("Pin", ActionPin, ImagePin, PackagePin)


def grants(plan: Plan, target: str) -> list[Grant]:
    """Return each thing that the outputs for a back end may do or use, once, in the order of the plan."""
    found = [*BACKENDS[target].grants(plan), *(Grant("packages", name, plan.span) for name in packages(plan))]
    return list(dict.fromkeys(replace(grant, text=_shortened(grant.text)) for grant in found))


def _shortened(text: str) -> str:
    """Return a text that fits into a line of the lock: a long one by its beginning and its digest."""
    if len(text) <= _LONGEST:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{text[:_SHOWN]}… ({len(text):,} characters, sha256:{digest})"


def updated(planned: Iterable[tuple[Plan, Iterable[str]]], lock: Lock, *, approve: bool) -> Lock:
    """Return the lock as a compile of a spec's pipelines leaves it, each given with its back ends.

    Raises SpecError (`unapproved`) for each thing that the outputs would do beyond what it approves, unless `approve`.
    """
    asked: dict[str, list[Grant]] = {}
    for plan, targets in planned:
        for target in targets:
            asked.setdefault(target, []).extend(grants(plan, target))
    if not approve:
        problems = [
            problem for target, found in asked.items() for problem in _unapproved(target, found, lock)
        ]
        if problems:
            raise SpecError(problems[:_MOST])
    approved = {**lock.approved, **{target: _by_kind(found) for target, found in asked.items()}}
    return Lock(
        lock.path,
        _kept(_needed(approved, "actions"), lock.actions, {name: shipped_action(name) for name in SHIPPED}),
        _kept(_needed(approved, "images"), lock.images, {}),
        _kept(_needed(approved, "packages"), lock.packages, _shipped_packages()),
        approved,
    )


def _unapproved(target: str, found: Iterable[Grant], lock: Lock) -> Iterable[Diagnostic]:
    before = lock.approved.get(target, {})
    for grant in found:
        if grant.text not in before.get(grant.kind, ()):
            message = f"{target} would {_WORDS[grant.kind]} '{grant.text}', which {lock.path} doesn't approve"
            help = "where that is meant, `mlcc compile --approve` puts it into the lock"
            yield error("unapproved", message, grant.span, help=help)


def _by_kind(found: Iterable[Grant]) -> Mapping[str, tuple[str, ...]]:
    kinds: dict[str, set[str]] = {}
    for grant in found:
        kinds.setdefault(grant.kind, set()).add(grant.text)
    return {kind: tuple(sorted(texts)) for kind, texts in kinds.items()}


def _needed(approved: Approved, kind: str) -> set[str]:
    return {name for kinds in approved.values() for name in kinds.get(kind, ())}


def _kept(needed: set[str], own: Mapping[str, Pin], shipped: Mapping[str, Pin]) -> dict[str, Pin]:
    """Return the pins that are needed: the lock's own, else the shipped ones."""
    pins = {**shipped, **own}
    return {name: pins[name] for name in sorted(needed) if name in pins}


def shipped_action(repository: str) -> ActionPin:
    """Return an action as this version of mlcc pins it."""
    action = SHIPPED[repository]
    return ActionPin(repository, action.tag, action.commit, action.date)


def _shipped_packages() -> dict[str, PackagePin]:
    return {
        name: PackagePin(name, package.version, DATE, tuple(f"sha256:{digest}" for digest in package.hashes))
        for name, package in shipped_packages().items()
    }
