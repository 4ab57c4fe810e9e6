"""EXTENDS: a spec on top of the specs that it extends.

Mappings merge key by key; lists and scalars replace; a key of a union replaces the other keys of that union;
`drop: [ids]` removes what was inherited. `version` and `name` always come from the extending file. A base may
lock a gate: whoever extends it can't change that gate, nor what it rests on (see mlcc/load/locks.py).
"""

from __future__ import annotations

import os
import posixpath
from pathlib import Path

from mlcc.diagnostics import Diagnostic, MlccError, Related, Span, SpecError, error, suggest
from mlcc.load.deprecations import modern
from mlcc.load.locks import Keys, Lock, Locks
from mlcc.load.source import (
    MAX_BYTES,
    MAX_DIAGNOSTICS,
    Entry,
    Mapping,
    Node,
    Scalar,
    Sequence,
    Source,
    load,
    plain,
)
from mlcc.record import record, replace
from mlcc.spec.shapes import Shape
from mlcc.spec.table import SPEC

TYPED_VALUE = frozenset({"secret", "var", "input", "param", "matrix", "output", "context"})
"""The kinds of a typed value. Another kind replaces all of the old value: its other keys belong to its kind."""
PARAM = "param"
_OWN = ("version", "name", "extends")
_MAX_FILES = 32
_MAX_VALUES = 30_000
"""Values of all files together: each file is capped by itself, many are not."""


def merge(source: Source, root: Path) -> Source:
    """Return `source` on top of what it extends, recursively, all in the spelling of today.

    No file outside of the folder `root` is read. Raises SpecError with every problem found; a file that can't be
    read ends the search (with OutputError where the machine is at fault).
    """
    source = modern(source)
    if "extends" not in source.root.entries:
        return source
    merger = _Merger(root, source)
    try:
        merged = merger.merged(source, _real(source.file or root / source.path), ())
        merger.check_overlays(merged)
    except MlccError as problem:
        raise type(problem)(problem.diagnostics, {**merger.texts, **problem.texts}) from None
    if merger.diagnostics:
        raise SpecError(merger.diagnostics, merger.texts)
    return replace(
        source,
        root=merged,
        texts=merger.texts,
        locked=merger.locks.defaults,
        deprecated=tuple(merger.deprecated),
    )


def override(source: Source, over: Mapping, root: Path) -> Source:
    """Return `source` under `over`, as if that were a spec which extends it. Raises SpecError."""
    merger = _Merger(root, source)
    merger.locks = Locks(source.locked)
    merger.locks.hold(source.root)
    merged = merger.mappings(source.root, over, ())
    merger.check_overlays(merged)
    if merger.diagnostics:
        raise SpecError(merger.diagnostics, merger.texts)
    merged = Mapping(merged.entries, source.root.span)
    return replace(source, root=merged, locked=merger.locks.defaults)


@record
class _Link:
    """A file on the way down, and its item of `extends` that leads on."""

    real: Path
    shown: str
    item: Span


Chain = tuple[_Link, ...]


