"""The command line. No logic: each command imports the passes that it uses, and prints."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mlcc import __version__
from mlcc.commands import LazyGroup

if TYPE_CHECKING:
    from mlcc.compiler import Analysis
    from mlcc.diagnostics import Diagnostic, MlccError

OK, FINDINGS, BAD_SPEC, BAD_IO, BUG, INTERRUPTED = 0, 1, 2, 3, 70, 130
FORMATS = ("text", "json", "sarif", "github")
Command = TypeVar("Command", bound=Callable[..., Any])


def guarded(command: Callable[..., int]) -> Callable[..., None]:
    """Turn what a command raises into diagnostics and exit codes: no traceback reaches a user."""

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> None:
        try:
            code = _refusable(command, args, options)
        except KeyboardInterrupt:
            code = INTERRUPTED
        except OSError as fault:
            code = unwritable(fault)
        except Exception as problem:
            if click.get_current_context().find_root().params.get("debug"):
                raise
            click.echo(f"mlcc: a bug in mlcc: {type(problem).__name__}: {str(problem)!a}", err=True)
            click.echo("mlcc: please report it, with what `mlcc --debug ...` prints", err=True)
            code = BUG
        sys.exit(code)

    return run


def _refusable(command: Callable[..., int], args: tuple[Any, ...], options: dict[str, Any]) -> int:
    from mlcc.diagnostics import MlccError, OutputError

    try:
        return command(*args, **options)
    except MlccError as problem:
        refuse(problem, options.get("format"), options.get("root"))
        return BAD_IO if isinstance(problem, OutputError) else BAD_SPEC


def unwritable(fault: OSError) -> int:
    """Say that what a command prints (or, unforeseen, something else) can't be written; return the exit code."""
    # what is left in the buffer would fail once more at the interpreter's end, with a traceback
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(fault, BrokenPipeError):  # who reads has gone by choice
        click.echo(f"error[cannot-write]: {fault.strerror or 'input or output failed'}", err=True)
    return BAD_IO


def refuse(problem: MlccError, format: str | None = None, root: Path | None = None) -> None:
    """Print why a pass can't go on, and the hand edits that are in its way."""
    from mlcc.writing.drift import EditedError

    if isinstance(problem, EditedError):
        for diff in (drift.diff for drift in problem.drifts if drift.diff):
            click.echo(diff.rstrip("\n"), err=True)
    show(problem.diagnostics, problem.texts, format if format in FORMATS else "text", root)


def show(
    diagnostics: tuple[Diagnostic, ...] | list[Diagnostic], texts: Any, format: str, root: Path | None
) -> None:
    """Print diagnostics: text to standard error, machine formats to standard output with paths from the root."""
    from mlcc import render_diagnostics as rendering
    from mlcc.places import from_root

    if format != "text":
        diagnostics = from_root(diagnostics, root)
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


def instances(command: Command) -> Command:
    """Add the option that names instances of the specs."""
    return click.option(
        "--instance", "instances", multiple=True, metavar="ID", help="An instance of the spec; by default all. Repeatable."
    )(command)  # fmt: skip


def formats(*names: str) -> Callable[[Command], Command]:
    """Add the option that says how a command prints; the first is the default."""
    choice = click.Choice(names)
    return click.option("--format", type=choice, default=names[0], show_default=True, help="How to print it.")


def spec_paths(
    specs: tuple[Path, ...], root: Path | None = None, everything: bool = False
) -> tuple[Path, ...]:
    """Return the specs that are meant: those named, all of a folder, or the one in this folder. Raises SpecError."""
    from mlcc.compiler import SPEC
    from mlcc.repository import find_specs

    if not everything:
        # Each once, however often it is named.
        named = {os.path.realpath(path): path for path in reversed(specs)}
        return tuple(reversed(named.values())) or (Path(SPEC),)
    if specs:
        raise bad_call("--all means every spec of the repository: name none beside it")
    found = tuple(find_specs(root or Path()))
    if not found:
        raise bad_call(f"there is no {SPEC} in this folder or below it", "no-spec")
    return found


