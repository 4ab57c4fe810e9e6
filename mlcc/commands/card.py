"""`mlcc card`: a model card from the record of a run."""

from __future__ import annotations

from pathlib import Path

import click

from mlcc.cli import OK, guarded


@click.command(name="card")
@click.argument("record", type=click.Path(path_type=Path), default="_mlcc/s--final")
@click.option(
    "--notes",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Markdown of your own, such as intended use.",
)
@guarded
def command(record: Path, notes: Path | None) -> int:
    """Print a model card (Markdown) from a run's lineage.jsonl, or from the folder that holds it."""
    from mlcc.card import card_of

    text = card_of(record, notes.read_text("utf-8") if notes else "")
    click.echo(text.encode(), nl=False)
    return OK
