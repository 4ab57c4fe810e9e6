"""The graph: who comes before whom and why (S1, S2), in a stable order, without cycles."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping

from mlcc.plan import Artifact, Edge, EdgeKind, Node, Role, Status
from mlcc.problems import Loc, Problems

Index = Mapping[str, tuple[Edge, ...]]

_WHY = {
    EdgeKind.DATA: "'{target}' takes '{artifact}', which '{source}' writes",
    EdgeKind.GUARD: "'{target}' reads '{artifact}', which the gate '{source}' guards",
    EdgeKind.ORDER: "'{target}' needs '{source}'",
    EdgeKind.VERDICT: "'{target}' waits for the verdict of '{source}'",
}


def edges_of(
    node: Node,
    artifacts: Mapping[str, Artifact],
    guards: Mapping[str, tuple[str, ...]],
    outputs: Iterable[str],
) -> list[Edge]:
    """Return the edges that end at `node`, each once, in a stable order.

    `guards` maps an artifact to its blocking gates, `outputs` are the nodes whose output values it uses.
    """
    edges: dict[Edge, None] = {}
    own = {take.artifact for take in node.takes if take.role is Role.GUARD}
    for take in node.takes:
        writer = artifacts[take.artifact].writer
        if writer is not None:
            edges[Edge(writer, node.id, EdgeKind.DATA, take.artifact)] = None
        if take.role is Role.READ and take.artifact not in own:
            for gate in guards.get(take.artifact, ()):
                edges[Edge(gate, node.id, EdgeKind.GUARD, take.artifact)] = None
    for source in outputs:
        edges[Edge(source, node.id, EdgeKind.DATA)] = None
    for source in node.needs:
        edges[Edge(source, node.id, EdgeKind.ORDER)] = None
    for condition in node.when:
        if condition.gate is not None:
            edges[Edge(condition.gate, node.id, EdgeKind.VERDICT)] = None
    return list(edges)


def index(edges: Iterable[Edge], order: Iterable[str]) -> tuple[Index, Index]:
    """Return (incoming, outgoing) by node, for every node in `order`."""
    incoming: dict[str, list[Edge]] = {id: [] for id in order}
    outgoing: dict[str, list[Edge]] = {id: [] for id in incoming}
    for edge in edges:
        incoming[edge.target].append(edge)
        outgoing[edge.source].append(edge)
    return {id: tuple(e) for id, e in incoming.items()}, {id: tuple(e) for id, e in outgoing.items()}


def topological_order(ids: list[str], incoming: Index, outgoing: Index) -> list[str] | None:
    """Return `ids` so that every edge points forward, otherwise as written; None when there is a cycle."""
    position = {id: number for number, id in enumerate(ids)}
    waiting = {id: len({edge.source for edge in incoming[id]}) for id in ids}
    ready = [position[id] for id in ids if not waiting[id]]
    heapq.heapify(ready)
    order: list[str] = []
    while ready:
        id = ids[heapq.heappop(ready)]
        order.append(id)
        for target in {edge.target for edge in outgoing[id]}:
            waiting[target] -= 1
            if not waiting[target]:
                heapq.heappush(ready, position[target])
    return order if len(order) == len(ids) else None


def report_cycle(ids: list[str], incoming: Index, locs: Mapping[str, Loc], problems: Problems) -> None:
    """Add the diagnostic of one cycle: every edge with its reason and line, and the cure."""
    cycle = _find_cycle(ids, incoming)
    others = tuple((locs[edge.target], _explain(edge)) for edge in cycle[1:])
    path = " -> ".join([cycle[0].source, *(edge.target for edge in cycle)])
    problems.add(
        "cycle", f"the nodes wait for one another: {path}; {_explain(cycle[0])}", locs[cycle[0].target], key=True,
        others=others, help=_cure(cycle),
    )  # fmt: skip


def _explain(edge: Edge) -> str:
    return _WHY[edge.kind].format(
        source=edge.source, target=edge.target, artifact=edge.artifact or "an output"
    )


def _cure(cycle: list[Edge]) -> str:
    guard = next((edge for edge in cycle if edge.kind is EdgeKind.GUARD), None)
    if guard is not None:
        return f"if '{guard.target}' measures '{guard.artifact}' for its gate, list it under `evaluates` instead of `reads`"
    order = next((edge for edge in cycle if edge.kind is EdgeKind.ORDER), None)
    if order is not None:
        return f"remove '{order.source}' from the `needs` of '{order.target}'"
    return "write one of the artifacts in a node of its own"


def _find_cycle(ids: list[str], incoming: Index) -> list[Edge]:
    """Return the edges of one cycle, walking backwards from a node that can't be ordered."""
    stuck = set(ids)
    changed = True
    while changed:
        free = {id for id in stuck if not any(edge.source in stuck for edge in incoming[id])}
        stuck -= free
        changed = bool(free)
    current = next(id for id in ids if id in stuck)
    walked: list[Edge] = []
    seen: dict[str, int] = {}
    while current not in seen:
        seen[current] = len(walked)
        edge = next(edge for edge in incoming[current] if edge.source in stuck)
        walked.append(edge)
        current = edge.source
    return list(reversed(walked[seen[current] :]))


def decisive(node: Node, incoming: Index) -> set[str]:
    """Return the nodes whose ends decide whether one runs: of status nodes that ask for failures, all before them."""
    if node.status in (Status.FAILURE, Status.ROLLBACK):
        return ancestors(node.id, incoming)
    return {edge.source for edge in incoming[node.id]}


def ancestors(id: str, incoming: Index) -> set[str]:
    """Return every node from which a path of edges leads to `id`."""
    found: set[str] = set()
    todo = [id]
    while todo:
        for edge in incoming[todo.pop()]:
            if edge.source not in found:
                found.add(edge.source)
                todo.append(edge.source)
    return found
