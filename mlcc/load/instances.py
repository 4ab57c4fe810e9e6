"""EXPAND: a spec with `instances` is as many specs: each with params of its own, overrides, and a project folder.

An instance is merged as a spec is with what it extends, so a locked gate can't be changed by one either.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Mapped
from functools import cached_property
from pathlib import Path

from mlcc.diagnostics import Diagnostic, Related, Span, SpecError, error, suggest
from mlcc.load.extends import override
from mlcc.load.params import Filling, Stated, params_named
from mlcc.load.source import Entry, Mapping, Node, Scalar, Source, locate
from mlcc.record import replace

INSTANCES, PARAMS, ROOT, OVERRIDES = "instances", "params", "root", "overrides"
_NOT_OVERRIDDEN = ("version", "name", "requires", "extends", "params", "instances")


class Expansion:
    """What a loaded spec expands to. `ids` are its instances; without any, it is one pipeline itself."""

    def __init__(self, source: Source, root: Path) -> None:
        self.source = source
        self.root = root
        self.instances = _below(source.root, INSTANCES)
        self.ids = tuple(self.instances)
        self._params = _below(source.root, PARAMS)
        self._whole: set[int] = set()
        self._roots: dict[str, tuple[str, Span]] = {}
        for id, entry in self.instances.items():
            folder = _folder(entry.node)
            if folder is not None:
                self._roots.setdefault(folder[0], (id, folder[1]))

    def chosen(self, named: tuple[str, ...]) -> tuple[str, ...]:
        """Return the instances that are named, by default all; an empty id where there are none. Raises SpecError."""
        for id in named:
            if id not in self.instances:
                raise SpecError([self._unknown(id)], self.source.texts)
        return tuple(dict.fromkeys(named)) or self.ids or ("",)

    def of(self, id: str) -> Source:
        """Return the source of an instance, or with an empty id the spec's own, with its params filled in. Raises SpecError."""
        if not id:
            return self._filled(self.source, {}, "give it a `default`")
        return self._instance(id)

    def _instance(self, id: str) -> Source:
        entry = self.instances[id]
        entries = {
            **self.source.root.entries,
            INSTANCES: replace(
                self.source.root.entries[INSTANCES], node=Mapping({id: entry}, entry.node.span)
            ),
        }
        name = entries.get("name")
        if name is not None and isinstance(name.node, Scalar):
            entries["name"] = replace(name, node=replace(name.node, value=f"{name.node.value}-{id}"))
        folder, values, over = _folder(entry.node), _below(entry.node, PARAMS), _get(entry.node, OVERRIDES)
        if folder is not None:
            self._check_folder(id, *folder)
        source = replace(
            self.source,
            root=Mapping(entries, self.source.root.span),
            instance=id,
            home=folder[0] if folder else "",
        )
        if isinstance(over, Mapping):
            _check_overrides(over)
            source = override(source, over, self.root)
        return self._filled(source, values, "set it under the instance's `params`, or give it a `default`")

    def _check_folder(self, id: str, folder: str, span: Span) -> None:
        other, where = self._roots[folder]
        if other != id:
            found = error(
                "same-root", f"'{id}' and '{other}' have the same project folder", span,
                related=[Related(where, "the other one")], help="give each instance a folder of its own",
            )  # fmt: skip
            raise SpecError([found])

    def _filled(self, source: Source, values: Mapped[str, Entry], missing: str) -> Source:
        filling = Filling(self._stated(values), missing, self._whole)
        root = filling.root(source.root)
        by_node = {id(node): filling.defaults(node) for node in source.locked.values()}
        if filling.diagnostics:
            raise SpecError(filling.diagnostics)
        locked = {gate: by_node[id(node)] for gate, node in source.locked.items()}
        return replace(source, root=root, locked=locked, values=filling.values, unused=self._unused)

    @cached_property
    def _unused(self) -> frozenset[str]:
        """The params that nothing names, in no instance."""
        if not self._params:
            return frozenset()
        trees = (self.source.root, *self.source.locked.values())
        return frozenset(self._params).difference(*map(params_named, trees))

    def _stated(self, values: Mapped[str, Entry]) -> dict[str, Stated]:
        found: dict[str, Stated] = {}
        for name, entry in self._params.items():
            own = values[name].node if name in values else _get(entry.node, "default")
            found[name] = Stated(entry.key_span, own if isinstance(own, Scalar) else None)
        return found

    def _unknown(self, id: str) -> Diagnostic:
        if not self.ids:
            return error("unknown-instance", f"{self.source.path} has no instances", None)
        close = suggest(id, self.ids)
        known = ", ".join(self.ids[:12])
        help = f"did you mean '{close}'?" if close else f"known: {known}"
        return error("unknown-instance", f"there is no instance '{id}'", None, help=help)


def no_folder(source: Source) -> Diagnostic:
    """Return the error of an instance whose project folder isn't there."""
    span = locate(source.root, (INSTANCES, source.instance, ROOT))
    message = f"there is no folder '{source.home}' for the instance '{source.instance}'"
    return error("no-such-root", message, span, help="its data, its code and what it compiles to lie there")


def traced(diagnostics: Iterable[Diagnostic], source: Source) -> list[Diagnostic]:
    """Return diagnostics of a spec; those at a `{param: NAME}` point at its value, too."""
    return [_traced(one, source.values) for one in diagnostics] if source.values else list(diagnostics)


def _traced(diagnostic: Diagnostic, values: Mapped[Span, Span]) -> Diagnostic:
    stated = values.get(diagnostic.span) if diagnostic.span is not None else None
    if stated is None:
        return diagnostic
    return replace(diagnostic, related=(*diagnostic.related, Related(stated, "the param's value")))


def collapsed(found: list[tuple[str, Diagnostic]], total: int) -> list[Diagnostic]:
    """Return (instance, diagnostic) pairs as diagnostics: what several of `total` instances have stands once."""
    instances: dict[Diagnostic, list[str]] = {}
    for id, diagnostic in found:
        instances.setdefault(diagnostic, []).append(id)
    return [
        replace(diagnostic, message=f"{diagnostic.message} ({_named(ids, total)})")
        if total > 1
        else diagnostic
        for diagnostic, ids in instances.items()
    ]


def _named(ids: list[str], total: int) -> str:
    ids = list(dict.fromkeys(ids))
    if len(ids) == 1:
        return f"in the instance {ids[0]}"
    if len(ids) == total:
        return f"in all {total} instances"
    shown = ", ".join(ids[:3])
    rest = f" and {len(ids) - 3} more" if len(ids) > 3 else ""
    return f"in {len(ids)} instances: {shown}{rest}"


def _check_overrides(over: Mapping) -> None:
    found = [
        error("bad-override", f"an instance can't override `{key}`", entry.key_span, help="write it once, in the spec itself")
        for key, entry in over.entries.items()
        if key in _NOT_OVERRIDDEN
    ]  # fmt: skip
    if found:
        raise SpecError(found)


def _folder(instance: Node) -> tuple[str, Span] | None:
    """Return an instance's project folder without a slash at its end, and where it is stated."""
    root = _get(instance, ROOT)
    if not isinstance(root, Scalar) or not isinstance(root.value, str):
        return None
    return root.value.rstrip("/"), root.span


def _get(node: Node, key: str) -> Node | None:
    return node.entries[key].node if isinstance(node, Mapping) and key in node.entries else None


def _below(node: Node, key: str) -> dict[str, Entry]:
    inner = _get(node, key)
    return inner.entries if isinstance(inner, Mapping) else {}
