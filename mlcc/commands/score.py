"""`mlcc score`: the ML Test Score that a spec reaches."""

from __future__ import annotations

from pathlib import Path

import click

from mlcc.cli import OK, common, formats, guarded, instances, spec_paths


@click.command(name="score")
@common
@instances
@formats("text", "json")
@guarded
def command(specs: tuple[Path, ...], root: Path | None, format: str, instances: tuple[str, ...]) -> int:
    """Say which of the ML Test Score's 28 tests a spec's gates run, and what would run the others."""
    from mlcc.compiler import analyses
    from mlcc.score import as_json, as_text, score

    found = [score(one) for path in spec_paths(specs) for one in analyses(path, root, instances)]
    if format == "text":
        click.echo("\n".join(map(as_text, found)), nl=False)
    else:
        import json

        click.echo(json.dumps({"version": 1, "specs": [as_json(one) for one in found]}, indent=2))
    return OK
