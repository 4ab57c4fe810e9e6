from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlcc.gates._records import (
    VERDICTS,
    Check,
    Verdict,
    is_finite,
    number,
    rounded,
    verdict_of,
    visible,
    worst,
)


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], "error"),
        (["pass"], "pass"),
        (["pass", "inconclusive"], "inconclusive"),
        (["fail", "inconclusive", "pass"], "fail"),
        (["fail", "error"], "error"),
    ],
)
def test_worst(verdicts: list[str], expected: str) -> None:
    assert worst(verdicts) == expected


def test_worst_does_not_depend_on_order() -> None:
    for verdicts in itertools.product(VERDICTS, repeat=3):
        assert worst(verdicts) == worst(sorted(verdicts))
        assert (worst(verdicts) == "pass") == (set(verdicts) == {"pass"})


@pytest.mark.parametrize("value", [0, -1, 1.5, 10**18])
def test_finite(value: object) -> None:
    assert is_finite(value)


@pytest.mark.parametrize("value", [True, None, "1", math.nan, math.inf, -math.inf, [1], 1j])
def test_not_finite(value: object) -> None:
    assert not is_finite(value)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("key", ["estimate", "confidence", "margin"])
def test_check_refuses_what_is_not_finite(key: str, bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        Check("a", "pass", "m", **{key: bad})  # type: ignore[arg-type]  # the keys are all numbers
    with pytest.raises(ValueError, match="finite"):
        Check("a", "pass", "m", interval=(0.0, bad))
    with pytest.raises(ValueError, match="finite"):
        Check("a", "pass", "m", threshold={"min": bad})


def test_unknown_verdicts() -> None:
    with pytest.raises(ValueError, match="proper verdict"):
        Check("a", "passed", "m")
    with pytest.raises(ValueError, match="no verdict"):
        Verdict("ok", "m")


def test_record_leaves_out_what_is_not_known() -> None:
    assert Check("a", "pass", "m").record() == {"id": "a", "verdict": "pass", "message": "m"}
    check = Check(
        "a", "fail", "m", estimate=1 / 3, interval=(0.1, 2 / 3), n=0, threshold={"min": 0.5}, margin=-1
    )
    assert check.record() == {
        "id": "a",
        "verdict": "fail",
        "message": "m",
        "estimate": 0.3333333333,
        "interval": [0.1, 0.6666666667],
        "n": 0,
        "threshold": {"min": 0.5},
        "margin": -1,
    }


def test_rounded_keeps_integers() -> None:
    assert rounded(12345678901234567) == 12345678901234567
    assert rounded(123456789.01234567) == 123456789.0
    assert rounded(None) is None


def test_summaries() -> None:
    good, bad = Check("a", "pass", "all is well"), Check("b", "fail", "3 rows are bad")
    unsure = Check("c", "inconclusive", "few rows")
    assert verdict_of([good]).summary == "all is well."
    assert verdict_of([good, good]).summary == "All 2 checks passed."
    assert verdict_of([good, bad]).summary == "1 of 2 checks failed: 3 rows are bad."
    assert verdict_of([unsure, unsure, good]).summary == "2 of 3 checks are inconclusive: few rows."
    assert verdict_of([]).verdict == "error"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(3, "3"), (0.1 + 0.2, "0.3"), (1e-7, "1e-07"), (123456.789, "123457"), (-0.5, "-0.5")],
)
def test_number(value: float, shown: str) -> None:
    assert number(value) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("größe 🙂", "größe 🙂"),
        ("a\n::error::b", "a\\n::error::b"),
        ("\x1b[31mred", "\\u{1b}[31mred"),
        ("a\u202eb", "a\\u{202e}b"),
        ("\ud800", "\\u{d800}"),
        ("##[error]x", "# #[error]x"),
        ("##vso[task]", "# #vso[task]"),
        ("a" * 401, "a" * 400 + "…"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


@settings(deadline=None)
@given(st.text())
def test_visible_is_one_printable_line(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable()
    assert "##[" not in shown
