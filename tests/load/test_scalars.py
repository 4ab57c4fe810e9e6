"""Unquoted scalars: the value where every reader agrees, a problem where they don't."""

from __future__ import annotations

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML, YAMLError

from mlcc.load.scalars import read, read_key


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("", None),
        ("null", None),
        ("true", True),
        ("False", False),
        ("0", 0),
        ("10000", 10000),
        ("-7", -7),
        ("9223372036854775807", 2**63 - 1),
        ("0.05", 0.05),
        ("0.2", 0.2),
        ("1.0", 1.0),
        ("-12.5", -12.5),
        ("0.00001", 0.00001),
        ("3.1.0", "3.1.0"),
        ("1.2.3", "1.2.3"),
        ("50ms", "50ms"),
        ("2h", "2h"),
        ("nan", "nan"),
        ("-", "-"),
        ("train", "train"),
        ("y", "y"),
        ("08_", "08_"),
        ("._", "._"),
        ("N", "N"),
        ("north", "north"),
        ("Yesterday", "Yesterday"),
        ("3f2a" * 16, "3f2a" * 16),
        ("17 3 * * 1", "17 3 * * 1"),
        ("1:2:3x", "1:2:3x"),
        ("2024-01-01-rc1", "2024-01-01-rc1"),
    ],
)
def test_what_everybody_reads_alike_is_taken(raw: str, value: object) -> None:
    found, problem = read(raw)
    assert problem is None
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("raw", "message", "help"),
    [
        ("NO", "`NO` is false in YAML 1.1 and text in YAML 1.2", 'quote it: "NO", or write false'),
        ("~", "`~` reads as null, not as text", 'quote it: "~", or write null'),
        (
            "010",
            "`010` is the number 8 in YAML 1.1 and the number 10 in YAML 1.2",
            'quote it: "010", or write 8, or write 10',
        ),
        ("0o10", "`0o10` is text in YAML 1.1 and the number 8 in YAML 1.2", 'quote it: "0o10", or write 8'),
        ("1:30", "`1:30` is the number 90 in YAML 1.1 and text in YAML 1.2", 'quote it: "1:30"'),
        (
            "1E-05",
            "`1E-05` is text in YAML 1.1 and the number 1e-05 in YAML 1.2",
            'quote it: "1E-05", or write 0.00001',
        ),
        (
            "1e-4",
            "`1e-4` is text in YAML 1.1 and the number 0.0001 in YAML 1.2",
            'quote it: "1e-4", or write 0.0001',
        ),
        (
            "1e400",
            "`1e400` is text in YAML 1.1 and a number that isn't finite in YAML 1.2",
            'quote it: "1e400"',
        ),
        ("3.10", "`3.10` reads as the number 3.1, not as text", 'quote it: "3.10", or write 3.1'),
        ("-0.0", "`-0.0` reads as the number -0.0, not as text", 'quote it: "-0.0", or write 0.0'),
        (
            "1_000",
            "`1_000` is the number 1000 in YAML 1.1 and text in YAML 1.2",
            'quote it: "1_000", or write 1000',
        ),
        ("0x1F", "`0x1F` reads as the number 31, not as text", 'quote it: "0x1F", or write 31'),
        (".nan", "`.nan` reads as a number that isn't finite, not as text", 'quote it: ".nan"'),
        ("2024-01-01", "`2024-01-01` is a date in YAML 1.1 and text in YAML 1.2", 'quote it: "2024-01-01"'),
        ("=", "`=` has a meaning of its own in YAML 1.1 and is text in YAML 1.2", 'quote it: "="'),
    ],
)
def test_a_problem_names_the_readings_and_the_cure(raw: str, message: str, help: str) -> None:
    value, problem = read(raw)
    assert value == raw
    assert problem is not None
    assert (problem.code, problem.message, problem.help) == ("ambiguous-scalar", message, help)


@pytest.mark.parametrize(
    "raw", ["1" * 20, "-" + "9" * 20, "0.123456789012345678", "1" * 17 + ".5", "0." + "0" * 60 + "1"]
)
def test_a_number_that_readers_round_is_refused(raw: str) -> None:
    value, problem = read(raw)
    assert value == raw
    assert problem is not None
    assert problem.code == "too-large"


@pytest.mark.parametrize("raw", ["null", "True", "false", "yes", "No", "ON", "off"])
def test_a_key_that_is_not_text_to_everybody(raw: str) -> None:
    problem = read_key(raw)
    assert problem is not None
    assert problem.help == f'quote it: "{raw}"'


@pytest.mark.parametrize("raw", ["name", "none", "nullable", "yes_no", "onset", "y", "N"])
def test_a_key_that_is_text_to_everybody(raw: str) -> None:
    assert read_key(raw) is None


def _same(left: object, right: object) -> bool:
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left):
        return math.isnan(right)
    return type(left) is type(right) and left == right


NUMBER_LIKE = st.text("0123456789+-._:eExXobaftnull~=", min_size=1, max_size=12)
DATE_LIKE = st.from_regex(
    r"\A[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ][0-9]{1,2}:[0-9]{2}:[0-9]{2}(\.[0-9]{0,2})?Z?)?\Z"
)
WORDS = st.sampled_from(
    [
        "yes",
        "No",
        "TRUE",
        "nUll",
        "on",
        "Off",
        "y",
        "N",
        "Null",
        "true",
        "FALSE",
        "nan",
        ".NaN",
        ".Inf",
        "None",
    ]
)


@given(NUMBER_LIKE | DATE_LIKE | WORDS)
def test_other_readers_agree_with_every_value_that_is_taken(raw: str) -> None:
    value, problem = read(raw)
    if problem:
        return
    # In a list the scalar is neither a key nor an indicator.
    for reader in (yaml.safe_load, YAML(typ="safe", pure=True).load):
        try:
            found = reader(f"- {raw}\n")
        except (yaml.YAMLError, YAMLError):  # not a plain scalar at all: `a: b`, `- -`
            continue
        if isinstance(found, list) and not isinstance(found[0], (dict, list)):
            assert _same(found[0], value), (raw, found)
