"""Test runs and reports on which a `tests` gate must not pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.gates.fixtures import Fixture, artifact_files

_PASSED = '<testcase name="a"/>'
_FAILED = '<testcase name="b"><failure/></testcase>'
_MOST = 100_000  # passed tests in a report that a fixture writes


def known_bad(document: Mapping[str, Any]) -> Iterator[Fixture]:
    """Yield runs that fail, runs whose reports say so, and reports that are stale, broken or empty."""
    files, params = artifact_files(document), document["params"]
    junit, coverage, least = params.get("junit"), params.get("coverage"), params.get("min_passed", 1)
    good = _report(junit, _suite(_PASSED, times=least))
    covered = _report(coverage["path"], _coverage(1)) if coverage else ""
    yield Fixture("a test fails", "fail", files, "command", f"{good}{covered}exit 1")
    yield Fixture("the command doesn't exist", "error", files, "command", "mlcc-no-such-program")
    yield Fixture("a signal ends the tests", "error", files, program=f"{good}{covered}kill -KILL $$")
    yield Fixture("an artifact is missing", "error", program=f"{good}{covered}exit 0")
    if junit is not None:
        yield from _bad_reports(junit, least, files, covered)
    if coverage:
        yield from _bad_coverage(coverage, files, good)


def _bad_reports(path: str, least: int, files: Mapping[str, bytes], covered: str) -> Iterator[Fixture]:
    stale = {**files, path: _suite(_PASSED, times=min(least, _MOST)).encode()}
    yield Fixture("the report is from an earlier run", "error", stale, "junit", f"{covered}exit 0")
    for name, verdict, check, text in (
        ("the report has a failure", "fail", "failures", _suite(_FAILED, _PASSED, times=least)),
        ("the report counts a failure", "fail", "failures", _suite(_PASSED, times=least, failures=1)),
        ("the report has no test", "fail", "min_passed", _suite(_PASSED, times=0)),
        ("too few tests pass", "fail", "min_passed", _suite(_PASSED, times=least - 1)),
        ("all tests are skipped", "fail", "min_passed", _suite(_PASSED[:-2] + "><skipped/></testcase>", times=least)),
        ("the report is empty", "error", "junit", ""),
        ("the report is cut off", "error", "junit", "<testsuite>" + _PASSED),
        ("the report has an entity", "error", "junit", '<!DOCTYPE testsuite [<!ENTITY a "a">]>' + _suite(_PASSED)),
        ("the report is of another kind", "error", "junit", "<html/>"),
    ):  # fmt: skip
        yield Fixture(name, verdict, files, check, f"{_report(path, text)}{covered}exit 0")


def _bad_coverage(coverage: Mapping[str, Any], files: Mapping[str, bytes], good: str) -> Iterator[Fixture]:
    path, floor = coverage["path"], coverage["min"]
    stale = {**files, path: _coverage(1).encode()}
    yield Fixture("the coverage is from an earlier run", "error", stale, "coverage", f"{good}exit 0")
    for name, verdict, text in (
        *([("too little is covered", "fail", _coverage(floor / 2))] if floor > 0 else ()),
        ("the coverage is NaN", "error", _coverage(float("nan"))),
        ("the coverage is over 1", "error", _coverage(85)),
        ("the coverage is over no line", "error", '<coverage line-rate="1" lines-valid="0" lines-covered="0"/>'),
        ("the coverage is empty", "error", ""),
    ):  # fmt: skip
        yield Fixture(name, verdict, files, "coverage", f"{good}{_report(path, text)}exit 0")


def _suite(*cases: str, times: int = 1, failures: int = 0) -> str:
    """Return a JUnit report: the last of `cases` is there `times` times, up to 100,000."""
    repeated = cases[-1] * min(times, _MOST)
    return f'<testsuite failures="{failures}">{"".join(cases[:-1])}{repeated}</testsuite>'


def _coverage(rate: float) -> str:
    return f'<coverage line-rate="{rate}"/>'


def _report(path: str | None, text: str) -> str:
    """Return the line that writes a report, if there is to be one."""
    if path is None:
        return ""
    quoted = "'" + path.replace("'", "'\\''") + "'"
    return f"mkdir -p \"$(dirname {quoted})\"\ncat > {quoted} <<'REPORT'\n{text}\nREPORT\n"
