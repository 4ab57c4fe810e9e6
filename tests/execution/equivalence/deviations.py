"""Where a runner differs from the CI system that it stands for: data, each with what covers the platform instead.

A deviation excuses one subject of `compare.differences` where it applies. None can excuse the colour of a run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.execution.equivalence.case import Scratch
from tests.execution.equivalence.expected import Expected

NEVER_EXCUSED = ("colour",)


@dataclass(frozen=True, slots=True)
class Deviation:
    """What the runner of a back end does otherwise than its platform.

    `subject`: the comparison that it excuses. `applies`: the cases in which it can show. `source`: where the runner's
    behaviour can be read. `instead`: the test that holds the platform's own behaviour against the reference interpreter.
    """

    runner: str
    subject: str
    what: str
    source: str
    instead: str
    applies: Callable[[Scratch, Expected], bool]


DEVIATIONS: Sequence[Deviation] = ()


def excused(runner: str, scratch: Scratch, wanted: Expected) -> set[str]:
    """Return the subjects in which a run of this case may differ on this runner."""
    found = {d.subject for d in DEVIATIONS if d.runner == runner and d.applies(scratch, wanted)}
    return found - set(NEVER_EXCUSED)
