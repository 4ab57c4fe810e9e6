"""LOAD: values, spans, refusals and caps."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlcc.diagnostics import Diagnostic, Span, SpecError
from mlcc.load import source as source_module
from mlcc.load.nodes import MAX_DEPTH, MAX_EVENTS, MAX_SCALAR
from mlcc.load.source import (
    MAX_BYTES,
    MAX_DIAGNOSTICS,
    MAX_LINE,
    MAX_LINES,
    Mapping,
    Scalar,
    load,
    locate,
    plain,
    read,
)

ROOT = Path(__file__).parents[2]

SPEC = """\
version: 1
name: credit   # a comment
jobs:
  train:
    run: |
      python -m train

    reads: [code, raw]
    env: {RATE: 0.1, "MODE": 'it''s'}
  score:
    setup:
    - pip install x
    - ""
    retry:
"""


def parse(text: str) -> Mapping:
    return read(text.encode(), "mlcc.yaml").root


def refusals(text: str | bytes) -> tuple[Diagnostic, ...]:
    with pytest.raises(SpecError) as caught:
        read(text if isinstance(text, bytes) else text.encode(), "mlcc.yaml")
    return caught.value.diagnostics


def found(text: str | bytes) -> list[tuple[str, int, int]]:
    """Return code, line and column of each refusal."""
    return [(d.code, d.span.line, d.span.column) for d in refusals(text) if d.span]


def span(line: int, column: int, end_line: int, end_column: int) -> Span:
    return Span("mlcc.yaml", line, column, end_line, end_column)


# Values and spans


def test_values() -> None:
    assert plain(parse(SPEC)) == {
        "version": 1,
        "name": "credit",
        "jobs": {
            "train": {
                "run": "python -m train\n",
                "reads": ["code", "raw"],
                "env": {"RATE": 0.1, "MODE": "it's"},
            },
            "score": {"setup": ["pip install x", ""], "retry": None},
        },
    }


@pytest.mark.parametrize(
    ("loc", "where"),
    [
        ((), span(1, 1, 14, 11)),
        (("version",), span(1, 10, 1, 11)),
        (("name",), span(2, 7, 2, 13)),
        (("jobs",), span(4, 3, 14, 11)),
        (("jobs", "train", "run"), span(5, 10, 6, 22)),
        (("jobs", "train", "reads"), span(8, 12, 8, 23)),
        (("jobs", "train", "reads", 1), span(8, 19, 8, 22)),
        (("jobs", "train", "env"), span(9, 10, 9, 38)),
        (("jobs", "train", "env", "MODE"), span(9, 30, 9, 37)),
        (("jobs", "score", "setup"), span(12, 5, 13, 9)),
        (("jobs", "score", "setup", 1), span(13, 7, 13, 9)),
        (("jobs", "score", "retry"), span(14, 11, 14, 11)),
    ],
)
def test_spans(loc: tuple[str | int, ...], where: Span) -> None:
    assert locate(parse(SPEC), loc) == where


@pytest.mark.parametrize(
    ("loc", "where"),
    [
        (("name",), span(2, 1, 2, 5)),
        (("jobs", "train", "env", "MODE"), span(9, 22, 9, 28)),
        (("jobs", "score", "setup", 0), span(12, 7, 12, 20)),  # an item has no key
        ((), span(1, 1, 14, 11)),
    ],
)
def test_key_spans(loc: tuple[str | int, ...], where: Span) -> None:
    assert locate(parse(SPEC), loc, key=True) == where


@pytest.mark.parametrize(
    ("loc", "where"),
    [
        (("jobs", "train", "timeout"), span(4, 3, 4, 8)),
        (("jobs", "nobody", "run"), span(3, 1, 3, 5)),
        (("jobs", "train", "reads", 7), span(8, 5, 8, 10)),
        (("jobs", "train", "reads", 1, "x"), span(8, 19, 8, 22)),
        (("jobs", "train", "reads", "x"), span(8, 5, 8, 10)),
        (("nothing",), span(1, 1, 14, 11)),
    ],
)
def test_what_is_missing_is_located_at_its_nearest_ancestor(loc: tuple[str | int, ...], where: Span) -> None:
    assert locate(parse(SPEC), loc) == where


def test_raw_text_and_quotes_are_kept() -> None:
    root = parse("a: 0.10x\nb: \"0.1\"\nc: 'x'\nd: |\n  y\n\ne: 0.1\n")
    nodes = {key: entry.node for key, entry in root.entries.items()}
    assert {key: (node.raw, node.plain) for key, node in nodes.items() if isinstance(node, Scalar)} == {
        "a": ("0.10x", True),
        "b": ('"0.1"', False),
        "c": ("'x'", False),
        "d": ("|\n  y", False),
        "e": ("0.1", True),
    }


def test_line_breaks_of_windows_count_as_one() -> None:
    root = parse("a: b\r\nc: |\r\n  d\r\n  e\r\nf: [x,\r\n z]\r\n")
    assert plain(root) == {"a": "b", "c": "d\ne\n", "f": ["x", "z"]}
    assert locate(root, ("f", 1)) == span(6, 2, 6, 3)


def test_columns_count_characters() -> None:
    root = parse('a: ["\u4e2d\u6587", \U0001f600, e\u0301, z]\n')
    assert locate(root, ("a", 1)) == span(1, 11, 1, 12)
    assert locate(root, ("a", 3)) == span(1, 18, 1, 19)


def test_an_explicit_document_is_fine() -> None:
    assert plain(parse("---\na: b\n...\n")) == {"a": "b"}


# Files


def test_load_takes_its_display_path(tmp_path: Path) -> None:
    file = tmp_path / "mlcc.yaml"
    file.write_text("a: b\n")
    source = load(file, "sub/mlcc.yaml")
    assert (source.path, source.file, source.texts) == ("sub/mlcc.yaml", file, {"sub/mlcc.yaml": "a: b\n"})
    assert source.root.entries["a"].key_span == Span("sub/mlcc.yaml", 1, 1, 1, 2)
    assert load(file).path == file.as_posix()


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        load(tmp_path / "mlcc.yaml", "mlcc.yaml")
    (problem,) = caught.value.diagnostics
    assert (problem.code, problem.message, problem.span) == (
        "no-such-file",
        "there is no file mlcc.yaml",
        None,
    )


def test_what_is_not_a_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (tmp_path, pipe, Path("/dev/zero")):
        with pytest.raises(SpecError) as caught:
            load(path, "mlcc.yaml")
        assert caught.value.diagnostics[0].code in ("no-such-file", "unreadable-file")


def test_what_can_not_be_opened(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for path in (loop, tmp_path / "x\0y", tmp_path / ("x" * 5000)):
        with pytest.raises(SpecError) as caught:
            load(path, "mlcc.yaml")
        assert caught.value.diagnostics[0].code == "unreadable-file"


def test_a_refused_text_comes_along(tmp_path: Path) -> None:
    file = tmp_path / "mlcc.yaml"
    file.write_bytes(b"a: no\nb: \xff\n")
    with pytest.raises(SpecError) as caught:
        load(file, "mlcc.yaml")
    assert caught.value.texts == {"mlcc.yaml": "a: no\nb: \ufffd\n"}


# Refusals


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: no\n", [("ambiguous-scalar", 1, 4)]),
        ("a: [1, 3.10]\n", [("ambiguous-scalar", 1, 8)]),
        ("on: x\n", [("ambiguous-scalar", 1, 1)]),
        ("a: &x b\n", [("anchor", 1, 4)]),
        ("a: *x\n", [("alias", 1, 4)]),
        ("a:\n  <<: {}\n", [("merge-key", 2, 3)]),
        ("a: !!str b\n", [("tag", 1, 4)]),
        ("a: !x!y b\n", [("tag", 1, 4)]),
        ("%YAML 1.2\n---\na: b\n", [("directive", 1, 1)]),
        ("a: b\n---\nc: d\n", [("several-documents", 2, 1)]),
        ("5: x\n", [("bad-key", 1, 1)]),
        ("a: {[b]: c}\n", [("bad-key", 1, 5)]),
        ("? |-\n  x\n: 1\n", [("bad-key", 1, 3)]),
        ("? >-\n  x\n: 1\n", [("bad-key", 1, 3)]),
        ('"\\x61": 1\n', [("bad-key", 1, 1)]),
        ('? "a\\\n  b"\n: 1\n', [("bad-key", 1, 3)]),
        ("a: x\n\nb:\n  a: v\n  a: w\n", [("duplicate-key", 5, 3)]),
        ("a: b\u202e\n", [("control-character", 1, 5)]),
        ('a: "b\\u202e"\n', [("control-character", 1, 4)]),
        ("a:\n- 'x\n", [("not-yaml", 2, 3)]),
        ("a:\n\tb: c\n", [("not-yaml", 2, 1)]),
        ("a: b: c\n", [("not-yaml", 1, 5)]),
        ("a: [b\nc: d\n", [("not-yaml", 2, 2)]),
        ("", [("empty-document", 1, 1)]),
        ("# nothing\n", [("empty-document", 2, 1)]),
        ("- a\n", [("not-a-mapping", 1, 1)]),
        ("run: sed s/a #b/\n", [("comment-in-command", 1, 14)]),
        ("setup:\n  - pip install x   # y\n", [("comment-in-command", 2, 21)]),
        ("a: {run: [make x  #y\n]}\n", [("comment-in-command", 1, 19)]),
        (b"a: b\nc: \xc3\xa9\xff\n", [("not-utf8", 2, 5)]),
        (b"a: b\nc: d\xed\xa0\x80\n", [("not-utf8", 2, 5)]),
    ],
)
def test_a_refusal_has_a_code_and_a_place(text: str | bytes, expected: list[tuple[str, int, int]]) -> None:
    assert found(text) == expected


def test_many_refusals_come_together() -> None:
    text = "a: no\nb: &x 010\n1: x\nb: z\nrun: a b #c\nd: *x\ne: 'open\n"
    assert found(text) == [
        ("ambiguous-scalar", 1, 4),
        ("anchor", 2, 4),
        ("ambiguous-scalar", 2, 4),
        ("bad-key", 3, 1),
        ("duplicate-key", 4, 1),
        ("comment-in-command", 5, 10),
        ("alias", 6, 4),
        ("not-yaml", 7, 4),
    ]


def test_a_duplicate_names_the_first() -> None:
    (problem,) = refusals("a: x\n\nb: w\n'a': z\n")
    assert [(related.span, related.message) for related in problem.related] == [
        (span(1, 1, 1, 2), "first written here")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "run: make # all\n",  # one word: nothing of the command can be missed
        "run: sed s/a#b/\n",
        "run: 'sed s/a #b/'  # fine\n",
        "run: |\n  sed s/a #b/\n",
        "name: a b # c\n",
        "env: {run_id: a b} # c\n",
    ],
)
def test_a_comment_that_takes_nothing_away(text: str) -> None:
    parse(text)


def test_the_message_says_what_the_parser_meant() -> None:
    (problem,) = refusals("a: 'x\n")
    assert (problem.message, problem.help) == ("this quote is never closed", "close it")
    (problem,) = refusals('a: "x"#c\n')
    assert problem.message == "a comment needs a space before its `#`"
    (problem,) = refusals("a: {{ x }}\n")
    assert problem.code == "bad-key"


# Caps, each with its largest accepted and its smallest refused input


def test_the_longest_file() -> None:
    line = "# " + "x" * 1021 + "\n"
    text = "a: b\n" + line * 1023
    text += "#" * (MAX_BYTES - len(text))
    assert len(text) == MAX_BYTES
    parse(text)
    assert found(text + "#") == [("too-large", 1, 1)]


def test_the_longest_line() -> None:
    text = "a: b #" + "x" * (MAX_LINE - 6)
    parse(text)
    assert found(text + "x") == [("long-line", 1, MAX_LINE + 1)]


def test_the_most_lines() -> None:
    text = "a: b\n" + "\n" * (MAX_LINES - 1)
    parse(text)
    assert found(text + "\n") == [("too-large", MAX_LINES + 1, 1)]


def test_the_deepest_spec() -> None:
    deepest = "a: " + "[" * (MAX_DEPTH - 1)
    parse(deepest + "]" * (MAX_DEPTH - 1))
    assert found(deepest + "[") == [("too-deep", 1, 4 + MAX_DEPTH - 1)]


def test_the_longest_scalar() -> None:
    quarter = MAX_SCALAR // 8
    text = 'a: "' + ("x" * quarter + "\\\n  ") * 7 + "x" * quarter
    assert plain(parse(text + '"')) == {"a": "x" * MAX_SCALAR}
    assert found(text + 'x"') == [("too-large", 1, 4)]


def test_the_most_values() -> None:
    # Around the items: stream, document, mapping, key and list start; list, mapping, document and stream end.
    items = MAX_EVENTS - 9
    lines = ["a,", "a,\n"]
    text = "a: [" + "".join(lines[number % 5_000 == 0] for number in range(items)) + "]\n"
    assert plain(parse(text)) == {"a": ["a"] * items}
    assert found(text.replace("[", "[a,", 1))[0][0] == "too-large"


def test_the_largest_integer() -> None:
    assert plain(parse("a: 9999999999999999999\n")) == {"a": 9999999999999999999}
    assert found("a: 10000000000000000000\n") == [("too-large", 1, 4)]


def test_the_most_diagnostics() -> None:
    assert len(refusals("a: [" + "no, " * (2 * MAX_DIAGNOSTICS) + "]\n")) == MAX_DIAGNOSTICS
    assert len(refusals("a: b\n" + "\x01\n" * (2 * MAX_DIAGNOSTICS))) == MAX_DIAGNOSTICS


# The lint path


def test_loading_leaves_the_yaml_library_as_it_was() -> None:
    code = (
        "import sys; from mlcc.load.source import read; read(b'a: b', 'x');"
        "assert not [name for name in sys.modules if name.startswith('ruamel.yaml')];"
        "import ruamel.yaml; assert ruamel.yaml.YAML(typ='safe').load('a: b') == {'a': 'b'};"
        "read(b'a: b', 'x')"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_loading_imports_nothing_heavy() -> None:
    # -I -S: what the interpreter's own start-up imports doesn't count.
    code = (
        f"import sys; sys.path[:0] = {[str(ROOT), *sys.path]!r}\n"
        "from mlcc.load.source import read\n"
        "read(b'a: [b, 0.5]', 'x')\n"
        "heavy = {'pydantic', 'jsonschema', 'jinja2', 'click', 'json', 'difflib', 'unicodedata', 'pathlib'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], check=True, capture_output=True, text=True
    )
    assert done.stdout == "\n"


def test_the_hidden_characters_leave_all_writing_alone() -> None:
    for text in (
        "Sk\u00e5ne",
        "\u4e2d\u6587",
        "\u0639\u0631\u0628\u064a",
        "\u0939\u093f\u0928\u094d\u0926\u0940",
        "\u05d0\u05d1",
        "e\u0301",
        "\U0001f600",
    ):
        assert source_module.HIDDEN.search(text) is None


@pytest.mark.parametrize("text", ["a: &x b\n", "a: *x\n"])
def test_the_cure_of_an_anchor_is_there_in_this_version(text: str) -> None:
    (problem,) = refusals(text)
    assert problem.help is not None
    assert "`defaults`" in problem.help
    assert "profiles" not in problem.help
