"""A command uses a file of an artifact that its node doesn't take.

## What it does

Looks in `run` and `setup` for paths that lie in an artifact which the node neither takes nor writes. A
committed file is fine when the node, or a node before it, lists it (under an artifact or `path`).

## Why it is bad

A file that another job wrote isn't there: every node has a workspace of its own. A committed file is there,
but the node doesn't run again when it changes, and doesn't wait for its gates.

## Bad

    artifacts:
      code: {kind: code, path: [src/]}
    jobs:
      train: {run: python src/train.py, reads: [raw], writes: [model]}

## Good

    jobs:
      train: {run: python src/train.py, reads: [code, raw], writes: [model]}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.commands import Command
from mlcc.lint.shell import bare
from mlcc.lint.subject import Subject
from mlcc.plan import Artifact, Node, NodeKind, Plan
from mlcc.planning.topology import ancestors
from mlcc.runtime.patterns import path_matches

ID = "undeclared-path"
SEVERITY = Severity.WARNING


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each artifact that a node uses without taking it."""
    index = _Index(subject.plan)
    for command in subject.commands:
        if command.node is None or command.part == "finally":
            continue
        node = subject.plan.nodes[command.node]
        own = {take.artifact for take in node.takes} | set(node.writes)
        seen = set(own)
        for path in _paths(command, node.working_directory):
            for artifact in index.holding(path):
                if artifact.id in seen:
                    continue
                if any(path_matches(p, path) for p in _covered(subject, node, own, artifact)):
                    continue
                seen.add(artifact.id)
                yield _finding(subject, command, path, artifact)


class _Index:
    """Finds the artifacts that a path lies in, without looking at each: a spec may have hundreds."""

    def __init__(self, plan: Plan) -> None:
        self.plain: dict[str, list[Artifact]] = {}
        self.wild: list[tuple[str, Artifact]] = []
        for artifact in plan.artifacts.values():
            for pattern in artifact.paths if not artifact.at_base else ():
                if "*" in pattern or "?" in pattern:
                    self.wild.append((pattern, artifact))
                else:
                    self.plain.setdefault(pattern.rstrip("/"), []).append(artifact)

    def holding(self, path: str) -> Iterator[Artifact]:
        parts = path.rstrip("/").split("/")
        for length in range(len(parts), 0, -1):
            yield from self.plain.get("/".join(parts[:length]), ())
        yield from (artifact for pattern, artifact in self.wild if path_matches(pattern, path))


def _finding(subject: Subject, command: Command, path: str, artifact: Artifact) -> Diagnostic:
    if artifact.released is not None:
        why = f"the release '{artifact.released.release}' runs it, and it doesn't get here"
    elif artifact.writer is not None:
        why = f"'{artifact.writer}' writes it, and it doesn't get here"
    else:
        why = "it doesn't run again when that changes"
    return subject.finding(
        ID,
        SEVERITY,
        f"'{command.node}' uses {path} of '{artifact.id}' without taking it: {why}",
        subject.word(command.loc, path),
        others=[(("artifacts", artifact.id), "the artifact")],
        help=_cure(subject, subject.plan.nodes[command.node or ""], path, artifact),
    )


def _cure(subject: Subject, node: Node, path: str, artifact: Artifact) -> str:
    """Say how a node of its kind takes the artifact: jobs have `reads`, and gates that run a pipeline or model."""
    if node.kind is NodeKind.JOB or _has_reads(subject, node):
        return f"add '{artifact.id}' to its `reads`"
    if artifact.in_repository:
        return f"add {path} to its `path`"
    if node.kind is NodeKind.FETCH:
        return f"a fetch gets no artifact: make it a job that has '{artifact.id}' under `reads`"
    return (
        f"a gate gets the artifact that it guards: let it guard '{artifact.id}', or ask a job that reads it"
    )


def _has_reads(subject: Subject, node: Node) -> bool:
    gate = subject.gate_specs.get(node.id)
    kinds = vars(gate).values() if gate is not None else ()
    return any(hasattr(params, "reads") for params in kinds)


def _covered(subject: Subject, node: Node, own: set[str], artifact: Artifact) -> list[str]:
    """Return the patterns of paths that the node may use: its artifacts', and its sources."""
    plan: Plan = subject.plan
    patterns = [p for id in own for p in plan.artifacts[id].paths]
    if artifact.in_repository:
        family = (node.id, *ancestors(node.id, plan.incoming))
        patterns += [p for id in family for p in plan.nodes[id].sources]
    return patterns


def _paths(command: Command, folder: str) -> Iterator[str]:
    """Yield the words of a command that look like paths, relative to the project."""
    for simple in command.simple:
        for word in simple.words:
            path = bare(word)
            path = path.rpartition("=")[2].removeprefix("./")
            if not ("/" in path or "." in path) or "$" in path or "://" in path:
                continue
            if not path.startswith(("/", "~", "-", "..")):
                yield f"{folder}/{path}" if folder else path
