"""Splitting shell scripts: values worked out by hand, and two properties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcc.lint.shell import expansions, split


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b | c && d", [("a b", "|"), ("c", "&&"), ("d", "")]),
        ("a 'x | y' \"p; q\"; b", [("a 'x | y' \"p; q\"", ";"), ("b", "")]),
        ("a # b | c\nd", [("a", "\n"), ("d", "")]),
        ("a#b", [("a#b", "")]),
        ("a \\\n  b", [("a b", "")]),
        ("a \\; b", [("a \\; b", "")]),
        ("(a; b) && c", [("a", ";"), ("b", ")"), ("c", "")]),
        ("x=$(a | b) c", [("a", "|"), ("b", ")"), ("x=$() c", "")]),
        ('a "x $(b "y z") w"', [('b "y z"', ")"), ('a "x $() w"', "")]),
        ("a `b c`", [("b c", ""), ("a $()", "")]),
        ("a <(b) > f", [("b", ")"), ("a $() > f", "")]),
        ('a 2>&1 <<< "$X"', [('a 2 >& 1 <<< "$X"', "")]),
        ("cat <<'EOF' | a\nit's | b\nEOF\nc", [("cat", "|"), ("a", "\n"), ("c", "")]),
        ("cat <<-X\n\tb\n\tX\nc", [("cat", "\n"), ("c", "")]),
        ("a 'open", [("a 'open", "")]),
        ('a "open $(b', [("b", ""), ('a "open $()', "")]),
        ("", []),
        (" \n\n ", []),
    ],
)
def test_simple_commands(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(" ".join(simple.words), simple.after) for simple in split(text)] == expected


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("A=1 B='x y' python x.py", ("python", "x.py")),
        ("sudo -E python x.py", ("python", "x.py")),
        ("if ! python x.py", ("python", "x.py")),
        ("env A=1 python x.py", ("python", "x.py")),
        ("'py'thon \"x y\"", ("python", "x y")),
        ("A=1", ()),
    ],
)
def test_the_program_of_a_simple_command(text: str, program: tuple[str, ...]) -> None:
    assert split(text)[0].program == program


def test_the_program_around_a_substitution() -> None:
    assert [simple.inside for simple in split('sudo sh -c "$(curl x | cat)" && y')] == ["sh", "sh", "", ""]
    assert [simple.inside for simple in split("x=$(curl x)")] == ["", ""]


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("$A", ["A"]),
        ("${A:-b}/$B", ["A", "B"]),
        ("'$A'", []),
        ('"it\'s $A"', ["A"]),
        ("\\$A", []),
        ("\"'$A'\"", ["A"]),
        ("$1$?$$", []),
        ("plain", []),
    ],
)
def test_expansions(word: str, names: list[str]) -> None:
    assert expansions(word) == names


@given(st.text(st.sampled_from("ab $(){}`'\"\\|;&<>#\n=-"), max_size=200))
def test_any_text_is_split(text: str) -> None:
    for simple in split(text):
        assert simple.words
        assert all(simple.words)
        for word in simple.words:
            expansions(word)


WORD = st.text(st.sampled_from("abcxyz0123._/-+%"), min_size=1, max_size=8)
OPERATOR = st.sampled_from(["|", "&&", "||", ";", "\n"])


@given(st.lists(st.tuples(st.lists(WORD, min_size=1, max_size=4), OPERATOR), min_size=1, max_size=6))
def test_plain_commands_come_back(commands: list[tuple[list[str], str]]) -> None:
    text = " ".join(" ".join(words) + " " + operator for words, operator in commands)
    assert [(list(simple.words), simple.after) for simple in split(text)] == commands


@pytest.mark.parametrize("piece", ["$(", "`", "(", '"', "'", "<<a\n", "$X", "\\", '"$(', "a "])
def test_hostile_texts_are_read_once(piece: str) -> None:
    split(piece * (65536 // len(piece)))
