"""The plan's pins: what a repository's own lock fixes of things from outside. Part of `mlcc.plan`."""

from __future__ import annotations

from collections.abc import Mapping

from mlcc.record import field, record


@record
class Action:
    """A GitHub action's version: the commit that runs, and the tag that it stands for."""

    tag: str
    commit: str


@record
class Package:
    """A pip package's exact version, and the sha256 (64 hex digits) of each file that may be installed, sorted."""

    version: str
    hashes: tuple[str, ...]


@record
class Pins:
    """What the lock fixes: actions by repository, images by the reference that the spec or mlcc has, packages by name."""

    actions: Mapping[str, Action] = field(hash=False, default_factory=dict)
    images: Mapping[str, str] = field(hash=False, default_factory=dict)  # -> sha256:HEX
    packages: Mapping[str, Package] = field(hash=False, default_factory=dict)

    def image(self, reference: str) -> str:
        """Return an image with the digest that the lock fixes, or as it is where the lock has none for it."""
        digest = self.images.get(reference)
        return reference if digest is None else f"{reference.partition('@')[0]}@{digest}"


NO_PINS = Pins()
