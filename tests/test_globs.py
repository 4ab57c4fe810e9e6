"""Names that several patterns match."""

from __future__ import annotations

import itertools

import pytest

from mlcc import globs

PATTERNS = ("main", "/x", "a/b", "v*", "**", "a/*", "?", "x?z", "xyz", "a/**/b", "rel/1", "*/1")


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_plain_pattern_gives_what_a_search_finds(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    groups = list(itertools.product(PATTERNS, repeat=count))
    found = [globs.common_name(group) for group in groups]
    monkeypatch.setattr(globs, "_has_wildcards", lambda pattern: True)
    assert found == [globs.common_name(group) for group in groups]


def test_a_long_plain_pattern_needs_no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(globs, "LARGEST_SEARCH", 0)
    name = "b" * 5_000
    assert globs.common_name((name, "b*")) == name
    assert globs.common_name((name, "c*")) is None
