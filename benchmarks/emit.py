"""Emit 10,000 workflow jobs with mlcc's emitter and with PyYAML's dumper in C, in turn, in this process."""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable
from typing import Any

import yaml

from benchmarks.measure import Goal, goals, table
from mlcc.backends._yaml import Block, Comment, Flow, Spaced, Wrapped, emit

CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1"
UPLOAD = "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f"
ROUNDS = 5
JOBS = 10_000


def job(number: int, marked: bool) -> dict[str, Any]:
    """One node as the GitHub back end lowers it, with the emitter's marks or as a plain tree."""
    flow: Callable[[Any], Any] = Flow if marked else lambda value: value
    uses: Callable[[str, str], Any] = Comment if marked else lambda value, _: value
    condition = [
        "${{ !cancelled()",
        "&& needs.select.result == 'success'",
        f"&& !contains(needs.select.outputs.skip, ',node-{number},') }}}}",
    ]
    script = f"set -euo pipefail\npython3 -I .mlcc/run.py node # {number}\n"
    return {
        "name": f"node-{number}",
        "needs": flow(["select", f"node-{number - 1}"]),
        "if": Wrapped(condition) if marked else " ".join(condition),
        "runs-on": "ubuntu-24.04",
        "timeout-minutes": 35,
        "permissions": flow({"contents": "read"}),
        "steps": [
            {"uses": uses(CHECKOUT, "v7.0.1"), "with": flow({"persist-credentials": False})},
            {
                "id": "run",
                "env": flow({"MLCC_NODE": f"node-{number}"}),
                "run": Block(script) if marked else script,
            },
            {
                "if": "${{ !cancelled() }}",
                "uses": uses(UPLOAD, "v7.0.0"),
                "with": {
                    "name": f"s--node-{number}",
                    "path": f"_mlcc/s--node-{number}/",
                    "if-no-files-found": "error",
                },
            },
        ],
    }


def dump(tree: Any, dumper: type) -> str:
    """What PyYAML writes for the tree."""
    stream = io.StringIO()
    yaml.dump(tree, stream, Dumper=dumper, sort_keys=False)
    return stream.getvalue()


def seconds(act: Callable[[], object]) -> float:
    """The processor time of one call."""
    start = time.process_time()
    act()
    return time.process_time() - start


def main() -> None:
    """Print the table and the goal."""
    marked = {"jobs": Spaced({f"node-{n}": job(n, True) for n in range(JOBS)})}
    bare = {"jobs": {f"node-{n}": job(n, False) for n in range(JOBS)}}
    acts = {"mlcc": lambda: emit(marked), "PyYAML in C": lambda: dump(bare, yaml.CSafeDumper)}
    times: dict[str, list[float]] = {name: [] for name in acts}
    for _ in range(ROUNDS):
        for name, act in acts.items():
            times[name].append(seconds(act))
    medians = {name: statistics.median(found) for name, found in times.items()}
    own = medians["mlcc"]
    rows = [(name, f"{1000 * found:.0f}", f"{found / own:.2f}") for name, found in medians.items()]
    print(table(("emitter", "CPU ms", "÷ mlcc"), rows))
    print(goals([Goal("at least 10 x faster than PyYAML in C", medians["PyYAML in C"] / own, 10, False)]))
