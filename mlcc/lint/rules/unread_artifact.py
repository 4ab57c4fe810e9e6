"""What a job made is thrown away after a few days.

## What it does

Looks for artifacts that a job writes, that no job reads, and that don't say how long they are kept
(`retain`). Those that a gate takes as evidence are left alone, models aren't.

## Why it is bad

The CI system deletes it after `defaults.retain`, 7 days if not set. For a model that is to be released or
compared later that is a surprise; for something that nobody needs it is wasted space.

## Bad

    artifacts:
      model: {kind: model, path: build/model/}

## Good

    artifacts:
      model: {kind: model, path: build/model/, retain: 90d}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject
from mlcc.plan import NodeKind, Role

ID = "unread-artifact"
SEVERITY = Severity.NOTE


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each result that is kept for the default time only."""
    plan = subject.plan
    roles: dict[str, set[Role]] = {}
    for node in plan.nodes.values():
        for take in node.takes:
            if node.kind is not NodeKind.GATE or plan.artifacts[take.artifact].kind != "model":
                roles.setdefault(take.artifact, set()).add(take.role)
    for id, artifact in plan.artifacts.items():
        if artifact.writer is None or plan.nodes[artifact.writer].kind is not NodeKind.JOB:
            continue
        if subject.spec.artifacts[id].retain is None and not roles.get(id, set()) - {Role.EVALUATE}:
            days = f"{artifact.retain_days} day{'s' if artifact.retain_days > 1 else ''}"
            yield subject.finding(
                ID,
                SEVERITY,
                f"no job reads '{id}', and it is deleted after {days}",
                ("artifacts", id),
                key=True,
                help="say how long it is kept: `retain: 90d`; or don't write it as an artifact",
            )
