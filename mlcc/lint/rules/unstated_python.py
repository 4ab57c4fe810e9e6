"""Python runs in whatever version the machine has.

## What it does

Looks for nodes whose commands call python, pip or pytest while neither the node nor `defaults` states a
`python` or an `image`.

## Why it is bad

The runner's Python changes with the runner, and each machine of a pool may have another one.

## Bad

    jobs:
      train: {run: python train.py, reads: [code], writes: [model]}

## Good

    defaults: {python: "3.12"}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.commands import Command
from mlcc.lint.subject import Subject, listed
from mlcc.plan import UsePython

ID = "unstated-python"
SEVERITY = Severity.NOTE
PROGRAMS = frozenset({"python", "python3", "pip", "pip3", "pytest"})


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield one finding for all nodes without a Python of their own."""
    found: dict[str, Command] = {}
    for command in subject.commands:
        node = subject.plan.nodes[command.node] if command.node is not None else None
        if (
            node is None
            or node.machine.image is not None
            or any(isinstance(s, UsePython) for s in node.steps)
        ):
            continue
        if any(simple.program[:1] and simple.program[0] in PROGRAMS for simple in command.simple):
            found.setdefault(node.id, command)
    if found:
        first = next(iter(found.values()))
        verb = "runs" if len(found) == 1 else "run"
        yield subject.finding(
            ID,
            SEVERITY,
            f"{listed(found)} {verb} in whatever Python the machine has",
            first.loc,
            help='state the version once: defaults: {python: "3.12"}',
        )
