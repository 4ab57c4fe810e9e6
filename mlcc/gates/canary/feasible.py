"""Whether a canary sees enough requests to show what it must: a sum that needs no traffic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

from mlcc.gates.canary.evalues import requests_needed
from mlcc.record import record


@record
class Shortfall:
    """A rate whose limit can't be shown, not even without one bad request.

    `expected` and `needed` count the candidate's requests. Either mend is enough by itself: `bake`, the seconds of the last step,
    or its `weight` in percent, which is None where no weight under 100 would do.
    """

    metric: str
    limit: float
    expected: int
    needed: int
    bake: int
    weight: float | None


def feasible(
    limits: Mapping[str, float], steps: Sequence[tuple[float, float]], rps: float, alpha: float
) -> tuple[Shortfall, ...]:
    """Return what falls short; nothing, where all limits can be shown.

    `limits` are the largest rates by metric, `steps` (weight in percent, seconds), `rps` the requests a second of both arms
    together, `alpha` the judge's error.
    """
    expected = sum(rps * weight / 100 * seconds for weight, seconds in steps)
    found = []
    for metric, limit in limits.items():
        needed = requests_needed(limit, alpha / 2)
        if expected >= needed:
            continue
        weight, seconds = steps[-1]
        missing = needed - expected + rps * weight / 100 * seconds
        percent = ceil(100 * missing / (rps * seconds))
        found.append(
            Shortfall(
                metric,
                limit,
                int(expected),
                needed,
                ceil(100 * missing / (rps * weight)),
                percent if percent < 100 else None,
            )
        )
    return tuple(found)
