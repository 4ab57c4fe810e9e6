"""What the outputs use from outside, as it stands in them."""

from __future__ import annotations

from collections.abc import Iterable

from mlcc.backends import BACKENDS
from mlcc.pins.apply import images_of
from mlcc.plan import Plan


def images(plan: Plan, targets: Iterable[str]) -> list[str]:
    """Return the images of the outputs, sorted, with the digests that they have there."""
    stated = {reference for node in plan.nodes.values() for _, reference in images_of(node)}
    names = {reference.partition("@")[0] for reference in stated}
    chosen = {
        plan.pins.image(grant.text)
        for target in targets
        for grant in BACKENDS[target].grants(plan)
        if grant.kind == "images" and grant.text not in names
    }
    return sorted(stated | chosen)


def unpinned(plan: Plan, targets: Iterable[str]) -> list[str]:
    """Return the images that may be others tomorrow."""
    return [reference for reference in images(plan, targets) if "@" not in reference]
