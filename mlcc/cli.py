"""The command line. No logic: each command imports the passes that it uses, and prints."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mlcc import __version__

if TYPE_CHECKING:
    from mlcc.compiler import Analysis
    from mlcc.diagnostics import Diagnostic

OK, FINDINGS, BAD_SPEC, BAD_IO, BUG = 0, 1, 2, 3, 70
FORMATS = ("text", "json", "sarif", "github")
Command = TypeVar("Command", bound=Callable[..., Any])


def guarded(command: Callable[..., int]) -> Callable[..., None]:
    """Turn what a command raises into diagnostics and exit codes: no traceback reaches a user."""

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> None:
        from mlcc.diagnostics import MlccError, OutputError

        try:
            code = command(*args, **options)
        except MlccError as problem:
            show(problem.diagnostics, problem.texts, options.get("format") or "text")
            code = BAD_IO if isinstance(problem, OutputError) else BAD_SPEC
        except BrokenPipeError:
            code = OK  # who reads has gone
        except Exception as problem:
            if click.get_current_context().find_root().params.get("debug"):
                raise
            click.echo(f"mlcc: a bug in mlcc: {type(problem).__name__}: {str(problem)!a}", err=True)
            click.echo("mlcc: please report it, with what `mlcc --debug ...` prints", err=True)
            code = BUG
        sys.exit(code)

    return run


def show(diagnostics: tuple[Diagnostic, ...] | list[Diagnostic], texts: Any, format: str) -> None:
    """Print diagnostics: text to standard error, machine formats to standard output."""
    from mlcc import render_diagnostics as rendering

    renderers = {
        "text": rendering.to_text, "json": rendering.to_json, "sarif": rendering.to_sarif, "github": rendering.to_github,
    }  # fmt: skip
    text = renderers[format](diagnostics, texts)
    if text:
        click.echo(text.rstrip("\n"), err=format == "text")


def common(command: Command) -> Command:
    """Add the arguments of every command that reads specs."""
    command = click.option(
        "--root", type=click.Path(path_type=Path, file_okay=False, exists=True),
        help="The repository's folder. By default it is found by its .git.",
    )(command)  # fmt: skip
    return click.argument("specs", nargs=-1, type=click.Path(path_type=Path))(command)


def spec_paths(specs: tuple[Path, ...], everything: bool = False) -> tuple[Path, ...]:
    """Return the specs that are meant: those named, all of the repository, or the one in this folder."""
    from mlcc.compiler import SPEC
    from mlcc.repository import find_specs

    return specs or (tuple(find_specs(Path())) if everything else (Path(SPEC),))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mlcc")
@click.option("--debug", is_flag=True, help="Show the traceback of a bug in mlcc.")
def cli(debug: bool) -> None:
    """Compile one spec of an ML repository into CI/CD pipelines with gates for code, data and models."""


@cli.command()
@click.argument("folder", default=".", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--stdout", is_flag=True, help="Print the spec instead of writing it.")
@guarded
def init(folder: Path, stdout: bool) -> int:
    """Look at a repository and write a commented mlcc.yaml for it."""
    from mlcc.init import propose, save

    proposal = propose(folder)
    if stdout:
        click.echo(proposal.text, nl=False)
        return OK
    path = save(proposal, folder)
    for finding in proposal.findings:
        click.echo(f"  {finding}")
    click.echo(f"wrote {path}; read it, then run `mlcc compile`")
    return OK


@cli.command(name="compile")
@common
@click.option(
    "--target", "targets", multiple=True, metavar="NAME", help="A back end; by default all. Repeatable."
)
@click.option("--check", is_flag=True, help="Write nothing; say what differs from what is committed.")
@click.option("--force", is_flag=True, help="Overwrite generated files that were edited by hand.")
@click.option("--prune", is_flag=True, help="Remove files of this spec that it no longer produces.")
@click.option("--all", "everything", is_flag=True, help="Every mlcc.yaml of the repository.")
@guarded
def compile_(
    specs: tuple[Path, ...],
    root: Path | None,
    targets: tuple[str, ...],
    check: bool,
    force: bool,
    prune: bool,
    everything: bool,
) -> int:
    """Compile specs into pipelines and gate scripts, all files or none."""
    from mlcc.compiler import check_targets

    names = check_targets(targets)
    code = OK
    for path in spec_paths(specs, everything):
        one = _check if check else functools.partial(_write, force=force, prune=prune)
        code = max(code, one(path, root, names))
    return code


def _compiled(path: Path, root: Path | None, targets: tuple[str, ...]) -> tuple[Analysis, list[Any]]:
    from mlcc.compiler import analyse, compile_files
    from mlcc.progress import progress

    with progress(f"compiling {path}"):
        analysis = analyse(path, root)
        return analysis, compile_files(analysis, targets)


def _write(path: Path, root: Path | None, targets: tuple[str, ...], *, force: bool, prune: bool) -> int:
    from mlcc.backends import backend
    from mlcc.writer import write

    analysis, files = _compiled(path, root, targets)
    plan = analysis.plan
    report = write(files, analysis.root, home=plan.home, spec=plan.spec_files[0], force=force, prune=prune)
    for name in report.written:
        click.echo(f"wrote   {name}")
    for name in report.removed:
        click.echo(f"removed {name}")
    for name in report.orphans:
        click.echo(f"orphan  {name}: this spec no longer produces it; `mlcc compile --prune` removes it")
    nodes = f"{len(plan.nodes)} nodes, {len(report.written)} files written, {len(report.unchanged)} unchanged"
    click.echo(f"{plan.name}: {nodes}")
    if report.written:
        for target in targets:
            todo = backend(target).obligations(plan)
            for line in todo:
                click.echo(f"  {target}, once by hand: {line}")
    return OK


def _check(path: Path, root: Path | None, targets: tuple[str, ...]) -> int:
    from mlcc.writer import check

    analysis, files = _compiled(path, root, targets)
    plan = analysis.plan
    drifts = check(files, analysis.root, home=plan.home, spec=plan.spec_files[0])
    for drift in drifts:
        click.echo(f"{drift.path}: {drift.kind}")
        if drift.diff:
            click.echo(drift.diff.rstrip("\n"))
    if drifts:
        for command in dict.fromkeys(drift.command for drift in drifts):
            click.echo(f"to mend it: {command}")
        return FINDINGS
    click.echo(f"{plan.name}: {len(files)} files are what {path} compiles to")
    return OK


@cli.command()
@common
@click.option(
    "--target", "targets", multiple=True, metavar="NAME", help="A back end; by default all. Repeatable."
)
@click.option("--format", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--limits", is_flag=True, help="Show how much of each platform limit the pipeline uses.")
@click.option("--env", "environment", is_flag=True, help="Show the variables that arrive at each node.")
@click.option("--all", "everything", is_flag=True, help="Every mlcc.yaml of the repository.")
@guarded
def lint(
    specs: tuple[Path, ...],
    root: Path | None,
    targets: tuple[str, ...],
    format: str,
    limits: bool,
    environment: bool,
    everything: bool,
) -> int:
    """Find mistakes in specs: errors that a compile would stop at, and what goes wrong in real pipelines."""
    from mlcc.compiler import check_targets
    from mlcc.linting import lint_all

    names = check_targets(targets)
    report = lint_all(spec_paths(specs, everything), root, names)
    show(report.diagnostics, report.texts, format)
    if limits:
        click.echo(report.limits(names))
    if environment:
        click.echo(report.environments())
    return BAD_SPEC if report.broken else FINDINGS if report.counts else OK


@cli.command()
@common
@click.option(
    "--event",
    default="push",
    show_default=True,
    type=click.Choice(("push", "pull_request", "tag", "schedule", "manual", "dispatch")),
)
@click.option(
    "--branch", help="The branch; of a pull request, the one it goes to. By default the first of the trigger."
)
@click.option("--tag", help="The tag of a tag event.")
@click.option("--trigger", help="The id of the schedule, form or dispatch.")
@click.option(
    "--input", "inputs", multiple=True, metavar="NAME=VALUE", help="An input of a manual run. Repeatable."
)
@click.option("--fork", is_flag=True, help="The pull request comes from a fork.")
@click.option(
    "--changed",
    multiple=True,
    metavar="PATH",
    help="A changed path, from the repository's root. Repeatable; without it, all.",
)
@click.option("--nothing-changed", is_flag=True, help="No path has changed.")
@click.option("--fail", "failures", multiple=True, metavar="NODE", help="A node that fails. Repeatable.")
@click.option(
    "--verdict", "verdicts", multiple=True, metavar="GATE=VERDICT", help="A gate's verdict. Repeatable."
)
@click.option("--format", type=click.Choice(("text", "json")), default="text", show_default=True)
@guarded
def explain(specs: tuple[Path, ...], root: Path | None, format: str, **question: Any) -> int:
    """Say what an event runs, what it doesn't, and why."""
    from mlcc.compiler import analyse
    from mlcc.explain import answer

    for path in spec_paths(specs):
        click.echo(answer(analyse(path, root).plan, question, format), nl=False)
    return OK


