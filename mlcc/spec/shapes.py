"""The shapes that `table` is made of: what a value of the spec may be, and how it is taken over.

They say the same as the pydantic models and load a valid spec without pydantic, whose import alone takes
longer than the rest of a lint. `load` returns the value as the model would hold it, with mappings as
SimpleNamespace; whatever isn't surely valid raises UnsureError, and then the models decide and explain.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as Mapped
from math import isfinite
from types import SimpleNamespace
from typing import Any

Check = Callable[[str], str]
REQUIRED: Any = object()


class UnsureError(Exception):
    """This value may be wrong: the models have to look at it."""


class Shape:
    """What a value may be."""

    __slots__ = ()
    kinds: tuple[type, ...] = ()  # the types of the plain values that it takes

    def load(self, value: Any) -> Any:
        """Return the value as the models would hold it. Raises UnsureError."""
        raise NotImplementedError

    @property
    def unions(self) -> tuple[tuple[str, ...], ...]:
        """The groups of keys of which a mapping of this shape has at most one."""
        return ()

    def inner(self, key: str) -> Shape | None:
        """Return the shape of what lies under a key of such a mapping; None where nothing is known of it."""
        del key
        return None


class Str(Shape):
    """Text that passes a check, of `least` to `most` characters."""

    __slots__ = ("check", "least", "most")
    kinds = (str,)

    def __init__(self, check: Check | None = None, *, least: int = 0, most: int | None = None) -> None:
        self.check = check
        self.least = least
        self.most = most

    def load(self, value: Any) -> Any:
        """Return the text."""
        if type(value) is not str or len(value) < self.least:
            raise UnsureError
        if self.most is not None and len(value) > self.most:
            raise UnsureError
        try:
            value.encode()  # a lone surrogate is no text
            return value if self.check is None else self.check(value)
        except ValueError:
            raise UnsureError from None


class Int(Shape):
    """A whole number from `low` to `high`, or the one that passes the check."""

    __slots__ = ("check", "high", "low")
    kinds: tuple[type, ...] = (int,)

    def __init__(
        self,
        *,
        low: float | None = None,
        high: float | None = None,
        check: Callable[[int], int] | None = None,
    ) -> None:
        self.low = low
        self.high = high
        self.check = check

    def load(self, value: Any) -> Any:
        """Return the number."""
        if type(value) not in self.kinds or (type(value) is float and not isfinite(value)):
            raise UnsureError
        if (self.low is not None and value < self.low) or (self.high is not None and value > self.high):
            raise UnsureError
        try:
            return value if self.check is None else self.check(value)
        except ValueError:
            raise UnsureError from None


class Number(Int):
    """A finite number from `low` to `high`."""

    __slots__ = ()
    kinds = (int, float)


class Flag(Shape):
    """true or false."""

    __slots__ = ()
    kinds = (bool,)

    def load(self, value: Any) -> Any:
        """Return the flag."""
        if type(value) is not bool:
            raise UnsureError
        return value


class Choice(Shape):
    """One of several words."""

    __slots__ = ("words",)
    kinds = (str,)

    def __init__(self, *words: str) -> None:
        self.words = words

    def load(self, value: Any) -> Any:
        """Return the word."""
        if type(value) is not str or value not in self.words:
            raise UnsureError
        return value


class ListOf(Shape):
    """A list of at least `least` items."""

    __slots__ = ("item", "least")
    kinds = (list,)

    def __init__(self, item: Shape, *, least: int = 0) -> None:
        self.item = item
        self.least = least

    def load(self, value: Any) -> Any:
        """Return a new list."""
        if type(value) is not list or len(value) < self.least:
            raise UnsureError
        load = self.item.load
        return [load(item) for item in value]


class DictOf(Shape):
    """A mapping with keys of the user's choice, at least `least`."""

    __slots__ = ("item", "key", "least")
    kinds = (dict,)

    def __init__(self, key: Shape, item: Shape, *, least: int = 0) -> None:
        self.key = key
        self.item = item
        self.least = least

    def load(self, value: Any) -> Any:
        """Return a new dict."""
        if type(value) is not dict or len(value) < self.least:
            raise UnsureError
        load_key, load = self.key.load, self.item.load
        return {load_key(key): load(item) for key, item in value.items()}

    def inner(self, key: str) -> Shape | None:
        """Return the shape of each item."""
        del key
        return self.item


