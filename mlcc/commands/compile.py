"""`mlcc compile`: writes what specs compile to, or says how the committed files differ from it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlcc.cli import BAD_IO, FINDINGS, OK, bad_call, common, formats, guarded, refuse, spec_paths

if TYPE_CHECKING:
    from mlcc.abandoned import Search
    from mlcc.compiler import Compiled
    from mlcc.diagnostics import OutputError
    from mlcc.loosening import Loosened
    from mlcc.writer import LockChange

_ABSORB = "where only pins were edited: mlcc absorb"


@click.command(name="compile")
@common
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="NAME",
    help="A back end; by default those under `targets`. Repeatable.",
)
@click.option("--check", is_flag=True, help="Write nothing; say what differs from what is committed.")
@click.option("--force", is_flag=True, help="Overwrite generated files that were edited by hand.")
@click.option("--prune", is_flag=True, help="Remove generated files that no spec produces any more.")
@click.option(
    "--approve", is_flag=True, help="Put into mlcc.lock what the outputs may do beyond what it approves."
)
@click.option("--all", "everything", is_flag=True, help="Every mlcc.yaml of the repository.")
@formats("text", "json")
@guarded
def command(
    specs: tuple[Path, ...],
    root: Path | None,
    targets: tuple[str, ...],
    check: bool,
    force: bool,
    prune: bool,
    approve: bool,
    everything: bool,
    format: str,
) -> int:
    """Compile specs into pipelines and gate scripts, all files or none."""
    from mlcc.compiler import check_targets, compile_all
    from mlcc.diagnostics import OutputError
    from mlcc.outputs import command_line, refusals, searches
    from mlcc.progress import progress

    if check and (force or prune or approve):
        raise bad_call("--check writes nothing: --force, --prune and --approve don't go with it")
    paths = spec_paths(specs, root, everything)
    names = check_targets(targets)
    with progress("compiling"):
        compiled = compile_all(paths, root, names)
        locks = _lock_changes(compiled, approve)
    calls = [command_line("compile", one.path, root, targets) for one in compiled]
    refused = [] if check else refusals(compiled, calls, force=force, prune=prune)
    for problem in refused:
        refuse(problem)
    code = BAD_IO if refused else OK
    done: list[dict[str, Any]] = []
    for one, call, search, lock in (
        zip(compiled, calls, searches(compiled), locks, strict=True) if not refused else ()
    ):
        try:
            found = (
                _check(one, call, search, lock, format)
                if check
                else _write(one, call, search, lock, format, force=force, prune=prune)
            )
        except OutputError as problem:  # of a check, or unforeseen
            refuse(problem)
            _hint_at_pins(one, problem)
            code = BAD_IO
            continue
        done.append({"spec": one.analysis.plan.spec_files[0], **found})
        code = max(code, FINDINGS if found.get("differs") else OK)
    if format == "json":
        _dump(done)
    return code


def _hint_at_pins(one: Compiled, problem: OutputError) -> None:
    """Name the command that takes over a bot's edits, where a lock could take them."""
    from mlcc.drift import EditedError

    if one.analysis.lock is not None and isinstance(problem, EditedError):
        click.echo(_ABSORB, err=True)


def _lock_changes(compiled: Sequence[Compiled], approve: bool) -> Sequence[LockChange | None]:
    """Return how each spec's lock changes. Raises SpecError for what isn't approved."""
    if not any(one.analysis.lock for one in compiled):
        if approve:
            raise bad_call(
                "there is no mlcc.lock that could approve anything: `mlcc lock` writes one", "no-lock"
            )
        return [None] * len(compiled)
    from mlcc.pins.change import lock_changes

    return lock_changes(compiled, approve=approve)


