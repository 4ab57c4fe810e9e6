"""Input data and its guards."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject, listed
from mlcc.plan import NodeKind


def unchecked(subject: Subject, code: str, severity: Severity, *, fetched: bool) -> Iterator[Diagnostic]:
    """Yield a finding for each unguarded input table: the fetched ones, or the committed ones.

    A baseline from the merge base (`at: base`) was an input of the run before, and what a release runs was judged before it was
    promoted, so neither is judged again.
    """
    nodes = subject.plan.nodes
    for id, artifact in subject.plan.artifacts.items():
        if artifact.kind != "data" or artifact.at_base or artifact.released is not None:
            continue
        is_fetched = artifact.writer is not None and nodes[artifact.writer].kind is NodeKind.FETCH
        if is_fetched is not fetched or (artifact.writer is not None and not is_fetched):
            continue
        readers = subject.takers(id, NodeKind.JOB, NodeKind.RELEASE)
        guards = [node for node, _ in subject.gates(id)]
        if not readers or any(node.blocking for node in guards):
            continue
        names = listed(node.id for node in readers)
        verb = "takes" if len(readers) == 1 else "take"
        yield subject.finding(
            code,
            severity,
            f"nothing checks the data '{id}' before {names} {verb} it",
            ("artifacts", id),
            key=True,
            others=[(subject.loc(node.id), "this gate is not blocking") for node in guards],
            help=f"add a gate: {{guards: {id}, contract: {{columns: {{...}}}}}}",
        )
