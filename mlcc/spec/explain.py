"""The slow way to a Spec: by the pydantic models, with a diagnostic for everything that is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from mlcc import __version__
from mlcc.diagnostics import Diagnostic, Related, Severity, Span, SpecError, suggest
from mlcc.load.source import MAX_DIAGNOSTICS, Loc, Mapping, Node, Scalar, Sequence, Source, locate
from mlcc.record import record
from mlcc.spec import wording
from mlcc.spec.models import Spec
from mlcc.spec.scalars import check_duration
from mlcc.spec.shapes import Choice, DictOf, Either, Fields, ListOf, Shape, Str
from mlcc.spec.table import SPEC

# How pydantic says that a value is of another type altogether.
_TYPE_ERRORS = frozenset(
    {
        "string_type",
        "int_type",
        "float_type",
        "bool_type",
        "list_type",
        "dict_type",
        "model_type",
        "int_from_float",
    }
)
# The keys of a mapping that names a secret instead of stating it.
_NAMED = frozenset({"secret", "var"})
MAX_EXPLAINED = 4 * MAX_DIAGNOSTICS
_AT_LEAST = {"too_short": "item", "string_too_short": "character"}


def validate_slowly(data: object, source: Source) -> Spec:
    """Return the spec of plain values. Raises SpecError."""
    try:
        return Spec.model_validate(data)
    except ValidationError as problem:
        lines = [_Line(line["loc"], line) for line in problem.errors(include_url=False)]
    # A spec may hold ten thousand mistakes, and finding the meant word for each would take a minute.
    found = sorted(islice(_Explainer(source, data).explain(SPEC, (), lines), MAX_EXPLAINED), key=_order)
    raise SpecError(found[:MAX_DIAGNOSTICS], source.texts)


def _order(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    span = diagnostic.span
    assert span is not None
    return span.file, span.line, span.column, diagnostic.code


@record
class _Line:
    """One of pydantic's errors; `way` leads to it from the shape at hand."""

    way: Loc
    error: ErrorDetails

    @property
    def type(self) -> str:
        return self.error["type"]

    @property
    def facts(self) -> dict[str, Any]:
        return self.error.get("ctx", {})


def _by_step(lines: Iterable[_Line]) -> dict[str | int, list[_Line]]:
    """Group errors by the first step of their way, and take that step."""
    groups: dict[str | int, list[_Line]] = {}
    for line in lines:
        groups.setdefault(line.way[0], []).append(_Line(line.way[1:], line.error))
    return groups


