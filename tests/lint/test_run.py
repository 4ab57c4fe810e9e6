"""A whole lint: order, disabled rules, and what the spec itself ignores."""

from __future__ import annotations

import pytest

from mlcc.diagnostics import Severity
from mlcc.lint import run
from mlcc.load.extends import merge
from mlcc.load.source import load
from tests.lint.cases import subject, subject_of

SPEC = """\
version: 1
name: p
triggers: {pull_request: {branches: [main]}, push: {branches: [main]}}
defaults: {python: "3.12"}
artifacts:
  code: {kind: code, path: [src/]}
  more: {kind: code, path: [more/]}
jobs:
  one: {run: python src/one.py && sleep 60, reads: [code]}
  two: {run: python more/two.py, reads: [more]}
"""


def codes(text: str, **options: frozenset[str]) -> list[tuple[str, int]]:
    """Return the code and line of each finding."""
    return [(finding.code, finding.span.line) for finding in run(subject(text), **options) if finding.span]


def ignoring(*lines: str) -> str:
    return SPEC + "x-lint:\n  ignore:\n" + "".join(f"    {line}\n" for line in lines)


def test_findings_come_in_the_order_of_the_file() -> None:
    assert codes(SPEC) == [("code-without-tests", 6), ("code-without-tests", 7), ("sleep-on-runner", 9)]


def test_a_disabled_rule_is_silent() -> None:
    assert codes(SPEC, disabled=frozenset({"code-without-tests"})) == [("sleep-on-runner", 9)]


def test_a_rule_is_ignored_everywhere() -> None:
    assert codes(ignoring("code-without-tests: nothing is released")) == [("sleep-on-runner", 9)]


def test_a_rule_is_ignored_at_an_id() -> None:
    text = ignoring("code-without-tests.more: exploratory", "sleep-on-runner.one: the cluster is slow")
    assert codes(text) == [("code-without-tests", 6)]


def test_an_id_of_another_place_ignores_nothing_here() -> None:
    text = ignoring("sleep-on-runner.two: the cluster is slow")
    assert codes(text)[2:] == [("sleep-on-runner", 9), ("unused-ignore", 13)]


@pytest.mark.parametrize("id", ["nightly", "one"])
def test_a_trigger_is_an_id_too(id: str) -> None:
    text = (
        "version: 1\nname: p\ntriggers: {schedule: {nightly: '0 1 * * *'}}\njobs: {one: {run: ./a.sh}}\n"
        f"x-lint: {{ignore: {{schedule-on-the-hour.{id}: agreed with operations}}}}\n"
    )
    expected = [] if id == "nightly" else [("schedule-on-the-hour", 3), ("unused-ignore", 5)]
    assert codes(text) == expected


def test_an_unknown_rule_is_reported_with_what_is_near() -> None:
    (finding,) = [f for f in run(subject(ignoring("code-without-test: why"))) if f.code == "unknown-rule"]
    assert finding.severity is Severity.WARNING
    assert finding.help == "did you mean 'code-without-tests'?"
    assert finding.span is not None
    assert (finding.span.line, finding.span.column) == (13, 5)


@pytest.mark.parametrize("reason", ['""', '" "', "[]", "3", "{a: b}"])
def test_a_reason_is_needed(reason: str) -> None:
    found = codes(ignoring(f"code-without-tests: {reason}"))
    assert ("bad-ignore", 13) in found
    assert ("code-without-tests", 6) in found


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x-lint: [a]", [("bad-ignore", 11)]),
        ("x-lint: {ignore: [code-without-tests]}", [("bad-ignore", 11)]),
        ("x-lint: {ignored: {code-without-tests: why}}", [("bad-ignore", 11)]),
        ("x-lint: {}", []),
        ("x-linting: {ignore: {nonsense: why}}", []),
    ],
)
def test_another_shape_is_reported(line: str, expected: list[tuple[str, int]]) -> None:
    assert codes(SPEC + line + "\n")[3:] == expected


def test_a_line_without_a_finding_is_reported() -> None:
    found = codes(ignoring("full-history: it needs the tags"))
    assert found[3:] == [("unused-ignore", 13)]
    assert codes(ignoring("full-history: it needs the tags"), disabled=frozenset({"full-history"}))[3:] == []


def test_what_is_inherited_can_be_ignored(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("extends")
    base, own = folder / "base.yaml", folder / "mlcc.yaml"
    base.write_text(
        "jobs: {one: {run: sleep 60, path: [a]}}\nx-lint: {ignore: {sleep-on-runner.one: slow}}\n"
    )
    own.write_text(
        "version: 1\nname: p\nextends: [base.yaml]\ntriggers: {push: {branches: [main]}}\n"
        "jobs: {one: {timeout: 5m}, two: {run: sleep 70, path: [b]}}\n"
    )
    found = run(subject_of(merge(load(own, "mlcc.yaml"), folder)))
    assert [(f.code, f.span.file, f.span.line) for f in found if f.span] == [
        ("sleep-on-runner", "mlcc.yaml", 5)
    ]
