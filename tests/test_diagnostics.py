"""Diagnostics: suggestions, and the four renderings."""

from __future__ import annotations

import json
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcc.diagnostics import Diagnostic, OutputError, Related, Severity, Span, SpecError, error, suggest
from mlcc.load.source import HIDDEN
from mlcc.render_diagnostics import WIDTH, to_github, to_json, to_sarif, to_text

RENDERINGS = (to_text, to_json, to_sarif, to_github)
TEXT = "version: 1\njobs:\n  trian: {run: x}\n"
UNKNOWN = error(
    "unknown-id",
    "no job is called `train`",
    Span("mlcc.yaml", 3, 3, 3, 8),
    related=[Related(Span("base.yaml", 12, 1, 12, 6), "named here")],
    help="did you mean `trian`?",
)


def at(line: int, column: int, end_line: int, end_column: int, **keys: object) -> Diagnostic:
    span = Span("f", line, column, end_line, end_column)
    return Diagnostic(
        str(keys.get("code", "code")), Severity(str(keys.get("severity", "error"))), "message", span
    )


# The classes


@pytest.mark.parametrize(
    ("word", "allowed", "close"),
    [
        ("trigers", ["triggers", "jobs", "gates"], "triggers"),
        ("job", ["triggers", "jobs", "gates"], "jobs"),
        ("zzz", ["triggers", "jobs", "gates"], None),
        ("x", [], None),
        ("a" * 61, ["a" * 60], None),
    ],
)
def test_suggest(word: str, allowed: list[str], close: str | None) -> None:
    assert suggest(word, allowed) == close


def test_suggest_does_not_search_thousands() -> None:
    assert suggest("job1", [f"job{n}" for n in range(2, 9_000)]) is None


def test_an_error_carries_its_diagnostics_and_texts() -> None:
    problem = SpecError([UNKNOWN], {"mlcc.yaml": TEXT})
    assert problem.diagnostics == (UNKNOWN,)
    assert problem.texts == {"mlcc.yaml": TEXT}
    assert str(problem) == "unknown-id: no job is called `train`"
    assert OutputError([]).texts == {}


# Text


def test_text() -> None:
    texts = {"mlcc.yaml": TEXT, "base.yaml": "\n" * 11 + "train: x\n"}
    assert to_text([UNKNOWN], texts) == (
        "mlcc.yaml:3:3: error[unknown-id]: no job is called `train`\n"
        "   |\n"
        " 3 |   trian: {run: x}\n"
        "   |   ^^^^^\n"
        "base.yaml:12:1: note: named here\n"
        "   |\n"
        "12 | train: x\n"
        "   | ^^^^^\n"
        "   = help: did you mean `trian`?\n"
    )


def test_text_without_a_source_or_a_place() -> None:
    assert to_text([UNKNOWN], {}) == (
        "mlcc.yaml:3:3: error[unknown-id]: no job is called `train`\n"
        "base.yaml:12:1: note: named here\n"
        "   = help: did you mean `trian`?\n"
    )
    assert to_text([error("no-such-file", "there is no file x", None)], {}) == (
        "error[no-such-file]: there is no file x\n"
    )
    assert to_text([], {}) == ""


@pytest.mark.parametrize(
    ("line", "span", "shown", "carets"),
    [
        ("a: b", (1, 4, 1, 5), "a: b", "   ^"),
        ("a:", (1, 3, 1, 3), "a:", "  ^"),  # nothing is missing there but a value
        ("a: b", (1, 9, 1, 12), "a: b", "    ^"),  # beyond the line
        ("a: [b,", (1, 4, 3, 2), "a: [b,", "   ^^^"),  # goes on below
        ("a:\tno", (1, 4, 1, 6), "a:    no", "      ^^"),
        ("\u4e2d: no", (1, 4, 1, 6), "\u4e2d: no", "    ^^"),  # a wide character takes two columns
        ("e\u0301: no", (1, 5, 1, 7), "e\u0301: no", "   ^^"),  # a combining one none
        ("\x1b[2J: no", (1, 7, 1, 9), "\\x1b[2J: no", "         ^^"),
        ("\u202eab", (1, 1, 1, 2), "\\u202eab", "^^^^^^"),
        ("\U000e0041", (1, 1, 1, 2), "\\U000e0041", "^^^^^^^^^^"),
    ],
)
def test_the_source_line(line: str, span: tuple[int, int, int, int], shown: str, carets: str) -> None:
    rows = to_text([at(*span)], {"f": line}).splitlines()
    assert rows[2:] == [f"1 | {shown}", f"  | {carets}"]


