"""Checks of single values: what they take, what they refuse, and what they say then."""

from __future__ import annotations

from typing import Any

import pytest

from mlcc.spec import scalars
from mlcc.spec.scalars import milliseconds, seconds, size_in_bytes, stretched
from tests.spec.near_misses import BAD, GOOD

CHECKS = sorted(name for name in vars(scalars) if name.startswith("check_"))


def cases(values: dict[str, tuple[Any, ...]]) -> list[Any]:
    return [pytest.param(name, value, id=f"{name}-{value!a}") for name in CHECKS for value in values[name]]


@pytest.mark.parametrize(("check", "value"), cases(GOOD))
def test_a_good_value_comes_back_unchanged(check: str, value: object) -> None:
    assert getattr(scalars, check)(value) == value


@pytest.mark.parametrize(("check", "value"), cases(BAD))
def test_a_bad_value_is_refused_in_one_line(check: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"\A[^\n]+\Z"):
        getattr(scalars, check)(value)


@pytest.mark.parametrize(
    ("check", "value", "message"),
    [
        ("check_cron", "61 * * * *", "61 is outside 0 to 59"),
        ("check_cron", "* * * * 1-7", "7 is outside 0 to 6"),
        ("check_cron", "5-1 * * * *", "the range 5-1 is empty"),
        (
            "check_cron",
            "5/10 * * * *",
            "a step such as /10 is at least 1 and follows * or a range, in '5/10'",
        ),
        ("check_cron", "@daily", "a schedule has five cron fields in digits, UTC, such as '17 3 * * 1'"),
        ("check_path", "a/../b", "a path has no empty, '.' or '..' part"),
        ("check_path", ".mlcc/x", "'.mlcc/' isn't the project's own"),
        ("check_version", 2, "this mlcc reads version 1 of the language"),
        ("check_date", "2026-02-30", "a date is a day of the calendar, such as '2026-12-31'"),
    ],
)
def test_messages(check: str, value: object, message: str) -> None:
    with pytest.raises(ValueError) as problem:  # noqa: PT011 - the whole message is compared below
        getattr(scalars, check)(value)
    assert str(problem.value) == message


@pytest.mark.parametrize(("text", "expected"), [("30s", 30), ("15m", 900), ("6h", 21600), ("7d", 604800)])
def test_seconds(text: str, expected: int) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize(("text", "expected"), [("50ms", 50), ("2s", 2000)])
def test_milliseconds(text: str, expected: int) -> None:
    assert milliseconds(text) == expected


@pytest.mark.parametrize(
    ("duration", "times", "expected"),
    [("10m", "1x", 600), ("10m", "2.5x", 1500), ("1s", "1.01x", 2), ("1h", "10x", 36_000)],
)
def test_stretched(duration: str, times: str, expected: int) -> None:
    assert stretched(duration, times) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3KB", 3000),
        ("512MB", 512_000_000),
        ("2GB", 2_000_000_000),
        ("3KiB", 3072),
        ("5MiB", 5_242_880),
        ("1GiB", 1_073_741_824),
    ],
)
def test_size_in_bytes(text: str, expected: int) -> None:
    assert size_in_bytes(text) == expected
