"""Ten checks of a table and two of drift: mlcc's gates, and what else checks tables, side by side in one run.

Before anything is measured, each tool has to find exactly what is planted in a dirty table, and nothing in a clean one.
Then each is measured on clean tables, in a process of its own, from the start of Python to its end. MLCC_BENCH_ROWS says
how many rows, with commas between sizes, MLCC_BENCH_ROUNDS how many rounds. MLCC_BENCH_PEERS names the programs of the peers
that take part, with commas between them (`gx_pandas,polars_streaming`), or `none`; DuckDB's decode, the floor, always does.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from benchmarks import people, people_project
from benchmarks.environments import CACHE, FOLDER, import_seconds, installed_bytes, python
from benchmarks.measure import Command, Goal, Sample, goals, interleave, run, table
from benchmarks.peers import FLOOR, GREAT_EXPECTATIONS, PEERS, Peer
from benchmarks.people_project import GATES, TABLE, TASK

MLCC = "mlcc"
CHECKED_ROWS = 100_000
"""The size of the tables that show whether the tools agree."""
# While it is measured, nothing looks anything up, nor tells anybody.
_QUIET = {"GX_ANALYTICS_ENABLED": "False", "DO_NOT_TRACK": "1"}
_MB = 1e6


def main() -> None:
    """Print a table and the goals for each size, and what the tools cost to install and to import."""
    os.environ.update(_QUIET)
    sizes = [int(size) for size in os.environ.get("MLCC_BENCH_ROWS", "1_000_000,10_000_000").split(",")]
    rounds = int(os.environ.get("MLCC_BENCH_ROUNDS", "3"))
    for dirty in (True, False):
        folder = project(CHECKED_ROWS, dirty=dirty)
        for command in commands(folder):
            if command.name in PEERS:
                run(command)
            else:  # its status is its verdict
                subprocess.run(command.argv, cwd=folder, capture_output=True, check=False)
        check(folder, CHECKED_ROWS, dirty=dirty)
    print(
        f"Every tool finds what is planted in {CHECKED_ROWS:,} rows, and nothing in clean ones.\n", flush=True
    )
    for size in sizes:
        folder = project(size, dirty=False)
        found = interleave(commands(folder), rounds)
        check(folder, size, dirty=False)
        print(f"{size:,} rows, {(folder / TABLE).stat().st_size / _MB:.0f} MB")
        print(report(found) + "\n", flush=True)
    print(_costs())


def project(rows: int, *, dirty: bool) -> Path:
    """Return the folder of a repository around a table of people; only the first run writes the table."""
    source = Path(people.__file__).read_bytes()
    kind = "dirty" if dirty else "clean"
    folder = CACHE / "people" / f"{rows}-{kind}-{hashlib.sha256(source).hexdigest()[:12]}"
    make = [sys.executable, "-m", "benchmarks.people_project", str(folder), str(rows), kind]
    subprocess.run(make, cwd=FOLDER.parent, check=True)
    return folder


def peers() -> dict[str, Peer]:
    """Return what mlcc is held against, by name."""
    asked = os.environ.get("MLCC_BENCH_PEERS")
    if asked is None:
        return PEERS
    programs = {PEERS[FLOOR].program, *asked.split(",")} - {"none"}
    if unknown := programs - {peer.program for peer in PEERS.values()}:
        raise SystemExit(f"MLCC_BENCH_PEERS: {', '.join(sorted(unknown))} is no program of benchmarks/peers")
    return {name: peer for name, peer in PEERS.items() if peer.program in programs}


def commands(folder: Path) -> list[Command]:
    """Return how the gates are run, as a pipeline does, and the peers' programs."""
    duckdb = python("duckdb")
    gates = [Command(f"{MLCC}, {id}", (duckdb, "-I", f".mlcc/gates/{id}.py", id), folder) for id in GATES]
    return gates + [
        Command(
            name,
            (
                python(peer.environment),
                str(FOLDER / "peers" / f"{peer.program}.py"),
                str(folder / TASK),
                str(folder / f"{peer.program}.json"),
            ),
            folder,
        )
        for name, peer in peers().items()
    ]


