"""EXPAND: `{param: NAME}` becomes the param's value, wherever the language takes a text, a number or a flag.

It is a literal from then on: all later passes see what would have been written there. So a threshold may be a
param, and a command may not: what a command gets arrives as an environment variable.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Mapped

from mlcc.diagnostics import Diagnostic, Related, Span, error, suggest
from mlcc.load.extends import PARAM
from mlcc.load.source import Entry, Mapping, Node, Scalar, Sequence
from mlcc.record import record
from mlcc.spec.scalars import check_command
from mlcc.spec.shapes import Either, ListOf, Shape, Str
from mlcc.spec.table import SPEC

LITERAL = frozenset({"version", "name", "requires", "extends", "params", "instances", "targets"})
"""Sections in which nothing stands for a value: those that say what the spec is, and raw text."""
_SCALARS = frozenset({str, int, float, bool})


@record
class Stated:
    """A param: the place of its definition, and its value where one is stated."""

    definition: Span
    value: Scalar | None


class Filling:
    """Puts the values of params into trees. What has none of them is looked at once, however many fillings follow.

    `whole` are the nodes that are known to hold no param: pass one set to all fillings of one spec.
    """

    def __init__(self, params: Mapped[str, Stated], missing: str, whole: set[int]) -> None:
        self.params = params
        self.missing = missing
        self.whole = whole
        self.values: dict[Span, Span] = {}
        """Use -> where its value is stated."""
        self.diagnostics: list[Diagnostic] = []

    def root(self, root: Mapping) -> Mapping:
        """Return the root of a spec with its params filled in."""
        entries = {
            key: entry if key in LITERAL else self._entry(entry, SPEC.inner(key))
            for key, entry in root.entries.items()
        }
        return Mapping(entries, root.span)

    def defaults(self, node: Mapping) -> Mapping:
        """Return such a value of `defaults`."""
        filled = self._node(node, SPEC.inner("defaults"))
        assert isinstance(filled, Mapping)
        return filled

    def _entry(self, entry: Entry, shape: Shape | None) -> Entry:
        node = self._node(entry.node, shape)
        return entry if node is entry.node else Entry(entry.key, entry.key_span, node, entry.base)

    def _node(self, node: Node, shape: Shape | None) -> Node:
        if isinstance(node, Scalar) or shape is None or id(node) in self.whole:
            return node
        if isinstance(node, Mapping) and PARAM in node.entries and not _SCALARS.isdisjoint(shape.kinds):
            return self._value(node, shape)
        filled: Node
        if isinstance(node, Mapping):
            entries = {key: self._entry(entry, shape.inner(key)) for key, entry in node.entries.items()}
            same = all(entries[key] is entry for key, entry in node.entries.items())
            filled = Mapping(entries, node.span)
        else:
            items = [self._node(item, _item(shape)) for item in node.items]
            same = all(one is item for one, item in zip(items, node.items, strict=True))
            filled = Sequence(items, node.span)
        if same:
            self.whole.add(id(node))
            return node
        return filled

    def _value(self, use: Mapping, shape: Shape) -> Node:
        name = use.entries[PARAM].node
        if len(use.entries) > 1:
            other = next(entry for key, entry in use.entries.items() if key != PARAM)
            self._report(
                "bad-param", "`param` stands alone", other.key_span, help="its `default` is under `params`"
            )
        elif not isinstance(name, Scalar) or not isinstance(name.value, str):
            self._report("bad-param", "`param` names one under `params`", name.span)
        elif any(isinstance(one, Str) and one.check is check_command for one in _branches(shape)):
            help = "pass it through `env`: {NAME: {param: …}}, and write $NAME in the command"
            self._report("param-in-command", "a command is never a param", use.span, help=help)
        elif name.value not in self.params:
            close = suggest(name.value, self.params)
            known = ", ".join(self.params) or "none is defined"
            help = f"did you mean '{close}'?" if close else f"known: {known}"
            self._report("unknown-param", f"there is no param '{name.value}'", name.span, help=help)
        else:
            return self._stated(use, name.value)
        return Mapping(use.entries, use.span)  # another node: this one isn't whole

    def _stated(self, use: Mapping, name: str) -> Node:
        stated = self.params[name]
        if stated.value is None:
            related = [Related(stated.definition, "defined here, without a default")]
            self._report("unset-param", f"the param '{name}' has no value", use.span, related, self.missing)
            return Mapping(use.entries, use.span)
        self.values[use.span] = stated.value.span
        return Scalar(stated.value.value, use.span, stated.value.raw, stated.value.plain)

    def _report(
        self, code: str, message: str, span: Span, related: Iterable[Related] = (), help: str | None = None
    ) -> None:
        self.diagnostics.append(error(code, message, span, related=related, help=help))


def params_named(root: Node) -> set[str]:
    """Return the params that a tree names anywhere."""
    found: set[str] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Mapping):
            waiting += (entry.node for entry in node.entries.values())
            named = node.entries.get(PARAM)
            if named is not None and isinstance(named.node, Scalar):
                found.add(str(named.node.value))
        elif isinstance(node, Sequence):
            waiting += node.items
    return found


def _branches(shape: Shape) -> tuple[Shape, ...]:
    return shape.shapes if isinstance(shape, Either) else (shape,)


def _item(shape: Shape) -> Shape | None:
    return next((one.item for one in _branches(shape) if isinstance(one, ListOf)), None)
