"""Commands that live in a module of their own, which is imported when the command is called.

A command is a module with a click command named `command`, and one line in `MODULES`.
"""

from __future__ import annotations

from importlib import import_module
from typing import cast

import click

MODULES = {
    "absorb": "mlcc.commands.absorb",
    "canary": "mlcc.commands.canary",
    "card": "mlcc.commands.card",
    "compile": "mlcc.commands.compile",
    "doctor": "mlcc.commands.doctor",
    "fmt": "mlcc.commands.fmt",
    "gates": "mlcc.commands.gates",
    "import": "mlcc.commands.import_pipeline",
    "init": "mlcc.commands.init",
    "lock": "mlcc.commands.lock",
    "migrate": "mlcc.commands.migrate",
    "obligations": "mlcc.commands.obligations",
    "profile": "mlcc.commands.profile",
    "score": "mlcc.commands.score",
    "signals": "mlcc.commands.signals",
}
"""Command -> its module."""


class LazyGroup(click.Group):
    """A group that has, beside its own commands, those of `MODULES`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, sorted."""
        return sorted({*super().list_commands(ctx), *MODULES})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name, None where there is none."""
        if cmd_name in MODULES:
            return cast(click.Command, import_module(MODULES[cmd_name]).command)
        return super().get_command(ctx, cmd_name)
