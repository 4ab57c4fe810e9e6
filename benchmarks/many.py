"""One spec with 10 to 300 instances, compiled for every back end: all of them, one of them, and none.

Each call is a process of its own, as a user's is; the ratios are of processor (CPU) time, which waiting for the disk
isn't part of. What a call takes beside its work (starting, reading the spec) is in every figure.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import Command, Sample, run, table

SIZES = (10, 100, 300)
_HEAD = """\
version: 1
name: many
triggers: {push: {branches: [main]}, pull_request: {branches: [main]}}
defaults: {python: "3.12"}
params: {rate: {type: number}, floor: {type: number, default: 0.7, min: 0.5, max: 1}}
artifacts:
  code: {kind: code, path: [src/]}
  raw: {kind: data, path: data.csv}
  model: {kind: model, path: model.bin}
  scored: {kind: data, path: scored.csv}
jobs:
  train: {run: python -m train, reads: [code, raw], writes: [model], env: {RATE: {param: rate}}}
  score: {run: python -m score, reads: [code, raw], evaluates: [model], writes: [scored]}
gates:
  unit: {guards: code, tests: {run: pytest}}
  contract: {guards: raw, contract: {columns: {id: {type: integer}}}}
  floor: {guards: model, evaluate: {predictions: scored, label: y, score: p, metrics: {roc_auc: {min: {param: floor}}}}}
targets: {github: {}, gitlab: {}, jenkins: {}}
instances:
"""


def main() -> None:
    """Print a row for each size: CPU ms of each kind of call, the peak of the first, and what one change costs of it."""
    header = ("instances", "all, ms", "peak MB", "one changed, ms", "none, ms", "all / one")
    rows = []
    for size in SIZES:
        with TemporaryDirectory(prefix="mlcc-bench-") as scratch:
            rows.append(_row(Path(scratch), size))
    print(table(header, rows))


def _row(folder: Path, size: int) -> tuple[str, ...]:
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    write(folder, size)
    everything = _compile(folder)
    write(folder, size, changed=size // 2)
    one, none = _compile(folder), _compile(folder)
    cpu = [1000 * call.cpu for call in (everything, one, none)]
    return (
        str(size), f"{cpu[0]:,.0f}", f"{everything.peak / 1e6:.0f}", f"{cpu[1]:,.0f}", f"{cpu[2]:,.0f}",
        f"{cpu[0] / cpu[1]:.1f}",
    )  # fmt: skip


def write(folder: Path, size: int, changed: int | None = None) -> Path:
    """Write a spec with so many instances, one of them `changed`, and what they read. Return the spec."""
    lines = []
    for number in range(size):
        home = folder / f"m{number}"
        (home / "src").mkdir(parents=True, exist_ok=True)
        (home / "src/train.py").touch()
        (home / "data.csv").write_text("id\n1\n")
        rate = 3 if number == changed else 2
        lines.append(f"  m{number}: {{root: m{number}, params: {{rate: {rate}}}}}\n")
    spec = folder / "mlcc.yaml"
    spec.write_text(_HEAD + "".join(lines))
    return spec


def _compile(folder: Path) -> Sample:
    return run(Command("compile", (sys.executable, "-m", "mlcc", "compile"), folder))
