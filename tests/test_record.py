"""Records behave as the standard library's frozen dataclasses do."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pytest

from mlcc.record import as_dict, field, record, replace


@record
class Point:
    x: int
    y: int = 0


@record
class Named(Point):
    name: str = "p"
    seen: int = field(compare=False, default=0)
    tags: list[str] = field(hash=False, default_factory=list)

    def shifted(self) -> int:
        return self.x + 1


@dataclasses.dataclass(frozen=True)
class StandardPoint:
    x: int
    y: int = 0


@dataclasses.dataclass(frozen=True)
class StandardNamed(StandardPoint):
    name: str = "p"
    seen: int = dataclasses.field(compare=False, default=0)
    tags: list[str] = dataclasses.field(hash=False, default_factory=list)


CALLS: tuple[tuple[tuple[Any, ...], dict[str, Any]], ...] = (
    ((1,), {}), ((1, 2), {}), ((1,), {"y": 2}), ((), {"x": 1}), ((), {"y": 1}), ((), {}), ((1, 2, "n", 3, [], 9), {}),
    ((1,), {"x": 2}), ((1,), {"z": 2}), ((1, 2, "n"), {"tags": ["t"], "seen": 4}),
)  # fmt: skip


@pytest.mark.parametrize(("values", "named"), CALLS)
def test_construction_is_the_standard_one(values: tuple[Any, ...], named: dict[str, Any]) -> None:
    try:
        wanted = vars(StandardNamed(*values, **named))
    except TypeError:
        with pytest.raises(TypeError, match="Named"):
            Named(*values, **named)
    else:
        made = Named(*values, **named)
        assert as_dict(made) == wanted
        assert list(as_dict(made)) == ["x", "y", "name", "seen", "tags"]
        assert repr(made) == repr(StandardNamed(*values, **named)).replace("Standard", "")


def test_equality_is_by_type_and_compared_fields() -> None:
    assert Point(1, 2) == Point(1, 2) != Point(1, 3)
    assert Named(1, seen=1) == Named(1, seen=2)
    assert Named(1, tags=["a"]) != Named(1, tags=["b"])
    assert Point(1) != StandardPoint(1)
    assert Named(1) != Point(1)
    assert Point(1).__eq__(1) is NotImplemented


def test_hashes_leave_out_what_the_field_says() -> None:
    assert hash(Named(1, tags=["a"])) == hash(Named(1, tags=["b"], seen=5))
    assert len({Point(1), Point(1), Point(2), Named(1)}) == 3


def test_records_are_frozen() -> None:
    point = Point(1)
    with pytest.raises(AttributeError, match="'x' can't change"):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(AttributeError, match="frozen"):
        del point.x
    with pytest.raises(AttributeError, match="frozen"):
        point.z = 2  # type: ignore[attr-defined]


def test_each_default_is_made_anew() -> None:
    assert Named(1).tags is not Named(1).tags


def test_replace_changes_a_copy() -> None:
    first = Named(1, name="a")
    assert replace(first, name="b") == Named(1, name="b")
    assert first.name == "a"
    with pytest.raises(TypeError, match="unknown"):
        replace(first, nothing=1)


def test_they_match_copy_and_pickle() -> None:
    match Named(3, 4):
        case Named(x, y):
            assert (x, y) == (3, 4)
    assert copy.deepcopy(Named(1, tags=["a"])) == pickle.loads(pickle.dumps(Named(1, tags=["a"])))
    assert Named(1).shifted() == 2


def test_a_required_field_after_a_default_is_refused() -> None:
    with pytest.raises(TypeError, match="without a default"):

        @record
        class Wrong:
            a: int = 1
            b: int  # type: ignore[misc]
