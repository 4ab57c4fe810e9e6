"""Turns the models into shapes, and the shapes into the text of `mlcc/spec/table.py`."""

from __future__ import annotations

import inspect
import json
import re
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import AfterValidator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from mlcc.spec import scalars, shapes
from mlcc.spec.base import Model, keys
from mlcc.spec.models import Spec

WIDTH = 80
_HEADER = '''"""The models as data, for the fast loader.

Made by `python -m mlcc.generate`; do not edit.
"""

from __future__ import annotations

from mlcc.spec import scalars
from mlcc.spec.shapes import {names}

'''


class NotExpressibleError(TypeError):
    """A model says something that the fast loader has no shape for."""


# --- models -> shapes -----------------------------------------------------------------------------


class _Shapes:
    """Builds each model's shape once, inner ones first."""

    def __init__(self) -> None:
        self.fields: dict[type[Model], shapes.Fields] = {}

    def model(self, model: type[Model]) -> shapes.Fields:
        if model not in self.fields:
            _refuse_other_validators(model)
            attributes = keys(model)
            made = {key: self.key(model, key, attribute) for key, attribute in attributes.items()}
            self.fields[model] = shapes.Fields(
                model.__name__, made, exactly_one=model.EXACTLY_ONE, at_most_one=model.AT_MOST_ONE
            )
        return self.fields[model]

    def key(self, model: type[Model], key: str, attribute: str) -> shapes.Key:
        field = model.model_fields[attribute]
        shape = self.shape(field.annotation, field.metadata, f"{model.__name__}.{key}")
        if isinstance(shape, shapes.Anything):
            raise NotExpressibleError(f"{model.__name__}.{key}: null would be a value here")
        return shapes.Key(shape, self.default(field), attribute=attribute if attribute != key else None)

    def default(self, field: FieldInfo) -> Any:
        value = field.get_default(call_default_factory=True, validated_data={})
        if value is PydanticUndefined:
            return shapes.REQUIRED
        if isinstance(value, Model):
            assert value == type(value)(), "the default of a mapping is what it makes of no keys"
            return self.model(type(value))
        return value

    def shape(self, annotation: Any, metadata: list[Any], where: str) -> shapes.Shape:
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            inner, *more = arguments
            return self.shape(inner, [*more, *metadata], where)
        if origin in (Union, types.UnionType):
            return self.union([a for a in arguments if a is not type(None)], metadata, where)
        facts = _Facts(metadata, where)
        if origin is Literal:
            assert all(isinstance(word, str) for word in arguments), where
            return facts.used(shapes.Choice(*arguments))
        if origin is list:
            return facts.used(
                shapes.ListOf(self.shape(arguments[0], [], where), least=facts.take("least", 0))
            )
        if origin is dict:
            key, item = (self.shape(argument, [], where) for argument in arguments)
            return facts.used(shapes.DictOf(key, item, least=facts.take("least", 0)))
        if inspect.isclass(annotation) and issubclass(annotation, Model):
            return facts.used(self.model(annotation))
        return facts.used(_scalar(annotation, facts, where))

    def union(self, arguments: list[Any], metadata: list[Any], where: str) -> shapes.Shape:
        if len(arguments) == 1:
            return self.shape(arguments[0], metadata, where)
        facts = _Facts(metadata, where)
        number = [a for a in arguments if a in (int, float)]
        made: list[shapes.Shape] = []
        for argument in arguments:
            if argument is float and int in arguments:
                continue
            if argument is int and float in arguments:
                low, high = (facts.take("low"), facts.take("high")) if number == arguments else (None, None)
                made.append(shapes.Number(low=low, high=high))
            else:
                made.append(self.shape(argument, [], where))
        if len(made) == 1:
            return facts.used(made[0])
        return facts.used(_told_apart(shapes.Either(*made), where))


class _Facts:
    """Constraints of a type, by name. Each has to be taken, so that none is lost."""

    def __init__(self, metadata: list[Any], where: str) -> None:
        self.where = where
        self.left: dict[str, Any] = {}
        for item in metadata:
            self.read(item)

    def read(self, item: Any) -> None:
        if isinstance(item, FieldInfo):
            for inner in item.metadata:
                self.read(inner)
        elif isinstance(item, AfterValidator):
            self.left["check"] = item.func
        elif isinstance(item, (Ge, Le, MinLen, MaxLen)):
            name = {Ge: "low", Le: "high", MinLen: "least", MaxLen: "most"}[type(item)]
            self.left[name] = next(
                getattr(item, n) for n in ("ge", "le", "min_length", "max_length") if hasattr(item, n)
            )
        else:
            raise NotExpressibleError(f"{self.where}: {item!r}")

    def take(self, name: str, default: Any = None) -> Any:
        return self.left.pop(name, default)

    def used(self, shape: shapes.Shape) -> shapes.Shape:
        if self.left:
            raise NotExpressibleError(f"{self.where}: {self.left}")
        return shape


