"""`mlcc canary`: past canaries under other thresholds, and the control against itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mlcc.cli import FINDINGS, OK, bad_call, formats, guarded, instances

_FOLDER = click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
_SET = click.option(
    "--set", "settings", multiple=True, metavar="NAME=NUMBER",
    help="A threshold: alpha, min_bad, min_requests, fail_after, max_extend, METRIC.max, METRIC.worse_than_control. "
    "Repeatable.",
)  # fmt: skip


@click.group(name="canary")
def command() -> None:
    """Judge past canaries again, from the snapshots that their gates kept.

    FOLDER holds what CI keeps of runs: the s--GATE folders of canary gates, at any depth.
    """


@command.command()
@_FOLDER
@_SET
@click.option(
    "--spec",
    type=click.Path(path_type=Path),
    help="A spec whose gates, of the same ids, have the thresholds.",
)
@instances
@formats("text", "json")
@guarded
def replay(
    folder: Path, settings: tuple[str, ...], spec: Path | None, format: str, instances: tuple[str, ...]
) -> int:
    """Show how past canaries would have ended by other thresholds."""
    from mlcc.canary import as_json, releases, replay_rows, replay_text, with_thresholds
    from mlcc.progress import progress

    found = releases(folder)
    stated = _of_spec(spec, instances, {release.gate for release in found}) if spec is not None else {}
    others = {
        release.name: with_thresholds(stated.get(release.gate, release.params), settings) for release in found
    }
    with progress("judging canaries"):
        rows = replay_rows(found, others)
    click.echo(replay_text(rows) if format == "text" else as_json("releases", rows), nl=False)
    return OK


def _of_spec(spec: Path, instances: tuple[str, ...], gates: set[str]) -> dict[str, dict[str, Any]]:
    """Return the parameters of the spec's canary gates, by id. Raises SpecError where it has none of those."""
    import json

    from mlcc.compiler import analyses, only

    gates_of_spec = {
        id: node.gate for id, node in only(spec, analyses(spec, None, instances)).plan.nodes.items()
    }
    found = {
        id: json.loads(json.dumps(gate.parameters))
        for id, gate in gates_of_spec.items()
        if gate is not None and gate.kind == "canary"
    }
    missing = sorted(gates - set(found))
    if missing:
        raise bad_call(f"the spec has no canary gate '{missing[0]}', which judged one of the releases")
    return found


@command.command()
@_FOLDER
@_SET
@click.option(
    "--repetitions",
    type=click.IntRange(20, 100_000),
    default=200,
    show_default=True,
    help="Simulated releases.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same numbers.")
@formats("text", "json")
@guarded
def aa(folder: Path, settings: tuple[str, ...], repetitions: int, seed: int, format: str) -> int:
    """Hold the control against itself, and count false alarms: 1 where they are shown to be over alpha."""
    from mlcc.canary import aa_rows, aa_text, as_json, releases, with_thresholds
    from mlcc.progress import progress

    found = releases(folder)
    others = {release.name: with_thresholds(release.params, settings) for release in found}
    with progress("simulating"):
        rows = aa_rows(found, others, repetitions, seed)
    click.echo(aa_text(rows) if format == "text" else as_json("releases", rows), nl=False)
    return FINDINGS if any(row["lower"] > row["alpha"] for row in rows) else OK
