"""The secrets of a command."""

from __future__ import annotations

from mlcc.lint.commands import Command
from mlcc.lint.subject import Subject
from mlcc.plan import Secret


def secret_names(subject: Subject, command: Command) -> set[str]:
    """Return the variables whose values are secrets in a command (a file's path isn't one)."""
    if command.node is None:
        return set()
    env = subject.plan.nodes[command.node].env
    return {name for name, value in env if isinstance(value, Secret) and not value.as_file}
