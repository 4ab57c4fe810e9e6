"""Every place of the language that holds text, found from the models: a new one is found by itself."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mlcc.load.source import HIDDEN
from mlcc.spec import scalars, shapes
from mlcc.spec.base import keys
from mlcc.spec.models import Spec
from mlcc.spec.tabulate import shapes_by_model

Check = Callable[[str], str]
FREE = (
    scalars.check_text,
    scalars.check_free_text,
    scalars.check_command,
    scalars.check_path,
    scalars.check_plain_path,
    scalars.check_folder,
    scalars.check_store_uri,
    scalars.check_source,
)
"""Checks that let text of the user's own choice pass; the others know an alphabet."""


@functools.cache
def leaves() -> Mapping[str, shapes.Str | shapes.Anything]:
    """Return the name of each place, as MODEL.KEY with [] for items, {} for keys and {}= for their values."""
    found: dict[str, shapes.Str | shapes.Anything] = {}
    for model, shape in shapes_by_model(Spec).items():
        for key, attribute in keys(model).items():
            models = [m for m in reversed(model.__mro__) if attribute in getattr(m, "model_fields", {})]
            found.update(_walk(shape.keys[key].shape, f"{models[0].__name__}.{key}"))
    return found


def _walk(shape: shapes.Shape, name: str) -> Iterator[tuple[str, shapes.Str | shapes.Anything]]:
    match shape:
        case shapes.Str() | shapes.Anything():
            yield name, shape
        case shapes.ListOf():
            yield from _walk(shape.item, f"{name}[]")
        case shapes.DictOf():
            yield from _walk(shape.key, f"{name}{{}}")
            yield from _walk(shape.item, f"{name}{{}}=")
        case shapes.Either():
            for inner in shape.shapes:
                yield from _walk(inner, name)


def is_free(name: str) -> bool:
    """Tell whether a place holds text of the user's own choice. Keys of mappings are words: the loader sees to that."""
    shape = leaves()[name]
    return isinstance(shape, shapes.Anything) or (
        not name.endswith("}") and (shape.check is None or shape.check in FREE)
    )


def takes(name: str, text: str) -> bool:
    """Tell whether a place's own check lets a text pass."""
    shape = leaves()[name]
    if HIDDEN.search(text):  # the loader refuses these everywhere
        return False
    if isinstance(shape, shapes.Anything):
        return True
    try:
        shape.load(text)
    except shapes.UnsureError:
        return False
    return True


def positions(spec: Any) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """Yield each place of a spec (as plain data) that holds text: its name, and the way to it.

    A way to a key ends with that key and "{}".
    """
    found = shapes_by_model(Spec)
    by_name = {shape.name: model for model, shape in found.items()}

    def visit(shape: shapes.Shape, value: Any, name: str, way: tuple[str | int, ...]) -> Iterator[Any]:
        match shape:
            case shapes.Fields():
                model = by_name[shape.name]
                for key, item in value.items():
                    if key in shape.keys:
                        attribute = keys(model)[key]
                        owners = [
                            m for m in reversed(model.__mro__) if attribute in getattr(m, "model_fields", {})
                        ]
                        yield from visit(
                            shape.keys[key].shape, item, f"{owners[0].__name__}.{key}", (*way, key)
                        )
            case shapes.ListOf():
                for index, item in enumerate(value):
                    yield from visit(shape.item, item, f"{name}[]", (*way, index))
            case shapes.DictOf():
                for key, item in value.items():
                    yield f"{name}{{}}", (*way, key, "{}")
                    yield from visit(shape.item, item, f"{name}{{}}=", (*way, key))
            case shapes.Either():
                chosen = [inner for inner in shape.shapes if type(value) in inner.kinds]
                for inner in chosen:
                    yield from visit(inner, value, name, way)
            case shapes.Str() | shapes.Anything():
                yield name, way

    yield from visit(found[Spec], spec, "", ())
