"""The short way of `mlcc lint` says "clean" where the command line would, and leaves all else to it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from mlcc import clean
from mlcc.cli import INTERRUPTED
from tests.cli.project import Project

EXAMPLE = Path(__file__).parents[2] / "examples" / "flights" / "mlcc.yaml"
COMMANDS = {
    "notes": "lint",
    "a note in one of two": f"lint {shlex.quote(str(EXAMPLE))} mlcc.yaml",
    "an option": "lint --format json",
    "an unknown option": "lint --nope",
    "help": "lint --help",
    "no such spec": "lint nope.yaml",
    "a folder": "lint .",
    "an empty name": "lint ''",
}


def ended(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> bool:
    """Tell whether the short way ends the process."""
    ends: list[int] = []
    monkeypatch.setattr("os._exit", ends.append)
    clean.end_if_clean(arguments)
    assert ends in ([], [0])
    return bool(ends)


def test_a_clean_spec_needs_no_command_line(project: Project) -> None:
    shown = "import os, sys; os._exit = lambda code: sys.exit(f'{code} click' if 'click' in sys.modules else code)"
    code = f"{shown}; sys.argv = ['mlcc', 'lint', {str(EXAMPLE)!r}]; from mlcc.__main__ import main; main()"
    done = project.shell(f"python -c {shlex.quote(code)}")
    assert (done.code, done.both) == (0, "")
    done = project.shell(f"python -m mlcc lint {shlex.quote(str(EXAMPLE))}")
    assert (done.code, done.both) == (0, "")


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_all_else_is_said_by_the_command_line(project: Project, command: str) -> None:
    done, wanted = project.shell(f"python -m mlcc {command}"), project.run(*shlex.split(command))
    assert (done.code, done.out.split(), done.err.split()) == (
        wanted.code,
        wanted.out.split(),
        wanted.err.split(),
    )
    assert done.both


def test_a_mistake_is_never_clean(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ended([str(EXAMPLE)], monkeypatch)
    project.spec("reads: [model]", "reads: [modle]")
    assert not ended([str(EXAMPLE), "mlcc.yaml"], monkeypatch)
    assert not ended([], monkeypatch)


def test_an_interrupt_ends_it_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mlcc.linting.lint_all", interrupted)
    with pytest.raises(SystemExit, match=str(INTERRUPTED)):
        clean.end_if_clean([])


def test_what_nobody_foresaw_is_never_clean(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise LookupError

    monkeypatch.setattr("mlcc.linting.lint_all", broken)
    assert not ended([str(EXAMPLE)], monkeypatch)
