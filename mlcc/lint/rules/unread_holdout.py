"""A comparison counts the promotions of data that its predictions aren't made from.

## What it does

Looks for `compare` gates whose `holdout` names data that the job which writes the candidate's predictions neither reads nor
gets in another form, such as features made of it. What a model learned from isn't what it is scored on.

## Why it is bad

The gate counts promotions by the digest of the wrong data. Where that changes more often than the test set, the count
starts anew each time, and the test set wears out unseen.

## Bad

    jobs:
      score: {run: python score.py, reads: [code, test], evaluates: [model], writes: [scored]}
    gates:
      as-good: {guards: model, compare: {candidate: scored, champion: old, holdout: {data: train, records: promotions}}}

## Good

    gates:
      as-good: {guards: model, compare: {candidate: scored, champion: old, holdout: {data: test, records: promotions}}}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject
from mlcc.plan import Plan

ID = "unread-holdout"
SEVERITY = Severity.WARNING


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each comparison that counts by other data than it scores."""
    for id, _, params in subject.kind("compare"):
        if params.holdout is None:
            continue
        scored = _scored_on(subject.plan, params.candidate)
        if params.holdout.data not in scored:
            data = sorted(one for one in scored if subject.plan.artifacts[one].kind == "data")
            yield subject.finding(
                ID,
                SEVERITY,
                f"'{id}' counts the promotions of '{params.holdout.data}', from which '{params.candidate}' isn't made",
                ("gates", id, "compare", "holdout", "data"),
                others=[(("artifacts", params.candidate), "the candidate's predictions")],
                help=f"name what the models are scored on: {', '.join(data)}" if data else None,
            )


def _scored_on(plan: Plan, predictions: str) -> set[str]:
    """Return the artifacts that predictions are made from, directly or not, but not through a model."""
    found: set[str] = set()
    todo = [predictions]
    while todo:
        writer = plan.artifacts[todo.pop()].writer
        for take in plan.nodes[writer].takes if writer is not None else ():
            if plan.artifacts[take.artifact].kind != "model" and take.artifact not in found:
                found.add(take.artifact)
                todo.append(take.artifact)
    return found
