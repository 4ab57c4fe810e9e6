"""Other YAML readers never take an accepted text for something else; no text makes a traceback."""

from __future__ import annotations

import json

import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML, YAMLError

from mlcc.diagnostics import SpecError
from mlcc.load.source import Mapping, Scalar, Sequence, plain, read


def parse(text: str) -> Mapping:
    return read(text.encode(), "mlcc.yaml").root


FRAGMENTS = st.sampled_from(
    [
        *(
            "a",
            "k: ",
            "d:",
            "run: ",
            "x",
            "1",
            "0.5",
            "true",
            "a b",
            "a?b",
            "https://x",
            "\u00e9",
            "\\n",
            "/",
            "$",
        ),
        *(
            "\n",
            "\n  ",
            "\n    ",
            "\n- ",
            "\n  - ",
            "- ",
            " ",
            "  ",
            "\t",
            "\n\n",
            ",",
            ", ",
            ":",
            ": ",
            "#",
            " #",
        ),
        *(
            "[",
            "]",
            "{",
            "}",
            "[x, ",
            "}\n",
            "]\n",
            "e: {a: ",
            "'",
            '"',
            "'a'",
            '"b"',
            "''",
            "\\",
            "|\n  ",
            ">\n  ",
        ),
        *(
            "|-\n  x",
            ">+\n",
            "|2\n",
            "?",
            "? ",
            "%",
            "@",
            "`",
            "!",
            "&a ",
            "*a",
            "---",
            "...",
            "\n---\n",
            "=",
            "<<",
        ),
    ]
)
TEXTS = st.lists(FRAGMENTS, max_size=16).map("".join)


def accepted(text: str) -> object:
    """Return the values of `text`, or None where it is refused. Any other exception fails the test."""
    try:
        return plain(parse(text))
    except SpecError:
        return None


@given(TEXTS | TEXTS.map("k: {}".format) | st.text(max_size=30))
@example("k: >\n  a\n\n   b\n  c\n")
@example("k: [a, {b: c}, d: e]\n")
def test_no_reader_takes_an_accepted_text_for_something_else(text: str) -> None:
    value = accepted(text)
    if value is None:
        return
    for reader in (yaml.safe_load, YAML(typ="safe", pure=True).load):
        try:
            other = reader(text)
        except (yaml.YAMLError, YAMLError):  # stricter than this loader: no harm
            continue
        assert repr(other) == repr(value)


KEYS = st.from_regex(r"\A[A-Z_][a-z0-9_.-]{4,9}\Z")
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S", "Zs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=15,
)


@given(st.dictionaries(KEYS, PLAIN, min_size=1, max_size=4))
def test_what_another_writer_writes_comes_back(tree: dict[str, object]) -> None:
    # JSON is YAML, except for the floats that this loader wants written otherwise; there are none here.
    assert plain(parse(json.dumps(tree))) == tree
    # PyYAML leaves numbers unquoted that only YAML 1.2 knows.
    value = accepted(yaml.safe_dump(tree, default_flow_style=False, allow_unicode=True, width=40))
    assert value is None or value == tree


@given(st.binary(max_size=200))
def test_no_bytes_make_a_traceback(data: bytes) -> None:
    try:
        read(data, "mlcc.yaml")
    except SpecError as problem:
        codes = [diagnostic.code for diagnostic in problem.diagnostics if diagnostic.span]
    else:
        codes = ["none"]
    assert codes


@given(TEXTS)
def test_spans_cover_what_they_stand_for(text: str) -> None:
    try:
        root = parse(text)
    except SpecError:
        return
    lines = text.split("\n")
    for entry in root.entries.values():
        key = entry.key_span
        assert lines[key.line - 1][key.column - 1 : key.end_column - 1].strip("'\"") == entry.key
        node = entry.node
        assert (node.span.line, node.span.column) <= (node.span.end_line, node.span.end_column)
        if isinstance(node, Scalar) and node.span.line == node.span.end_line:
            assert lines[node.span.line - 1][node.span.column - 1 : node.span.end_column - 1] == node.raw
        if isinstance(node, Sequence) and node.items:
            last = node.items[-1].span
            assert (last.end_line, last.end_column) <= (node.span.end_line, node.span.end_column)
