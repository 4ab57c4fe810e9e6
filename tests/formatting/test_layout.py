"""FORMAT: what the layout is, case by case."""

from __future__ import annotations

import json

import pytest

from mlcc.diagnostics import SpecError
from mlcc.formatting import formatted
from mlcc.load.source import plain, read

LONG = "x" * 60

CASES = {
    "indentation": ("a:\n    b:\n     c: 1\n    d:\n    - e\n", "a:\n  b:\n    c: 1\n  d:\n    - e\n"),
    "an indented root": ("  a: 1\n  b: 2\n", "a: 1\nb: 2\n"),
    "spaces": ("a  :   1\nb: {c:   2,d: [ x,y ],}\n-\n"[:-2], "a: 1\nb: {c: 2, d: [x, y]}\n"),
    "items in items": ("a:\n-   - b\n    - c\n-   d: 1\n    e: 2\n", "a:\n  - - b\n    - c\n  - d: 1\n    e: 2\n"),
    "brackets that fit": ("a: {b: 1,\n    c: 2}\n", "a: {b: 1, c: 2}\n"),
    "blocks stay blocks": ("a:\n  b:\n  - c\n", "a:\n  b:\n    - c\n"),
    "brackets that don't fit": (
        f"a: {{b: {LONG}, c: [{LONG}], d: {{}}}}\n",
        f"a:\n  b: {LONG}\n  c: [{LONG}]\n  d: {{}}\n",
    ),
    "brackets in an item": (f"a:\n  - {{b: {LONG}, c: {LONG}}}  # d\n", f"a:\n  # d\n  - b: {LONG}\n    c: {LONG}\n"),
    "100 columns fit": (f"a: [{'x' * 47}, {'y' * 46}]\n", f"a: [{'x' * 47}, {'y' * 46}]\n"),
    "101 columns don't": (f"a: [{'x' * 47}, {'y' * 47}]\n", f"a:\n  - {'x' * 47}\n  - {'y' * 47}\n"),
    "a comment's columns don't count": (f"a: [{LONG}]  # {LONG}\n", f"a: [{LONG}]  # {LONG}\n"),
    "a whole file in brackets": ('{"a": 1, b: [2]}', '{"a": 1, b: [2]}\n'),
    "a long file in brackets": (f'{{"a": {LONG}, b: {LONG}}} # c\n', f'# c\n"a": {LONG}\nb: {LONG}\n'),
    "quotes": ("a: 'no'\nb: 'it''s'\nc: '\"'\nd: '\\'\ne: \"x\"\n'f': 1\n",
               "a: \"no\"\nb: 'it''s'\nc: '\"'\nd: '\\'\ne: \"x\"\n'f': 1\n"),
    "no value": ("a:\nb: {c: , d}\ne:\n  -\n  - 1\n", "a:\nb: {c: null, d: null}\ne:\n  -\n  - 1\n"),
    "a pair in a list": ("a: [b: 1, c]\n", "a: [{b: 1}, c]\n"),
    "explicit keys": ("? a\n: 1\n? b\n:\n  - 2\n", "a: 1\nb:\n  - 2\n"),
    "markers": ("# c\n\n--- # d\na: 1\n...\n# e\n", "# c\n---\n# d\na: 1\n# e\n"),
    "the end": ("a: 1\n\n\n  \n", "a: 1\n"),
    "no line break at the end": ("a: 1", "a: 1\n"),
    "other line breaks": ("a: |\r\n  x\r\nb: 1\r\n", "a: |\n  x\nb: 1\n"),
    "blank lines": ("\n\na: 1\n\n\n\n\nb: 2\n\nc: 3\n\n\nd: 4\n", "a: 1\n\n\nb: 2\n\nc: 3\n\n\nd: 4\n"),
    "lines of one value": ("a: b\n      c\n\n      d\ne: 'f\n\n   g'\nh: \"i\\\n   j \\ \n  k\"\n",
                           "a: b\n  c\n\n  d\ne: 'f\n\n  g'\nh: \"i\\\n  j \\ \n  k\"\n"),
    "a value on the next line": (f"a:\n    {LONG}\nb:\n    {'y' * 98}\n", f"a: {LONG}\nb:\n  {'y' * 98}\n"),
    "a long value": (f"a: {'y' * 120}\n", f"a: {'y' * 120}\n"),
    "texts": ("a: |\n      x\n        y\n\n\n      z  \n\n\nb: 1\n", "a: |\n  x\n    y\n\n\n  z  \n\n\nb: 1\n"),
    "texts that keep their end": ("a: |+\n    x\n\n\n# c\nb: |-\n   y\n", "a: |+\n  x\n\n\n# c\nb: |-\n  y\n"),
    "folded texts": ("a: >-\n    x\n    y\n\n      z\n    # w\nb: 1\n", "a: >-\n  x\n  y\n\n    z\n  # w\nb: 1\n"),
    "texts with a stated indentation": ("a:\n - b: |4\n        x\n       y\n", "a:\n  - b: |2\n       x\n      y\n"),
    "a text in a list": ("a:\n- |1\n   x\n- |\n x\n", "a:\n  - |2\n      x\n  - |\n    x\n"),
    "a text that ends with the file": ("a: |\n   x", "a: |-\n  x\n"),
    "an empty text": ("a: |\n\nb: >-\n", "a: |\n\nb: >-\n"),
    "comments of texts": ("a: |   # b\n    # c\n  # d\n# e\nf: 1\n", "a: |   # b\n  # c\n # d\n# e\nf: 1\n"),
}  # fmt: skip

