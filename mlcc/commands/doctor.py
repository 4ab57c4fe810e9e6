"""`mlcc doctor`: whether a checkout, this machine and, if asked for, the CI systems are set up for a spec."""

from __future__ import annotations

from pathlib import Path

import click

from mlcc.cli import FINDINGS, OK, common, formats, guarded, instances, spec_paths


@click.command(name="doctor")
@common
@instances
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="NAME",
    help="A back end; by default those under `targets`. Repeatable.",
)
@click.option("--ask", is_flag=True, help="Ask the CI systems, too, by gh and glab; nothing is ever changed.")
@formats("text", "json")
@guarded
def command(
    specs: tuple[Path, ...],
    root: Path | None,
    targets: tuple[str, ...],
    ask: bool,
    format: str,
    instances: tuple[str, ...],
) -> int:
    """Check what a pipeline needs beside its compiled files: done, missing, or not to be told from here.

    Without --ask nothing leaves this machine. What can't be read is never taken for done. Exits with 1 where something is
    missing.
    """
    from mlcc.compiler import check_targets, compile_all
    from mlcc.doctor import asked, local
    from mlcc.doctor.finding import as_json, as_text
    from mlcc.progress import progress

    compiled = compile_all(spec_paths(specs), root, check_targets(targets), instances)
    with progress("asking" if ask else "looking"):
        found = [
            (one.analysis.plan.name, [*local.findings(one), *(asked.findings(one) if ask else ())])
            for one in compiled
        ]
    click.echo((as_text if format == "text" else as_json)(found), nl=False)
    return FINDINGS if any(one.state == "missing" for _, rows in found for one in rows) else OK
