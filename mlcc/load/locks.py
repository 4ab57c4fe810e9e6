"""EXTENDS, continued: what a locked gate rests on, and who may not change it.

A gate is what it says and what it says it with: its own keys, the `defaults` that its file states, and the artifacts,
profiles, runners, environments and logins of that file which it uses. Whoever extends the file changes none of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Span
from mlcc.gates import GATES
from mlcc.load.source import Entry, Mapping, Node, Scalar, Sequence, plain
from mlcc.record import record
from mlcc.spec.shapes import UnsureError
from mlcc.spec.table import GATE

Keys = tuple[str, ...]

_SHARED_OVERLAYS: tuple[Keys, ...] = (("workflow", "env"),)
"""Raw text for one CI system that reaches every node."""


@record
class Lock:
    """What a locked gate keeps as it is: the place of its `locked`, and the value (None: nothing is there)."""

    span: Span
    node: Node | None


class Locks:
    """The locks of the files that a spec extends. `defaults` are those that each locked gate keeps to.

    `defaults` that are given are of files further down, whose locks are already known.
    """

    def __init__(self, defaults: dict[str, Mapping] | None = None) -> None:
        self.held: dict[Keys, Lock] = {}  # (section, id) -> what stays
        self.overlays: dict[Keys, Lock] = {}  # the way below a target -> what stays
        self.defaults: dict[str, Mapping] = dict(defaults or {})
        self.targets: dict[tuple[str, Keys], Node] = {}

    def hold(self, root: Mapping) -> None:
        """Take up the locks of an extended file, by its merged root. The file nearest to the gate comes first."""
        for id, entry in _below(root, "gates").items():
            span = _locked(entry.node)
            if span is None or ("gates", id) in self.held:
                continue
            defaults = _get(root, ("defaults",))
            stated = defaults if isinstance(defaults, Mapping) else Mapping({}, root.span)
            self.defaults.setdefault(id, stated)
            self.held["gates", id] = Lock(span, entry.node)
            for keys in _rests_on(root, entry.node, self.defaults[id]):
                node = _get(root, keys)
                if node is not None:
                    self.held.setdefault(keys, Lock(span, node))
            for way in (("jobs", id), *_SHARED_OVERLAYS):
                self.overlays.setdefault(way, Lock(span, None))
                for target in _below(root, "targets"):
                    node = _get(root, ("targets", target, *way))
                    if node is not None:
                        self.targets.setdefault((target, way), node)

    def at(self, at: Keys, base: Node, over: Node | None) -> tuple[Keys, Lock] | None:
        """Return the lock on the value at `at`, or one on a value inside that `over` (None: nothing) would end."""
        if len(at) == 1 and isinstance(base, Mapping) and not isinstance(over, Mapping):
            inside = ((at[0], key) for key in base.entries)
            return next(((keys, self.held[keys]) for keys in inside if keys in self.held), None)
        return (at, self.held[at]) if at in self.held else None

    def overlaid(self, root: Mapping) -> Iterator[tuple[Entry, Lock]]:
        """Yield the raw text for a CI system, in a merged root, that would change a locked gate."""
        for target in _below(root, "targets"):
            for way, lock in self.overlays.items():
                entry = _entry(root, ("targets", target, *way))
                if entry is not None and entry.node is not self.targets.get((target, way)):
                    yield entry, lock


def _rests_on(root: Node, gate: Node, defaults: Mapping) -> Iterator[Keys]:
    """Yield where the values of `root` lie that a gate uses: what it names, and the params of all of it."""
    named = list(_named(root, gate, defaults))
    yield from named
    nodes = [gate, defaults, *(node for keys in named if (node := _get(root, keys)) is not None)]
    yield from (("params", id) for node in nodes for id in _params(plain(node)))


def _params(value: object) -> Iterator[str]:
    """Yield the params that a plain value may name."""
    if isinstance(value, dict):
        name = value.get("param")
        yield from [name] if isinstance(name, str) else []
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _params(inner)


def _named(root: Node, gate: Node, defaults: Mapping) -> Iterator[Keys]:
    yield from (("artifacts", id) for id in _artifacts(gate))
    layers = [gate]
    for id in _words(_get(gate, ("profile",))):
        yield "profiles", id
        profile = _get(root, ("profiles", id))
        layers += [] if profile is None else [profile]
    stated = (_get(layer, ("runner",)) for layer in (*layers, defaults))
    runner = next((node for node in stated if node is not None), None)
    yield from (("runners", id) for id in _words(runner))
    yield from (("environments", id) for id in _words(_get(gate, ("environment",))))
    yield from (("auth", id) for id in _words(_get(gate, ("auth",))))


def _artifacts(gate: Node) -> Iterator[str]:
    """Yield the artifacts that a gate is about and those that its parameters name."""
    yield from _words(_get(gate, ("guards",)))
    for kind in GATES.values():
        node = _get(gate, (kind.name,))
        if node is None:
            continue
        try:
            params = GATE.keys[kind.name].shape.load(plain(node))
        except UnsureError:  # they may be wrong, or may not: whatever they could name
            yield from _texts(plain(node))
        else:
            yield from (id for _, id in kind.compiler().references(params))


def _texts(value: object) -> Iterator[str]:
    """Yield all texts in a plain value, keys too."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


def _locked(gate: Node) -> Span | None:
    """Return where a gate is locked, if it is."""
    entry = _entry(gate, ("locked",))
    is_locked = entry is not None and isinstance(entry.node, Scalar) and entry.node.value is True
    return entry.key_span if entry is not None and is_locked else None


def _words(node: Node | None) -> list[str]:
    items = node.items if isinstance(node, Sequence) else [node]
    return [item.value for item in items if isinstance(item, Scalar) and isinstance(item.value, str)]


def _below(root: Node, key: str) -> dict[str, Entry]:
    node = _get(root, (key,))
    return node.entries if isinstance(node, Mapping) else {}


def _get(node: Node, keys: Keys) -> Node | None:
    entry = _entry(node, keys)
    return None if entry is None else entry.node


def _entry(node: Node, keys: Keys) -> Entry | None:
    found: Entry | None = None
    for key in keys:
        found = node.entries.get(key) if isinstance(node, Mapping) else None
        if found is None:
            return None
        node = found.node
    return found
