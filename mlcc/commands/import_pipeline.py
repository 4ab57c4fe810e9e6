"""`mlcc import`: makes a spec of an existing pipeline, and says what became of every line."""

from __future__ import annotations

from pathlib import Path

import click

from mlcc.cli import FINDINGS, OK, formats, guarded


@click.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--output", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write the spec: a file that isn't there yet. By default it is printed.",
)  # fmt: skip
@formats("text", "json")
@guarded
def command(file: Path, output: Path | None, format: str) -> int:
    """Make a spec of a GitHub workflow, a .gitlab-ci.yml or a Jenkinsfile.

    Exit code 0: everything has a place in the spec; 1: the report lists what has none. Nothing is evaluated.
    """
    from mlcc.importing import import_file
    from mlcc.importing.report import as_json, as_text, write_new

    found = import_file(file)
    if output is not None:
        write_new(output, found.spec)
    if format == "json":
        click.echo(as_json(found))
    else:
        if output is None:
            click.echo(found.spec, nl=False)
        click.echo(as_text(found), nl=False, err=output is None)
    return OK if found.whole else FINDINGS
