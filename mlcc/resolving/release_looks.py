"""RESOLVE, continued: the steps of a canary as nodes that look. A long one is two: a first look, and after a wait the verdict.

The judge is valid at every look, so that nothing is lost while nobody looks, and a wait needs no runner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlcc.gates.canary.compile import ALONE
from mlcc.record import record
from mlcc.spec.scalars import seconds, stretched

if TYPE_CHECKING:
    from mlcc.spec.releases import Release, ReleaseCanary

WATCH_SUFFIX = "-watch"
AT_ONCE = 30 * 60  # s; what bakes longer is watched by two nodes, if the spec doesn't say when
FIRST = 5 * 60  # s
MADE_GOOD = 5 * 3600  # s; a hosted runner's job may take 6 h in all
LONGEST = 7 * 86400  # s; no CI system delays a job for longer than GitLab, a week


@record
class Look:
    """A node that watches the candidate at `weight` percent for up to `bake` seconds, after a `pause` without a machine.

    `extra`: so many seconds more where only more requests could tell. `first`: it only stops what is shown to be bad.
    `continues`: the node that had the first look, from which `bake` counts.
    """

    id: str
    weight: float
    bake: int
    pause: int = 0
    extra: int = 0
    first: bool = False
    continues: str | None = None

    @property
    def longest(self) -> int:
        """The longest that it looks, in seconds. A second look makes good only so much of a wait that there wasn't."""
        return (min(self.bake, MADE_GOOD) if self.continues else self.bake) + self.extra

    @property
    def part(self) -> dict[str, object]:
        """What its gate reads of this, beside the parameters of any canary."""
        if self.first:
            return {"first_look": True}
        return {"continues": self.continues, "made_good": MADE_GOOD} if self.continues else {}


def looks(id: str, release: Release) -> list[Look]:
    """Return the nodes of a release's canary, in order; none where it has none."""
    if release.canary is None:
        return []
    return [
        look
        for weight, bake in shares(release)
        for look in looks_of(step_id(id, weight), weight, seconds(bake), release.canary)
    ]


def looks_of(id: str, weight: float, bake: int, canary: ReleaseCanary) -> list[Look]:
    """Return the nodes of one watch: one where it is short, else two, of which the second has the id."""
    extra = stretched(f"{bake}s", canary.max_extend) - bake if weight != ALONE else 0
    every = seconds(canary.every)
    first = max(seconds(canary.watch_first) if canary.watch_first else FIRST, every)
    # So many looks show whether the candidate is alive, and they end with the bake.
    pause = bake - first - (canary.fail_after + 1) * every
    if pause <= 0 or (canary.watch_first is None and bake <= AT_ONCE):
        return [Look(id, weight, bake, extra=extra)]
    before = Look(id + WATCH_SUFFIX, weight, first, first=True)
    return [before, Look(id, weight, bake, pause, extra, continues=before.id)]


def shares(release: Release) -> list[tuple[float, str]]:
    """Return the steps of a canary: percent, and how long they are watched."""
    if release.canary is None:
        return []
    bake = release.canary.bake
    return [
        (step, bake) if isinstance(step, int | float) else (step.weight, step.bake or bake)
        for step in release.canary.steps
    ]


def step_id(id: str, weight: float) -> str:
    """Return the id of a step's node: of 2.5 percent, ID-2-5."""
    return f"{id}-{weight:g}".replace(".", "-")
