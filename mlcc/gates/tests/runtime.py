"""The gate `tests`: the command's exit code, its JUnit report and its coverage must all agree."""

from __future__ import annotations

import sys

from mlcc.gates._records import Check, GateError, Verdict, is_finite, number, verdict_of
from mlcc.gates._report import remove_file
from mlcc.gates._shell import exit_check, program, run_program
from mlcc.gates._support import Gate, run
from mlcc.gates.tests.xml_reports import read_coverage, read_junit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def judge(gate: Gate) -> Verdict:
    """Run the tests and judge what they report. Old reports are removed first."""
    setup, command = program(gate.params)
    junit, coverage = gate.params.get("junit"), gate.params.get("coverage")
    least = _floors(gate.params)
    for path in (junit, coverage["path"] if coverage else None):
        if path is not None:
            remove_file(path)
    code = run_program(gate, setup, command, {})
    checks = [exit_check(code, "the tests")]
    if junit is not None:
        checks += _junit_checks(junit, code, least)
    if coverage:
        checks.append(_coverage_check(coverage))
    return verdict_of(checks)


def _floors(params: dict[str, Any]) -> int:
    """Return the least number of passed tests. Raises GateError where a floor isn't proper."""
    least, coverage = params.get("min_passed", 1), params.get("coverage")
    if type(least) is not int or least < 1:
        raise GateError("the gate's parameters have no proper min_passed")
    if coverage is not None:
        sound = isinstance(coverage, dict) and isinstance(coverage.get("path"), str)
        if not sound or not is_finite(coverage.get("min")) or not 0 <= coverage["min"] <= 1:
            raise GateError("the gate's parameters have no proper coverage")
    return least


def _junit_checks(path: str, code: int, least: int) -> list[Check]:
    try:
        counts = read_junit(path)
    except GateError as error:
        return [Check("junit", "error", f"the tests ended with exit code {code}, and {error}")]
    passed = f"{counts.passed} tests passed ({counts.skipped} skipped)"
    return [
        Check(
            "failures",
            "fail" if counts.failed else "pass",
            f"{counts.failed} of {counts.passed + counts.failed + counts.skipped} tests failed",
            n=counts.failed,
        ),
        Check(
            "min_passed",
            "pass" if counts.passed >= least else "fail",
            f"{passed}; at least {least} must",
            estimate=counts.passed,
            threshold={"min": least},
            margin=counts.passed - least,
        ),
    ]


def _coverage_check(coverage: dict[str, Any]) -> Check:
    try:
        share = read_coverage(coverage["path"])
    except GateError as error:
        return Check("coverage", "error", str(error))
    floor = coverage["min"]
    return Check(
        "coverage",
        "pass" if share >= floor else "fail",
        f"the tests run {number(100 * share)} % of the lines; at least {number(100 * floor)} % is required",
        estimate=share,
        threshold={"min": floor},
        margin=share - floor,
    )


def main() -> int:
    """Run the gate that the command line names."""
    return run("tests", judge, __file__, sys.argv[1:])
