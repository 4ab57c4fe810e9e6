"""`mlcc card`: a model card from the record of a run."""

from __future__ import annotations

from pathlib import Path

import click

from mlcc.cli import OK, bad_call, formats, guarded


@click.command(name="card")
@click.argument("record", type=click.Path(path_type=Path), default="_mlcc/s--final")
@click.option(
    "--notes",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Markdown of your own, such as intended use.",
)
@formats("markdown", "cyclonedx")
@guarded
def command(record: Path, notes: Path | None, format: str) -> int:
    """Print a model card from a run's lineage.jsonl, or from the folder that holds it.

    `--format cyclonedx` prints a bill of materials instead: CycloneDX 1.7, as JSON.
    """
    from mlcc.card import card, of_run

    if format == "cyclonedx":
        if notes:
            raise bad_call("--notes are for a model card, and don't go with --format cyclonedx")
        from mlcc.bom import bill_of_materials

        click.echo(of_run(record, bill_of_materials), nl=False)
        return OK
    own = notes.read_text("utf-8") if notes else ""
    click.echo(of_run(record, lambda found: card(found, own)).encode(), nl=False)
    return OK