class _Explainer:
    """Follows the errors down the shapes, since pydantic's own way through a union isn't the user's."""

    def __init__(self, source: Source, data: object) -> None:
        self.source = source
        self.data = data

    def explain(self, shape: Shape, place: Loc, lines: list[_Line]) -> Iterator[Diagnostic]:
        value = self.at(place)
        if isinstance(shape, Either):
            lines = _of_branch(lines, value)
            if type(value) not in shape.kinds or not lines:
                yield self.wrong_type(shape, place)
                return
            shape = shape.choose(value)
        if not isinstance(shape, (Fields, DictOf, ListOf)):
            yield self.scalar(shape, place, lines)
            return
        here = [line for line in lines if not line.way]
        below = _by_step(line for line in lines if line.way)
        if isinstance(shape, Fields):
            yield from self.fields(shape, place, here, below)
            return
        for line in here:
            yield self.problem(shape, place, line)
        for step, inner in below.items():
            yield from self.item(shape, (*place, step), inner)

    def item(self, shape: DictOf | ListOf, place: Loc, lines: list[_Line]) -> Iterator[Diagnostic]:
        rest = [line for line in lines if line.way != ("[key]",)]
        if isinstance(shape, DictOf) and len(rest) < len(lines):
            key = next(line for line in lines if line.way == ("[key]",))
            yield self.problem(shape.key, place, key, key=True)
        if rest:
            yield from self.explain(shape.item, place, rest)

    def scalar(self, shape: Shape, place: Loc, lines: list[_Line]) -> Diagnostic:
        """Return the one problem of a single value; pydantic has one for each type that a number may have."""
        value = self.at(place)
        fitting = [line for line in lines if not _is_type_error(line, value)]
        return self.problem(shape, place, fitting[0]) if fitting else self.wrong_type(shape, place)

    # --- mappings with the language's own keys ---

    def fields(
        self, shape: Fields, place: Loc, here: list[_Line], below: dict[str | int, list[_Line]]
    ) -> Iterator[Diagnostic]:
        unknown = _keys_with("extra_forbidden", below)
        missing = set(_keys_with("missing", below))
        groups = [line for line in here if line.type == "one_of"]
        wanted = missing | {key for line in groups if not line.facts["found"] for key in line.facts["group"]}
        meant = {key: suggest(key, shape.keys) for key in islice(unknown, MAX_DIAGNOSTICS)}
        # A key that isn't there because it is misspelt is one problem and not two.
        excused = not wanted.isdisjoint(meant.values())
        for line in here:
            if line.type == "one_of" and not (excused and not line.facts["found"]):
                yield self.one_of(place, line)
            elif line.type != "one_of":
                yield self.problem(shape, place, line)
        for key, lines in below.items():
            inner = (*place, str(key))
            if key in unknown:
                yield self.unknown(shape, inner, meant.get(str(key)))
            elif key in missing:
                if not excused:
                    yield self.missing(shape, place, str(key))
            elif lines[0].type == "no_value" and not lines[0].way:
                yield self.no_value(inner)
            else:
                yield from self.explain(shape.keys[str(key)].shape, inner, lines)

    def unknown(self, shape: Fields, place: Loc, meant: str | None) -> Diagnostic:
        message = f"unknown key `{place[-1]}`" + (f"; did you mean `{meant}`?" if meant else "")
        help = f"allowed here: {', '.join(shape.keys)}"
        if not meant:
            help += f"; this is mlcc {__version__}: if a newer one knows the key, say so by `requires`"
        return self.new("unknown-key", message, place, key=True, help=help)

    def no_value(self, place: Loc) -> Diagnostic:
        message = f"`{place[-1]}` has no value"
        return self.new("no-value", message, place, key=True, help="give it one, or leave the key out")

    def missing(self, shape: Fields, place: Loc, key: str) -> Diagnostic:
        help = f"`{key}` is {wording.describe(shape.keys[key].shape)}"
        return self.new("missing-key", f"`{key}` is missing", place, key=True, help=help)

    def one_of(self, place: Loc, line: _Line) -> Diagnostic:
        group, found = line.facts["group"], line.facts["found"]
        if not found:
            return self.new("one-of", f"one of {', '.join(group)} is missing", place, key=True)
        written = {key: self.span((*place, key), key=True) for key in found}
        found = sorted(found, key=lambda key: (written[key].line, written[key].column))
        message = f"{' and '.join(f'`{key}`' for key in found)} exclude each other"
        others = tuple(Related(written[key], "the other") for key in found[:-1])
        return self.new(
            "one-of", message, (*place, found[-1]), key=True, others=others, help="keep one of them"
        )

    # --- single problems ---

    def problem(self, shape: Shape, place: Loc, line: _Line, *, key: bool = False) -> Diagnostic:
        value = place[-1] if key else self.at(place)
        if line.type == "value_error":
            check = getattr(shape, "check", None)
            code = wording.CODES.get(getattr(check, "__name__", ""), "bad-value")
            return self.new(code, str(line.facts["error"]), place, key=key)
        if line.type == "literal_error" and isinstance(shape, Choice) and isinstance(value, str):
            close = suggest(value, shape.words)
            message = f"'{_short(value)}' isn't {wording.describe(shape)}"
            return self.new("bad-value", message, place, help=f"did you mean '{close}'?" if close else None)
        if _is_type_error(line, value):
            return self.wrong_type(shape, place)
        return self.new("bad-value", _bound(line), place, key=key)

    def wrong_type(self, shape: Shape, place: Loc) -> Diagnostic:
        value = self.at(place)
        if value is None and isinstance(place[-1], str):
            return self.no_value(place)
        message = f"expected {wording.describe(shape)}, found {wording.found(value)}"
        return self.new("wrong-type", message, place, help=self.cure(shape, place, value))

    def cure(self, shape: Shape, place: Loc, value: object) -> str | None:
        shapes = shape.shapes if isinstance(shape, Either) else (shape,)
        node = _node(self.source.root, place)
        if not isinstance(node, Scalar) or value is None:
            return None
        if isinstance(value, str) and any(
            isinstance(s, Fields) and _NAMED.issuperset(s.keys) for s in shapes
        ):
            return "name what the CI system keeps, as {secret: NAME}: who can read the spec must not learn it"
        if isinstance(value, str):
            lists = any(isinstance(inner, ListOf) and isinstance(inner.item, Str) for inner in shapes)
            return "write it as a list of one item" if lists else None
        if any(isinstance(inner, Str) and inner.check is check_duration for inner in shapes):
            return f"say the unit: {node.raw}m or {node.raw}s" if type(value) is int and value > 0 else None
        return f'quote it: "{node.raw}"' if any(str in inner.kinds for inner in shapes) else None

    # --- places ---

    def at(self, place: Loc) -> Any:
        """Return the plain value at `place`."""
        value: Any = self.data
        for step in place:
            value = value[step]
        return value

    def span(self, place: Loc, *, key: bool = False) -> Span:
        return locate(self.source.root, place, key=key)

    def new(
        self,
        code: str,
        message: str,
        place: Loc,
        *,
        key: bool = False,
        others: tuple[Related, ...] = (),
        help: str | None = None,
    ) -> Diagnostic:
        base = _base(self.source.root, place)
        related = (*others, Related(base, "the value that it overrides")) if base else others
        return Diagnostic(
            code, Severity.ERROR, _short(message, 400), self.span(place, key=key), related, help
        )


