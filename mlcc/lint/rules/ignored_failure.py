"""A command's failure is thrown away.

## What it does

Looks in `setup` and `run` for `|| true`, `|| :`, `|| exit 0` and `|| echo ...`, for `set +e` or
`set +o pipefail` that is never taken back, and for `--exit-zero`. Commands that fail in the course of things are
left alone: rm, kill, grep, diff, mkdir, test and the like.

## Why it is bad

mlcc runs every command in strict mode: the first failure ends it. These switch that off, and a failed test,
evaluation or download counts as a success.

## Bad

    run: pytest -q || true

## Good

    run: pytest -q
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.commands import Command
from mlcc.lint.shell import Simple
from mlcc.lint.subject import Subject

ID = "ignored-failure"
SEVERITY = Severity.WARNING
SAY = ("echo", "printf")
MAY_FAIL = frozenset({
    "rm", "rmdir", "kill", "pkill", "grep", "egrep", "fgrep", "diff", "cmp", "mkdir", "test", "[", "[[",
    "which", "type", "hash", "command", "docker", "podman", "umount", "ln", "read", "expr", "let", "wait",
    "source", "cd", "unset", "deactivate",
})  # fmt: skip


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each failure that is thrown away."""
    for command in subject.commands:
        if command.part != "finally":
            for text in _thrown_away(command):
                yield subject.finding(
                    ID,
                    SEVERITY,
                    f"`{text}` makes {command.who} go on after a failure",
                    subject.word(command.loc, text),
                    help="let it fail; a node that may fail has `blocking: false`",
                )


def _thrown_away(command: Command) -> Iterator[str]:
    simple = command.simple
    for left, right in pairwise(simple):
        ignored = left.after == "||" and _succeeds(right)
        if ignored and left.program and left.program[0] not in MAY_FAIL:
            yield f"|| {right.words[0]}" if right.words[0] in SAY else f"|| {' '.join(right.program)}"
    for number, each in enumerate(simple):
        switch = _switched_off(each.program)
        if switch and not any(_switched_on(later.program) for later in simple[number + 1 :]):
            yield switch
        if "--exit-zero" in each.program[1:]:
            yield "--exit-zero"


def _succeeds(simple: Simple) -> bool:
    """Tell whether a command after || does nothing but succeed."""
    if simple.words[0] in SAY:
        return simple.after not in ("&&", ")")  # `x=$(git describe || echo none)` is a default
    return simple.program in (("true",), (":",), ("exit", "0"))


def _switched_off(program: tuple[str, ...]) -> str | None:
    if program[:1] != ("set",):
        return None
    for number, word in enumerate(program[1:], 1):
        if word.startswith("+") and "e" in word and word != "+o":
            return f"set {word}"
        if word == "+o" and program[number + 1 : number + 2] in (("pipefail",), ("errexit",)):
            return f"set +o {program[number + 1]}"
    return None


def _switched_on(program: tuple[str, ...]) -> bool:
    return program[:1] == ("set",) and any(
        word in ("errexit", "pipefail") or (word.startswith("-") and "e" in word) for word in program[1:]
    )
