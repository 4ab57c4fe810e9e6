"""A secret is passed on a command line.

## What it does

Looks for programs with the value of a secret among their arguments. What the shell does itself (echo, test,
export, here-strings) is fine.

## Why it is bad

Every process on the machine sees the arguments of every other, and many programs repeat them in an error
message or a log. 9 of 25 public pipelines show a secret in this way or in the log.

## Bad

    run: docker login -u ci -p "$REGISTRY_TOKEN" ghcr.io
    env: {REGISTRY_TOKEN: {secret: REGISTRY_TOKEN}}

## Good

    run: docker login -u ci --password-stdin ghcr.io <<< "$REGISTRY_TOKEN"
    env: {REGISTRY_TOKEN: {secret: REGISTRY_TOKEN}}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.secrets import secret_names
from mlcc.lint.shell import Simple, bare, expansions, program_index
from mlcc.lint.subject import Subject

ID = "secret-in-arguments"
SEVERITY = Severity.WARNING
OF_THE_SHELL = frozenset({
    "echo", "printf", "test", "[", "[[", "export", "declare", "local", "readonly", "typeset", ":", "set",
    "unset", "case", "read",
})  # fmt: skip


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each secret on a command line."""
    for command in subject.commands:
        names = secret_names(subject, command)
        for simple in command.simple if names else ():
            for name in dict.fromkeys(_passed(simple)):
                if name in names:
                    yield subject.finding(
                        ID,
                        SEVERITY,
                        f"'{command.node}' passes the secret {name} on a command line, which every process can read",
                        subject.word(command.loc, f"${name}" if f"${name}" in command.text else name),
                        help="let the program read its environment, standard input (`<<<`), or a file (`as: file`)",
                    )


def _passed(simple: Simple) -> list[str]:
    start = program_index([bare(word) for word in simple.words])
    arguments = simple.words[start:]
    if not arguments or bare(arguments[0]) in OF_THE_SHELL:
        return []
    kept = [word for before, word in zip(("", *arguments), arguments, strict=False) if before != "<<<"]
    return [name for word in kept for name in expansions(word)]
