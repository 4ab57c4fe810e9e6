"""Spellings that the language no longer has: read as what they became, warned of, and rewritten by `mlcc migrate`.

Every later pass sees the new spelling only, so no model, back end or rule knows the old one.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Related, Severity, Span, SpecError, error
from mlcc.load.source import Entry, Mapping, Node, Scalar, Sequence, Source
from mlcc.record import record, replace
from mlcc.spec.shapes import DictOf, Either, Fields, ListOf, Shape, UnsureError
from mlcc.spec.table import SPEC


@record
class Deprecation:
    """A key that has another name since version `since` (two numbers) of mlcc, or a value that is another word.

    `code` is that of the warning, a kebab-case slug; `models` are the mappings that have it, by the names of their
    models. `key` is None where keys are renamed from `old` to `new`, else the key whose value is. `message` says why.
    """

    code: str
    since: str
    models: tuple[str, ...]
    key: str | None
    old: str
    new: str
    message: str


TABLE: tuple[Deprecation, ...] = ()
"""The deprecations of this version. An entry is never removed: somebody comes from years ago."""


@record
class OldSpelling:
    """A key, or a word as a value, that has an old spelling."""

    deprecation: Deprecation
    span: Span

    @property
    def diagnostic(self) -> Diagnostic:
        """The warning."""
        found = self.deprecation
        what = f"`{found.old}`" if found.key is None else f"`{found.key}: {found.old}`"
        message = f"{what} is `{found.new}` since mlcc {found.since}: {found.message}"
        return Diagnostic(found.code, Severity.WARNING, message, self.span, (), "`mlcc migrate` rewrites it")


def modern(source: Source) -> Source:
    """Return a source in the spelling of today, with a warning for each old one.

    Raises SpecError where a mapping has a key in both spellings.
    """
    if not TABLE:
        return source
    found: list[OldSpelling] = []
    root = _modern(source.root, SPEC, found, source)
    assert isinstance(root, Mapping)
    warnings = tuple(one.diagnostic for one in found)
    return replace(source, root=root, deprecated=(*source.deprecated, *warnings))


def old_spellings(source: Source) -> list[OldSpelling]:
    """Return the old spellings of a source, which `modern` has not seen, in the order of the text. Raises SpecError."""
    found: list[OldSpelling] = []
    _modern(source.root, SPEC, found, source)
    return sorted(found, key=lambda one: (one.span.line, one.span.column))


def _modern(node: Node, shape: Shape | None, found: list[OldSpelling], source: Source) -> Node:
    """Return a value in the spelling of today; what was old is added to `found`."""
    if isinstance(shape, Either):
        shape = _chosen(shape, node)
    if isinstance(node, Sequence) and isinstance(shape, ListOf):
        return replace(node, items=[_modern(item, shape.item, found, source) for item in node.items])
    if not isinstance(node, Mapping) or not isinstance(shape, (Fields, DictOf)):
        return node
    renamed = list(
        _renamed(node, shape, found, source) if isinstance(shape, Fields) else node.entries.values()
    )
    entries = {
        entry.key: replace(entry, node=_modern(entry.node, shape.inner(entry.key), found, source))
        for entry in renamed
    }
    return replace(node, entries=entries)


def _renamed(node: Mapping, shape: Fields, found: list[OldSpelling], source: Source) -> Iterator[Entry]:
    """Yield the entries of one of the language's own mappings with their keys, and words as values, of today."""
    here = [one for one in TABLE if shape.name in one.models]
    for entry in node.entries.values():
        for one in here:
            if one.key is None and entry.key == one.old:
                if one.new in node.entries:
                    raise SpecError([_both(one, entry, node.entries[one.new])], source.texts)
                found.append(OldSpelling(one, entry.key_span))
                entry = replace(entry, key=one.new)
        value = entry.node
        for one in here:
            if one.key == entry.key and isinstance(value, Scalar) and value.value == one.old:
                found.append(OldSpelling(one, value.span))
                value = Scalar(one.new, value.span, value.raw, value.plain)
        yield replace(entry, node=value)


def _both(one: Deprecation, old: Entry, new: Entry) -> Diagnostic:
    message = f"`{one.old}` is the old spelling of `{one.new}`, and both are here"
    return error(
        "both-spellings", message, old.key_span, related=[Related(new.key_span, "the other")], help="keep one"
    )


def _chosen(shape: Either, node: Node) -> Shape | None:
    value: object = {} if isinstance(node, Mapping) else []
    try:
        return shape.choose(node.value if isinstance(node, Scalar) else value)
    except UnsureError:
        return None
