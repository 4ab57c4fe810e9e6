"""A cache holds what a job writes.

## What it does

Looks for caches whose folders hold an artifact that a node writes, or lie inside one.

## Why it is bad

A cache comes back from any earlier run: whatever it holds around the artifact may be of another commit, and a
program that looks for the newest file there finds it. The artifact itself mlcc removes before each attempt, so
caching it saves no time either.

## Bad

    train:
      run: python train.py
      writes: [model]                     # build/model/
      cache: {build: {path: [build/], key: [requirements.txt]}}

## Good

    train:
      run: python train.py
      writes: [model]
      cache: {downloads: {path: [.cache/downloads/], key: [requirements.txt]}}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity, Span
from mlcc.lint.subject import Subject
from mlcc.plan import UseCache

ID = "cached-artifact"
SEVERITY = Severity.WARNING


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each cache that overlaps a written artifact."""
    written = [a for a in subject.plan.artifacts.values() if a.writer is not None]
    seen: set[tuple[Span, str]] = set()
    for node in subject.plan.nodes.values():
        for step in (s for s in node.steps if isinstance(s, UseCache)):
            for index, path in enumerate(step.paths):
                for artifact in (a for a in written if _overlap(path, a.paths[0])):
                    span = subject.span(subject.stated(node.id, "cache", step.id, "path", index))
                    if (span, artifact.id) in seen:  # a cache of `defaults` is on every node
                        continue
                    seen.add((span, artifact.id))
                    yield subject.finding(
                        ID,
                        SEVERITY,
                        f"the cache '{step.id}' holds {artifact.paths[0]}, which '{artifact.writer}' writes",
                        span,
                        others=[(("artifacts", artifact.id), "the artifact")],
                        help="cache downloads, not results",
                    )


def _overlap(cached: str, written: str) -> bool:
    one, other = cached.removeprefix("./").rstrip("/") + "/", written.rstrip("/") + "/"
    return one.startswith(other) or other.startswith(one)
