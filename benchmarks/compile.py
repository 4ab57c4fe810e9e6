"""`mlcc compile` of examples/flights for every back end, and check-jsonschema's lint of one compiled file."""

from __future__ import annotations

import sys
from functools import partial

from benchmarks.lint import PASS, WORKFLOW
from benchmarks.measure import Command, Goal, compare, goals, interleave
from benchmarks.projects import compiled_example, remove_outputs, script

ROUNDS = 15
FRESH, CHECK, PEER = "mlcc compile", "mlcc compile --check", "check-jsonschema"


def main() -> None:
    """Print the table and the goals."""
    with compiled_example("flights") as folder:
        mlcc = (script("mlcc"), "compile")
        commands = [
            Command(PASS, (sys.executable, "-c", "pass"), folder),
            Command(CHECK, (*mlcc, "--check"), folder),
            Command(FRESH, mlcc, folder, before=partial(remove_outputs, folder)),
            Command(
                PEER,
                (script("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", WORKFLOW),
                folder,
            ),
        ]
        found = interleave(commands, ROUNDS)
    print(compare(found, (PASS, PEER)))
    print(
        goals(
            Goal(
                f"{name}, all back ends: at most {most} x check-jsonschema's lint of one file",
                ratio,
                most,
                True,
            )
            for name, ratio in ((name, found[name].cpu / found[PEER].cpu) for name in (CHECK, FRESH))
            for most in (3, 1)
        )
    )
