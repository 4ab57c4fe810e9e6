"""`mlcc fmt`: lays specs out in the one layout."""

from __future__ import annotations

from pathlib import Path

import click

from mlcc.cli import FINDINGS, OK, bad_call, common, guarded, spec_paths


@click.command(name="fmt")
@common
@click.option("--check", is_flag=True, help="Write nothing; name the files that aren't laid out so.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@click.option(
    "--all", "everything", is_flag=True, help="Every mlcc.yaml of the repository, and what they extend."
)
@guarded
def command(specs: tuple[Path, ...], root: Path | None, check: bool, diff: bool, everything: bool) -> int:
    """Lay specs out: blocks by two columns, brackets where they fit into 100. Comments and values stay."""
    from mlcc.formatting import formatted
    from mlcc.render_diagnostics import escaped
    from mlcc.writing.rewriting import counted, rewrites, save, with_bases

    if check and diff:
        raise bad_call("--check names files and --diff shows what would change: choose one")
    paths = spec_paths(specs, root, everything)
    made = rewrites(with_bases(paths) if everything else paths, formatted)
    changed = [one for one in made if one.changes]
    if not (check or diff):
        save(made)
    for one in changed:
        if diff:
            click.echo(one.diff("laid out").rstrip("\n"))
        else:
            click.echo(f"{'would lay out' if check else 'laid out'} {escaped(one.shown)}")
    if not diff:
        click.echo(f"{counted(made)} {'to change' if check else 'changed'}")
    return FINDINGS if changed and (check or diff) else OK
