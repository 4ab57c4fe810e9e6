from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlcc.gates._records import GateError
from mlcc.gates._strict import parse_json, read_bytes, read_json


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ('{"a": 1} x', "not JSON"),
        ('{"a": NaN}', "NaN"),
        ('{"a": Infinity}', "Infinity"),
        ('{"a": -Infinity}', "Infinity"),
        ('{"a": 1e400}', "too large"),
        ('{"a": -1e400}', "too large"),
        ('{"a": 0.' + "1" * 60 + "}", "too many digits"),
        ('{"a": 12345678901234567890}', "over 19 digits"),
        ('{"a": ' + "9" * 5000 + "}", "over 19 digits"),
        ('{"a": 1, "a": 1}', "a occurs twice"),
        ('{"b": {"a": 1, "\\u0061": 2}}', "a occurs twice"),
        ("[" * 100 + "]" * 100, "nested"),
        ('{"a":' * 100 + "1" + "}" * 100, "nested"),
        ("[" * 100_000, "nested|not JSON"),
        ("[" * 100_000 + "]" * 100_000, "nested"),
        ("{'a': 1}", "not JSON"),
        ('{"a": 01}', "not JSON"),
        ('{"a": .5}', "not JSON"),
        ('{"a": 1,}', "not JSON"),
        ('{"a": "\n"}', "not JSON"),
        ("// c\n{}", "not JSON"),
        ("\ufeff{}", "not JSON|BOM"),
    ],
)
def test_refuses(text: str, why: str) -> None:
    with pytest.raises(GateError, match=why):
        parse_json(text, "f.json")


def test_depth_limit_is_exact() -> None:
    assert parse_json("[" * 64 + "]" * 64, "f") is not None
    with pytest.raises(GateError, match="deeper than 64"):
        parse_json("[" * 65 + "]" * 65, "f")


def test_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'{"a": "\xff"}')
    with pytest.raises(GateError, match="not UTF-8 at byte 7"):
        read_json(str(tmp_path / "a.json"))


def test_size_limit(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("[1, 2]")
    assert read_json(str(path), limit=6) == [1, 2]
    with pytest.raises(GateError, match="over 5 bytes"):
        read_json(str(path), limit=5)


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    for name, why in (("fifo", "not a file"), ("folder", "not a file"), ("none", "missing")):
        with pytest.raises(GateError, match=why):
            read_bytes(str(tmp_path / name), 10)


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(_JSON)
def test_reads_what_json_writes(value: object) -> None:
    assert parse_json(json.dumps(value), "f") == value


@settings(deadline=None)
@given(st.text())
def test_never_raises_anything_else(text: str) -> None:
    with contextlib.suppress(GateError):
        parse_json(text, "f")


@settings(deadline=None)
@given(_JSON, st.text(" \t\r\n"), st.text(" \t\r\n"))
def test_blanks_around_are_no_matter(value: object, before: str, after: str) -> None:
    assert parse_json(before + json.dumps(value, indent=1) + after, "f") == value


@pytest.mark.parametrize("text", ['{"a": [1, 2.5, "x", null, true]}', " [] "])
def test_a_python_without_the_scanner_reads_the_same(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = json.loads(text)
    monkeypatch.setitem(sys.modules, "_json", None)
    assert parse_json(text, "f") == expected
    with pytest.raises(GateError, match="a occurs twice"):
        parse_json('{"a": 1, "a": 1}', "f")
    with pytest.raises(GateError, match=r"not JSON: .* at line 1, column 2"):
        parse_json("{", "f")
