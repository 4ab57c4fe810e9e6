"""What runs a compiled pipeline for real, and what a run leaves behind, whatever the CI system."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tests.execution.equivalence.case import Scratch

Records = Mapping[tuple[str, str], Mapping[str, Any]]  # (node, leg) -> record
NAMES = ("state.json", "verdict.json", "selection.json", "result.json")


@dataclass(frozen=True, slots=True)
class Run:
    """One finished run. `green` is the colour that the CI system itself shows; `log` is for people.

    `files` are the records as they lie there: s--NODE[--LEG]/NAME -> bytes. `releases` is the release log.
    """

    states: Records
    verdicts: Records
    selection: Mapping[str, Any]
    result: Mapping[str, Any]
    green: bool
    log: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    releases: str = ""


class Runner(Protocol):
    """Runs what one back end compiled. A tool that isn't there skips the test, or fails it (MLCC_TEST_ALL=1)."""

    name: str

    def run(self, scratch: Scratch, python: str = sys.executable) -> Run:
        """Run the pipeline for the event of `scratch`, to its end, with a Python whose packages every node finds."""


def gathered(folders: Iterable[Path], green: bool, log: str) -> Run:
    """Return the run whose state folders (`s--NODE[--LEG]`) lie anywhere below `folders`.

    A record that several jobs hand on has to be the same everywhere: otherwise AssertionError.
    """
    files: dict[str, bytes] = {}
    logs: list[str] = []
    for folder in folders:
        logs += [path.read_text("utf-8") for path in folder.rglob("s--final/releases.jsonl")]
        for path in sorted(folder.rglob("s--*/*.json")):
            if path.name in NAMES:
                name, data = f"{path.parent.name}/{path.name}", path.read_bytes()
                assert files.setdefault(name, data) == data, f"two different records {name}"
    found: dict[str, dict[tuple[str, str], Mapping[str, Any]]] = {name: {} for name in NAMES}
    for place, data in files.items():
        folder_name, _, name = place.partition("/")
        _, node, *rest = folder_name.split("--")
        found[name][node, "".join(rest)] = json.loads(data)
    return Run(
        states=found["state.json"],
        verdicts=found["verdict.json"],
        selection=found["selection.json"].get(("select", ""), {}),
        result=found["result.json"].get(("final", ""), {}),
        green=green,
        log=log,
        files=files,
        releases=logs[0] if logs else "",
    )
