"""Snapshots of the counters of both arms, and what was counted between them, step by step."""

from __future__ import annotations

import json
from math import inf

from mlcc.gates._records import GateError, is_finite, visible
from mlcc.gates._strict import parse_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

ARMS = ("candidate", "control")
REQUESTS = "n"
BUCKETS = "buckets"
_FRAME = ("time", "weight", "of")
_MOST_COUNT = 1 << 53
_MOST_BUCKETS = 1000


def arms_of(weight: float) -> tuple[str, ...]:
    """Return whose requests are judged, and whose they are held against; what gets all of them has none beside it."""
    return ARMS if weight < 1 else ARMS[1:]


class Arm:
    """What an arm's counters hold: `counts` by name (`n` are all requests), `cells` the requests in each bucket of a histogram.

    The cells are not cumulative; they are in the order of their upper edges.
    """

    __slots__ = ("cells", "counts")

    def __init__(self, counts: Mapping[str, int], cells: Mapping[str, Sequence[int]]) -> None:
        self.counts = dict(counts)
        self.cells = {name: list(counted) for name, counted in cells.items()}

    @property
    def n(self) -> int:
        """All requests."""
        return self.counts[REQUESTS]


class Snapshot:
    """The counters of both arms at a `time` (Unix seconds), while the candidate had a `weight` (its share, 0 to 1).

    At a weight of 1 the candidate is what is live, and its arm the only one: that of the control.
    `edges` are each histogram's upper edges.
    """

    __slots__ = ("arms", "edges", "time", "weight")

    def __init__(
        self, time: float, weight: float, arms: Sequence[Arm], edges: Mapping[str, list[float]]
    ) -> None:
        self.time = time
        self.weight = weight
        self.arms = tuple(arms)
        self.edges = dict(edges)


class Step:
    """What was counted while the weight was the same, over `looks` snapshots: of the candidate and of the control, if any."""

    __slots__ = ("arms", "looks", "weight")

    def __init__(self, weight: float, arms: Sequence[Arm]) -> None:
        self.weight = weight
        self.arms = tuple(arms)
        self.looks = 1


def snapshot_of(value: object, weight: float, shown: str) -> Snapshot:
    """Return the snapshot that a JSON object holds: {"time", "candidate", "control"}, and "weight" (percent) at times.

    An arm is {"n", other counters, "buckets": {histogram: {upper edge: cumulative count}}}. `weight` (a share) holds where the
    object has none; a weight of 1 holds always, and the candidate may be missing.
    Raises GateError where an arm is missing, or a number is none, negative, not whole or more than all requests.
    """
    if not isinstance(value, dict):
        raise GateError(f"{shown} is no object of a time, a candidate and a control")
    names = arms_of(weight)
    missing = [key for key in ("time", *names) if key not in value]
    if missing:
        raise GateError(f"{shown} has no {missing[0]}: what isn't seen is not healthy")
    unknown = sorted(set(value) - {*_FRAME, *ARMS})
    if unknown:
        raise GateError(f"{shown} has the unknown key {visible(unknown[0], 80)}")
    if not is_finite(value["time"]) or value["time"] <= 0:
        raise GateError(f"{shown} has no proper time (seconds since 1970)")
    percent = value.get("weight", 100 * weight) if weight < 1 else 100
    if not is_finite(percent) or not (0 < percent < 100 or weight == 1):
        raise GateError(f"{shown} has no proper weight (percent, over 0 and under 100)")
    arms, edges = [], []
    for name in names:
        arm, found = _arm(value[name], f"{shown}, {name}")
        arms.append(arm)
        edges.append(found)
    if edges[0] != edges[-1] or arms[0].counts.keys() != arms[-1].counts.keys():
        raise GateError(f"{shown} has other counters or buckets for the candidate than for the control")
    return Snapshot(value["time"], percent / 100, arms, edges[0])


def _arm(value: object, shown: str) -> tuple[Arm, dict[str, list[float]]]:
    if not isinstance(value, dict) or REQUESTS not in value:
        raise GateError(f"{shown} is no object with the number n of requests")
    counts = {
        key: whole(count, f"{shown}, {visible(key, 80)}") for key, count in value.items() if key != BUCKETS
    }
    over = sorted(key for key, count in counts.items() if count > counts[REQUESTS])
    if over:
        raise GateError(f"{shown} has more {visible(over[0], 80)} than requests")
    histograms = value.get(BUCKETS, {})
    if not isinstance(histograms, dict):
        raise GateError(f"{shown} has buckets that are no object")
    cells, edges = {}, {}
    for name, buckets in histograms.items():
        edges[name], cells[name] = _histogram(buckets, f"{shown}, the histogram {visible(name, 80)}")
    return Arm(counts, cells), edges


def whole(value: object, shown: str) -> int:
    """Return a count. Raises GateError for what is no whole number of at least 0."""
    sound = is_finite(value) and 0 <= value <= _MOST_COUNT and value == int(value)  # type: ignore[operator, call-overload]
    if not sound:
        raise GateError(f"{shown} is no whole number of at least 0")
    return int(value)  # type: ignore[call-overload, no-any-return]  # a number, as was tested


