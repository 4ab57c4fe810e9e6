"""Several documents of the emitter as one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mlcc.backends._joined import JoinError, joined
from mlcc.backends._yaml import Flow, Spaced, emit
from mlcc.backends.gitlab.join import join
from mlcc.diagnostics import SpecError

ROOT = Path(__file__).parents[2]
KEYS = st.sampled_from(["a", "b: c", "'d'", 'e"', "f-g", "yes", "# h", "$i"])
VALUES = st.one_of(
    st.text(max_size=8), st.integers(), st.booleans(), st.lists(st.text(max_size=4), min_size=1).map(Flow)
)
JOBS = st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES, min_size=1), max_size=3)


def read(text: str) -> Any:
    return yaml.safe_load(text)


@pytest.mark.parametrize("path", sorted(ROOT.glob("tests/golden/*/expected/**/.gitlab-ci.yml")), ids=str)
def test_one_document_stays_as_it_is(path: Path) -> None:
    text = path.read_text()
    assert joined([text]) == text


def test_what_they_have_in_common_stands_once_and_mappings_are_joined() -> None:
    one = (
        "# of one\nstages: [a, b]\n\nvariables:\n  X: {value: x}\n  Y:\n    value: y\n\none:\n  script: [a]\n"
    )
    other = "# of other\nstages: [a, b]\n\nvariables:\n  X: {value: x}\n  Z: z\n\nother:\n  script: [b]\n"
    assert joined([one, other]) == (
        "# of one\nstages: [a, b]\n\nvariables:\n  X: {value: x}\n  Y:\n    value: y\n  Z: z\n\n"
        "one:\n  script: [a]\n\nother:\n  script: [b]\n"
    )


@pytest.mark.parametrize(
    ("one", "other", "name"),
    [
        ("stages: [a]\n", "stages: [b]\n", "stages"),
        ("v:\n  x: 1\n", "v:\n  x: 2\n", "v.x"),
        ("v:\n  x: 1\n", "v: {x: 1}\n", "v"),
        ("v:\n  - 1\n", "v:\n  x: 1\n", "v"),
        ("v:\n  w:\n    'x: y': 1\n", "v:\n  w:\n    'x: y': 2\n", "v.w.'x: y'"),
    ],
)
def test_two_values_of_one_name_are_an_error(one: str, other: str, name: str) -> None:
    with pytest.raises(JoinError) as caught:
        joined([one, other])
    assert caught.value.name == name


@given(JOBS, JOBS)
def test_a_joined_document_reads_as_both(one: dict[str, Any], other: dict[str, Any]) -> None:
    jobs = {f"1{key}": value for key, value in one.items()}
    more = {f"2{key}": value for key, value in other.items()}
    texts = [emit(Spaced({"stages": Flow(["a"]), **found}), "header") for found in (jobs, more)]
    assert read(joined(texts)) == {**read(texts[0]), **read(texts[1])}
    assert list(read(joined(texts))) == ["stages", *jobs, *more]


def test_more_instances_than_a_file_takes() -> None:
    """GitLab's limit is 2 MiB, of which nine tenths are used: 1,887,436 bytes."""
    text = "job-{}:\n  script: ['" + "x" * 999_970 + "']\n"
    assert len(join("m/.gitlab-ci.yml", [text.format(1)])) < 1_887_436
    with pytest.raises(
        SpecError, match=r"1,999,985 bytes in `m/.gitlab-ci.yml`; GitLab takes 1,887,436"
    ) as caught:
        join("m/.gitlab-ci.yml", [text.format(1), text.format(2)])
    assert [one.code for one in caught.value.diagnostics] == ["limit"]
