"""What the peers' programs share: reading the task, writing the facts, and the verdict where a library has none of its own.

Facts are `failed`, the names of the checks that failed, and `counts`, how many rows (of `unique`: how many repetitions) the
check of that name found, for those that the tool counts. A program's own folder is on its path, so it says `import facts`.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any


def task() -> dict[str, Any]:
    """Return the checks and the paths of the tables."""
    found: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    return found


def write(failed: Iterable[str], counts: Mapping[str, int]) -> None:
    """Write what was found."""
    found = {"failed": sorted(failed), "counts": {name: int(count) for name, count in counts.items()}}
    Path(sys.argv[2]).write_text(json.dumps(found), "utf-8")


def failed(task: Mapping[str, Any], counts: Mapping[str, int], newest: Any) -> set[str]:
    """Return the checks that fail by their counts; `newest` is the newest row's time, a naive datetime in UTC."""
    most = dict.fromkeys(task["nulls"], task["max_nulls"] * counts["rows"])
    found = {name for name, count in counts.items() if name != "rows" and count > most.get(name, 0)}
    if counts["rows"] < task["rows"]:
        found.add("rows")
    if newest.isoformat() < task["oldest"]:
        found.add("freshness")
    return found


def drifted(task: Mapping[str, Any], binned: Mapping[str, Sequence[int]]) -> set[str]:
    """Return which of psi and ks fail, by the numbers of values between the frozen edges, column by column."""
    found = set()
    for name, effect in (("psi", psi), ("ks", ks)):
        for column, most in task[name].items():
            if effect(task["frozen"][column]["counts"], binned[column]) > most:
                found.add(name)
    return found


def psi(reference: Sequence[int], current: Sequence[int]) -> float:
    """Return the population stability index of two rows of bin counts (Siddiqi 2006)."""
    shares = zip(_shares(reference), _shares(current), strict=True)
    return sum((b - a) * math.log(max(b, 1e-6) / max(a, 1e-6)) for a, b in shares)


def ks(reference: Sequence[int], current: Sequence[int]) -> float:
    """Return the largest distance of two distributions (Kolmogorov 1933) at the bins' edges."""
    most = distance = 0.0
    for a, b in zip(_shares(reference), _shares(current), strict=True):
        distance += b - a
        most = max(most, abs(distance))
    return most


def _shares(counts: Sequence[int]) -> list[float]:
    return [count / sum(counts) for count in counts]
