"""The YAML emitter: what is written reads back the same in every parser, and reads well."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from mlcc.backends._yaml import WIDTH, Block, Comment, Flow, Spaced, Wrapped, emit


def _ruamel(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def _ruamel_1_1(text: str) -> Any:
    reader = YAML(typ="safe", pure=True)
    reader.version = (1, 1)
    return reader.load(text)


READERS: dict[str, Callable[[str], Any]] = {
    "PyYAML": lambda text: yaml.load(text, Loader=yaml.SafeLoader),
    "PyYAML in C": lambda text: yaml.load(text, Loader=yaml.CSafeLoader),
    "ruamel, YAML 1.2": _ruamel,
    "ruamel, YAML 1.1": _ruamel_1_1,
}


def plain(tree: Any) -> Any:
    """The tree without its marks: what a reader must see."""
    if isinstance(tree, Flow | Spaced | Comment):
        return plain(tree.value)
    if isinstance(tree, Wrapped):
        return " ".join(tree.parts)
    if isinstance(tree, dict):
        return {key: plain(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [plain(value) for value in tree]
    return str(tree) if isinstance(tree, Block) else tree


def same(left: Any, right: Any) -> bool:
    """Equal in value and in type: 1, 1.0 and True are three things."""
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and left == right


def check(tree: Any) -> str:
    text = emit(tree)
    for name, read in READERS.items():
        assert same(read(text), plain(tree)), f"{name} reads {read(text)!r}\nfrom {text!r}"
    return text


# Words that some reader takes for a constant, a number, a date, a merge key, or syntax.
_WORDS = r"""
y Y n N yes Yes YES no No NO on On ON off Off OFF true True TRUE false False FALSE null Null NULL ~ nil
none None 0 1 -1 +1 00 010 0o10 0x1F 0X1f 0b101 1_000 0_1 _1 1_ 1. .5 . .. ... 1.0 1.10 3.10 1e3 1E3 1e-4
1e+16 1.e3 .e3 +.5 -.5 .inf .Inf .INF -.inf +.inf .nan .NaN .NAN inf nan Infinity NaN 1:30 1:30:00
190:20:30.15 12:30:45.5 -1:30 2001-12-14 2001-12-14t21:59:43.10-05:00 12h 1s 08 09 0o8 0x 0b2 1,000 1,2
e3 E1 deadbeef 0e0 1e1000 -0 +0 .e+3 = << <<: - -- --- : :: ? ?: ! !! !!str !<tag> & &a * *a # ## % %YAML
@ @a ` | |- > >- , [ ] { } [] {} [a { {a: a] '' ' " "" 'a' "a" a'b a"b \ \n \x41 $ $$ ${{ ${{x}} {{x}}
a:b a: :a a:: a#b a# #a -a ?a :- a- a? - -- /a a/ .a .github/workflows ./a ../a ~/a a~ a@b a@sha256:0
http://x:80/#y a,b a[0] a{b} a|b a>b a<b a=b a&b a*b a!b a%b a`b key:value key=value x:1 x:'y' [a]b {a}b
v1 v1.2 x86 e2e _ __ _a $a $1 /
"""
WORDS = _WORDS.split()
SENTENCES = [
    "",
    " ",
    "  ",
    " a",
    "a ",
    "a  b",
    "a: b",
    "a : b",
    "a :b",
    "a #b",
    "a # b",
    "a, b",
    "- a",
    "? a",
    "! a",
    "17 3 * * 1",
    "* * * * *",
    "%TAG ! x",
    "--- a",
    "... a",
    "a ---",
    "a\n--- b",
    "--- |\n",
    "it's",
    'say "hi"',
    "${{ !cancelled() && needs.a.result == 'success' }}",
    "!cancelled()",
    "sed 's/a #b/' x",
    "a\tb",
    "\ta",
    "a\t",
    "a\n",
    "\na",
    "a\n\nb",
    "a\n\n",
    "\n",
    "\n\n",
    "a\n b\n  c",
    " a\nb",
    "a \nb",
    "a\n \nb",
    "a\r\nb",
    "a\rb",
    "\x00",
    "\x07\x1b[0m\x7f",
    "\x80\x85\x9f\xa0\xad",
    "é",
    "naïve café",
    "模型",
    "модель",
    "\u2028\u2029",
    "\u202eevil\u202c",
    "\ufeffa",
    "\xff\u0100",
    "\ud7ff\ue000",
    "\uffff\U00010000\U0010ffff",
    "\ufffe\uffff",
    "😀",
    "a\u0301",
    "#!/bin/sh\nset -e\n",
    "a: |\n  b\n",
    "x" * 5000,
    "x " * 3000 + "x",
]


@pytest.mark.parametrize("word", WORDS + SENTENCES)
def test_a_string_stays_a_string_wherever_it_stands(word: str) -> None:
    key = word if len(word) < 400 else "long"
    check(word)
    check({"a": word, "b": [word, [word], {"c": word, "d": 1}]})
    check({key: 1, "x": {key: {key: [word]}}})
    check({"a": Flow([word, {key: word}, [word]]), "b": Flow({key: word}), "c": [Flow([word])]})
    check({"a": Block(word), "b": [Block(word), {"c": Block(word), "d": word}]})
    check({"a": Wrapped([word, "b"]), "b": [Wrapped(["a", word]), Wrapped([word])]})
    check({"a": Comment(word, "v1.2.3"), "b": [Comment(word, "x"), {"c": Comment(word, "d")}]})
    check(
        Spaced({key: Spaced({"a": word, "b": Block(word), "c": word}), "y": [Spaced({"a": word, "b": word})]})
    )


HOSTILE = st.one_of(
    st.text(),
    st.sampled_from(WORDS + SENTENCES),
    st.text("ab \n\t:#-'\"\\[]{},&*!|>%@`?=<~0.\u00e9\u2028\r", max_size=12),
    st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join),
    st.lists(st.sampled_from(["a", " b", "", "- c", "# d", "\te", "f:", "é"]), max_size=5).map("\n".join),
).filter(lambda text: not any(0xD800 <= ord(char) <= 0xDFFF for char in text))
SCALARS = st.one_of(
    HOSTILE, st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none()
)
LEAVES = st.one_of(
    SCALARS,
    HOSTILE.map(Block),
    st.lists(HOSTILE, max_size=4).map(Wrapped),
    st.builds(Comment, SCALARS, st.sampled_from(["v7.0.1", "a b", "_", "-", "zizmor: ignore[unpinned]"])),
)
KEYS = HOSTILE.filter(lambda text: len(text) < 150)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(KEYS, inner, max_size=4),
        st.lists(inner, max_size=4).map(Flow),
        st.dictionaries(KEYS, inner, max_size=4).map(Flow),
        st.dictionaries(KEYS, inner, max_size=4).map(Spaced),
    ),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.lists(TREES, max_size=4), st.dictionaries(KEYS, TREES, max_size=4), SCALARS))
@example([1e16, 1e-7, 1e22, -0.0, 5e-324, 1.7976931348623157e308, 123456789012345678901234567890])
@example([[], {}, [[]], [{}], {"a": {}, "b": []}, Flow([]), Flow({})])
def test_any_tree_reads_back_the_same_in_every_reader(tree: Any) -> None:
    text = check(tree)
    assert emit(tree) == text
    assert "\r" not in text
    assert text.endswith("\n")


def test_a_workflow_reads_well() -> None:
    tree = {
        "name": "flights",
        "on": {"schedule": [Flow({"cron": "17 3 * * *"})], "workflow_dispatch": {}},
        "permissions": {},
        "jobs": Spaced(
            {
                "select": {
                    "runs-on": "ubuntu-24.04",
                    "timeout-minutes": 5,
                    "steps": [
                        {
                            "uses": Comment(
                                "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1", "v7.0.1"
                            ),
                            "with": Flow({"fetch-depth": 0, "persist-credentials": False}),
                        },
                        {"name": "build: all", "run": Block("set -e\npython3 -I .mlcc/run.py select\n")},
                    ],
                },
                "train": {
                    "needs": Flow(["select"]),
                    "if": Wrapped(["${{ !cancelled()", "&& needs.select.result == 'success' }}"]),
                    "container": None,
                },
            }
        ),
    }
    assert (
        emit(tree, "mlcc:generated\n\nDo not edit.")
        == """\
