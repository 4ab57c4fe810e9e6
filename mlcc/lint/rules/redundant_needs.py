"""`needs` repeats what the artifacts say.

## What it does

Looks for names in `needs` that the node waits for anyway, since it takes what they write or reads what they
guard.

## Why it is bad

`needs` is for order without data. Where the artifact says it already, the second statement goes stale when
the first one changes.

## Bad

    score: {run: python score.py, evaluates: [model], writes: [scored], needs: [train]}

## Good

    score: {run: python score.py, evaluates: [model], writes: [scored]}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject
from mlcc.plan import EdgeKind

ID = "redundant-needs"
SEVERITY = Severity.NOTE


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each order that an artifact implies."""
    for id, node in subject.plan.nodes.items():
        given = {e.source: e for e in subject.plan.incoming[id] if e.kind in (EdgeKind.DATA, EdgeKind.GUARD)}
        for index, name in enumerate(getattr(subject.own(id), "needs", ()) if node.needs else ()):
            if name in given:
                edge = given[name]
                why = "guards" if edge.kind is EdgeKind.GUARD else "writes"
                what = (
                    f"'{edge.artifact}', which '{name}' {why}" if edge.artifact else f"an output of '{name}'"
                )
                message = f"'{id}' waits for '{name}' anyway: it takes {what}"
                yield subject.finding(ID, SEVERITY, message, (*subject.loc(id), "needs", index))
