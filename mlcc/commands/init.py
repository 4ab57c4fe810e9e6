"""`mlcc init`: proposes a spec for a repository."""

from __future__ import annotations

from pathlib import Path

import click

from mlcc.cli import OK, guarded


@click.command(name="init")
@click.argument("folder", default=".", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option(
    "--data", multiple=True, metavar="FILE", type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A table to propose a contract of, from all of its rows. Repeatable.",
)  # fmt: skip
@click.option(
    "--contract", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A file of ODCS, dbt or pandera: the contracts of the tables under --data; without those, they are printed.",
)  # fmt: skip
@click.option("--stdout", is_flag=True, help="Print the spec instead of writing it.")
@guarded
def command(folder: Path, data: tuple[Path, ...], contract: Path | None, stdout: bool) -> int:
    """Look at a repository and write a commented mlcc.yaml for it.

    The line _mlcc/ is added to .gitignore where git doesn't ignore that folder yet.
    """
    if contract is not None and not data:
        from mlcc.init.imports import contract_text, read_contracts

        click.echo("\n".join(map(contract_text, read_contracts(contract))), nl=False)
        return OK
    from mlcc.init import ignore_reports, propose, save

    proposal = propose(folder, data, contract)
    if stdout:
        click.echo(proposal.text, nl=False)
        return OK
    path = save(proposal, folder)
    for finding in proposal.findings:
        click.echo(f"  {finding}")
    if not proposal.ignores_reports:
        done = "added the line" if ignore_reports(folder) else "to do: add the line"
        click.echo(f"  {done} _mlcc/ to .gitignore, which gates write their reports to")
    click.echo(f"wrote {path}; read it, then run `mlcc compile`")
    return OK
