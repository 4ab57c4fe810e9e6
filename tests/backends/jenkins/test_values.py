"""Groovy's own reading of what `groovy` spells, and what may not reach a Jenkinsfile at all."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

from mlcc.backends.jenkins.groovy import Source, finalize, groovy
from tests.backends.jenkins.groovy import run_groovy
from tests.spec.texts import HOSTILE

PIECES = (
    "\\", "'", '"', "\n", "\r", "\t", "$", "{", "}", "u", "0041", "\\u0027", "/", "'''", "n", "é", "中", "😀", "\u2028",
    "\u0085", "\ufeff", "\x00", "\x1b", "\x7f", "\ud800", " ", "", "//", "/*", "*/", "a",
)  # fmt: skip


def texts() -> list[str]:
    """Return some four thousand texts: everything hostile, every pair of pieces, and random rows of them."""
    chance = random.Random(0)
    found = [*HOSTILE, *("".join(pair) for pair in itertools.product(PIECES, repeat=2))]
    found += ["\\" * number + piece for number in range(1, 9) for piece in PIECES]
    found += ["".join(chance.choices(PIECES, k=chance.randrange(3, 12))) for _ in range(2500)]
    return list(dict.fromkeys(found))


def test_groovy_reads_back_every_text(tmp_path: Path) -> None:
    wanted = texts()
    assert len(wanted) >= 3000
    parts = [wanted[at : at + 50] for at in range(0, len(wanted), 50)]
    lines = ["found = []"]
    for number, part in enumerate(parts):
        lines += [f"void part{number}() {{", *(f"  found << {groovy(text)}" for text in part), "}"]
    lines += [f"part{number}()" for number in range(len(parts))]
    lines += [
        "found.each { text -> println(text.collect { String.format('%04x', (int) (char) it) }.join('')) }"
    ]
    script = tmp_path / "texts.groovy"
    script.write_text("\n".join(lines), "ascii")
    got = run_groovy(script).split("\n")[:-1]
    assert got == [text.encode("utf-16-be", "surrogatepass").hex() for text in wanted]


@pytest.mark.parametrize(
    ("value", "source"),
    [
        ("it's", r"'it\'s'"),
        ("a\\u0027", r"'a\\u0027'"),
        ("${x}\n", r"'${x}\n'"),
        ("é😀", r"'\u00e9\ud83d\ude00'"),
        (True, "true"),
        (12, "12"),
        (("a", "b"), "['a', 'b']"),
        ({}, "[:]"),
        ({"label": "x", "soft": True}, "[label: 'x', soft: true]"),
    ],
)
def test_spelling(value: object, source: str) -> None:
    assert groovy(value) == source


@pytest.mark.parametrize("value", [None, 1.5, {"a b": "x"}, {"x'": 1}, {1: 2}, b"x", {"ok": None}])
def test_what_has_no_spelling(value: object) -> None:
    with pytest.raises(TypeError):
        groovy(value)


@pytest.mark.parametrize("value", ["text", 1, None, ["x"], True])
def test_a_value_that_nobody_spelled_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="without the filter"):
        finalize(value)
    assert finalize(Source("x")) == "x"
