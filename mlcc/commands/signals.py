"""`mlcc signals`: what the records of many runs tell of gates and releases."""

from __future__ import annotations

from pathlib import Path

import click

from mlcc.cli import OK, formats, guarded


@click.command(name="signals")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--releases",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A further release log: JSON lines of time, action, environment and commit.",
)
@formats("text", "json", "html")
@guarded
def command(folder: Path, releases: Path | None, format: str) -> int:
    """Show from the records of runs whether gates help: how often they close, are waived, and what they take.

    FOLDER holds what CI keeps of runs, at any depth: lineage.jsonl and releases.jsonl files, or the s--NODE folders of runs.
    """
    from mlcc.progress import progress
    from mlcc.signals.show import as_json, as_text
    from mlcc.signals.tables import signals

    with progress("reading records"):
        found = signals(folder, releases)
    if format == "html":
        from mlcc.signals.page import page

        click.echo(page(found), nl=False)
        return OK
    click.echo(as_text(found) if format == "text" else as_json(found), nl=False)
    return OK