def titled(path: Path, analysis: Analysis) -> str:
    """Return what a pipeline is called in a list of several: its spec's path, and its instance."""
    return f"{path}#{analysis.instance}" if analysis.instance else str(path)


def bad_call(message: str, code: str = "bad-call") -> MlccError:
    """Return the error for options that don't go together."""
    from mlcc.diagnostics import SpecError, error

    return SpecError([error(code, message, None)])


EXIT_CODES = """\b
Exit codes:
  0   all is well
  1   something was found: drift, a warning of lint, or what doctor misses
  2   the spec or the call is wrong
  3   a file can't be read or written
  70  a bug in mlcc
  130 interrupted"""


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EXIT_CODES)
@click.version_option(__version__, prog_name="mlcc")
@click.option("--debug", is_flag=True, help="Show the traceback of a bug in mlcc.")
def cli(debug: bool) -> None:
    """Compile one spec of an ML repository into CI/CD pipelines with gates for code, data and models."""


@cli.command()
@common
@instances
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="NAME",
    help="A back end; by default those under `targets`. Repeatable.",
)
@formats(*FORMATS)
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
    instances: tuple[str, ...],
) -> int:
    """Find mistakes in specs: errors that a compile would stop at, and what goes wrong in real pipelines."""
    from mlcc.compiler import check_targets
    from mlcc.linting import lint_all

    if format != "text" and (limits or environment):
        raise bad_call(f"--limits and --env are texts, which don't go with --format {format}")
    names = check_targets(targets)
    report = lint_all(spec_paths(specs, root, everything), root, names, instances)
    show(report.diagnostics, report.texts, format, root)
    for text in (report.limits(names) if limits else "", report.environments() if environment else ""):
        if text:
            click.echo(text)
    if report.unreadable:
        return BAD_IO
    return BAD_SPEC if report.broken else FINDINGS if report.counts else OK


@cli.command()
@common
@instances
@click.option(
    "--event",
    default="push",
    show_default=True,
    help="What starts the run.",
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
@formats("text", "json")
@guarded
def explain(
    specs: tuple[Path, ...], root: Path | None, format: str, instances: tuple[str, ...], **question: Any
) -> int:
    """Say what an event runs, what it doesn't, and why."""
    from mlcc.compiler import analyses
    from mlcc.explain import answer

    found = answer(
        {titled(path, one): one for path in spec_paths(specs) for one in analyses(path, root, instances)},
        question,
        format,
    )
    click.echo(found.text, nl=False)
    for hint in found.hints:
        click.echo(f"hint: {hint}", err=True)
    return OK


@cli.command()
@common
@instances
@formats("mermaid", "dot", "svg")
@guarded
def graph(specs: tuple[Path, ...], root: Path | None, format: str, instances: tuple[str, ...]) -> int:
    """Draw the pipeline."""
    from mlcc import graph as drawing
    from mlcc.compiler import analyses

    draw = {"mermaid": drawing.mermaid, "dot": drawing.dot, "svg": drawing.svg}[format]
    for path in spec_paths(specs):
        for one in analyses(path, root, instances):
            click.echo(draw(one.plan), nl=False)
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
@click.argument("name", type=click.Choice(("spec", "verdict", "obligations", "doctor")), default="spec")
@guarded
def schema(name: str) -> int:
    """Print the JSON Schema of specs, of verdict files, or of what `mlcc obligations` and `mlcc doctor` print."""
    from mlcc import resources

    file = "mlcc.schema.json" if name == "spec" else f"{name}.schema.json"
    click.echo(resources.text("schemas", file), nl=False)
    return OK


@cli.command()
@formats("text", "markdown", "json")
@guarded
def targets(format: str) -> int:
    """Show what each back end can do, and how."""
    from mlcc.matrix import capability_matrix

    click.echo(capability_matrix(format), nl=False)
    return OK
