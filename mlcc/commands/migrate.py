"""`mlcc migrate`: rewrites what the language has spelled otherwise since."""

from __future__ import annotations

from pathlib import Path

import click

from mlcc.cli import FINDINGS, OK, common, guarded, spec_paths


@click.command(name="migrate")
@common
@click.option("--check", is_flag=True, help="Write nothing; show what would change.")
@click.option(
    "--all", "everything", is_flag=True, help="Every mlcc.yaml of the repository, and what they extend."
)
@guarded
def command(specs: tuple[Path, ...], root: Path | None, check: bool, everything: bool) -> int:
    """Rewrite deprecated keys and words of specs to those of today. Comments and layout stay."""
    from mlcc.migration import migrated
    from mlcc.writing.rewriting import counted, rewrites, save, with_bases

    made = rewrites(with_bases(spec_paths(specs, root, everything)), migrated)
    changed = [one for one in made if one.changes]
    if not check:
        save(made)
    for one in changed:
        click.echo(one.diff("migrated").rstrip("\n"))
    click.echo(f"{counted(made)} {'to change' if check else 'changed'}")
    return FINDINGS if changed and check else OK