def check(folder: Path, rows: int, *, dirty: bool) -> None:
    """Raise WrongFactsError unless each tool, which has run, found what there is to find."""
    for id, checks in GATES.items():
        compare(f"{MLCC}, {id}", checks, *people_project.recorded(folder, id), rows, dirty=dirty)
    for name, peer in peers().items():
        facts = json.loads((folder / f"{peer.program}.json").read_text("utf-8"))
        compare(name, peer.checks, set(facts["failed"]), facts["counts"], rows, dirty=dirty)


class WrongFactsError(Exception):
    """A tool didn't find what is in the table, so that its time says nothing."""


def compare(
    tool: str,
    checks: Collection[str],
    failed: Collection[str],
    counts: Mapping[str, int],
    rows: int,
    *,
    dirty: bool,
) -> None:
    """Raise WrongFactsError unless exactly `checks` failed if the table is dirty, and none else, with proper counts."""
    if set(failed) != (set(checks) if dirty else set()):
        raise WrongFactsError(
            f"{tool}, {rows:,} {'dirty' if dirty else 'clean'} rows: failed {sorted(failed)}"
        )
    there = people.planted(rows, dirty=dirty)
    wrong = {name: count for name, count in counts.items() if count != there[name]}
    if wrong:
        raise WrongFactsError(f"{tool}, {rows:,} rows: counted {wrong}, but there are {there}")


def report(found: Mapping[str, Sample]) -> str:
    """Return a table of medians, mlcc's gates also in one line as they run one after the other, and the goals."""
    gates = [found[f"{MLCC}, {id}"] for id in GATES]
    own = Sample(
        sum(gate.wall for gate in gates), sum(gate.cpu for gate in gates), max(gate.peak for gate in gates)
    )
    header = ("tool", "wall s", "CPU s", "peak MB", "CPU ÷ mlcc", "peak ÷ mlcc", "CPU ÷ decode")
    rows = [_row(name, sample, own, found[FLOOR]) for name, sample in {MLCC: own, **found}.items()]
    # Like with like: Great Expectations has no drift, and the contract needs all columns of the floor.
    floor, contract = found[FLOOR], gates[0]
    held = []
    if GREAT_EXPECTATIONS in found:
        other = found[GREAT_EXPECTATIONS]
        held += [
            Goal(
                "the contract: CPU at least 10 x lower than Great Expectations'",
                other.cpu / contract.cpu,
                10,
                False,
            ),
            Goal(
                "the contract: peak at least 50 x lower than Great Expectations'",
                other.peak / contract.peak,
                50,
                False,
            ),
        ]
    held += [
        Goal("the contract: CPU at most 2 x DuckDB's decode", contract.cpu / floor.cpu, 2, True),
        Goal("both gates: CPU at most 2 x DuckDB's decode", own.cpu / floor.cpu, 2, True),
        Goal("peak at most 200 MB, as a share of it", own.peak / (200 * _MB), 1, True),
    ]
    return table(header, rows) + "\n" + goals(held)


def _row(name: str, sample: Sample, own: Sample, floor: Sample) -> Sequence[str]:
    return (
        name,
        f"{sample.wall:.2f}",
        f"{sample.cpu:.2f}",
        f"{sample.peak / _MB:.0f}",
        f"{sample.cpu / own.cpu:.2f}",
        f"{sample.peak / own.peak:.1f}",
        f"{sample.cpu / floor.cpu:.2f}",
    )


def _costs() -> str:
    tools = {MLCC: PEERS[FLOOR], **peers()}
    del tools[FLOOR]
    rows = []
    for name, peer in tools.items():
        program = python(peer.environment)
        size, seconds = installed_bytes(program), import_seconds(program, peer.module)
        rows.append((name, f"{size / _MB:.0f}", f"{seconds:.2f}"))
    return table(("tool", "installed MB", "import s"), rows)
