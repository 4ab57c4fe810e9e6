"""How a plan that is too large for one workflow file is divided: which nodes share a file, and which files wait.

A job of one file can't wait for a job of another, only a whole file for whole files. That adds waiting, so: what
nearly everything comes after (the gates on the code, say) gets files of its own, which the others wait for; what is
connected stays together where it fits; and a file waits only for those that hold something its nodes come after.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mlcc.plan import Plan
from mlcc.record import record

EXACT_PARTS = 25  # so many parts may be made to spare waiting; the rest of the 50 is for what doesn't fit


@record
class Part:
    """Nodes that share a file, in the plan's order, and the parts (by position, all of them) that end before it starts."""

    nodes: tuple[str, ...]
    after: tuple[int, ...]


class _Open:
    """A part that is being filled. `after` is a set of parts as bits, closed: what they wait for is in it, too."""

    def __init__(self, after: int, nodes: list[str]) -> None:
        self.after = after
        self.nodes = nodes
        self.size = 0
        self.sealed = False


def partition(plan: Plan, sizes: Mapping[str, int], room: int) -> tuple[Part, ...]:
    """Return the parts of a plan, each waiting for earlier ones only.

    `sizes` are the bytes that each node takes in a file, `room` those that a file has. A node that is larger than that
    gets a part for itself.
    """
    order = _clustered(plan)
    trunk = _trunk(plan, order, room * len(order) / max(1, sum(sizes.values())))
    placing = _Placing(plan, sizes, room)
    for id in order:
        if id in trunk:
            placing.place((id,))
    placing.seal()
    for component in _components(plan, [id for id in order if id not in trunk]):
        if sum(sizes[id] for id in component) <= room:
            placing.place(component)
        else:
            for id in component:
                placing.place((id,))
    return placing.parts()


class _Placing:
    """The parts so far, and where each node went."""

    def __init__(self, plan: Plan, sizes: Mapping[str, int], room: int) -> None:
        self.plan, self.sizes, self.room = plan, sizes, room
        self.open: list[_Open] = []
        self.where: dict[str, int] = {}

    def place(self, nodes: Sequence[str]) -> None:
        """Put nodes into the part that makes them wait for the fewest others, or into a new one."""
        before = 0
        for id in nodes:
            for edge in self.plan.incoming[id]:
                if edge.source in self.where:
                    before |= 1 << self.where[edge.source]
        size = sum(self.sizes[id] for id in nodes)
        wanted = self._closed(before)
        found = min(self._fitting(before, wanted, size), default=None)
        spare = len(self.open) < EXACT_PARTS
        if found is None or (found[0] and spare):
            self.open.append(_Open(wanted if spare else (1 << len(self.open)) - 1, []))
            number = len(self.open) - 1
        else:
            number = found[1]
        self.open[number].nodes += nodes
        self.open[number].size += size
        self.where.update(dict.fromkeys(nodes, number))

    def _fitting(self, before: int, wanted: int, size: int) -> Iterable[tuple[int, int]]:
        """Yield (parts waited for in vain, part) of the parts that may take nodes that come after these parts."""
        for number, part in enumerate(self.open):
            if part.sealed or part.size + size > self.room or before & ~(part.after | 1 << number):
                continue
            # What comes after a node of the part waits for all that the part waits for in any case.
            yield (0 if before >> number & 1 else (part.after & ~wanted).bit_count()), number

    def _closed(self, parts: int) -> int:
        for number, part in enumerate(self.open):
            if parts >> number & 1:
                parts |= part.after
        return parts

    def seal(self) -> None:
        """Let nothing more into the parts so far: others are going to wait for them."""
        for part in self.open:
            part.sealed = True

    def parts(self) -> tuple[Part, ...]:
        """Return the parts, with their nodes in the plan's order."""
        nodes: list[list[str]] = [[] for _ in self.open]
        for id in self.plan.nodes:
            nodes[self.where[id]].append(id)
        return tuple(
            Part(tuple(nodes[number]), tuple(n for n in range(number) if part.after >> n & 1))
            for number, part in enumerate(self.open)
        )


def _clustered(plan: Plan) -> list[str]:
    """Return the nodes in a topological order that follows one chain to its end before it begins the next."""
    waiting = {id: len({edge.source for edge in edges}) for id, edges in plan.incoming.items()}
    todo = [id for id in reversed(list(plan.nodes)) if not waiting[id]]
    order = []
    while todo:
        id = todo.pop()
        order.append(id)
        ready = []
        for target in dict.fromkeys(edge.target for edge in plan.outgoing[id]):
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
        todo += reversed(ready)
    return order


def _trunk(plan: Plan, order: Sequence[str], most: float) -> set[str]:
    """Return the nodes that more than `most` nodes come after. All before one of them are among them."""
    bits = {id: 1 << number for number, id in enumerate(order)}
    below: dict[str, int] = {}
    for id in reversed(order):
        below[id] = bits[id]
        for edge in plan.outgoing[id]:
            below[id] |= below[edge.target]
    return {id for id in order if below[id].bit_count() > most}


def _components(plan: Plan, nodes: Sequence[str]) -> list[list[str]]:
    """Return the groups of nodes that edges among them connect, each in the given order."""
    group: dict[str, int] = {}
    inside = set(nodes)
    found: list[list[str]] = []
    for start in nodes:
        todo = [start]
        while todo:
            id = todo.pop()
            if id in group or id not in inside:
                continue
            group[id] = len(found)
            todo += [edge.source for edge in plan.incoming[id]]
            todo += [edge.target for edge in plan.outgoing[id]]
        if group[start] == len(found):
            found.append([])
        found[group[start]].append(start)
    return found


def added_waits(plan: Plan, parts: Sequence[Part]) -> int:
    """Return how many pairs of nodes wait for one another that wouldn't if all stood in one file."""
    bits = {id: 1 << number for number, id in enumerate(plan.nodes)}
    before: dict[str, int] = {}
    for id, edges in plan.incoming.items():
        before[id] = 0
        for edge in edges:
            before[id] |= before[edge.source] | bits[edge.source]
    inside = [sum(bits[id] for id in part.nodes) for part in parts]
    return sum(
        (sum(inside[number] for number in part.after) & ~before[id]).bit_count()
        for part in parts
        for id in part.nodes
    )
