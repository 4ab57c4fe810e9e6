"""The reference pages of the language and of the gate kinds, made from the models and their shapes."""

from __future__ import annotations

import json
from collections.abc import Iterator

from mlcc import resources
from mlcc.gates import GATES
from mlcc.record import record
from mlcc.spec import shapes
from mlcc.spec.base import Model
from mlcc.spec.base import keys as keys_of
from mlcc.spec.execution import Execution
from mlcc.spec.models import GateKeys, Spec
from mlcc.spec.tabulate import shapes_by_model
from mlcc.spec.wording import alternatives, describe

SPEC_PAGE = "docs/reference/spec.md"
GATES_PAGE = "docs/reference/gates.md"
_NOUNS = {
    "Spec": "the top", "ValueRef": "typed value", "MatrixRef": "value of an axis", "SqlCheck": "SQL check",
    "AwsAuth": "AWS login", "GcpAuth": "Google Cloud login", "AzureAuth": "Azure login", "OidcAuth": "OIDC login",
    "TokenRef": "token",
    "GithubTarget": "GitHub target",
    "GitlabTarget": "GitLab target",
}  # fmt: skip
"""Model -> what it is called, where its own name doesn't read well."""


@record
class Row:
    """One key: its values, its default and its meaning, as Markdown that fits into a table."""

    key: str
    values: str
    default: str
    meaning: str


@record
class Section:
    """One mapping of the language. `runs`: it has the execution keys, too, which have a section of their own."""

    title: str
    summary: str
    rules: tuple[str, ...]
    rows: tuple[Row, ...]
    runs: bool = False


class _Reference:
    """The sections of both pages. A mapping stands on the page of the gates when only gates' parameters have it."""

    def __init__(self) -> None:
        self.shapes = shapes_by_model(Spec)
        self.kinds = {
            kind.name: next(m for m in self.shapes if m is kind.params()) for kind in GATES.values()
        }
        self.kind_of = {self.shapes[model].name: name for name, model in self.kinds.items()}
        self.gate_models = {model for root in self.kinds.values() for model in self.below(root)}
        self.pages = {
            shape.name: "gates.md" if model in self.gate_models else "spec.md"
            for model, shape in self.shapes.items()
        }

    def below(self, model: type[Model]) -> list[type[Model]]:
        """Return a model and those of the mappings inside it, in the order of their keys, each once."""
        by_name = {shape.name: found for found, shape in self.shapes.items()}
        found: dict[type[Model], None] = {model: None}
        for key in self.shapes[model].keys.values():
            for inner in _fields(key.shape):
                found.update(dict.fromkeys(self.below(by_name[inner.name])))
        return list(found)

    def section(self, model: type[Model], page: str) -> Section:
        shape = self.shapes[model]
        noun = noun_of(shape.name)
        own = [key for key, name in keys_of(model).items() if not _inherited(model, name)]
        if issubclass(model, GateKeys):
            own = [key for key in own if key not in GATES]
        rules = [
            f"Exactly one of {_code(group)}." for group in shape.exactly_one if not set(group) <= set(GATES)
        ]
        rules += [f"At most one of {_code(group)}." for group in shape.at_most_one if set(group) <= set(own)]
        return Section(
            title=noun[0].upper() + noun[1:],
            summary=" ".join((model.__doc__ or "").split()),
            rules=tuple(rules),
            rows=tuple(self.row(model, key, page) for key in own),
            runs=issubclass(model, Execution),
        )

    def execution(self, page: str) -> Section:
        """Return the keys that jobs, gates and fetches share."""
        model = next(model for model in self.shapes if issubclass(model, Execution))
        rows = tuple(self.row(model, key, page) for key in keys_of(Execution))
        return Section(
            "Execution keys", "", tuple(f"At most one of {_code(g)}." for g in Execution.AT_MOST_ONE), rows
        )

    def row(self, model: type[Model], key: str, page: str) -> Row:
        made = self.shapes[model].keys[key]
        description = model.model_fields[keys_of(model)[key]].description
        assert description, f"{model.__name__}.{key} has no description"
        return Row(f"`{key}`", self.values(made.shape, page), _default(made.default), _cell(description))

    def values(self, shape: shapes.Shape, page: str, *, plural: bool = False) -> str:
        """Return what a key may hold, with links to the mappings that it may hold."""
        match shape:
            case shapes.Fields():
                target = self.pages[shape.name]
                noun = noun_of(shape.name)
                # The parameters of a kind stand under its name.
                heading = self.kind_of.get(shape.name) or noun
                return f"[{noun}]({'' if target == page else target}#{anchor(heading)})"
            case shapes.ListOf():
                return f"list of {self.values(shape.item, page, plural=True)}"
            case shapes.DictOf():
                return f"{_bare(describe(shape.key))} → {self.values(shape.item, page)}"
            case shapes.Either():
                return alternatives([self.values(inner, page, plural=plural) for inner in shape.shapes])
            case shapes.Choice():
                return _code(shape.words)
            case shapes.Int() if shape.check is None:
                return _bare(describe(shape, plural=plural)) + _bounds(shape)
        return _bare(describe(shape, plural=plural))


def noun_of(name: str) -> str:
    """Return what a model is called: FormInput is a form input."""
    return _NOUNS.get(name) or "".join(f" {c.lower()}" if c.isupper() else c for c in name).strip()


def anchor(heading: str) -> str:
    """Return the anchor that Markdown viewers give to a heading."""
    return "".join(c for c in heading.lower().replace(" ", "-") if c.isalnum() or c in "-_")


def spec_page() -> str:
    """Return docs/reference/spec.md."""
    reference = _Reference()
    found = [model for model in reference.below(Spec) if model not in reference.gate_models]
    sections = [reference.section(model, "spec.md") for model in found]
    shared = reference.execution("spec.md")
    return resources.render(
        "docs/spec.md.j2", sections=sections, execution=shared, kinds=list(GATES.values())
    )


def gates_page() -> str:
    """Return docs/reference/gates.md. A mapping that several kinds have stands where the first of them does."""
    reference = _Reference()
    first: dict[type[Model], str] = {}
    for name, root in reference.kinds.items():
        for model in reference.below(root):
            first.setdefault(model, name)
    kinds = [
        (GATES[name], [reference.section(model, "gates.md") for model, kind in first.items() if kind == name])
        for name in reference.kinds
    ]
    return resources.render("docs/gates.md.j2", kinds=kinds)


def _fields(shape: shapes.Shape) -> Iterator[shapes.Fields]:
    match shape:
        case shapes.Fields():
            yield shape
        case shapes.ListOf() | shapes.DictOf():
            yield from _fields(shape.item)
        case shapes.Either():
            for inner in shape.shapes:
                yield from _fields(inner)


def _inherited(model: type[Model], attribute: str) -> bool:
    return issubclass(model, Execution) and attribute in Execution.model_fields


def _bare(words: str) -> str:
    """Return 'a path' without its article."""
    return words.removeprefix("a ").removeprefix("an ")


def _code(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _bounds(shape: shapes.Int) -> str:
    match (shape.low, shape.high):
        case (None, None):
            return ""
        case (low, None):
            return f", at least {low}"
        case (None, high):
            return f", at most {high}"
        case (low, high):
            return f" from {low} to {high}"


def _default(default: object) -> str:
    if default is shapes.REQUIRED:
        return "**required**"
    if default is None or default in ([], {}) or isinstance(default, shapes.Fields):
        return ""
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"
