"""Patterns: cases worked out by hand, an independent definition, and no pattern that takes for ever."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcc.runtime import patterns
from mlcc.runtime.patterns import name_matches, path_matches


@pytest.mark.parametrize(
    ("pattern", "inside", "outside"),
    [
        ("src/", ["src/a", "src/a/b"], ["src", "srcs/a", "a/src/b", "SRC/a", ""]),
        ("a.csv", ["a.csv", "a.csv/part"], ["a.csvx", "b/a.csv", "axcsv"]),
        ("*.py", ["a.py", ".py", "d.py/x"], ["a/b.py", "a.pyc"]),
        ("data/*.csv", ["data/a.csv"], ["data/x/a.csv", "data/a.csv.dvc"]),
        ("data/*", ["data/a", "data/a/b/c"], ["data", "datas/a"]),
        ("data/*/", ["data/a/b", "data/a/b/c"], ["data/a", "data/"]),
        ("data/**", ["data/", "data/a", "data/a/b"], ["data"]),
        ("**/a.csv", ["a.csv", "x/a.csv", "x/y/a.csv"], ["xa.csv", "x/ya.csv"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["ab", "a/xb", "x/a/b"]),
        ("**", ["a", "a/b", ""], []),
        ("a?c", ["abc", "a?c"], ["ac", "a/c", "abbc"]),
        ("v1.*", ["v1.", "v1.0"], ["v1", "v10"]),
        ("a+(b)[c].^$|\\", ["a+(b)[c].^$|\\"], ["aab", "abc"]),
        ("naïve/*", ["naïve/ü\n", "naïve/\udcff"], ["naive/x"]),
    ],
)
def test_paths(pattern: str, inside: list[str], outside: list[str]) -> None:
    assert [path for path in inside if not path_matches(pattern, path)] == []
    assert [path for path in outside if path_matches(pattern, path)] == []


@pytest.mark.parametrize(
    ("pattern", "inside", "outside"),
    [
        ("main", ["main"], ["main/x", "mainx", "", "Main"]),
        ("release/*", ["release/1", "release/"], ["release", "release/1/2"]),
        ("release/**", ["release/1", "release/1/2"], ["release"]),
        ("*", ["x", ""], ["x/y"]),
        ("**", ["x", "x/y"], []),
        ("v?.?", ["v1.2"], ["v1.23", "v/.2"]),
    ],
)
def test_names(pattern: str, inside: list[str], outside: list[str]) -> None:
    assert [name for name in inside if not name_matches(pattern, name)] == []
    assert [name for name in outside if name_matches(pattern, name)] == []


def _by_expression(pattern: str, name: str) -> bool:
    """Say the same by a regular expression; patterns are short here, so it ends."""
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    expression = "".join(words.get(part, re.escape(part)) for part in parts)
    return re.fullmatch(expression, name, re.DOTALL) is not None


PATTERNS = st.text("ab/*?", max_size=8)
NAMES = st.text("ab/", max_size=8)


@given(PATTERNS, NAMES)
def test_names_by_another_definition(pattern: str, name: str) -> None:
    assert name_matches(pattern, name) == _by_expression(pattern, name)


CLEAN = st.lists(st.text("ab*?", min_size=1, max_size=4), min_size=1, max_size=3).map("/".join)
FILES = st.lists(st.text("ab", min_size=1, max_size=2), min_size=1, max_size=4).map("/".join)


@given(CLEAN, st.booleans(), FILES)
def test_a_folder_that_a_pattern_names_counts_with_all_that_is_in_it(
    pattern: str, folder: bool, file: str
) -> None:
    parts = file.split("/")
    inside = any(_by_expression(pattern, "/".join(parts[:n])) for n in range(1, len(parts)))
    if folder:
        assert path_matches(pattern + "/", file) == inside
    else:
        assert path_matches(pattern, file) == (inside or _by_expression(pattern, file))


def test_hostile_patterns_end() -> None:
    pattern, name = "*a" * 2000 + "b", "a" * 3000
    assert not name_matches(pattern, name)
    assert not path_matches("**/" * 1000 + "b", "a/" * 2000)


def test_many_patterns_take_no_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "_MOST_MACHINES", 3)
    monkeypatch.setattr(patterns, "_MACHINES", {})
    for _ in range(2):
        assert [name_matches(f"{i}*", "1x") for i in range(10)] == [i == 1 for i in range(10)]
        assert len(patterns._MACHINES) <= 3
