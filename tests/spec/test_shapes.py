"""Each shape takes what the model's type takes, and is unsure of everything else."""

from __future__ import annotations

from typing import Any

import pytest

from mlcc.spec import scalars
from mlcc.spec.shapes import (
    Anything,
    Choice,
    DictOf,
    Either,
    Fields,
    Flag,
    Int,
    Key,
    ListOf,
    Number,
    Shape,
    Str,
    UnsureError,
)  # fmt: skip

NAN, INF = float("nan"), float("inf")
PAIR = Fields("Pair", {"a": Key(Int(), 1), "from": Key(ListOf(Int()), [], attribute="from_")})
UNION = Fields(
    "Union",
    {"a": Key(Flag(), None), "b": Key(Flag(), None), "c": Key(Flag(), None)},
    exactly_one=(("a", "b"),),
    at_most_one=(("a", "c"),),
)


@pytest.mark.parametrize(
    ("shape", "good", "bad"),
    [
        (Str(), ["", "é", "\U0001f600"], [1, None, True, "\ud800", b"x", ["x"]]),
        (Str(least=2, most=3), ["ab", "abc"], ["a", "abcd", ""]),
        (Str(scalars.check_id), ["a-b"], ["A", ""]),
        (Int(low=1, high=3), [1, 2, 3], [0, 4, 1.0, True, "1", None]),
        (Int(), [-(10**30), 10**400], [NAN, 0.5]),
        (Int(check=scalars.check_version), [1], [2, True, 1.0]),
        (Number(low=0, high=1), [0, 1, 0.5, 0.0], [-0.1, 1.1, NAN, INF, -INF, True, "0.5"]),
        (Number(), [10**400, -0.0], [INF, -INF, NAN, None]),
        (Flag(), [True, False], [0, 1, "true", None]),
        (Choice("a", "b"), ["a", "b"], ["c", "", 1, None, ["a"]]),
        (ListOf(Int(), least=1), [[1], [1, 2]], [[], [True], (1,), {1: 1}, "1", None]),
        (DictOf(Str(scalars.check_id), Int(), least=1), [{"a": 1}], [{}, {"A": 1}, {"a": "1"}, [("a", 1)], None]),
        (Either(Choice("x"), Int(), ListOf(Flag())), ["x", 1, [], [True]], ["y", 1.5, True, [1], {}, None]),
        (Anything(), [None, 1, {"a": [None]}], []),
        (UNION, [{"a": True}, {"b": True}, {"b": True, "c": True}], [{}, {"c": True}, {"a": True, "b": True}]),
        (UNION, [], [{"a": True, "c": True}]),
        (PAIR, [{}, {"a": 2}, {"x-a": None, "a": 2}], [{"b": 1}, {"a": None}, {"from_": []}, {"X-a": 1}, {"x": 1}, [], None]),
    ],
)  # fmt: skip
def test_what_a_shape_takes(shape: Shape, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        shape.load(value)
    for value in bad:
        with pytest.raises(UnsureError):
            shape.load(value)


def test_values_come_back_as_they_are() -> None:
    assert Number().load(5) == 5
    assert type(Number().load(5)) is int
    assert DictOf(Str(), Int()).load({"b": 1, "a": 2}) == {"b": 1, "a": 2}
    assert list(DictOf(Str(), Int()).load({"b": 1, "a": 2})) == ["b", "a"]


def test_a_mapping_has_all_of_its_attributes() -> None:
    made = PAIR.load({"from": [3]})
    assert vars(made) == {"a": 1, "from_": [3]}


def test_defaults_are_not_shared() -> None:
    first, second = PAIR.load({}), PAIR.load({})
    first.from_.append(1)
    assert second.from_ == []
    assert PAIR.load({}).from_ == []


def test_what_is_loaded_does_not_share_with_the_source() -> None:
    data = {"from": [1]}
    PAIR.load(data).from_.append(2)
    assert data == {"from": [1]}


def test_a_default_mapping_is_what_no_keys_give() -> None:
    outer = Fields("Outer", {"pair": Key(PAIR, PAIR)})
    assert vars(outer.load({}).pair) == {"a": 1, "from_": []}


def test_a_required_key() -> None:
    with pytest.raises(UnsureError):
        Fields("Needy", {"a": Key(Int())}).load({})


def test_a_bare_shape_loads_nothing() -> None:
    with pytest.raises(NotImplementedError):
        Shape().load(1)
