"""`mlcc obligations`: the settings that no compiled file can hold."""

from __future__ import annotations

from pathlib import Path

import click

from mlcc.cli import OK, common, formats, guarded, spec_paths


@click.command(name="obligations")
@common
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="NAME",
    help="A back end; by default those under `targets`. Repeatable.",
)
@formats("text", "json", "commands")
@guarded
def command(specs: tuple[Path, ...], root: Path | None, targets: tuple[str, ...], format: str) -> int:
    """List what a person sets once at the CI system: checks to require, secrets, reviewers, schedules, owners.

    `--format commands` prints a script for the CI systems' own clients. Read it before you run it.
    """
    from mlcc.compiler import analyse, check_targets
    from mlcc.obligation_list import as_commands, as_json, as_text, rows

    names = check_targets(targets)
    found = [row for path in spec_paths(specs) for row in rows(analyse(path, root), names)]
    render = {"text": as_text, "json": as_json, "commands": as_commands}[format]
    click.echo(render(found), nl=False)
    return OK