def _histogram(buckets: object, shown: str) -> tuple[list[float], list[int]]:
    """Return the upper edges, rising, and the count of each cell."""
    if not isinstance(buckets, dict) or not 2 <= len(buckets) <= _MOST_BUCKETS:
        raise GateError(f"{shown} is no object of 2 to {_MOST_BUCKETS} buckets")
    found = sorted((_edge(edge, shown), whole(count, shown)) for edge, count in buckets.items())
    edges, upto = [edge for edge, _ in found], [count for _, count in found]
    if edges[-1] != inf or len(set(edges)) < len(edges):
        raise GateError(f"{shown} has no bucket +Inf, or one twice")
    cells = [upto[0], *(upto[i] - upto[i - 1] for i in range(1, len(upto)))]
    if min(cells) < 0:
        raise GateError(f"{shown} has a bucket that counts less than a smaller one: they are cumulative")
    return edges, cells


def _edge(text: str, shown: str) -> float:
    try:
        edge = float(text)
    except ValueError:
        raise GateError(f"{shown} has a bucket whose upper edge is no number") from None
    if edge != edge or edge == -inf:
        raise GateError(f"{shown} has a bucket whose upper edge is no number")
    return edge


class History:
    """Snapshots in the order of their times, and what was counted between them, one `Step` for each weight in turn.

    What was counted while the weight changed belongs to no step. `from_zero`: the counters began at 0 with the first step.
    """

    def __init__(self, from_zero: bool = False) -> None:
        self.steps: list[Step] = []
        self.snapshots: list[Snapshot] = []
        self.from_zero = from_zero

    def check_later(self, snapshot: Snapshot) -> None:
        """Raise GateError for a snapshot that is no later than the last one: it tells nothing new."""
        if self.snapshots and snapshot.time <= self.snapshots[-1].time:
            raise GateError("a snapshot isn't later than the one before it")

    def add(self, snapshot: Snapshot) -> None:
        """Take a snapshot in. Raises GateError where it isn't later, has other counters, or a counter went back."""
        if not self.snapshots:
            arms = snapshot.arms if self.from_zero else [_difference(arm, arm) for arm in snapshot.arms]
            self.steps.append(Step(snapshot.weight, arms))
            self.snapshots.append(snapshot)
            return
        last = self.snapshots[-1]
        self.check_later(snapshot)
        if snapshot.edges != last.edges or snapshot.arms[0].counts.keys() != last.arms[0].counts.keys():
            raise GateError("a snapshot has other counters or buckets than the one before it")
        added = [
            _difference(new, old, name)
            for name, new, old in zip(arms_of(last.weight), snapshot.arms, last.arms)  # noqa: B905 - strict= is newer than Python 3.8
        ]
        self.snapshots.append(snapshot)
        if snapshot.weight != last.weight:
            self.steps.append(Step(snapshot.weight, [_difference(arm, arm) for arm in snapshot.arms]))
            return
        step = self.steps[-1]
        step.looks += 1
        step.arms = tuple(_sum(so_far, new) for so_far, new in zip(step.arms, added))  # noqa: B905 - see above


def _difference(new: Arm, old: Arm, name: str = "") -> Arm:
    counts = {key: count - old.counts[key] for key, count in new.counts.items()}
    cells = {
        key: [x - y for x, y in zip(counted, old.cells[key])]  # noqa: B905 - strict= is newer than Python 3.8
        for key, counted in new.cells.items()
    }
    lowest = min([*counts.values(), *(x for counted in cells.values() for x in counted)])
    if lowest < 0:
        raise GateError(
            f"a counter of the {name} went back: its server was restarted or replaced, and what it had counted is lost; count "
            "at the router, or in Prometheus sum max_over_time(COUNTER[2h]), which keeps what servers that are gone have counted"
        )
    return Arm(counts, cells)


def _sum(one: Arm, other: Arm) -> Arm:
    counts = {key: count + other.counts[key] for key, count in one.counts.items()}
    cells = {
        key: [x + y for x, y in zip(counted, other.cells[key])]  # noqa: B905 - strict= is newer than Python 3.8
        for key, counted in one.cells.items()
    }
    return Arm(counts, cells)


def parse_lines(text: str, shown: str) -> list[Any]:
    """Return the values of JSON lines, or the one value that the text is. Raises GateError."""
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        raise GateError(f"{shown} is empty")
    if len(lines) == 1 or not lines[0].rstrip().endswith("}") or lines[0].strip() == "{":
        value = parse_json(text, shown)
        return value if isinstance(value, list) else [value]
    return [parse_json(line, f"{shown}, line {i + 1}") for i, line in enumerate(lines)]


def line_of(snapshot: Snapshot, of: str) -> str:
    """Return a snapshot as a line that `snapshot_of` reads; `of` is the digest of what is the candidate."""
    arms = {}
    for name, arm in zip(arms_of(snapshot.weight), snapshot.arms):  # noqa: B905 - strict= is newer than Python 3.8
        buckets = {key: _cumulative(snapshot.edges[key], counted) for key, counted in arm.cells.items()}
        arms[name] = {**arm.counts, BUCKETS: buckets}
    # Of 5 / 100 * 100 the last digit may be another than that of 5: a weight is one of percent and two decimals.
    known = {"of": of, "time": snapshot.time, "weight": round(100 * snapshot.weight, 6), **arms}
    return json.dumps(known, sort_keys=True, allow_nan=False) + "\n"


def _cumulative(edges: Sequence[float], cells: Sequence[int]) -> dict[str, int]:
    found, total = {}, 0
    for edge, count in zip(edges, cells):  # noqa: B905 - strict= is newer than Python 3.8
        total += count
        found["+Inf" if edge == inf else repr(edge)] = total
    return found