def _of_branch(lines: list[_Line], value: object) -> list[_Line]:
    """Return the errors of the one branch of a union that takes values of this type."""
    kept: list[_Line] = []
    for inner in _by_step(line for line in lines if line.way).values():
        if not any(not line.way and _is_type_error(line, value) for line in inner):
            kept.extend(inner)
    return kept + [line for line in lines if not line.way]


def _is_type_error(line: _Line, value: object) -> bool:
    return line.type in _TYPE_ERRORS or (line.type == "literal_error" and not isinstance(value, str))


def _short(text: str, most: int = 60) -> str:
    """Return a text of the spec as far as it fits into a sentence."""
    return text if len(text) <= most else text[: most - 1] + "…"


def _keys_with(type: str, below: dict[str | int, list[_Line]]) -> list[str]:
    """Return the keys that have such an error themselves, in the order of the errors."""
    return [str(key) for key, lines in below.items() if lines[0].type == type and not lines[0].way]


def _bound(line: _Line) -> str:
    facts = line.facts
    match line.type:
        case "greater_than_equal":
            return f"must be at least {facts['ge']}"
        case "less_than_equal":
            return f"must be at most {facts['le']}"
        case "too_short" | "string_too_short":
            least = facts["min_length"]
            what = _AT_LEAST[line.type] + ("s" if least != 1 else "")
            return f"must have at least {least} {what}"
        case "finite_number":
            return "must be a finite number"
        case _:
            return line.error["msg"]


def _node(root: Node, place: Loc) -> Node:
    """Return the node at `place`, which exists."""
    for step in place:
        if isinstance(root, Mapping):
            root = root.entries[str(step)].node
        elif isinstance(root, Sequence):
            assert isinstance(step, int)
            root = root.items[step]
    return root


def _base(root: Node, place: Loc) -> Span | None:
    """Return where the innermost inherited value lies that the value at `place` replaced."""
    base = None
    for step in place:
        if isinstance(root, Mapping) and step in root.entries:
            entry = root.entries[str(step)]
            if not isinstance(entry.node, Mapping):  # a mapping adds to what it inherits
                base = entry.base or base
            root = entry.node
        elif isinstance(root, Sequence) and isinstance(step, int):
            root = root.items[step]
        else:
            break
    return base