@pytest.mark.parametrize("column", [1, 50, 150, 400, 795])
def test_a_long_line_is_cut_around_the_place(column: int) -> None:
    line = "".join(f"{n:04d}," for n in range(160))  # 800 characters, each number where it says
    rows = to_text([at(1, column, 1, column + 3)], {"f": line}).splitlines()
    shown, carets = rows[2][4:], rows[3][4:]
    assert len(shown) <= WIDTH + len("...") * 2
    start = carets.index("^")
    assert carets == " " * start + "^^^"
    assert shown[start : start + 3] == line[column - 1 : column + 2]
    assert shown.startswith("...") == (column > WIDTH // 2)
    assert shown.endswith("...") == (column < 750)


def test_a_long_place_is_cut_too() -> None:
    rows = to_text([at(1, 300, 1, 900)], {"f": "x" * 1_000}).splitlines()
    assert len(rows[2]) <= WIDTH + 10
    assert len(rows[3]) <= WIDTH + 10
    assert rows[3].count("^") >= WIDTH // 2


def test_the_order_is_by_place_then_code() -> None:
    expected = [
        error("z", "no place", None),
        Diagnostic("a", Severity.NOTE, "m", Span("a", 9, 9, 9, 10)),
        at(1, 2, 1, 3, code="b"),
        at(1, 2, 1, 3, code="c"),
        at(1, 3, 1, 4, code="a"),
        at(2, 1, 2, 2, code="a"),
        at(10, 1, 10, 2, code="a"),
    ]
    mixed = expected.copy()
    random.Random(1).shuffle(mixed)
    for render in RENDERINGS:
        assert render(mixed, {}) == render(expected, {})
    found = [(d["code"], d["span"]) for d in json.loads(to_json(mixed, {}))["diagnostics"]]
    assert [code for code, _ in found] == ["z", "a", "b", "c", "a", "a", "a"]


# JSON


def test_json() -> None:
    assert json.loads(to_json([UNKNOWN, error("x", "y", None)], {})) == {
        "version": 1,
        "diagnostics": [
            {"code": "x", "severity": "error", "message": "y", "span": None, "related": [], "help": None},
            {
                "code": "unknown-id",
                "severity": "error",
                "message": "no job is called `train`",
                "span": {"file": "mlcc.yaml", "line": 3, "column": 3, "end_line": 3, "end_column": 8},
                "related": [
                    {
                        "message": "named here",
                        "span": {
                            "file": "base.yaml",
                            "line": 12,
                            "column": 1,
                            "end_line": 12,
                            "end_column": 6,
                        },
                    }
                ],
                "help": "did you mean `trian`?",
            },
        ],
    }


# SARIF


def test_sarif() -> None:
    warning = Diagnostic("odd", Severity.WARNING, "odd", Span("a b/\u00e9.yaml", 1, 1, 2, 1))
    log = json.loads(to_sarif([UNKNOWN, warning, error("gone", "no file", None)], {}))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    driver = run["tool"]["driver"]
    assert driver["name"] == "mlcc"
    assert [(rule["id"], rule["shortDescription"]["text"]) for rule in driver["rules"]] == [
        ("gone", "Gone."),
        ("odd", "Odd."),
        ("unknown-id", "Unknown id."),
    ]
    gone, odd, unknown = run["results"]
    assert "locations" not in gone
    assert (odd["level"], odd["ruleIndex"]) == ("warning", 1)
    assert odd["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a%20b/%C3%A9.yaml"
    assert unknown == {
        "ruleId": "unknown-id",
        "ruleIndex": 2,
        "level": "error",
        "message": {"text": "no job is called `train` (help: did you mean `trian`?)"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "mlcc.yaml", "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": 3, "startColumn": 3, "endLine": 3, "endColumn": 8},
                }
            }
        ],
        "relatedLocations": [
            {
                "id": 1,
                "message": {"text": "named here"},
                "physicalLocation": {
                    "artifactLocation": {"uri": "base.yaml", "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": 12, "startColumn": 1, "endLine": 12, "endColumn": 6},
                },
            }
        ],
    }


