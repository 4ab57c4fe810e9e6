"""A spec that uses every place of the language, each in turn with a string: outputs are sound, or diagnostics say why not."""

from __future__ import annotations

import copy
import functools
from pathlib import Path
from typing import Any

import pytest

from mlcc.diagnostics import SpecError
from mlcc.load.source import HIDDEN, plain, read
from tests.injection.compiling import compiled, quoted, read_back, refusal
from tests.injection.corpus import FUZZ, corpus
from tests.injection.leaves import leaves, positions
from tests.injection.platforms import PLATFORMS, platform
from tests.plans import plan_of

WHOLE = Path(__file__).parent / "whole.yaml"
EACH = 40 if FUZZ else 3
ELSEWHERE = {"Profile.image"}  # excludes `defaults.python`; see test_fields.test_places_that_a_spec_has_once


@functools.cache
def whole() -> Any:
    return plain(read(WHOLE.read_bytes(), "whole.yaml").root)


@functools.cache
def places() -> dict[str, tuple[str | int, ...]]:
    """Return one position for each place."""
    return dict(reversed(list(positions(whole()))))


def changed(way: tuple[str | int, ...], text: str) -> Any:
    """Return the spec with a string at a position; at the end of a way to a key stands {}."""
    tree = copy.deepcopy(whole())
    *outer, last = way[:-1] if way[-1] == "{}" else way
    inner = tree
    for key in outer:
        inner = inner[key]
    if way[-1] == "{}":
        inner[text] = inner.pop(last)
    else:
        inner[last] = text
    return tree


def test_it_has_every_place_and_compiles() -> None:
    assert set(places()) == set(leaves()) - ELSEWHERE
    for name in PLATFORMS:
        plan, files = compiled(whole(), platform(name))
        platform(name).check_readers(files)
        read_back(plan, files, platform(name))


@pytest.mark.parametrize("name", sorted(set(leaves()) - ELSEWHERE))
def test_a_string_in_one_place(name: str) -> None:
    offset = sorted(leaves()).index(name)
    for hostile in corpus()[offset * 7 % 400 :: len(corpus()) // EACH]:
        tree = changed(places()[name], hostile.text)
        for target in PLATFORMS:
            problems = refusal(tree, platform(target))
            assert all(diagnostic.code and diagnostic.span for diagnostic in problems), hostile
            if not problems:
                plan, files = compiled(tree, platform(target))
                platform(target).check_readers(files)
                read_back(plan, files, platform(target))


def test_keys_that_are_no_words() -> None:
    strings = [hostile.text for hostile in corpus() if len(quoted(hostile.text)) < 1_000]  # of a simple key
    for start in range(0, len(strings), 40):
        some = strings[start : start + 40]
        text = "version: 1\nname: p\nx-k:\n" + "".join(f"  {quoted(item)}: 1\n" for item in some)
        with pytest.raises(SpecError) as caught:
            plan_of(text)
        refused = {
            d.span.line for d in caught.value.diagnostics if d.span and d.code in ("bad-key", "merge-key")
        }
        assert refused == set(range(4, 4 + len(some)))


def test_keys_that_are_ignored() -> None:
    tree = {
        "version": 1,
        "name": "p",
        "triggers": {"push": {"branches": ["main"]}},
        "jobs": {"n": {"run": "true"}},
    }
    texts = [hostile.text for hostile in corpus() if not HIDDEN.search(hostile.text)][:500]
    noted = {**tree, "x-note": texts, "jobs": {"n": {"run": "true", "x-more": {"a": texts[0]}}}}
    for name in PLATFORMS:
        assert compiled(noted, platform(name))[1] == compiled(tree, platform(name))[1]
