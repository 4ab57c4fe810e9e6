"""`mlcc profile`: writes the baseline that drift gates compare with."""

from __future__ import annotations

from pathlib import Path

import click

from mlcc.cli import OK, guarded


@click.command(name="profile")
@click.argument("data", nargs=-1, required=True)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), default=Path("baselines/profile.json"),
    show_default=True, help="The file to write.",
)  # fmt: skip
@click.option("--stdout", is_flag=True, help="Print the profile instead of writing it.")
@click.option(
    "--bins", type=click.IntRange(4, 100), default=20, show_default=True,
    help="Bins of about as many rows each, for every column of numbers.",
)  # fmt: skip
@click.option(
    "--columns", multiple=True, metavar="NAME", help="A column to profile, by default all. Repeatable."
)
@guarded
def command(data: tuple[str, ...], output: Path, stdout: bool, bins: int, columns: tuple[str, ...]) -> int:
    """Profile a table: files, folders, patterns or s3:// addresses of Parquet, CSV, TSV or JSON lines, or ENGINE://SCHEMA.TABLE.

    The profile is small, holds no row, and is to be committed; drift gates take it as their `reference`.
    """
    from mlcc.profiling import profile, profile_text, save_profile
    from mlcc.render_diagnostics import escaped

    found = profile(data, columns, bins)
    text = profile_text(found)
    if stdout:
        click.echo(text, nl=False)
        return OK
    save_profile(text, output)
    click.echo(
        f"wrote {escaped(str(output))}: {len(found['columns'])} columns, {found['rows']} rows; commit it"
    )
    return OK
