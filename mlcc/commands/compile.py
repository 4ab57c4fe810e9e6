"""`mlcc compile`: writes what specs compile to, or says how the committed files differ from it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlcc.cli import BAD_IO, FINDINGS, OK, bad_call, common, formats, guarded, refuse, spec_paths

if TYPE_CHECKING:
    from mlcc.diagnostics import OutputError
    from mlcc.writing.abandoned import Search
    from mlcc.writing.loosening import Loosened
    from mlcc.writing.outputs import Output
    from mlcc.writing.writer import LockChange

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
    from mlcc.progress import progress
    from mlcc.writing.fingerprints import Fingerprints
    from mlcc.writing.outputs import command_line, outputs_of, refusals, remember, searches

    if check and (force or prune or approve):
        raise bad_call("--check writes nothing: --force, --prune and --approve don't go with it")
    paths = spec_paths(specs, root, everything)
    names = check_targets(targets)
    with progress("compiling"):
        fingerprints = None if check else Fingerprints(names)
        outputs = outputs_of(compile_all(paths, root, names, (), fingerprints), fingerprints)
        locks = _lock_changes(outputs, approve)
    calls = [command_line("compile", one.path, root, targets) for one in outputs]
    refused = [] if check else refusals(outputs, calls, force=force, prune=prune)
    for problem in refused:
        refuse(problem)
    code = BAD_IO if refused else OK
    done: list[dict[str, Any]] = []
    for one, call, search, lock in (
        zip(outputs, calls, searches(outputs), locks, strict=True) if not refused else ()
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
        if fingerprints is not None:
            remember(one, fingerprints)
        done.append({"spec": one.spec, **found})
        code = max(code, FINDINGS if found.get("differs") else OK)
    if format == "json":
        _dump(done)
    return code


def _hint_at_pins(one: Output, problem: OutputError) -> None:
    """Name the command that takes over a bot's edits, where a lock could take them."""
    from mlcc.writing.drift import EditedError

    if one.lock is not None and isinstance(problem, EditedError):
        click.echo(_ABSORB, err=True)


def _lock_changes(outputs: Sequence[Output], approve: bool) -> Sequence[LockChange | None]:
    """Return how each spec's lock changes. Raises SpecError for what isn't approved."""
    if not any(one.lock for one in outputs):
        if approve:
            raise bad_call(
                "there is no mlcc.lock that could approve anything: `mlcc lock` writes one", "no-lock"
            )
        return [None] * len(outputs)
    from mlcc.pins.change import lock_changes

    return lock_changes(outputs, approve=approve)


def _dump(specs: Sequence[dict[str, Any]]) -> None:
    import json

    click.echo(json.dumps({"version": 1, "specs": specs}, indent=2))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _write(
    one: Output,
    call: str,
    search: Search | None,
    lock: LockChange | None,
    format: str,
    *,
    force: bool,
    prune: bool,
) -> dict[str, Any]:
    """Write a spec's files, print what was done, and return it."""
    from mlcc.writing.outputs import ignored_outputs
    from mlcc.writing.writer import write

    looser = _loosened(one)  # before the committed parameters are written over
    report = write(
        one.files, one.root, home=one.home, spec=one.spec, call=call, force=force, prune=prune, search=search,
        projects=one.projects, kept=one.unchanged, lock=lock,
    )  # fmt: skip
    found = {
        "written": list(report.written),
        "unchanged": [*report.unchanged, *one.unchanged],
        "removed": list(report.removed),
        "orphans": [*report.orphans, *report.abandoned],
    }
    for warning in ignored_outputs(one):
        click.echo(f"warning: {warning}", err=True)
    if format == "text":
        _print_written(one, found, report.abandoned, call)
        _print_loosened(looser)
        if report.written:
            _print_obligations(one, call.replace("mlcc compile", "mlcc obligations", 1))
    return {**found, "loosened": [change.plain() for change in looser]}