def _dump(specs: Sequence[dict[str, Any]]) -> None:
    import json

    click.echo(json.dumps({"version": 1, "specs": specs}, indent=2))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _write(
    one: Compiled,
    call: str,
    search: Search | None,
    lock: LockChange | None,
    format: str,
    *,
    force: bool,
    prune: bool,
) -> dict[str, Any]:
    """Write a spec's files, print what was done, and return it."""
    from mlcc.loosening import loosened
    from mlcc.outputs import ignored_outputs
    from mlcc.writer import write

    plan, root = one.analysis.plan, one.analysis.root
    spec = plan.spec_files[0]
    looser = loosened(plan, root)  # before the committed parameters are written over
    report = write(
        one.files,
        root,
        home=plan.home,
        spec=spec,
        call=call,
        force=force,
        prune=prune,
        search=search,
        lock=lock,
    )
    found = {
        "written": list(report.written),
        "unchanged": list(report.unchanged),
        "removed": list(report.removed),
        "orphans": [*report.orphans, *report.abandoned],
    }
    for warning in ignored_outputs(one):
        click.echo(f"warning: {warning}", err=True)
    if format == "text":
        _print_written(found, report.abandoned, call)
        made = f"{_count(len(plan.nodes), 'node')}, {_count(len(report.written), 'file')} written"
        click.echo(f"{plan.name}: {made}, {len(report.unchanged)} unchanged")
        _print_loosened(looser)
        if report.written:
            _print_obligations(one, call.replace("mlcc compile", "mlcc obligations", 1))
    return {**found, "loosened": [change.plain() for change in looser]}


def _print_written(found: dict[str, list[str]], abandoned: Sequence[str], call: str) -> None:
    from mlcc.render_diagnostics import escaped

    for name in found["written"]:
        click.echo(f"wrote   {name}")
    for name in found["removed"]:
        click.echo(f"removed {escaped(name)}")
    for name in found["orphans"]:
        why = "its spec is gone" if name in abandoned else "this spec no longer produces it"
        click.echo(f"orphan  {escaped(name)}: {why}; `{call} --prune` removes it")


def _print_loosened(changes: Sequence[Loosened]) -> None:
    for change in changes:
        click.echo(f"  {change.text}")


def _print_obligations(one: Compiled, call: str) -> None:
    """Print the settings to make by hand that the committed spec didn't ask for, and how many there are in all."""
    from mlcc.obligation_list import before, of_plan
    from mlcc.render_diagnostics import escaped

    found = list(of_plan(one.analysis.plan, one.targets))
    known = before(one.analysis, one.targets)
    new = [(system, obligation) for system, obligation in found if (system, obligation.id) not in known]
    for system, obligation in new:
        click.echo(f"  {system}, once by hand: {escaped(obligation.sentence)}")
    if found:
        many = f"{_count(len(found), 'setting')} to make by hand, {len(new)} new"
        click.echo(f"  {many}: `{call}` lists them, with commands")


def _check(
    one: Compiled, call: str, search: Search | None, lock: LockChange | None, format: str
) -> dict[str, Any]:
    """Print how a spec's files differ from what is committed, and return it."""
    from mlcc.loosening import loosened
    from mlcc.render_diagnostics import escaped
    from mlcc.writer import check

    plan = one.analysis.plan
    spec = plan.spec_files[0]
    drifts = check(one.files, one.analysis.root, home=plan.home, spec=spec, call=call, search=search)
    if lock is not None:
        from mlcc.pins.change import lock_drift

        drifts += lock_drift(one.analysis, lock, call)
    looser = loosened(plan, one.analysis.root)
    commands = list(dict.fromkeys(drift.command for drift in drifts))
    if format == "text":
        for drift in drifts:
            click.echo(f"{escaped(drift.path)}: {drift.title}")
            if drift.diff:
                click.echo(drift.diff.rstrip("\n"))
        _print_loosened(looser)
        for command in commands:
            click.echo(f"to mend it: {command}")
        if one.analysis.lock is not None and any(drift.kind == "edited" for drift in drifts):
            click.echo(_ABSORB)
        if not drifts:
            click.echo(f"{plan.name}: {len(one.files)} files are what {escaped(str(one.path))} compiles to")
    return {
        "differs": [{"path": drift.path, "kind": drift.kind} for drift in drifts],
        "commands": commands,
        "loosened": [change.plain() for change in looser],
    }
