"""Run the benchmarks, all or those that are named: `python -m benchmarks [NAME ...]`."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

BENCHMARKS = {
    "lint": "a clean lint, and other linters of a repository",
    "compile": "compiling a small pipeline for every back end",
    "scale": "compiling synthetic specs of 10 to 5,000 nodes",
    "many": "one spec with 10 to 300 instances: all of them, one that changed, none",
    "emit": "writing the YAML of 10,000 jobs",
    "gates": "starting and ending a gate",
    "data": "checking tables of millions of rows, and other tools that do",
    "drift": "how often the drift gate closes without drift, and with it",
    "judge": "how often the canary judge is wrong, and other rules",
    "models": "the difference of two models, and scipy's bootstrap",
    "calibration": "how often gates are wrong, by simulation",
    "wear": "what promotions by one test set do to its verdicts",
}
"""Modules of this package, each with a `main()`. Each runs in a process of its own (see measure.run's peaks)."""


def main(names: list[str]) -> int:
    """Run benchmarks by name; without names, all."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"there is no benchmark '{unknown[0]}'; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    failed = False
    cores = len(os.sched_getaffinity(0))
    print(f"Python {platform.python_version()}, {cores} cores; medians; ratios are of processor (CPU) time")
    for name in names or BENCHMARKS:
        print(f"\n{name}: {BENCHMARKS[name]}\n", flush=True)
        call = f"from benchmarks.{name} import main; main()"
        failed |= subprocess.run([sys.executable, "-c", call]).returncode != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
