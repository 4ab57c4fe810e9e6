"""`mlcc gates`: lists a spec's gates, and proves that each closes on what it must not let through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mlcc.cli import FINDINGS, OK, common, formats, guarded, instances, spec_paths


@click.command(name="gates")
@common
@instances
@click.option(
    "--selftest", is_flag=True, help="Run each committed gate on known-bad inputs: none may let one pass."
)
@formats("text", "json")
@guarded
def command(
    specs: tuple[Path, ...], root: Path | None, selftest: bool, format: str, instances: tuple[str, ...]
) -> int:
    """List a spec's gates and what closes them, or test them on known-bad inputs."""
    from mlcc import gate_list
    from mlcc.compiler import analyses
    from mlcc.progress import progress

    found = [one for path in spec_paths(specs) for one in analyses(path, root, instances)]
    if not selftest:
        listed = [row for analysis in found for row in gate_list.rows(analysis.plan)]
        click.echo(gate_list.as_text(listed) if format == "text" else _json("gates", listed), nl=False)
        return OK
    with progress("testing the gates"):
        tested = [row for analysis in found for row in gate_list.selftests(analysis.plan, analysis.root)]
    click.echo(gate_list.results(tested) if format == "text" else _json("selftests", tested), nl=False)
    return FINDINGS if any(row["problem"] for row in tested) else OK


def _json(name: str, rows: list[dict[str, Any]]) -> str:
    import json

    return json.dumps({"version": 1, name: rows}, indent=2) + "\n"