def _scalar(annotation: Any, facts: _Facts, where: str) -> shapes.Shape:
    if annotation is str:
        return shapes.Str(facts.take("check"), least=facts.take("least", 0), most=facts.take("most"))
    if annotation is int:
        return shapes.Int(low=facts.take("low"), high=facts.take("high"), check=facts.take("check"))
    if annotation is bool:
        return shapes.Flag()
    if annotation is Any:
        return shapes.Anything()
    raise NotExpressibleError(f"{where}: {annotation!r} (write int | float for a number)")


def _told_apart(shape: shapes.Either, where: str) -> shapes.Either:
    if len(set(shape.kinds)) < len(shape.kinds):
        raise NotExpressibleError(f"{where}: two branches of a union take the same type of value")
    return shape


def _refuse_other_validators(model: type[Model]) -> None:
    decorators = model.__pydantic_decorators__
    own = {*decorators.validators, *decorators.field_validators, *decorators.root_validators}
    own |= {*decorators.model_validators} - {*Model.__pydantic_decorators__.model_validators}
    if own:
        raise NotExpressibleError(
            f"{model.__name__}: {sorted(own)} (put checks into the pass that needs them)"
        )


# --- shapes -> text -------------------------------------------------------------------------------

_Tree = str | tuple[str, list[tuple[str, Any]], str]  # text, or an opening, prefixed inner trees, a closing


def shapes_by_model(model: type[Model]) -> dict[type[Model], shapes.Fields]:
    """Return the shapes of a model and of those inside it, inner ones first. Raises NotExpressibleError."""
    made = _Shapes()
    made.model(model)
    return made.fields


def shapes_of(model: type[Model]) -> shapes.Fields:
    """Return the shape of a model. Raises NotExpressibleError."""
    return shapes_by_model(model)[model]


def table() -> str:
    """Return the text of `mlcc/spec/table.py`."""
    made = shapes_by_model(Spec)
    names = [_constant(shape.name) for shape in made.values()]
    assert len(set(names)) == len(names), "two models have the same name"
    body = "".join(
        f"{name} = {_layout(_tree(shape, top=True), '')}\n"
        for name, shape in zip(names, made.values(), strict=True)
    )
    checks = sorted(name for name in vars(scalars) if name.startswith("check_"))
    used = [name for name in checks if re.search(rf"\b{_constant(name)}\b", body)]
    assert not {_constant(name) for name in used} & set(names), "a model is named like a check"
    body = "".join(f"{_constant(name)} = Str(scalars.{name})\n" for name in used) + body
    classes = sorted(name for name in vars(shapes) if re.search(rf"\b{name}\(", body))
    return _HEADER.format(names=", ".join(classes)) + body


def _constant(name: str) -> str:
    """Return `OriginKeys` or `check_origin_keys` as ORIGIN_KEYS."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.removeprefix("check_")).upper()


def _tree(value: Any, *, top: bool = False) -> _Tree:
    if isinstance(value, shapes.Fields) and not top:
        return _constant(value.name)
    if isinstance(value, shapes.Str) and value.check and (value.least, value.most) == (0, None):
        return _constant(value.check.__name__)
    if isinstance(value, (shapes.Shape, shapes.Key)):
        return f"{type(value).__name__}(", _arguments(value), ")"
    if isinstance(value, dict):
        return "{", [(f"{_tree(key)}: ", _tree(item)) for key, item in value.items()], "}"
    if isinstance(value, tuple):
        return "(", [("", _tree(item)) for item in value], ",)" if len(value) == 1 else ")"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if callable(value):
        assert value is getattr(scalars, value.__name__), "checks of single values live in mlcc.spec.scalars"
        return f"scalars.{value.__name__}"
    return repr(value)


def _arguments(value: shapes.Shape | shapes.Key) -> list[tuple[str, _Tree]]:
    """Return the arguments that make `value`, without those that are the default."""
    made: list[tuple[str, _Tree]] = []
    for name, parameter in inspect.signature(type(value)).parameters.items():
        argument = getattr(value, name)
        if parameter.kind is parameter.VAR_POSITIONAL:
            made.extend(("", _tree(item)) for item in argument)
        elif argument is not parameter.default and (argument != parameter.default or type(argument) is bool):
            made.append((f"{name}=" if parameter.kind is parameter.KEYWORD_ONLY else "", _tree(argument)))
    return made


def _layout(tree: _Tree, indent: str, before: int = 0) -> str:
    """Write a tree on one line if it fits, else one part a line, as the formatter does."""
    flat = _flat(tree)
    if isinstance(tree, str) or len(indent) + before + len(flat) < WIDTH:
        return flat
    opening, parts, closing = tree
    deeper = indent + "    "
    lines = [f"{deeper}{prefix}{_layout(part, deeper, len(prefix))},\n" for prefix, part in parts]
    return f"{opening}\n{''.join(lines)}{indent}{closing[-1]}"


def _flat(tree: _Tree) -> str:
    if isinstance(tree, str):
        return tree
    opening, parts, closing = tree
    return opening + ", ".join(prefix + _flat(part) for prefix, part in parts) + closing
