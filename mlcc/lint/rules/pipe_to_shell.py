"""A download is run unseen.

## What it does

Looks for `curl` or `wget` piped into a shell or Python, and for `bash <(curl ...)`, `sh -c "$(curl ...)"` and
`eval "$(curl ...)"`.

## Why it is bad

Whoever controls that address, or the way to it, runs commands in your pipeline, with its secrets. Nothing
says which version ran yesterday.

## Bad

    setup: [curl -LsSf https://example.com/install.sh | sh]

## Good

    setup: [pip install --require-hashes -r requirements.txt]
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.commands import Command
from mlcc.lint.subject import Subject

ID = "pipe-to-shell"
SEVERITY = Severity.WARNING
SHELLS = frozenset({
    "sh", "bash", "dash", "zsh", "ksh", "python", "python3", "perl", "source", ".", "eval",
})  # fmt: skip


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each download that is run at once."""
    for command in subject.commands:
        for loader in _run_at_once(command):
            yield subject.finding(
                ID,
                SEVERITY,
                f"{command.who} runs whatever this address serves today",
                subject.word(command.loc, loader),
                help="install a pinned package; or download a file, compare its sha256, then run it",
            )


def _run_at_once(command: Command) -> Iterator[str]:
    simple = command.simple
    for number, left in enumerate(simple):
        if left.program[:1] not in (("curl",), ("wget",)):
            continue
        following = number + 1
        while left.after == "|" and following < len(simple):
            if simple[following].program[:1] and simple[following].program[0] in SHELLS:
                yield left.program[0]
                break
            if simple[following].after != "|":
                break
            following += 1
        else:
            if left.inside in SHELLS:
                yield left.program[0]