def _loosened(one: Output) -> list[Loosened]:
    from mlcc.writing.loosening import loosened

    return [change for pipeline in one.pipelines for change in loosened(pipeline.analysis.plan, one.root)]


def _print_written(one: Output, found: dict[str, list[str]], abandoned: Sequence[str], call: str) -> None:
    from mlcc.render_diagnostics import escaped

    single = len(one.projects) == 1
    for name in found["written"] if single else ():
        click.echo(f"wrote   {name}")
    for name in found["removed"]:
        click.echo(f"removed {escaped(name)}")
    for name in found["orphans"]:
        why = "what it was compiled from is gone" if name in abandoned else "this spec no longer produces it"
        click.echo(f"orphan  {escaped(name)}: {why}; `{call} --prune` removes it")
    written = set(found["written"])
    for pipeline in one.pipelines:
        plan = pipeline.analysis.plan
        count = sum(file.path in written for file in pipeline.own)
        if single or count:
            made = f"{_count(len(plan.nodes), 'node')}, {_count(count, 'file')} written"
            click.echo(f"{plan.name}: {made}, {len(pipeline.own) - count} unchanged")
    if not single:
        total = f"{_count(len(written), 'file')} written, {len(found['unchanged'])} unchanged"
        click.echo(f"{escaped(str(one.path))}: {len(one.projects)} instances, {total}")


def _print_loosened(changes: Sequence[Loosened]) -> None:
    for change in changes:
        click.echo(f"  {change.text}")


def _print_obligations(one: Output, call: str) -> None:
    """Print the settings to make by hand that the committed spec didn't ask for, and how many there are in all."""
    from mlcc.obligations.listing import before, of_plan
    from mlcc.render_diagnostics import escaped

    found = [row for pipeline in one.pipelines for row in of_plan(pipeline.analysis.plan, pipeline.targets)]
    if len(one.projects) > 1:
        click.echo(f"  {_count(len(found), 'setting')} to make by hand: `{call}` lists them, with commands")
        return
    pipeline = one.pipelines[0]
    known = before(pipeline.analysis, pipeline.targets)
    new = [(system, obligation) for system, obligation in found if (system, obligation.id) not in known]
    for system, obligation in new:
        click.echo(f"  {system}, once by hand: {escaped(obligation.sentence)}")
    if found:
        many = f"{_count(len(found), 'setting')} to make by hand, {len(new)} new"
        click.echo(f"  {many}: `{call}` lists them, with commands")


def _check(
    one: Output, call: str, search: Search | None, lock: LockChange | None, format: str
) -> dict[str, Any]:
    """Print how a spec's files differ from what is committed, and return it."""
    from mlcc.render_diagnostics import escaped
    from mlcc.writing.writer import check

    drifts = check(
        one.files, one.root, home=one.home, spec=one.spec, call=call, search=search, projects=one.projects
    )
    if lock is not None:
        from mlcc.pins.change import lock_drift

        drifts += lock_drift(one, lock, call)
    looser = _loosened(one)
    commands = list(dict.fromkeys(drift.command for drift in drifts))
    if format == "text":
        for drift in drifts:
            click.echo(f"{escaped(drift.path)}: {drift.title}")
            if drift.diff:
                click.echo(drift.diff.rstrip("\n"))
        _print_loosened(looser)
        for command in commands:
            click.echo(f"to mend it: {command}")
        if one.lock is not None and any(drift.kind == "edited" for drift in drifts):
            click.echo(_ABSORB)
        if not drifts:
            name = one.pipelines[0].analysis.plan.name if len(one.pipelines) == 1 else one.spec
            click.echo(f"{name}: {len(one.files)} files are what {escaped(str(one.path))} compiles to")
    return {
        "differs": [{"path": drift.path, "kind": drift.kind} for drift in drifts],
        "commands": commands,
        "loosened": [change.plain() for change in looser],
    }
