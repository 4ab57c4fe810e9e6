"""An image is named by a tag that moves.

## What it does

Looks for `image` of nodes, defaults and services without a digest (`@sha256:`).

## Why it is bad

A tag is moved whenever somebody pushes: the same commit runs on another system tomorrow, or on one that an
attacker pushed.

## Bad

    services: {db: {image: "postgres:16", port: 5432}}

## Good

    services:
      db:
        image: postgres:16@sha256:0aa6d7b0b0e3a8ee0b0ad8e0b2b2e1bb3e34f4ed2a0c6f0a3a2a2a8d1f2a3b4c
        port: 5432
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity, Span
from mlcc.lint.subject import Subject
from mlcc.problems import Loc

ID = "unpinned-image"
SEVERITY = Severity.WARNING


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each image without a digest."""
    seen: set[Span] = set()
    for image, loc in _images(subject):
        span = subject.span(loc)
        if "@sha256:" not in image and span not in seen:
            seen.add(span)
            help = f"pin it: {image}@sha256:... (`docker buildx imagetools inspect` prints the digest)"
            yield subject.finding(
                ID, SEVERITY, f"the image {image} may be another one tomorrow", span, help=help
            )


def _images(subject: Subject) -> Iterator[tuple[str, Loc]]:
    for id, node in subject.plan.nodes.items():
        if node.machine.image is not None:
            yield node.machine.image, subject.stated(id, "image")
        for service in node.machine.services:
            yield service.image, (*subject.loc(id), "services", service.id, "image")
