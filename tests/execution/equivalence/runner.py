"""What runs a compiled pipeline for real, and what a run leaves behind, whatever the CI system."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.execution.equivalence.case import Scratch

Records = Mapping[tuple[str, str], Mapping[str, Any]]  # (node, leg) -> record
NAMES = ("state.json", "verdict.json", "selection.json", "result.json")


@dataclass(frozen=True, slots=True)
class Run:
    """One finished run. `green` is the colour that the CI system itself shows; `log` is for people."""

    states: Records
    verdicts: Records
    selection: Mapping[str, Any]
    result: Mapping[str, Any]
    green: bool
    log: str


class Runner(Protocol):
    """Runs what one back end compiled. A tool that isn't there skips the test, or fails it (MLCC_TEST_ALL=1)."""

    name: str

    def run(self, scratch: Scratch) -> Run:
        """Run the pipeline for the event of `scratch`, to its end."""


def gathered(folders: Iterable[Path], green: bool, log: str) -> Run:
    """Return the run whose state folders (`s--NODE[--LEG]`) lie anywhere below `folders`.

    A record that several jobs hand on has to be the same everywhere: otherwise AssertionError.
    """
    found: dict[str, dict[tuple[str, str], Mapping[str, Any]]] = {name: {} for name in NAMES}
    for folder in folders:
        for path in sorted(folder.rglob("s--*/*.json")):
            if path.name in found:
                _, node, *rest = path.parent.name.split("--")
                leg = node, "".join(rest)
                record = json.loads(path.read_text(encoding="utf-8"))
                first = found[path.name].setdefault(leg, record)
                assert first == record, f"two different records {path.parent.name}/{path.name}"
    return Run(
        states=found["state.json"],
        verdicts=found["verdict.json"],
        selection=found["selection.json"].get(("select", ""), {}),
        result=found["result.json"].get(("final", ""), {}),
        green=green,
        log=log,
    )
