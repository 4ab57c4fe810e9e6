"""Every string in every place: taken, and then it stands in the output unchanged, or refused by a coded diagnostic."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest

from mlcc.backends import BACKENDS
from mlcc.load.source import HIDDEN
from tests.injection.compiling import at, compiled, read_back, refusal, spec_text
from tests.injection.corpus import FUZZ, NUMBER, corpus, number_of
from tests.injection.fields import EXECUTION, SINGLES, SURROUNDINGS, Field, single_spec, single_where
from tests.injection.gate_fields import GATES
from tests.injection.leaves import is_free, leaves, takes
from tests.injection.platforms import PLATFORMS, Platform, platform
from tests.injection.release_fields import RELEASES

FIELDS = (*EXECUTION, *SURROUNDINGS, *GATES, *RELEASES)
SOME = 10_000 if FUZZ else 40  # strings that are tried one by one
AT_ONCE = 80  # mistakes in one spec: mlcc names the first hundred
Count = Callable[[int], None]


def test_every_place_with_free_text_is_a_field() -> None:
    named = [*(field.leaf for field in FIELDS), *SINGLES]
    assert len(set(named)) == len(named)
    assert set(named) == {name for name in leaves() if is_free(name)}


def test_every_back_end_is_tried() -> None:
    assert set(PLATFORMS) == set(BACKENDS)


def test_there_are_at_least_two_thousand_strings() -> None:
    strings = corpus()
    assert len({hostile.text for hostile in strings}) == len(strings) >= 2_000
    assert all(number_of(hostile.text) == hostile.number for hostile in strings)
    assert corpus(100) == strings[:100]


@pytest.fixture(params=sorted(PLATFORMS))
def system(request: pytest.FixtureRequest) -> Platform:
    return platform(request.param)


def parts(texts: Sequence[str], most: int) -> Iterator[Sequence[str]]:
    """Yield strings as many as one spec holds."""
    for start in range(0, len(texts), most):
        yield texts[start : start + most]


def code_of(field: Field, system: Platform, text: str) -> str | None:
    return field.refuses(text) or system.refuses(field.leaf, text)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.leaf)
def test_what_is_taken_arrives(field: Field, system: Platform, count: Count) -> None:
    texts = [field.form(hostile.text) for hostile in corpus() if field.takes(hostile.text)]
    texts = [text for text in texts if code_of(field, system, text) is None]
    for some in parts(texts, field.most):
        plan, files = compiled(field.spec(some), system)
        found = read_back(plan, files, system)
        for output, way, value in field.where(some):
            assert at(found[output], way) == value
        for way, value in system.places(field.leaf, some):
            assert at(found[system.name], way) == value
    count(len(texts))


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.leaf)
def test_what_a_back_end_or_a_gate_cannot_take_is_refused(field: Field, system: Platform) -> None:
    forms = [field.form(hostile.text) for hostile in corpus() if field.takes(hostile.text)]
    refused = [(text, code) for text in forms if (code := code_of(field, system, text))]
    for text, code in refused[:: max(1, len(refused) // SOME)]:
        found = refusal(field.spec([text]), system)
        assert code in {diagnostic.code for diagnostic in found}, text
        assert all(diagnostic.span is not None for diagnostic in found)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.leaf)
def test_what_a_place_does_not_take_is_refused_at_its_line(field: Field, system: Platform) -> None:
    texts = [field.form(hostile.text) for hostile in corpus() if not field.takes(hostile.text)]
    hidden = [text for text in texts if HIDDEN.search(text)]  # the loader stops at these
    for same in (hidden, [text for text in texts if not HIDDEN.search(text)]):
        for some in parts(same if FUZZ else same[:: len(same) // SOME + 1], min(field.most, AT_ONCE)):
            lines = spec_text(field.spec(some)).splitlines()
            found = refusal(field.spec(some), system)
            places = [lines[diagnostic.span.line - 1] for diagnostic in found if diagnostic.span]
            assert {number_of(line) for line in places if NUMBER.search(line)} == set(map(number_of, some))
            assert all(diagnostic.code for diagnostic in found)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.leaf)
def test_independent_readers_agree(field: Field, system: Platform) -> None:
    texts = [field.form(hostile.text) for hostile in corpus() if field.takes(hostile.text)]
    texts = [text for text in texts if code_of(field, system, text) is None]
    offset = [other.leaf for other in FIELDS].index(field.leaf)
    some = texts[offset :: len(texts) // SOME + 1][: field.most]
    if some:
        system.check_readers(compiled(field.spec(some), system)[1])


def test_places_that_a_spec_has_once(system: Platform, count: Count) -> None:
    texts = {
        leaf: [h.text for h in corpus() if takes(leaf, h.text) and not system.refuses(leaf, h.text)]
        for leaf in SINGLES
    }
    most = max(map(len, texts.values()))
    turn = (
        0 if FUZZ else sorted(PLATFORMS).index(system.name)
    )  # else each string for one platform, in each place
    tried = range(turn, most, 1 if FUZZ else len(PLATFORMS))
    for i in tried:
        here = {leaf: found[(i + 97 * k) % len(found)] for k, (leaf, found) in enumerate(texts.items())}
        plan, files = compiled(single_spec(here), system)
        found = read_back(plan, files, system)
        for output, way, value in single_where(here):
            assert at(found[output], way) == value
        for leaf, text in here.items():
            for way, value in system.places(leaf, [text]):
                assert at(found[system.name], way) == value
    count(len(tried) * len(texts))


@pytest.mark.parametrize("name", [name for name in sorted(leaves()) if not is_free(name)])
def test_a_word_is_none_of_them(name: str) -> None:
    """Places with an alphabet of their own take no string of the corpus, whatever it is for."""
    if name.endswith("{}") and takes(name, "x y"):
        return  # a key of the user's choice is a word to the loader, see test_whole
    assert [hostile for hostile in corpus() if takes(name, hostile.text)] == []