COMMENTS = {
    "above and beside": ("# a\nb: 1 # c\n\n#d\ne: 2\n# f\n", "# a\nb: 1  # c\n\n#d\ne: 2\n# f\n"),
    "columns stay": ("a: 1     # b\nlonger: 2  # c\n", "a: 1     # b\nlonger: 2  # c\n"),
    "above the first key inside": ("a:\n# b\n    c: 1\n", "a:\n  # b\n  c: 1\n"),
    "below what is deeper": ("a:\n    b: 1\n    # c\n# d\ne: 2\n", "a:\n  b: 1\n  # c\n# d\ne: 2\n"),
    "below a value": ("a: 1\n   # b\nc: 2\n", "a: 1\n  # b\nc: 2\n"),
    "of a key with a block": ("a: # b\n  c: 1\n", "a:  # b\n  c: 1\n"),
    "between a key and its value": ("a: # b\n  1\nc:\n  # d\n  2\n", "# b\na: 1\n# d\nc: 2\n"),
    "of an item": ("a:\n-   # b\n  c: 1\n- # d\n  - # e\n    - f\n", "a:\n  # b\n  - c: 1\n  # d\n  # e\n  - - - f\n"),
    "behind a dash, above the key": ("a:\n  - b\n  -\n    # c\n    d: 1\n", "a:\n  - b\n  # c\n  - d: 1\n"),
    "in brackets": ("a: [ # b\n  c, # d\n  # e\n  f # g\n  # h\n] # i\nj: 1\n",
                    "a:  # b\n  - c  # d\n  # e\n  - f  # g\n  # h\n  # i\nj: 1\n"),
    "in brackets in brackets": ("a: {b: {c: 1, # d\n  e: 2}, f: 3}\n", "a:\n  b:\n    c: 1  # d\n    e: 2\n  f: 3\n"),
    "in empty brackets": ("a: { # b\n  # c\n}\nd: 1\n", "a: {}  # b\n  # c\nd: 1\n"),
    "behind a command in brackets": ("a: {run: b c, # d\n  e: 1}\n", "a:\n  # d\n  run: b c\n  e: 1\n"),
    "that only look like one": ("a: \"# b\" # c\nd: 'e #f'\ng: h#i\n", "a: \"# b\"  # c\nd: \"e #f\"\ng: h#i\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", [*CASES, *COMMENTS])
def test_the_layout(name: str) -> None:
    text, expected = {**CASES, **COMMENTS}[name]
    assert formatted(text, "mlcc.yaml") == expected
    assert formatted(expected, "mlcc.yaml") == expected
    before, after = (plain(read(one.encode(), "mlcc.yaml").root) for one in (text, expected))
    assert json.dumps(before) == json.dumps(after)


def test_what_cannot_be_read_is_refused_with_its_place() -> None:
    with pytest.raises(SpecError) as problem:
        formatted("a: 1\na: 2\n", "mlcc.yaml")
    assert [(d.code, d.span and d.span.line) for d in problem.value.diagnostics] == [("duplicate-key", 2)]


def test_what_would_be_too_long_is_refused() -> None:
    rows = "\n".join(f" {'1,' * 10}" for _ in range(2100))
    with pytest.raises(SpecError) as problem:
        formatted(f"a: [{rows}]\n", "mlcc.yaml")
    assert [d.code for d in problem.value.diagnostics] == ["too-large"]
    assert "laid out" in problem.value.diagnostics[0].message
