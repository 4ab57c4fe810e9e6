"""Compiling synthetic specs of 10 to 5,000 nodes: time and memory of each back end, alone and all together.

Each size and set of back ends runs in a process of its own (this module as a script), which times the passes
by its processor time, without the imports, and reads its own peak. A back end that refuses a size, because of
a limit of its platform, does so after lowering and rendering, or before, as it sees fit; the time is until then,
and the code of the refusal is printed.
"""

from __future__ import annotations

import gc
import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from benchmarks.measure import table
from benchmarks.specs import write_spec

SIZES = (10, 100, 1_000, 5_000)
ROUNDS = 3
Result = TypeVar("Result")


def main() -> None:
    """Print one table: a row a set of back ends and pass, a column a size, and the slope."""
    from mlcc.backends import BACKENDS  # names only: light

    sets: list[tuple[str, ...]] = [(name,) for name in BACKENDS]
    if len(sets) > 1:
        sets.append(tuple(BACKENDS))
    found: dict[tuple[tuple[str, ...], int], dict[str, Any]] = {}
    with TemporaryDirectory(prefix="mlcc-bench-") as scratch:
        specs = {}
        for size in SIZES:
            folder = Path(scratch) / str(size)
            folder.mkdir()
            specs[size] = write_spec(folder, size)
        for targets in sets:
            for size, spec in specs.items():
                found[targets, size] = _medians([_in_child(spec, targets) for _ in range(ROUNDS)])
    header = ("back ends, pass", *(f"{size:,}" for size in SIZES), "slope")
    rows = [row for targets in sets for row in _rows(targets, [found[targets, size] for size in SIZES])]
    print("CPU ms, by nodes; the slope is of log time over log nodes, between the two largest sizes")
    print(table(header, rows))


def _rows(targets: Sequence[str], results: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    shown = "all" if len(targets) > 1 else targets[0]
    passes = [name for name in results[0] if name not in ("peak", "refused")]
    rows = [_row(f"{shown}, {name}", [result[name] for result in results]) for name in passes]
    rows.append(_row(f"{shown}, total", [sum(result[name] for name in passes) for result in results]))
    rows.append((f"{shown}, peak MB", *(f"{result['peak'] / 1e6:.0f}" for result in results), ""))
    refused = [" ".join(result["refused"]) for result in results]
    if any(refused):
        rows.append((f"{shown}, refused", *refused, ""))
    return rows


def _row(name: str, seconds: Sequence[float]) -> tuple[str, ...]:
    return (name, *(f"{1000 * found:.0f}" for found in seconds), f"{slope(SIZES, seconds):.2f}")


def slope(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """Return d log(seconds) / d log(size) between the last two points: 1 is linear, 2 quadratic."""
    return math.log(seconds[-1] / seconds[-2]) / math.log(sizes[-1] / sizes[-2])


def _medians(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the median of each figure; whether a size is refused is the same each time."""
    first = results[0]
    return {
        name: first[name] if name == "refused" else statistics.median(result[name] for result in results)
        for name in first
    }


def _in_child(spec: Path, targets: Sequence[str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.scale", str(spec), *targets]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=Path(__file__).parent.parent)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


# --- in the child ------------------------------------------------------------------------------------


def measure(spec: Path, targets: Sequence[str]) -> dict[str, Any]:
    """Compile a spec; return the seconds of each pass, the peak in bytes and the codes of refusals."""
    from mlcc.backends import BACKENDS
    from mlcc.compiler import analyse
    from mlcc.diagnostics import SpecError
    from mlcc.emitted import scripts

    gc.disable()  # as the command does
    seconds: dict[str, Any] = {}
    refused: list[str] = []

    def timed(name: str, act: Callable[[], Result]) -> Result | None:
        start = time.process_time()
        try:
            return act()
        except SpecError as problem:
            refused.extend(dict.fromkeys(diagnostic.code for diagnostic in problem.diagnostics))
            return None
        finally:
            seconds[name] = time.process_time() - start

    modules = {target: BACKENDS[target] for target in targets}  # imports them
    analysis = timed("load to plan", lambda: analyse(spec, spec.parent, assume_committed=True))
    if analysis is not None:
        for target, module in modules.items():
            name = target if len(targets) > 1 else "lower and render"
            timed(name, partial(module.compile, analysis.plan))
        timed("scripts", lambda: scripts(analysis.plan))
    return {**seconds, "peak": _peak(), "refused": refused}


def _peak() -> int:
    """Return the highest resident size of this program in bytes (proc(5), VmHWM)."""
    status = Path("/proc/self/status").read_text("ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), sys.argv[2:])))
