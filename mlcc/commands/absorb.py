"""`mlcc absorb`: takes an update bot's edits of pins in compiled files over into the lock, and compiles again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlcc.cli import OK, bad_call, guarded, spec_paths
from mlcc.render_diagnostics import escaped

if TYPE_CHECKING:
    from mlcc.writing.outputs import Output


@click.command(name="absorb")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--spec", "specs", multiple=True, type=click.Path(path_type=Path), help="A spec; by default ./mlcc.yaml."
)
@click.option("--all", "everything", is_flag=True, help="Every mlcc.yaml of the repository.")
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="The repository's folder. By default it is found by its .git.",
)
@click.option(
    "--target", "targets", multiple=True, metavar="NAME", help="A back end; by default those under `targets`."
)
@click.option(
    "--date", "day", metavar="YYYY-MM-DD", help="The day on which the pins were looked at; by default today."
)
@guarded
def command(
    files: tuple[Path, ...],
    specs: tuple[Path, ...],
    everything: bool,
    root: Path | None,
    targets: tuple[str, ...],
    day: str | None,
) -> int:
    """Take edits of pins in compiled FILES (by default all that were edited) over into mlcc.lock, and compile.

    Pins are the commit of an action with the version behind it, the digest of an image, and the version and hashes of a
    gate's package. A pin that stands in several places may be edited in one: the others follow. Anything else that was
    edited is an error with the difference, and nothing is written.
    """
    from mlcc.compiler import check_targets, compile_all
    from mlcc.diagnostics import OutputError, error
    from mlcc.pins.absorb import absorb
    from mlcc.today import today
    from mlcc.writing.outputs import command_line, outputs_of

    if day is not None and not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day):
        raise bad_call("--date is a day, as YYYY-MM-DD")
    outputs = outputs_of(compile_all(spec_paths(specs, root, everything), root, check_targets(targets)))
    calls = [command_line("compile", one.path, root, targets) for one in outputs]
    named = {path.resolve() for path in files}
    edited = [_edited(one, call, named) for one, call in zip(outputs, calls, strict=True)]
    known = {one.root.resolve() / name for one, found in zip(outputs, edited, strict=True) for name in found}
    for path in sorted(named - known):
        help = "without names, every edited output of the spec is absorbed"
        message = f"`{path}` is no output of these specs that was edited"
        raise OutputError([error("not-edited", message, None, help=help)])
    work = [(one, call, found) for one, call, found in zip(outputs, calls, edited, strict=True) if found]
    ready = [
        (absorb(one, found, day or today()), call) for one, call, found in work
    ]  # all, before any is written
    for one, call in ready:
        report = one.write(call)
        for edit in one.edits:
            click.echo(f"pinned  {escaped(edit.name)} {escaped(' '.join(edit.value[:1]))}")
        for name in report.written:
            click.echo(f"wrote   {name}")
    if not ready:
        click.echo("nothing was edited")
    return OK


def _edited(one: Output, call: str, named: set[Path]) -> dict[str, str]:
    """Return the edited outputs of a spec, those that are named where any are."""
    from mlcc.writing.writer import edited_texts

    found = edited_texts(one.files, one.root, home=one.home, spec=one.spec, call=call, projects=one.projects)
    return {name: text for name, text in found.items() if not named or one.root.resolve() / name in named}
