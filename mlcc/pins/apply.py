"""RESOLVE of pins: a plan with what its lock fixes."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Related, SpecError, error
from mlcc.pins.lock import Lock
from mlcc.plan import Node, Pins, Plan
from mlcc.record import replace


def with_lock(plan: Plan, lock: Lock, path: str) -> Plan:
    """Return a plan whose images have the digests of a lock, and that carries its other pins. Raises SpecError.

    `path` is where the lock lies, from the repository's folder.
    """
    problems = [problem for node in plan.nodes.values() for problem in _pinned_twice(node, lock)]
    if problems:
        raise SpecError(problems)
    pins = lock.for_plan()
    nodes = {id: _node(node, pins) for id, node in plan.nodes.items()}
    return replace(plan, nodes=nodes, pins=pins, lock=path)


def images_of(node: Node) -> Iterator[tuple[str, str]]:
    """Yield (key of the node that states it, reference) of each image that the spec names for a node."""
    if node.machine.image is not None:
        yield "image", node.machine.image
    for service in node.machine.services:
        yield "services", service.image


def _pinned_twice(node: Node, lock: Lock) -> Iterator[Diagnostic]:
    for key, reference in images_of(node):
        name, _, digest = reference.partition("@")
        pin = lock.images.get(name)
        if digest and pin is not None and digest not in (pin.instead, pin.digest):
            span = node.place(key)
            related = [Related(span, "and here")] if span else []
            message = f"the image {name} is pinned in {lock.path} and, to another digest, in the spec"
            help = "keep one of the two: take the digest out of the spec, or the pin out of the lock"
            yield error("pinned-twice", message, pin.span, related=related, help=help)


def _node(node: Node, pins: Pins) -> Node:
    if not any(pins.image(reference) != reference for _, reference in images_of(node)):
        return node
    machine = node.machine
    services = tuple(replace(service, image=pins.image(service.image)) for service in machine.services)
    image = machine.image and pins.image(machine.image)
    return replace(node, machine=replace(machine, image=image, services=services))