def test_sarif_describes_a_rule_by_its_page_not_by_a_finding() -> None:
    codes = ("idle-gate", "bad-ignore", "unknown-key")
    found = [Diagnostic(code, Severity.WARNING, "of one", None, (), "for one") for code in codes]
    (run,) = json.loads(to_sarif(found, {}))["runs"]
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    assert rules["idle-gate"]["shortDescription"] == {"text": "Nothing follows from a gate's failure."}
    assert rules["idle-gate"]["help"]["text"].startswith("What it does\n\n")
    assert rules["bad-ignore"]["help"]["text"].startswith("`x-lint` has another shape than")
    assert not any(
        "one" in rule["help"]["text"].split() for rule in (rules["unknown-key"], rules["bad-ignore"])
    )


def test_sarif_without_findings_says_so() -> None:
    (run,) = json.loads(to_sarif([], {}))["runs"]
    assert run["results"] == []
    assert run["tool"]["driver"]["rules"] == []


# GitHub


def test_github() -> None:
    assert to_github([UNKNOWN], {}) == (
        "::error file=mlcc.yaml,line=3,col=3,endColumn=8,title=unknown-id::no job is called `train`"
        "%0Abase.yaml:12:1: named here%0Ahelp: did you mean `trian`?\n"
    )


def test_github_levels_and_places() -> None:
    rows = to_github(
        [at(1, 1, 1, 2, severity="note"), at(2, 1, 4, 2, severity="warning"), error("x", "y", None)], {}
    )
    assert rows.splitlines() == [
        "::error title=x::y",
        "::notice file=f,line=1,col=1,endColumn=2,title=code::message",
        "::warning file=f,line=2,endLine=4,title=code::message",
    ]


def test_github_escapes() -> None:
    hostile = Diagnostic("x", Severity.ERROR, "a%0Ab\r\n::warning::c,d", Span("a:b,c%.yaml", 1, 1, 1, 2))
    assert to_github([hostile], {}) == (
        "::error file=a%3Ab%2Cc%25.yaml,line=1,col=1,endColumn=2,title=x::a%250Ab\\x0d\\n::warning::c,d\n"
    )


# Hostile words

WORDS = st.text(st.characters(exclude_categories=[]), max_size=30) | st.sampled_from(
    ["\x1b[2J", "\u202eabc", "a\nb", "a\r\n::error::x", "%0A::stop-commands::x", "\ud800", "\u2028", "\u200b"]
)


@given(WORDS, WORDS, WORDS, WORDS, st.integers(1, 40), st.integers(1, 40))
def test_nothing_hidden_reaches_a_terminal_or_a_log(
    message: str, file: str, help: str, line: str, column: int, end_column: int
) -> None:
    place = Span(file, 1, column, 1, end_column)
    diagnostic = error("code", message, place, related=[Related(place, message)], help=help)
    for render in RENDERINGS:
        text = render([diagnostic], {file: line})
        text.encode("utf-8")
        for row in text.split("\n"):
            assert HIDDEN.search(row) is None
            assert "\t" not in row
    commands = to_github([diagnostic], {file: line}).splitlines()
    assert len(commands) == 1
    assert re.match(r"::error file=[^,:]*,line=1,col=\d+,endColumn=\d+,title=code::", commands[0])
    rows = to_text([diagnostic], {file: line}).splitlines()
    assert all(row.startswith(("  |", "1 |")) for row in rows[1:4])
    assert json.loads(to_sarif([diagnostic], {}))["runs"][0]["results"][0]["ruleId"] == "code"