class _Merger:
    def __init__(self, root: Path, source: Source) -> None:
        self.root = _real(root)
        self.texts = dict(source.texts)
        self.diagnostics: list[Diagnostic] = []
        self.locks = Locks()
        self.done: dict[Path, Mapping] = {}  # real path -> merged root, so that a file is read once
        self.values = _size(source.root)
        self.deprecated = list(source.deprecated)

    # Files

    def merged(self, source: Source, real: Path, chain: Chain) -> Mapping:
        """Return the root of `source` merged with its bases. `chain`: the files that led here, and where."""
        result: Mapping | None = None
        for item in self.paths(source):
            shown = posixpath.normpath(posixpath.join(posixpath.dirname(source.path), str(item.value)))
            base = self.base(item, shown, (*chain, _Link(real, source.path, item.span)))
            result = base if result is None else self.mappings(result, base, ())
        own = _without(source.root, ("extends",))
        return own if result is None else self.mappings(_without(result, _OWN), own, ())

    def paths(self, source: Source) -> list[Scalar]:
        """Return the items of `extends`, as far as they are sound."""
        entry = source.root.entries.get("extends")
        if entry is None:
            return []
        if not isinstance(entry.node, Sequence):
            self.report(
                "bad-extends", "`extends` is a list of paths", entry.node.span, help="write [base.yaml]"
            )
            return []
        found: list[Scalar] = []
        for item in entry.node.items:
            problem = _path_problem(item)
            if problem:
                self.report("bad-path", problem, item.span)
            elif isinstance(item, Scalar) and any(item.value == other.value for other in found):
                self.report("bad-extends", f"`{item.value}` is listed twice", item.span)
            elif isinstance(item, Scalar):
                found.append(item)
        return found

    def base(self, item: Scalar, shown: str, chain: Chain) -> Mapping:
        """Return the merged root of the file that `item` names. `shown` is its display path."""
        real = _real(chain[-1].real.parent / str(item.value))
        if not real.is_relative_to(self.root):
            message = f"`{item.value}` lies outside of the repository"
            raise SpecError([error("outside-repository", message, item.span)])
        if any(real == link.real for link in chain):
            raise SpecError([_cycle(real, chain)])
        if real not in self.done:
            if len(self.done) >= _MAX_FILES:
                raise SpecError(
                    [error("too-large", f"a spec may extend at most {_MAX_FILES} files", item.span)]
                )
            loaded = self.load(real, shown, item)
            self.done[real] = self.merged(loaded, real, chain)
            self.locks.hold(self.done[real])
        return self.done[real]

    def load(self, real: Path, shown: str, item: Scalar) -> Source:
        try:
            loaded = modern(load(real, shown))
        except MlccError as problem:
            found = [_extended(d, item.span) for d in problem.diagnostics]
            raise type(problem)(found, problem.texts) from None
        self.texts.update(loaded.texts)
        self.deprecated += loaded.deprecated
        self.values += _size(loaded.root)
        if self.values > _MAX_VALUES:
            message = f"a spec and what it extends may have at most {_MAX_VALUES} values"
            raise SpecError([error("too-large", message, item.span)])
        if sum(map(len, self.texts.values())) > MAX_BYTES:
            message = f"a spec and what it extends may be at most {MAX_BYTES // 1024} KiB long"
            raise SpecError([error("too-large", message, item.span)])
        return loaded

    # Values

    def mappings(self, base: Mapping, over: Mapping, at: Keys) -> Mapping:
        """Return `over` merged onto `base`, both of which lie at `at`."""
        own = dict(over.entries)
        gone = _replaced(base, over, at)
        drop = own.get("drop")
        if drop is not None and isinstance(drop.node, Sequence):
            del own["drop"]
            gone |= self.dropped(drop.node, base, at)
        entries = {key: entry for key, entry in base.entries.items() if key not in gone}
        for key, entry in own.items():
            below = entries.get(key)
            entries[key] = entry if below is None else self.entry(below, entry, (*at, key))
        return Mapping(entries, over.span)

    def entry(self, base: Entry, over: Entry, at: Keys) -> Entry:
        if base.node is over.node:  # two bases have it from the same file
            return base
        held = self.locks.at(at, base.node, over.node)
        if held and held[1].node is not over.node:
            self.refuse(*held, over.key_span)
            return base
        node: Node = over.node
        if isinstance(base.node, Mapping) and isinstance(over.node, Mapping):
            node = self.mappings(base.node, over.node, at)
        if held and plain(node) != plain(over.node):  # a base that is listed before the one with the lock
            self.refuse(*held, base.key_span)
        return over if held else Entry(over.key, over.key_span, node, base.node.span)

    def dropped(self, ids: Sequence, base: Mapping, at: Keys) -> set[str]:
        """Return the inherited keys that the list after `drop` removes."""
        found: set[str] = set()
        for item in ids.items:
            key = item.value if isinstance(item, Scalar) else None
            if not isinstance(key, str):
                self.report("bad-drop", "`drop` is a list of inherited ids", item.span)
            elif key not in base.entries:
                close = suggest(key, base.entries)
                cure = f"did you mean `{close}`?" if close else None
                inherited = Related(base.span, "what is inherited")
                self.report(
                    "unknown-id", f"nothing called `{key}` is inherited here", item.span, inherited, cure
                )
            elif held := self.locks.at((*at, key), base.entries[key].node, None):
                self.refuse(*held, item.span)
            else:
                found.add(key)
        return found

    def check_overlays(self, merged: Mapping) -> None:
        """Refuse raw text for a CI system that would change a locked gate."""
        for entry, lock in self.locks.overlaid(merged):
            self.refuse(("targets", entry.key), lock, entry.key_span)

    def refuse(self, keys: Keys, lock: Lock, place: Span) -> None:
        cure = "ask the owner of that file, or add a gate of your own"
        locked = Related(lock.span, "locked here")
        if keys[0] == "gates":
            self.report("locked-gate", "a locked gate can't be changed", place, locked, cure)
        else:
            message = f"`{keys[1]}` can't be changed: a locked gate rests on it"
            self.report("locked", message, place, locked, cure)

    def report(
        self, code: str, message: str, span: Span, related: Related | None = None, help: str | None = None
    ) -> None:
        self.diagnostics.append(error(code, message, span, related=(related,) if related else (), help=help))
        if len(self.diagnostics) >= MAX_DIAGNOSTICS:
            raise SpecError(self.diagnostics)