@cli.command()
@common
@click.option("--format", type=click.Choice(("mermaid", "dot", "svg")), default="mermaid", show_default=True)
@guarded
def graph(specs: tuple[Path, ...], root: Path | None, format: str) -> int:
    """Draw the pipeline."""
    from mlcc import graph as drawing
    from mlcc.compiler import analyse

    draw = {"mermaid": drawing.mermaid, "dot": drawing.dot, "svg": drawing.svg}[format]
    for path in spec_paths(specs):
        click.echo(draw(analyse(path, root).plan), nl=False)
    return OK


@cli.command()
@click.argument("rule", required=False)
@guarded
def rules(rule: str | None) -> int:
    """List the lint rules, or explain one."""
    from mlcc.lint.document import explain_rule, list_rules

    click.echo(list_rules() if rule is None else explain_rule(rule), nl=False)
    return OK


@cli.command()
@click.argument("name", type=click.Choice(("spec", "verdict")), default="spec")
@guarded
def schema(name: str) -> int:
    """Print the JSON Schema of specs, or of verdict files."""
    from mlcc import resources

    file = {"spec": "mlcc.schema.json", "verdict": "verdict.schema.json"}[name]
    click.echo(resources.text("schemas", file), nl=False)
    return OK


@cli.command()
@click.option("--format", type=click.Choice(("text", "markdown", "json")), default="text", show_default=True)
@guarded
def targets(format: str) -> int:
    """Show what each back end can do, and how."""
    from mlcc.matrix import capability_matrix

    click.echo(capability_matrix(format), nl=False)
    return OK
