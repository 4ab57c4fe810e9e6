"""A job fetches data behind the gates.

## What it does

Looks in the commands of jobs and gates for `dvc pull` and its kin, and for copies from `s3://`, `gs://` or
Kaggle.

## Why it is bad

Data that comes in through a command has no name: no contract can guard it, no digest says what the model was
trained on, and nobody downstream gets the same bytes.

## Bad

    jobs:
      train: {run: "aws s3 cp s3://acme/raw.parquet data/ && python train.py", writes: [model]}

## Good

    artifacts:
      raw: {kind: data, path: data/raw.parquet, from: {command: aws s3 cp s3://acme/raw.parquet data/raw.parquet}}
    jobs:
      train: {run: python train.py, reads: [raw], writes: [model]}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject
from mlcc.plan import NodeKind

ID = "hidden-fetch"
SEVERITY = Severity.WARNING
DVC = ("pull", "fetch", "get", "import")


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each fetch that isn't an artifact's origin."""
    for command in subject.commands:
        if command.node is None or subject.plan.nodes[command.node].kind is NodeKind.FETCH:
            continue
        for simple in command.simple:
            if _fetches(simple.program):
                yield subject.finding(
                    ID,
                    SEVERITY,
                    f"'{command.node}' fetches data that no gate sees",
                    subject.word(command.loc, simple.program[0]),
                    help="give the data an artifact that comes `from` this command, and list it under `reads`",
                )


def _fetches(program: tuple[str, ...]) -> bool:
    if program[:3] == ("python", "-m", "dvc"):
        program = program[2:]
    operands = [word for word in program[1:] if not word.startswith("-")]
    match program[:1]:
        case ("dvc",):
            return "".join(operands[:1]) in DVC
        case ("aws",):
            after = operands[operands.index("s3") + 1 :] if "s3" in operands else []
            return after[:1] in (["cp"], ["sync"], ["mv"]) and "".join(after[1:2]).startswith("s3://")
        case ("gsutil",) | ("gcloud",):
            sources = [word for word in operands if "/" in word]
            return len(sources) > 1 and sources[0].startswith("gs://") and not sources[1].startswith("gs://")
        case ("kaggle",):
            return "download" in operands
    return False
