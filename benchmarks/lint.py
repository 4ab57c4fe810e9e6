"""A clean `mlcc lint` of examples/flights, as a user runs it, and the linters that a repository has anyway."""

from __future__ import annotations

import sys

from benchmarks.measure import Command, Goal, compare, goals, interleave
from benchmarks.projects import compiled_example, script

ROUNDS = 15
WORKFLOW = ".github/workflows/flights.yml"
MLCC, PASS = "mlcc lint", "python -c pass"


def main() -> None:
    """Print the table and the goals."""
    with compiled_example("flights") as folder:
        calls = {
            PASS: (sys.executable, "-c", "pass"),
            "python -I -c pass": (sys.executable, "-I", "-c", "pass"),
            MLCC: (script("mlcc"), "lint", "mlcc.yaml"),
            "check-yaml, spec": (script("check-yaml"), "mlcc.yaml"),
            "check-yaml": (script("check-yaml"), WORKFLOW),
            "zizmor --offline": (script("zizmor"), "--offline", WORKFLOW),
            "actionlint": (script("actionlint"), WORKFLOW),
            "check-jsonschema": (
                script("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", WORKFLOW,
            ),
        }  # fmt: skip
        found = interleave([Command(name, argv, folder) for name, argv in calls.items()], ROUNDS)
    print(compare(found, (PASS, MLCC)))
    own = found[MLCC].cpu
    schema, yaml = (found[name].cpu / own for name in ("check-jsonschema", "check-yaml"))
    print(
        goals(
            [
                Goal("at least 4 x faster than check-jsonschema", schema, 4, False),
                Goal("at least 20 x faster than check-jsonschema", schema, 20, False),
                Goal("at least 5 x faster than check-yaml", yaml, 5, False),
                Goal("at most 1.5 x python -c pass", own / found[PASS].cpu, 1.5, True),
            ]
        )
    )
