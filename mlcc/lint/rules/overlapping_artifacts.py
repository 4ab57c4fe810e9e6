"""One artifact lies inside another.

## What it does

Looks for artifacts of one or two writers whose paths contain one another.

## Why it is bad

A reader that gets the outer one loses the inner one, or gets it twice; a digest of the outer one changes with
the inner one.

## Bad

    artifacts:
      model: {kind: model, path: build/model/}
      metrics: {kind: file, path: build/model/metrics.json}

## Good

    artifacts:
      model: {kind: model, path: build/model/}
      metrics: {kind: file, path: build/metrics.json}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject

ID = "overlapping-artifacts"
SEVERITY = Severity.WARNING


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each artifact that is written, or fetched by its readers, inside another one."""
    written = sorted(
        (artifact.paths[0].rstrip("/") + "/", id)
        for id, artifact in subject.plan.artifacts.items()
        if artifact.writer is not None or artifact.released is not None
    )
    outer: list[tuple[str, str]] = []
    for path, id in written:
        while outer and not path.startswith(outer[-1][0]):
            outer.pop()
        if outer:
            yield subject.finding(
                ID,
                SEVERITY,
                f"'{id}' lies inside '{outer[-1][1]}'",
                ("artifacts", id, "path"),
                others=[(("artifacts", outer[-1][1]), "the outer one")],
                help="give each artifact a place of its own",
            )
        outer.append((path, id))
