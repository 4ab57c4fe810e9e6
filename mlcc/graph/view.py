"""What a picture shows of a plan, whatever it is drawn with.

One link joins two nodes at most, and two kinds of edges are left out, because others show the same:

- from a writer to the readers of an artifact that blocking gates guard: the artifact is shown on its way
  through them, writer to gate to reader;
- from the gate of a committed artifact to a reader that already comes after it some other way: the tests on
  the code would otherwise be linked to nearly everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from mlcc.plan import Edge, EdgeKind, Gate, Node, NodeKind, Plan, Release, Status
from mlcc.record import record


class Shape(str, Enum):
    """What a node looks like; the value is its name in the legend."""

    JOB = "job"
    GATE = "gate"
    FETCH = "fetch"
    RELEASE = "release"
    STATUS = "runs by status"


@record
class Vertex:
    """A node: its id over a line that says what it is. `dashed`: its failure doesn't make the run red."""

    id: str
    caption: str
    shape: Shape
    dashed: bool


@record
class Link:
    """An arrow, with the artifacts or verdicts that pass along it. `dashed`: its source is."""

    source: str
    target: str
    kind: EdgeKind
    label: str
    dashed: bool


@record
class View:
    """Vertices and links in the plan's order."""

    name: str
    vertices: tuple[Vertex, ...]
    links: tuple[Link, ...]

    @property
    def summary(self) -> str:
        """One sentence that stands for the picture."""
        counts = {shape: sum(vertex.shape is shape for vertex in self.vertices) for shape in Shape}
        words = [f"{number} {_NOUNS[shape][number > 1]}" for shape, number in counts.items() if number]
        shown = " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]])) or "nothing"
        return f"The pipeline {self.name} runs {shown}."


_NOUNS = {
    Shape.JOB: ("job", "jobs"),
    Shape.GATE: ("gate", "gates"),
    Shape.FETCH: ("fetch", "fetches"),
    Shape.RELEASE: ("release", "releases"),
    Shape.STATUS: ("job that runs by status", "jobs that run by status"),
}
# Where two nodes are joined in several ways, the link shows the strongest.
_STRENGTH = (EdgeKind.GUARD, EdgeKind.VERDICT, EdgeKind.DATA, EdgeKind.ORDER)


def view(plan: Plan) -> View:
    """Return what to draw of a plan."""
    vertices = tuple(_vertex(node, plan) for node in plan.nodes.values())
    joined: dict[tuple[str, str], list[Edge]] = {}
    implied = _implied(plan)
    for edge in plan.edges:
        if edge not in implied and not _passes_a_gate(edge, plan.incoming):
            joined.setdefault((edge.source, edge.target), []).append(edge)
    links = tuple(_link(edges, plan) for edges in joined.values())
    return View(plan.name, vertices, links)


_OF_RELEASES = {
    NodeKind.RECONCILE: "undoes what outlived its lease",
    NodeKind.RESTORE: "brings back what was live, by hand",
    NodeKind.PREVIEW: "shows what a release would do",
}
_STATUS = {
    Status.ALWAYS: "always",
    Status.FAILURE: "on failure",
    Status.ROLLBACK: "undoes what didn't pass",
}


def _vertex(node: Node, plan: Plan) -> Vertex:
    return Vertex(node.id, _caption(node, plan), _shape(node), not node.blocking)


def _shape(node: Node) -> Shape:
    if node.status is not None:
        return Shape.STATUS
    return {
        NodeKind.JOB: Shape.JOB,
        NodeKind.GATE: Shape.GATE,
        NodeKind.FETCH: Shape.FETCH,
        NodeKind.BUILD: Shape.JOB,
        NodeKind.RELEASE: Shape.RELEASE,
        NodeKind.ROLLBACK: Shape.STATUS,
        NodeKind.RECONCILE: Shape.STATUS,
        NodeKind.RESTORE: Shape.STATUS,
        NodeKind.PREVIEW: Shape.JOB,
    }[node.kind]


def _caption(node: Node, plan: Plan) -> str:
    words = [_what(node, plan)]
    if len(node.legs) > 1:
        words.append(f"{len(node.legs)} legs")
    return ", ".join(filter(None, words))


def _what(node: Node, plan: Plan) -> str:
    if node.status is not None:
        return _STATUS[node.status]
    if node.kind in _OF_RELEASES:
        return _OF_RELEASES[node.kind]
    if isinstance(node.work, Gate):
        return f"{node.work.kind} on {node.work.guards}"
    if isinstance(node.work, Release):
        return f"release to {node.machine.environment}"
    if node.kind in (NodeKind.FETCH, NodeKind.BUILD):
        return f"{'fetches' if node.kind is NodeKind.FETCH else 'builds'} {', '.join(node.writes)}"
    committed = [take.artifact for take in node.takes if plan.artifacts[take.artifact].writer is None]
    return f"reads {', '.join(committed)}" if committed else ""


def _passes_a_gate(edge: Edge, incoming: Mapping[str, tuple[Edge, ...]]) -> bool:
    """Whether `edge` is also shown as writer to gate to reader."""
    return edge.kind is EdgeKind.DATA and any(
        other.kind is EdgeKind.GUARD
        and other.artifact == edge.artifact
        and any(
            first.source == edge.source and first.artifact == edge.artifact
            for first in incoming[other.source]
        )
        for other in incoming[edge.target]
    )


def _implied(plan: Plan) -> set[Edge]:
    """Guard edges about committed artifacts whose target follows the gate through other nodes anyway."""
    before: dict[str, frozenset[str]] = {}
    for id in plan.nodes:  # in topological order, so that what comes before is known
        sources = {edge.source for edge in plan.incoming[id]}
        before[id] = frozenset(sources.union(*(before[source] for source in sources)))
    return {
        edge
        for edge in plan.edges
        if edge.kind is EdgeKind.GUARD
        and edge.artifact is not None
        and plan.artifacts[edge.artifact].writer is None
        and any(edge.source in before[other.source] for other in plan.incoming[edge.target])
    }


def _link(edges: list[Edge], plan: Plan) -> Link:
    kind = min((edge.kind for edge in edges), key=_STRENGTH.index)
    source, target = edges[0].source, edges[0].target
    labels = [edge.artifact for edge in edges if edge.kind is kind and edge.artifact is not None]
    if kind is EdgeKind.VERDICT:
        conditions = plan.nodes[target].when
        labels = [verdict for one in conditions if one.gate == source for verdict in one.verdicts]
    return Link(source, target, kind, ", ".join(dict.fromkeys(labels)), not plan.nodes[source].blocking)
