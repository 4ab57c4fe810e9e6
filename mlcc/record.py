"""Frozen value classes that cost nothing to define.

`@record` is what `@dataclass(frozen=True)` is: fields by annotation, keyword or positional arguments, equality and hash by
type and fields, no assignment. The standard decorator compiles seven methods for each class, at every start: with some
eighty classes that, and what the module itself imports, was half of a lint. Here the methods are shared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: object) -> Callable[[Any], Any]:
        """Tell type checkers, and nobody at run time."""
        return lambda decorator: decorator


Class = TypeVar("Class", bound=type)
Value = TypeVar("Value")
_FIELDS = "__record_fields__"


class _Field:
    """What `field` says of one field."""

    __slots__ = ("compare", "default", "factory", "hash")

    def __init__(self, default: Any, factory: Callable[[], Any] | None, compare: bool, hash: bool) -> None:
        self.default, self.factory, self.compare, self.hash = default, factory, compare, hash


class _Missing:
    """There is no default."""


_MISSING = _Missing()


def field(
    *,
    default: Any = _MISSING,
    default_factory: Callable[[], Any] | None = None,
    compare: bool = True,
    hash: bool = True,
) -> Any:
    """Describe a field: its default, or what makes it; whether equality, and the hash, look at it."""
    return _Field(default, default_factory, compare, compare and hash)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: Class) -> Class:
    """Make a class a frozen value of its annotated fields. Raises TypeError for a default before a field without."""
    fields: dict[str, _Field] = {}
    for base in reversed(cls.__mro__[1:]):
        fields.update(base.__dict__.get(_FIELDS, {}))
    for name in cls.__dict__.get("__annotations__", {}):  # noqa: RUF063 - inspect is dear to import
        stated = cls.__dict__.get(name, _MISSING)
        found = stated if isinstance(stated, _Field) else _Field(stated, None, True, True)
        if isinstance(stated, _Field):
            delattr(cls, name)
        fields[name] = found
    names = tuple(fields)
    required = [name for name, one in fields.items() if one.default is _MISSING and one.factory is None]
    if required != list(names[: len(required)]):
        raise TypeError(f"{cls.__name__}: a field without a default follows one that has one")
    setattr(cls, _FIELDS, fields)
    cls.__match_args__ = names  # type: ignore[attr-defined, misc]
    cls.__init__ = _initializer(names, fields, len(required))  # type: ignore[misc]
    cls.__eq__ = _equal(tuple(n for n, f in fields.items() if f.compare))  # type: ignore[method-assign, assignment]
    cls.__hash__ = _hasher(tuple(n for n, f in fields.items() if f.hash))  # type: ignore[method-assign, assignment]
    cls.__repr__ = _represent  # type: ignore[method-assign, assignment]
    cls.__setattr__ = cls.__delattr__ = _refuse  # type: ignore[method-assign, assignment]
    return cls


def _initializer(names: tuple[str, ...], fields: dict[str, _Field], required: int) -> Callable[..., None]:
    optional = tuple((name, fields[name]) for name in names[required:])
    count = len(names)

    def initialize(self: Any, *values: Any, **named: Any) -> None:
        state = self.__dict__
        if len(values) > count:
            raise TypeError(f"{type(self).__name__} has {count} fields, not {len(values)}")
        state.update(zip(names, values))  # noqa: B905 - fewer values than names are usual
        if named:
            for name in named:
                if name in state or name not in fields:
                    raise TypeError(f"{type(self).__name__}: the field '{name}' is unknown, or given twice")
            state.update(named)
        if len(state) < count:
            for name, one in optional:
                if name not in state:
                    state[name] = one.default if one.factory is None else one.factory()
            if len(state) < count:
                lacking = [name for name in names if name not in state]
                raise TypeError(f"{type(self).__name__} lacks {', '.join(lacking)}")

    return initialize


def _equal(names: tuple[str, ...]) -> Callable[[Any, object], bool]:
    def equal(self: Any, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented  # type: ignore[no-any-return]
        mine, theirs = self.__dict__, other.__dict__
        return all(mine[name] == theirs[name] for name in names)

    return equal


def _hasher(names: tuple[str, ...]) -> Callable[[Any], int]:
    def hash_of(self: Any) -> int:
        state = self.__dict__
        return hash((type(self), *(state[name] for name in names)))

    return hash_of


def _represent(self: Any) -> str:
    shown = ", ".join(f"{name}={self.__dict__[name]!r}" for name in self.__match_args__)
    return f"{type(self).__name__}({shown})"


def _refuse(self: Any, name: str, *_: object) -> NoReturn:
    raise AttributeError(f"{type(self).__name__} is frozen: '{name}' can't change")


def replace(value: Value, /, **changes: Any) -> Value:
    """Return a record like `value` with some fields changed. Raises TypeError for a field that it hasn't."""
    return type(value)(**{**as_dict(value), **changes})


def as_dict(value: object) -> dict[str, Any]:
    """Return a record's fields by name, in order."""
    return {name: value.__dict__[name] for name in value.__match_args__}  # type: ignore[attr-defined]
