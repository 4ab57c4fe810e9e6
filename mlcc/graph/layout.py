"""A layered layout: who comes after whom stands to the right, with few crossings and straight long links.

The usual four steps (Sugiyama, Tagawa and Toda 1981): ranks by longest path, invisible waypoints where a link
passes a rank, an order in each rank by barycentres, then the least-squares heights for that order.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from math import fsum  # the sum of floats differs between versions of Python

from mlcc.record import record

Pair = tuple[str, str]

_SWEEPS = 12


@record
class Layout:
    """`rank`: column of each node. `middle`: height of its middle line. `bends`: heights at passed ranks."""

    rank: Mapping[str, int]
    middle: Mapping[str, float]
    bends: Mapping[Pair, tuple[float, ...]]


@record
class _Slot:
    """A place in a rank: a node, or the waypoint of a link."""

    node: str
    link: Pair | None = None


Neighbours = Mapping[_Slot, list[_Slot]]


def layered(nodes: Sequence[str], links: Sequence[Pair], heights: Mapping[str, float], gap: float) -> Layout:
    """Place nodes, which come in a topological order, with at least `gap` between neighbours in a rank."""
    rank = _ranks(nodes, links)
    ranks: list[list[_Slot]] = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    for node in nodes:
        ranks[rank[node]].append(_Slot(node))
    before: dict[_Slot, list[_Slot]] = {_Slot(node): [] for node in nodes}
    after: dict[_Slot, list[_Slot]] = {_Slot(node): [] for node in nodes}
    chains: dict[Pair, list[_Slot]] = {}
    for source, target in links:
        pair = (source, target)
        passed = range(rank[source] + 1, rank[target])
        chains[pair] = [_Slot(f"{source} {target} {column}", pair) for column in passed]
        for column, slot in zip(passed, chains[pair], strict=True):
            ranks[column].append(slot)
            before[slot], after[slot] = [], []
        path = [_Slot(source), *chains[pair], _Slot(target)]
        for left, right in pairwise(path):
            after[left].append(right)
            before[right].append(left)
    ranks = _ordered(ranks, before, after)
    middle = _heights(
        ranks, before, after, lambda slot: heights[slot.node] if slot.link is None else 0.0, gap
    )
    return Layout(
        rank,
        {node: middle[_Slot(node)] for node in nodes},
        {pair: tuple(middle[slot] for slot in chain) for pair, chain in chains.items()},
    )


def _ranks(nodes: Sequence[str], links: Sequence[Pair]) -> dict[str, int]:
    """The longest path to each node; what nothing leads to stands just before its first successor."""
    sources: dict[str, list[str]] = {node: [] for node in nodes}
    targets: dict[str, list[str]] = {node: [] for node in nodes}
    for source, target in links:
        sources[target].append(source)
        targets[source].append(target)
    rank: dict[str, int] = {}
    for node in nodes:
        rank[node] = max((rank[source] + 1 for source in sources[node]), default=0)
    for node in reversed(nodes):
        if targets[node] and not sources[node]:
            rank[node] = min(rank[target] for target in targets[node]) - 1
    return rank


def _ordered(ranks: list[list[_Slot]], before: Neighbours, after: Neighbours) -> list[list[_Slot]]:
    """Sweep right and left, sorting each rank by its neighbours' mean place; keep the best order met."""
    best, fewest = [list(rank) for rank in ranks], _crossings(ranks, after)
    for sweep in range(_SWEEPS):
        rightwards = sweep % 2 == 0
        columns = range(1, len(ranks)) if rightwards else range(len(ranks) - 2, -1, -1)
        for column in columns:
            beside = ranks[column - 1 if rightwards else column + 1]
            _sort(ranks[column], beside, before if rightwards else after)
        found = _crossings(ranks, after)
        if found < fewest:
            best, fewest = [list(rank) for rank in ranks], found
    return best


def _sort(rank: list[_Slot], beside: Sequence[_Slot], neighbours: Neighbours) -> None:
    place = {slot: number for number, slot in enumerate(beside)}
    own = {slot: number for number, slot in enumerate(rank)}
    scale = len(beside) / max(len(rank), 1)  # without neighbours a slot keeps its relative place

    def mean(slot: _Slot) -> float:
        places = [place[other] for other in neighbours[slot]]
        return fsum(places) / len(places) if places else own[slot] * scale

    rank.sort(key=mean)


def _crossings(ranks: Sequence[Sequence[_Slot]], after: Neighbours) -> int:
    """How many pairs of links cross: inversions of the targets' places, in the order of the sources'."""
    count = 0
    for left, right in pairwise(ranks):
        place = {slot: number for number, slot in enumerate(right)}
        seen: list[int] = []
        for slot in left:
            ends = sorted(place[other] for other in after[slot])
            count += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return count


def _heights(
    ranks: Sequence[Sequence[_Slot]],
    before: Neighbours,
    after: Neighbours,
    height: Callable[[_Slot], float],
    gap: float,
) -> dict[_Slot, float]:
    """Draw every slot to the mean of its neighbours, there and back, keeping order and gaps."""
    middle: dict[_Slot, float] = {}
    spread = {slot: _distances(rank, height, gap) for rank in ranks for slot in rank[:1]}
    for rank in ranks:
        for slot, offset in zip(rank, spread[rank[0]] if rank else [], strict=True):
            middle[slot] = offset
    for sweep in range(2 * _SWEEPS):
        rightwards = sweep % 2 == 0
        for rank in ranks if rightwards else list(reversed(ranks)):
            wishes = [_wish(slot, middle, before[slot], after[slot], rightwards) for slot in rank]
            weights = [1.0 if slot.link is None else 4.0 for slot in rank]  # long links rather straight
            for slot, found in zip(rank, _spaced(wishes, weights, spread[rank[0]]), strict=True):
                middle[slot] = found
    top = min((middle[slot] - height(slot) / 2 for slot in middle), default=0.0)
    return {slot: found - top for slot, found in middle.items()}


def _wish(
    slot: _Slot, middle: Mapping[_Slot, float], before: list[_Slot], after: list[_Slot], rightwards: bool
) -> float:
    near = (before or after) if rightwards else (after or before)
    return fsum(middle[other] for other in near) / len(near) if near else middle[slot]


def _distances(rank: Sequence[_Slot], height: Callable[[_Slot], float], gap: float) -> list[float]:
    """How far below the first slot each one is at least."""
    offsets = [0.0]
    for upper, lower in pairwise(rank):
        offsets.append(offsets[-1] + (height(upper) + height(lower)) / 2 + gap)
    return offsets


def _spaced(wishes: Sequence[float], weights: Sequence[float], offsets: Sequence[float]) -> list[float]:
    """The heights nearest to the wishes (least squares) that keep the distances: isotonic regression."""
    blocks: list[tuple[float, float, int]] = []  # mean, weight, length
    for wish, weight, offset in zip(wishes, weights, offsets, strict=True):
        mean, total, length = wish - offset, weight, 1
        while blocks and blocks[-1][0] > mean:
            other, heavy, long = blocks.pop()
            mean = (mean * total + other * heavy) / (total + heavy)
            total, length = total + heavy, length + long
        blocks.append((mean, total, length))
    means = [mean for mean, _, length in blocks for _ in range(length)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]