class Either(Shape):
    """One of several shapes, told apart by the type of the plain value."""

    __slots__ = ("kinds", "shapes")

    def __init__(self, *shapes: Shape) -> None:
        self.shapes = shapes
        self.kinds = tuple(kind for shape in shapes for kind in shape.kinds)

    def load(self, value: Any) -> Any:
        """Return what the shape of that type returns."""
        return self.choose(value).load(value)

    def choose(self, value: object) -> Shape:
        """Return the shape that takes values of this type. Raises UnsureError."""
        kind = type(value)
        for shape in self.shapes:
            if kind in shape.kinds:
                return shape
        raise UnsureError

    @property
    def unions(self) -> tuple[tuple[str, ...], ...]:
        """Those of its mapping."""
        return tuple(group for shape in self.shapes for group in shape.unions)

    def inner(self, key: str) -> Shape | None:
        """Return what its mapping has there."""
        return next((found for shape in self.shapes if (found := shape.inner(key)) is not None), None)


class Anything(Shape):
    """Whatever a back end's overlay holds."""

    __slots__ = ()
    kinds = (str, int, float, bool, list, dict, type(None))

    def load(self, value: Any) -> Any:
        """Return the value itself."""
        return value


class Key:
    """One key of a mapping: its value's shape, the attribute that holds it, its default.

    A default that is a Fields stands for what it makes of an empty mapping.
    """

    __slots__ = ("attribute", "default", "shape")

    def __init__(self, shape: Shape, default: Any = REQUIRED, *, attribute: str | None = None) -> None:
        self.shape = shape
        self.default = default
        self.attribute = attribute

    def missing(self) -> Any:
        """Return the value of a key that isn't there. Raises UnsureError."""
        if self.default is REQUIRED:
            raise UnsureError
        if isinstance(self.default, Fields):
            return self.default.load({})
        return self.default.copy() if isinstance(self.default, (list, dict)) else self.default


class Fields(Shape):
    """A mapping with the language's own keys: a model. `x-` keys are ignored."""

    __slots__ = ("at_most_one", "exactly_one", "keys", "name")
    kinds = (dict,)

    def __init__(
        self,
        name: str,
        keys: Mapped[str, Key],
        *,
        exactly_one: tuple[tuple[str, ...], ...] = (),
        at_most_one: tuple[tuple[str, ...], ...] = (),
    ) -> None:
        self.name = name
        self.keys = keys
        self.exactly_one = exactly_one
        self.at_most_one = at_most_one

    def load(self, value: Any) -> Any:
        """Return a SimpleNamespace with the model's attributes."""
        if type(value) is not dict:
            raise UnsureError
        unknown = len(value) - sum(key.startswith("x-") for key in value)
        attributes = {}
        for name, key in self.keys.items():
            if name in value:
                unknown -= 1
                item = key.shape.load(value[name])
            else:
                item = key.missing()
            attributes[key.attribute or name] = item
        if unknown or not self._unions_hold(value):
            raise UnsureError
        return SimpleNamespace(**attributes)

    @property
    def unions(self) -> tuple[tuple[str, ...], ...]:
        """Exactly one or at most one of them may be set."""
        return (*self.exactly_one, *self.at_most_one)

    def inner(self, key: str) -> Shape | None:
        """Return the shape of the key's value."""
        return self.keys[key].shape if key in self.keys else None

    def _unions_hold(self, value: Mapped[str, object]) -> bool:
        return all(sum(key in value for key in group) == 1 for group in self.exactly_one) and all(
            sum(key in value for key in group) <= 1 for group in self.at_most_one
        )
