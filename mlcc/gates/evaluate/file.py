"""The gate `evaluate` where a JSON file states the metrics: the part of it that needs no package, to start soon."""

from __future__ import annotations

import os
import sys

from mlcc.gates._records import GateError, Verdict, verdict_of
from mlcc.gates._support import Gate, run
from mlcc.gates.evaluate.limits import refuse_incomplete
from mlcc.gates.evaluate.stated import stated_checks


def judge(gate: Gate) -> Verdict:
    """Judge every metric that the parameters name."""
    refuse_incomplete(gate.params)
    if gate.params["source"] != "file":
        raise GateError("the gate judges predictions, and this script only numbers in a file")
    return verdict_of(stated_checks(gate))


def main() -> int:
    """Run the gate that the command line names, and end at once.

    All is written and flushed by then, and to take the interpreter apart would last a sixth of the time that it needs to start.
    """
    os._exit(run("evaluate", judge, __file__, sys.argv[1:]))