# mlcc:generated
#
# Do not edit.
name: flights
'on':
  schedule:
    - {cron: '17 3 * * *'}
  workflow_dispatch: {}
permissions: {}
jobs:
  select:
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with: {fetch-depth: 0, persist-credentials: false}
      - name: 'build: all'
        run: |
          set -e
          python3 -I .mlcc/run.py select

  train:
    needs: [select]
    if: >-
      ${{ !cancelled()
      && needs.select.result == 'success' }}
    container: null
"""
    )


def test_a_flow_list_that_is_too_wide_goes_block_style() -> None:
    narrow = {"needs": Flow(["a" * 10] * 8)}
    wide = {"needs": Flow(["a" * 10] * 10), "then": Flow({"a": Block("x\ny"), "b": 1})}
    assert emit(narrow).count("\n") == 1
    assert emit(wide).startswith("needs:\n  - aaaaaaaaaa\n  - aaaaaaaaaa\n")
    assert "then:\n  a: |-\n    x\n    y\n  b: 1\n" in emit(wide)
    assert max(map(len, emit(narrow).splitlines())) <= WIDTH


def test_the_last_column_is_used_and_none_after_it() -> None:
    fits = {"key": Flow(["a" * (WIDTH - len("key: []"))])}
    assert emit(fits) == f"key: [{'a' * (WIDTH - 7)}]\n"
    assert emit({"key": Flow(["a" * (WIDTH - 6)])}) == f"key:\n  - {'a' * (WIDTH - 6)}\n"
    assert WIDTH == 110


def test_entries_are_set_apart_at_the_root_and_below() -> None:
    assert emit(Spaced({"a": 1, "b": [Spaced({"c": 1, "d": 2})]})) == "a: 1\n\nb:\n  - c: 1\n\n    d: 2\n"
    assert emit(Flow({"a": 1, "b": 2})) == "a: 1\nb: 2\n"


def test_a_key_may_be_as_long_as_every_reader_takes() -> None:
    key = "k" * 1000
    check({key: 1, "a": {key: {key: 1}}, "b": [{key: [1]}]})


def test_a_block_falls_back_to_quotes_where_readers_differ() -> None:
    assert emit({"a": Block("x\ny")}) == "a: |-\n  x\n  y\n"
    assert emit({"a": Block("x")}) == "a: |-\n  x\n"
    assert emit({"a": Block("x  \ny")}) == 'a: "x  \\ny"\n'
    assert emit({"a": Block("\tx\ny")}) == 'a: "\\tx\\ny"\n'
    assert emit({"a": Block(" x\ny")}) == 'a: " x\\ny"\n'
    assert emit({"a": Block("x\n\n")}) == 'a: "x\\n\\n"\n'
    assert emit({"a": Block("x\u202ey")}) == 'a: "x\\u202ey"\n'
    assert emit({"a": Block("")}) == "a: ''\n"


def test_text_beyond_ascii_is_escaped_outside_of_blocks() -> None:
    assert emit({"a": 'é\u2028😀\x1b"\\'}) == 'a: "\\xe9\\u2028\\U0001f600\\x1b\\"\\\\"\n'
    assert emit({"a": Block("# café\necho ok\n")}) == "a: |\n  # café\n  echo ok\n"


def test_a_string_enum_is_its_value() -> None:
    class Level(str, Enum):
        HIGH = "high"

    assert emit({Level.HIGH: Level.HIGH, "on": [Level.HIGH]}) == "high: high\n'on':\n  - high\n"


@pytest.mark.parametrize(
    ("tree", "header"),
    [
        ({"a": float("nan")}, ""),
        ({"a": Flow([float("inf")])}, ""),
        ({"a": "\ud800"}, ""),
        ({"\udfff": 1}, ""),
        ({1: "a"}, ""),
        ({"k" * 1001: "a"}, ""),
        ({"a": 1}, "é"),
        ({"a": 1}, "a\x1bb"),
    ],
)
def test_what_yaml_cannot_carry_is_refused(tree: Any, header: str) -> None:
    with pytest.raises(ValueError, match=r"YAML|string|header"):
        emit(tree, header)


@pytest.mark.parametrize("tree", [{"a": b"x"}, {"a": object()}, {"a": {1, 2}}, {"a": 1j}])
def test_other_types_are_refused(tree: Any) -> None:
    with pytest.raises(TypeError, match="can't be written as YAML"):
        emit(tree)


@pytest.mark.parametrize("text", ["", " ", "a\nb", "a # b", "a:", "[a]", "é", "${{ x }}", "a ", " a"])
def test_a_comment_holds_a_version_and_nothing_else(text: str) -> None:
    with pytest.raises(ValueError, match="not fit for a comment"):
        Comment("x", text)
