"""What the random parameters of gates are made of: objects with optional keys, names of columns, limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.spec import texts

Data = dict[str, Any]
Params = st.SearchStrategy[Data]


@dataclass(frozen=True)
class Near:
    """What a gate may refer to, by id.

    `tables` are all of them, the guarded one too; `alike` the others in its format; `numbers` JSON files.
    """

    guarded: str
    folder: bool = False
    is_model: bool = False
    is_table: bool = False
    tables: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()

    @property
    def others(self) -> tuple[str, ...]:
        """What may be a reference: another table, or a profile."""
        return tuple(name for name in self.tables + self.numbers if name != self.guarded)


def made(required: Data, optional: Data | None = None) -> Params:
    """Draw an object with all of `required` and some of `optional`. What isn't a strategy stands for itself."""
    rest = {key: value for key, value in (optional or {}).items() if key not in required}
    return st.fixed_dictionaries(
        {key: _strategy(value) for key, value in required.items()},
        optional={key: _strategy(value) for key, value in rest.items()},
    )


def _strategy(value: Any) -> st.SearchStrategy[Any]:
    if isinstance(value, st.SearchStrategy):
        return value
    return made(value) if isinstance(value, dict) else st.just(value)


def joined(*parts: Params) -> Params:
    """Draw one object from several with different keys."""
    return st.tuples(*parts).map(lambda drawn: {key: value for part in drawn for key, value in part.items()})


def texts_of(values: st.SearchStrategy[str], least: int = 1) -> st.SearchStrategy[list[str]]:
    """Draw up to three texts, none twice in whatever case."""
    return st.lists(values, min_size=least, max_size=3, unique_by=str.casefold)


def by_key(value: Params) -> Params:
    """Draw an object with one to three keys, each with a value of its own."""
    keys = texts_of(st.sampled_from(("age", "n_rooms", "x.y", "a-b")))
    return keys.flatmap(lambda names: made(dict.fromkeys(names, value)))


def either(*ways: Params) -> Params:
    """Draw one of several ways. Unlike `st.one_of` it looks at none but the drawn one, which is quicker."""
    return st.sampled_from(range(len(ways))).flatmap(lambda at: ways[at])


def one_of(names: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Draw an id; there must be one."""
    return st.sampled_from(names)


def reads(near: Near) -> Data:
    """Return the key `reads`, where there is something to read."""
    return {"reads": texts_of(one_of(near.readable), 0)} if near.readable else {}


column = st.one_of(st.sampled_from(("n rooms", "Größe")), texts.text)
share = st.sampled_from((0, 0.02, 0.5, 0.99))
level = st.sampled_from((0.9, 0.95, 0.999))
count = st.sampled_from((30, 500, 10**6))


def some(values: Data) -> Params:
    """Draw an object with one or more of the keys."""
    return st.sets(st.sampled_from(sorted(values)), min_size=1).flatmap(
        lambda keys: made({key: values[key] for key in sorted(keys)})
    )
