"""A secret is printed.

## What it does

In nodes with secrets, looks for `set -x` and `bash -x`, for a bare `env`, `printenv` or `export -p`, and for
`echo` or `printf` of a secret that goes neither into a pipe nor into a file.

## Why it is bad

CI systems mask what they know, as it is: a secret that was quoted, encoded or split over two lines stays
readable in the log, and logs are kept, copied and shown to whoever may read the repository.

## Bad

    run: |
      set -x
      python push.py
    env: {TOKEN: {secret: TOKEN}}

## Good

    run: python push.py
    env: {TOKEN: {secret: TOKEN}}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.secrets import secret_names
from mlcc.lint.shell import Simple, expansions
from mlcc.lint.subject import Subject, listed

ID = "secret-in-log"
SEVERITY = Severity.WARNING


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each command that prints a secret."""
    for command in subject.commands:
        names = secret_names(subject, command)
        for simple in command.simple if names else ():
            text = _printer(simple, names)
            if text:
                yield subject.finding(
                    ID,
                    SEVERITY,
                    f"`{text}` prints a secret of '{command.node}' ({listed(sorted(names))}) to the log",
                    subject.word(command.loc, text),
                )


def _printer(simple: Simple, names: set[str]) -> str | None:
    program = simple.program
    if program[:1] == ("set",):
        traced = [
            w
            for w in program[1:]
            if w == "xtrace" or (w.startswith("-") and not w.startswith("--") and "x" in w)
        ]
        return f"set {traced[0]}" if traced and traced[0] != "xtrace" else "xtrace" if traced else None
    if program[:2] in (("bash", "-x"), ("sh", "-x")):
        return " ".join(program[:2])
    if simple.after == "|" or any(word.startswith(">") for word in simple.words):
        return None
    bare_env = simple.words in (("env",), ("printenv",), ("export", "-p"), ("export",), ("set",))
    if bare_env:
        return simple.words[0]
    if program[:1] in (("echo",), ("printf",)) and not simple.inside:
        return next((f"{program[0]}" for word in simple.words for n in expansions(word) if n in names), None)
    return None
