"""A gate judges numbers that aren't about what it guards.

## What it does

Looks for `evaluate`, `compare`, `slices` and `feature_value` gates whose `predictions`, `candidate` or `metrics_from`
are committed, or written by a job that neither evaluates nor writes the guarded artifact or a model that it is made from.

## Why it is bad

Such a gate gives the same verdict whatever the model is. A metrics file that once was committed keeps a gate
green for years.

## Bad

    artifacts:
      metrics: {kind: file, path: metrics.json}    # committed
    gates:
      quality: {guards: model, evaluate: {metrics_from: metrics, metrics: {r2: {min: 0.6}}}}

## Good

    jobs:
      score: {run: python score.py, reads: [code, data], evaluates: [model], writes: [metrics]}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject
from mlcc.plan import Node, Plan

ID = "unrelated-evidence"
SEVERITY = Severity.WARNING
KEYS = {
    "evaluate": ("predictions", "metrics_from"),
    "compare": ("candidate",),
    "slices": ("predictions",),
    "feature_value": ("predictions",),
}


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each gate whose evidence has nothing to do with what it guards."""
    for id, gate, kind, key, evidence in _evidence(subject):
        if evidence == gate.guards:
            continue
        artifact = subject.plan.artifacts[evidence]
        if artifact.released is not None:
            why = f"'{evidence}' is what a release runs, so it says nothing about this run's '{gate.guards}'"
        elif artifact.writer is None:
            why = f"'{evidence}' is committed, so it says nothing about this run's '{gate.guards}'"
        elif not _measures(subject.plan.nodes[artifact.writer], _lineage(subject.plan, gate.guards)):
            why = f"'{artifact.writer}', which writes '{evidence}', takes no '{gate.guards}'"
        else:
            continue
        yield subject.finding(
            ID,
            SEVERITY,
            f"the evidence of '{id}' isn't about what it guards: {why}",
            ("gates", id, kind, key),
            others=[(("artifacts", gate.guards), "what it guards")],
            help=f"let a job that `evaluates: [{gate.guards}]` write '{evidence}'",
        )


def _evidence(subject: Subject) -> Iterator[tuple[str, Any, str, str, str]]:
    """Yield (gate, what the spec says of it, kind, key, artifact) of what gates judge models by."""
    for kind, keys in KEYS.items():
        for id, gate, params in subject.kind(kind):
            key = next(key for key in keys if getattr(params, key) is not None)
            yield id, gate, kind, key, getattr(params, key)


def _measures(writer: Node, about: set[str]) -> bool:
    return bool(about & ({take.artifact for take in writer.takes} | set(writer.writes)))


def _lineage(plan: Plan, artifact: str) -> set[str]:
    """Return an artifact with the models that it is made from."""
    found = {artifact}
    todo = [artifact]
    while todo:
        writer = plan.artifacts[todo.pop()].writer
        for take in plan.nodes[writer].takes if writer is not None else ():
            if plan.artifacts[take.artifact].kind == "model" and take.artifact not in found:
                found.add(take.artifact)
                todo.append(take.artifact)
    return found
