"""A model that a job wrote is used without a metric gate.

## What it does

Looks for artifacts of kind `model`, written by a job, that no blocking `evaluate` or `command` gate guards.
A model that is only read to write another model (a checkpoint, say) is left alone: the last one counts.

## Why it is bad

Whatever the training run ends with is what gets used, however bad it is. Of 16 public pipelines that deploy
or register a model, 14 have no metric that could stop it.

## Bad

    artifacts:
      model: {kind: model, path: build/model/}
    jobs:
      train: {run: python train.py, reads: [code, data], writes: [model]}

## Good

    gates:
      model-quality:
        guards: model
        evaluate: {predictions: scored, label: late, score: p, metrics: {roc_auc: {min: 0.7}}}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject
from mlcc.plan import NodeKind

ID = "model-without-metric"
SEVERITY = Severity.WARNING
KINDS = ("evaluate", "compare", "slices", "command")


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each model that nothing judges."""
    for id, artifact in subject.plan.artifacts.items():
        if artifact.kind != "model" or artifact.writer is None or _is_intermediate(subject, id):
            continue
        if subject.plan.nodes[artifact.writer].kind is not NodeKind.JOB:
            continue
        judges = [node for node, gate in subject.gates(id) if gate.kind in KINDS]
        if any(node.blocking for node in judges):
            continue
        yield subject.finding(
            ID,
            SEVERITY,
            f"no metric can stop the model '{id}'",
            ("artifacts", id),
            key=True,
            others=[(subject.loc(node.id), "this gate is not blocking") for node in judges],
            help=f"add a gate: {{guards: {id}, evaluate: {{...}}}}",
        )


def _is_intermediate(subject: Subject, id: str) -> bool:
    readers = subject.takers(id, NodeKind.JOB, NodeKind.RELEASE)
    artifacts = subject.plan.artifacts
    return bool(readers) and all(any(artifacts[w].kind == "model" for w in n.writes) for n in readers)