def _replaced(base: Mapping, over: Mapping, at: Keys) -> set[str]:
    """Return the keys of `base` that give way to another key of their union in `over`."""
    if len(at) > 1 and (at[-2] == "env" or (len(at) == 3 and at[0] == "auth")):
        kinds = TYPED_VALUE & over.entries.keys()
        return set(base.entries) if kinds and not kinds & base.entries.keys() else set()
    shape = _shape(at)
    if shape is not None and str in shape.kinds and PARAM in base.entries.keys() ^ over.entries.keys():
        return set(base.entries)  # a value that a param gives, or no longer gives
    gone: set[str] = set()
    for group in () if shape is None else shape.unions:
        chosen = over.entries.keys() & group
        gone |= set(group) - chosen if chosen else set()
    return gone


def _shape(at: Keys) -> Shape | None:
    """Return the shape of the mapping at `at`, None where nothing is known of it.

    The place matters: a data contract may well have columns called `path` and `table`.
    """
    shape: Shape | None = SPEC
    for key in at:
        shape = None if shape is None else shape.inner(key)
    return shape


def _path_problem(item: Node) -> str | None:
    if not isinstance(item, Scalar) or not isinstance(item.value, str) or not item.value:
        return "a path expected"
    path = item.value
    if path.startswith("/"):
        return f"`{path}` must be relative to this file"
    if "\\" in path:
        return f"`{path}` must use `/`"
    if path.startswith("-"):
        return f"`{path}` must not start with `-`"
    if not path.isascii():
        import unicodedata  # seldom needed

        if not unicodedata.is_normalized("NFC", path):
            return f"`{path}` isn't in Unicode normal form C"
    return None


def _extended(diagnostic: Diagnostic, item: Span) -> Diagnostic:
    """Return a diagnostic of an extended file that also says who extends it."""
    if diagnostic.span is None:  # the file can't be read at all
        return replace(diagnostic, span=item, help=None)
    return replace(diagnostic, related=(*diagnostic.related, Related(item, "extended here")))


def _cycle(real: Path, chain: Chain) -> Diagnostic:
    """Return the diagnostic of a chain that comes back to the file `real`, edge by edge."""
    start = next(number for number, link in enumerate(chain) if link.real == real)
    edges = chain[start:]
    names = [link.shown for link in edges] + [edges[0].shown]
    related = tuple(
        Related(link.item, f"{link.shown} extends {names[number + 1]}") for number, link in enumerate(edges)
    )
    message = "specs extend each other in a circle: " + " -> ".join(names)
    return error("extends-cycle", message, edges[-1].item, related=related, help="take one of these away")


def _without(mapping: Mapping, keys: tuple[str, ...]) -> Mapping:
    return Mapping({key: e for key, e in mapping.entries.items() if key not in keys}, mapping.span)


def _real(path: Path) -> Path:
    """Return `path` without symlinks. Unlike Path.resolve it raises nothing when they go in circles."""
    return Path(os.path.realpath(path))


def _size(node: Node) -> int:
    """Return how many values `node` holds."""
    if isinstance(node, Mapping):
        return 1 + sum(_size(entry.node) for entry in node.entries.values())
    return 1 + sum(map(_size, node.items)) if isinstance(node, Sequence) else 1
