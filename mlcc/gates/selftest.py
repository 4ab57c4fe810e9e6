"""Runs an emitted gate on its kind's known-bad inputs: one that passes any of them decides nothing.

Each fixture lies in a temporary folder of its own, with the script and the parameters as they are committed. No
program of the user's is run: a stand-in takes the place of every `run` in the parameters, `setup` is left out, and
the environment has nothing but the way to the programs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

from mlcc.gates import GATES
from mlcc.gates.fixtures import Fixture, in_files
from mlcc.record import record

TIMEOUT = 120
"""Seconds that a gate may take for a fixture."""
_EXIT = {"pass": 0, "fail": 1, "error": 2, "inconclusive": 3}


@record
class Outcome:
    """What a gate made of a fixture: `problem` says how it went wrong, None that it closed as it must."""

    gate: str
    fixture: str
    verdict: str
    problem: str | None


def selftest(script: bytes, document: Mapping[str, Any]) -> Iterator[Outcome]:
    """Yield what a gate makes of each of its kind's fixtures, in their order.

    `script` is the gate's script, `document` what `.mlcc/gates/<id>.json` holds. The gate's packages must be
    importable by this Python.
    """
    document = in_files(document)
    fixtures = known_bad(document)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as threads:
        yield from threads.map(lambda fixture: _outcome(script, document, fixture), fixtures)


def known_bad(document: Mapping[str, Any]) -> list[Fixture]:
    """Return the fixtures that a gate's kind has for its parameters."""
    return list(_fixtures_of(document).known_bad(document))


def _fixtures_of(document: Mapping[str, Any]) -> Any:
    return import_module(f"{GATES[document['kind']].module}.selftest")


def _outcome(script: bytes, document: Mapping[str, Any], fixture: Fixture) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="mlcc-selftest-") as name:
        root = Path(name)
        verdict, problem = _run(root, script, document, fixture)
    return Outcome(document["gate"], fixture.name, verdict, problem)


def _run(root: Path, script: bytes, document: Mapping[str, Any], fixture: Fixture) -> tuple[str, str | None]:
    path = f".mlcc/gates/{document['kind']}.py"
    lay_out(root, document, fixture, {path: script})
    try:
        done = subprocess.run(
            [sys.executable, "-I", path, document["gate"]],
            cwd=root,
            env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(root)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "none", f"it did not end within {TIMEOUT} s"
    return judged(root, document, fixture, done.returncode)


def lay_out(
    root: Path, document: Mapping[str, Any], fixture: Fixture, beside: Mapping[str, bytes] | None = None
) -> None:
    """Write a fixture's files and the gate's parameters below an empty folder, and whatever is to lie `beside`."""
    parameters = json.dumps(stand_in(document, fixture.program)).encode()
    stated = {f".mlcc/gates/{document['gate']}.json": parameters}
    for place, content in {**fixture.files, **stated, **(beside or {})}.items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_bytes(content)


def judged(root: Path, document: Mapping[str, Any], fixture: Fixture, code: int) -> tuple[str, str | None]:
    """Return the verdict that a gate left below `root`, and what is wrong with it; `code` is its exit code."""
    report = root / f"_mlcc/s--{document['gate']}/verdict.json"
    try:
        found = json.loads(report.read_bytes())
        verdict = str(found["verdict"])
    except (OSError, ValueError, KeyError, TypeError):
        return "none", f"it ended with exit code {code} and wrote no verdict"
    if code == 0 or verdict == "pass":
        return verdict, "it opens"
    if code != _EXIT.get(verdict):
        return verdict, f"the verdict is {verdict}, and the exit code {code}"
    checks = {check["id"]: check["verdict"] for check in found["checks"]}
    ended = verdict if fixture.check is None else checks.get(fixture.check)
    if ended == fixture.verdict:
        return verdict, None
    who = "the verdict" if fixture.check is None else f"the check {fixture.check}"
    return verdict, f"{who} is {ended or 'not there'}, and must be {fixture.verdict}"


def stand_in(document: Mapping[str, Any], program: str) -> dict[str, Any]:
    """Return a gate's document with `program` instead of every program in its parameters, and nothing that opens it.

    A waiver and `on_inconclusive: warn` open a gate whose verdict is what it should be. Of a table in several paths only
    the first stays: a fixture is one file. A kind's `STAND_IN` has what else is replaced, such as addresses and times to wait.
    """
    framed = {key: value for key, value in document.items() if key != "waive"}
    if "duckdb" in GATES[document["kind"]].requires:
        framed["artifacts"] = {id: _first(artifact) for id, artifact in document["artifacts"].items()}
    others = getattr(_fixtures_of(document), "STAND_IN", {})
    programs = {"run": program, "setup": []} if GATES[document["kind"]].programs else {}
    params = _replaced(document["params"], {**programs, **others})
    return {**framed, "on_inconclusive": "fail", "params": params}


def _first(artifact: Mapping[str, Any]) -> dict[str, Any]:
    path = artifact["path"]
    return {**artifact, "path": path if isinstance(path, str) else path[:1]}


def _replaced(value: Any, programs: Mapping[str, object]) -> Any:
    if isinstance(value, dict):
        return {
            key: programs[key] if key in programs else _replaced(inner, programs)
            for key, inner in value.items()
        }
    return [_replaced(item, programs) for item in value] if isinstance(value, list) else value
