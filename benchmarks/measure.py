"""Child processes, measured in turn: wall time, processor time and peak memory, medians, tables, goals.

Absolute times drift with the machine and with what else runs on it. So everything that is compared runs in
turn, round after round, and what is reported beside a median is its ratio to another median of the same run.
Ratios are of processor time (user and system, of the child and of the children that it waited for): it changes
far less than wall time when somebody else uses the machine too.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# A user's mlcc and a user's peers have their bytecode compiled once; a checkout's would be compiled each time.
_UNUSUAL = frozenset({"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"})


@dataclass(frozen=True, slots=True)
class Command:
    """What is measured: `argv` in the folder `cwd`, after `before`, which isn't measured."""

    name: str
    argv: tuple[str, ...]
    cwd: Path
    before: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One run: seconds of wall time, seconds of processor time, and the highest resident size in bytes."""

    wall: float
    cpu: float
    peak: int


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound that a figure is held against in print, and nowhere else. `most`: it may not be higher."""

    text: str
    found: float
    bound: float
    most: bool

    def line(self) -> str:
        """Return the goal with its figure and whether it is met."""
        met = self.found <= self.bound if self.most else self.found >= self.bound
        return f"{'met' if met else 'NOT met':<8} {self.text}: {self.found:.2f} x"


class FailedError(Exception):
    """A command that is measured didn't end with status 0, so that its time says nothing."""


def run(command: Command) -> Sample:
    """Run a command once. Raises FailedError.

    The peak can't be lower than this process's own: Linux hands it on to a child until it starts the program
    (fs/exec.c, setmax_mm_hiwater_rss). So the benchmarks import nothing large into this process.
    """
    if command.before is not None:
        command.before()
    env = {name: value for name, value in os.environ.items() if name not in _UNUSUAL}
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        child = subprocess.Popen(
            command.argv, cwd=command.cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            output.seek(0)
            told = output.read().decode("utf-8", "replace")[-2000:]
            raise FailedError(f"{command.name} ended with status {child.returncode}:\n{told}")
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def interleave(commands: Sequence[Command], rounds: int) -> dict[str, Sample]:
    """Return the medians of each command by its name. One more round goes before, to fill the caches.

    Each round starts one command later, so that none always follows the same one.
    """
    samples: dict[str, list[Sample]] = {command.name: [] for command in commands}
    for turn in range(rounds + 1):
        first = turn % len(commands)
        for command in (*commands[first:], *commands[:first]):
            sample = run(command)
            if turn:
                samples[command.name].append(sample)
    return {name: _median(found) for name, found in samples.items()}


def _median(samples: Sequence[Sample]) -> Sample:
    return Sample(
        statistics.median(sample.wall for sample in samples),
        statistics.median(sample.cpu for sample in samples),
        int(statistics.median(sample.peak for sample in samples)),
    )


def compare(found: Mapping[str, Sample], bases: Iterable[str]) -> str:
    """Return a table of medians, with the ratio of processor time to each of `bases`."""
    bases = tuple(bases)
    header = ("command", "wall ms", "CPU ms", "peak MB", *(f"÷ {base}" for base in bases))
    rows = [
        (
            name,
            f"{1000 * sample.wall:.1f}",
            f"{1000 * sample.cpu:.1f}",
            f"{sample.peak / 1e6:.0f}",
            *(f"{sample.cpu / found[base].cpu:.2f}" for base in bases),
        )
        for name, sample in found.items()
    ]
    return table(header, rows)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return rows of text in columns: the first to the left, the others to the right.

    Raises ValueError for a row that hasn't as many cells as the header.
    """
    lines = [tuple(header), *(tuple(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    texts = []
    for first, *others in lines:
        cells = [first.ljust(widths[0]), *(text.rjust(w) for text, w in zip(others, widths[1:], strict=True))]
        texts.append("  ".join(cells).rstrip())
    texts.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(texts)


def goals(found: Iterable[Goal]) -> str:
    """Return the goals, one a line."""
    return "\n".join(goal.line() for goal in found)
