"""`mlcc lock`: writes the pins that a team owns beside its spec, the first time and whenever the spec needs more."""

from __future__ import annotations

from pathlib import Path

import click

from mlcc.cli import OK, common, guarded, spec_paths


@click.command(name="lock")
@common
@click.option(
    "--target", "targets", multiple=True, metavar="NAME", help="A back end; by default those under `targets`."
)
@click.option("--approve", is_flag=True, help="Approve what the outputs may do beyond what the lock has.")
@click.option("--all", "everything", is_flag=True, help="Every mlcc.yaml of the repository.")
@guarded
def command(
    specs: tuple[Path, ...], root: Path | None, targets: tuple[str, ...], approve: bool, everything: bool
) -> int:
    """Write mlcc.lock: the pins of what the outputs use from outside, and what they may do.

    The first lock has the pins that mlcc ships, and approves what the outputs do now. A lock that is there keeps its
    pins, and gets those that it lacks. Nothing is fetched: an image gets its digest by hand, or from an update bot.
    """
    from mlcc.compiler import check_targets, compile_all
    from mlcc.pins.change import lock_changes
    from mlcc.pins.needs import unpinned
    from mlcc.writing.outputs import command_line, outputs_of
    from mlcc.writing.writer import write_lock

    names = check_targets(targets)
    outputs = outputs_of(compile_all(spec_paths(specs, root, everything), root, names))
    changes = lock_changes(outputs, approve=approve, create=True)
    for one, change in zip(outputs, changes, strict=True):
        if change is None:
            click.echo(f"{one.lock_path} is up to date")
        else:
            call = command_line("compile", one.path, root, targets)
            write_lock(one.root, change, home=one.home, spec=one.spec, call=call, projects=one.projects)
            click.echo(f"wrote   {one.lock_path}")
        for image in sorted({image for planned in one.planned for image in unpinned(*planned)}):
            click.echo(f"  not pinned: the image {image}")
    return OK
