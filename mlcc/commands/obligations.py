"""`mlcc obligations`: the settings that no compiled file can hold."""

from __future__ import annotations

from pathlib import Path

import click

from mlcc.cli import OK, common, formats, guarded, instances, spec_paths


@click.command(name="obligations")
@common
@instances
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="NAME",
    help="A back end; by default those under `targets`. Repeatable.",
)
@formats("text", "json", "commands")
@guarded
def command(
    specs: tuple[Path, ...],
    root: Path | None,
    targets: tuple[str, ...],
    format: str,
    instances: tuple[str, ...],
) -> int:
    """List what a person sets once at the CI system: checks to require, secrets, reviewers, schedules, owners.

    `--format commands` prints a script for the CI systems' own clients. Read it before you run it.
    """
    from mlcc.compiler import analyses, check_targets
    from mlcc.obligations.listing import as_commands, as_json, as_text, rows

    names = check_targets(targets)
    found = [
        row
        for path in spec_paths(specs)
        for one in analyses(path, root, instances)
        for row in rows(one, names)
    ]
    render = {"text": as_text, "json": as_json, "commands": as_commands}[format]
    click.echo(render(found), nl=False)
    return OK
