"""What a rule looks at, and how it says what it found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from mlcc.diagnostics import Diagnostic, Related, Severity, Span
from mlcc.lint.commands import Command, commands
from mlcc.lint.reach import KeptAway, Reach, kept_away, reach
from mlcc.load.source import Source, locate
from mlcc.plan import Gate, Node, NodeKind, Plan
from mlcc.problems import Loc
from mlcc.record import field, record
from mlcc.resolving.resolve import BUILD_PREFIX, FETCH_PREFIX
from mlcc.today import today

if TYPE_CHECKING:
    from mlcc.spec.models import Spec


@record
class Subject:
    """A spec that compiles: what was written, where, what it means, and on which day."""

    spec: Spec
    source: Source
    plan: Plan
    day: str = field(default_factory=today)  # what waivers are held against

    def finding(
        self,
        code: str,
        severity: Severity,
        message: str,
        place: Loc | Span | None,
        *,
        key: bool = False,
        others: Iterable[tuple[Loc, str]] = (),
        help: str | None = None,
    ) -> Diagnostic:
        """Return a diagnostic at a place of the spec, or at its key; `others` are the other ends."""
        span = self.span(place, key=key) if isinstance(place, tuple) else place
        related = tuple(Related(self.span(loc, key=True), what) for loc, what in others)
        return Diagnostic(code, severity, message, span, related, help)

    def span(self, loc: Loc, *, key: bool = False) -> Span:
        """Return the place of a value, or of its key."""
        return locate(self.source.root, loc, key=key)

    def word(self, loc: Loc, text: str, *, last: bool = False) -> Span:
        """Return the first or last place of `text` in the value at `loc`; the whole value if it isn't there."""
        span = self.span(loc)
        lines = self.source.texts.get(span.file, "").split("\n")
        found = span
        for number in range(span.line, min(span.end_line, len(lines)) + 1):
            start = span.column - 1 if number == span.line else 0
            end = span.end_column - 1 if number == span.end_line else len(lines[number - 1])
            column = (
                lines[number - 1].rfind(text, start, end)
                if last
                else lines[number - 1].find(text, start, end)
            )
            if column >= 0:
                found = Span(span.file, number, column + 1, number, column + 1 + len(text))
                if not last:
                    break
        return found

    @cached_property
    def commands(self) -> tuple[Command, ...]:
        """Every shell command of the spec, in the order of the file's sections."""
        return tuple(commands(self.spec))

    def kind(self, name: str) -> Iterator[tuple[str, Any, Any]]:
        """Yield (id, gate, parameters) of the gates of a kind."""
        for id, gate in self.gate_specs.items():
            params = getattr(gate, name, None)
            if params is not None:
                yield id, gate, params

    @property
    def gate_specs(self) -> Mapping[str, Any]:
        """What the spec says of its gates."""
        return cast("Mapping[str, Any]", self.spec.gates)

    # The graph

    @cached_property
    def reach(self) -> Reach:
        """Every event that the triggers may bring, each with its candidates (S3)."""
        return reach(self.plan)

    @cached_property
    def kept_away(self) -> KeptAway:
        """Node -> the events that it refuses by itself, and the nodes that this alone keeps from them."""
        return kept_away(self.plan, self.reach)

    def loc(self, node: str) -> Loc:
        """Return where a node stands in the spec."""
        kind = self.plan.nodes[node].kind
        if kind is NodeKind.FETCH:
            return ("artifacts", node.removeprefix(FETCH_PREFIX), "from")
        if kind is NodeKind.BUILD:
            return ("artifacts", node.removeprefix(BUILD_PREFIX), "build")
        if self.plan.nodes[node].of_release:
            return ("releases", self._releases[node])
        return ("gates" if kind is NodeKind.GATE else "jobs", node)

    def own(self, node: str) -> Any:
        """Return what the spec says of a node, without its defaults: a Job, a Gate, an Origin, a Build or a Release."""
        kind = self.plan.nodes[node].kind
        if kind is NodeKind.FETCH:
            return self.spec.artifacts[node.removeprefix(FETCH_PREFIX)].from_
        if kind is NodeKind.BUILD:
            return self.spec.artifacts[node.removeprefix(BUILD_PREFIX)].build
        if self.plan.nodes[node].of_release:
            return self.spec.releases[self._releases[node]]
        return self.gate_specs[node] if kind is NodeKind.GATE else self.spec.jobs[node]

    @cached_property
    def _releases(self) -> Mapping[str, str]:
        """The nodes of all releases, each with its release."""
        from mlcc.resolving.release_steps import nodes_of  # most specs have no releases

        releases = self.spec.releases.items()
        return {node: id for id, release in releases for node, _, _ in nodes_of(self.spec, id, release)}

    def takers(self, artifact: str, *kinds: NodeKind) -> list[Node]:
        """Return the nodes of these kinds that read, evaluate or guard an artifact."""
        return [node for node in self._takers.get(artifact, ()) if node.kind in kinds]

    @cached_property
    def _takers(self) -> Mapping[str, list[Node]]:
        found: dict[str, list[Node]] = {}
        for node in self.plan.nodes.values():
            for id in dict.fromkeys(take.artifact for take in node.takes):
                found.setdefault(id, []).append(node)
        return found

    def gates(self, artifact: str) -> Iterator[tuple[Node, Gate]]:
        """Yield the gates that guard an artifact."""
        for node in self._takers.get(artifact, ()):
            if isinstance(node.work, Gate) and node.work.guards == artifact:
                yield node, node.work

    def limit(self, node: str) -> Loc:
        """Return where a node says when it runs: its `when`, or its environment; else the node."""
        own = self.plan.nodes[node]
        key = ("when",) if own.when else ("environment",) if own.branches else ()
        return (*self.loc(node), *key)

    def stated(self, node: str, key: str, *rest: str | int) -> Loc:
        """Return where an execution key of a node is stated: on it, on what it takes, in its profile or under `defaults`."""
        takes = self.plan.nodes[node].takes if key == "env" else ()
        places = (self.loc(node), *(("artifacts", take.artifact) for take in takes))
        profile = self.own(node).profile
        layers = (*places, ("profiles", profile)) if profile is not None else places
        found = ((*place, key, *rest) for place in layers)
        return next(filter(self._has, found), ("defaults", key, *rest))

    def _has(self, loc: Loc) -> bool:
        current: Any = self.source.root
        for part in loc:
            entries = getattr(current, "entries", None)
            if entries is not None:
                if part not in entries:
                    return False
                current = entries[part].node
            elif isinstance(part, int) and 0 <= part < len(getattr(current, "items", ())):
                current = current.items[part]
            else:
                return False
        return True


def listed(names: Iterable[str], most: int = 3) -> str:
    """Return names as a phrase: 'a', 'b' and 2 others."""
    all_names = [f"'{name}'" for name in names]
    shown, rest = all_names[:most], len(all_names) - most
    if rest > 0:
        return f"{', '.join(shown)} and {rest} other{'s' if rest > 1 else ''}"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
