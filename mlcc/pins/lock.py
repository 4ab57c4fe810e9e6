"""The lock: what `mlcc.lock` holds, and its one spelling.

It is a file of the spec's folder. People and update bots may edit it; mlcc writes it back in this order, sorted, so that a
difference in review is a difference of what runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mlcc.backends._yaml import Spaced, emit
from mlcc.diagnostics import Span
from mlcc.plan.pins import Action, Package, Pins
from mlcc.record import as_dict, field, record
from mlcc.writing.files import LOCK_MARK

_HEADER = f"""{LOCK_MARK}: the pins of what comes from outside, and what the compiled files may do.
Edit pins here and run `mlcc compile`, or edit them in the compiled files and run `mlcc absorb`.
What is approved grows by `mlcc compile --approve` only. Comments aren't kept; a pin may have a `note`."""


@record
class ActionPin:
    """An action's repository at a commit; `date` is the day (YYYY-MM-DD) on which that was looked at."""

    name: str
    tag: str
    commit: str
    date: str
    note: str = ""
    span: Span | None = field(compare=False, default=None)


@record
class ImagePin:
    """An image, by its reference without a digest, and the digest (`sha256:` and 64 hex digits).

    `instead` is the digest that the spec states, where it states one: as long as it is that one, the lock's goes before it.
    """

    name: str
    digest: str
    date: str
    instead: str = ""
    note: str = ""
    span: Span | None = field(compare=False, default=None)


@record
class PackagePin:
    """A pip package at a version, and the files (`sha256:` and 64 hex digits, sorted) that may be installed."""

    name: str
    version: str
    date: str
    hashes: tuple[str, ...]
    note: str = ""
    span: Span | None = field(compare=False, default=None)


Pin = ActionPin | ImagePin | PackagePin
Approved = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Back end -> kind of grant -> what is approved, sorted."""


@record
class Lock:
    """What a lock holds, pins by name. `path` is the file's display path."""

    path: str
    actions: Mapping[str, ActionPin] = field(hash=False, default_factory=dict)
    images: Mapping[str, ImagePin] = field(hash=False, default_factory=dict)
    packages: Mapping[str, PackagePin] = field(hash=False, default_factory=dict)
    approved: Approved = field(hash=False, default_factory=dict)

    @property
    def pins(self) -> tuple[Pin, ...]:
        """Return every pin: actions, images, packages."""
        return (*self.actions.values(), *self.images.values(), *self.packages.values())

    def for_plan(self) -> Pins:
        """Return the pins as the plan carries them."""
        return Pins(
            {name: Action(pin.tag, pin.commit) for name, pin in self.actions.items()},
            {reference: pin.digest for pin in self.images.values() for reference in references_of(pin)},
            {name: package_of(pin) for name, pin in self.packages.items()},
        )


def references_of(pin: ImagePin) -> tuple[str, ...]:
    """Return the references that an image's pin is for: without a digest, and with the one that it replaces."""
    return (pin.name, f"{pin.name}@{pin.instead}") if pin.instead else (pin.name,)


def package_of(pin: PackagePin) -> Package:
    """Return a package's pin as the plan carries it."""
    return Package(pin.version, tuple(digest.removeprefix("sha256:") for digest in pin.hashes))


def lock_text(lock: Lock) -> str:
    """Return the text of a lock: the same bytes for the same content."""
    tree: dict[str, Any] = {"version": 1}
    for key, pins in (("actions", lock.actions), ("images", lock.images), ("packages", lock.packages)):
        if pins:
            tree[key] = _entries(pins[name] for name in sorted(pins))
    tree["approved"] = {
        target: {kind: sorted(set(entries)) for kind, entries in sorted(kinds.items()) if entries}
        for target, kinds in sorted(lock.approved.items())
    }
    return emit(Spaced(tree), _HEADER)


def _entries(pins: Iterable[Pin]) -> list[dict[str, Any]]:
    found = []
    for pin in pins:
        fields = {key: value for key, value in as_dict(pin).items() if key != "span" and value}
        found.append({key: list(v) if isinstance(v, tuple) else v for key, v in fields.items()})
    return found
