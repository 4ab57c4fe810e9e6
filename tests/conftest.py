"""Options and reports of the whole suite."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite the golden trees (refused under CI)")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many random cases the equivalence tests compared, and how many hostile strings were tried."""
    counted = _counted(terminalreporter, "cases")
    if counted:
        terminalreporter.section("random cases compared")
        for test, cases in sorted(counted):
            terminalreporter.line(f"{cases:6,}  {test}")
        terminalreporter.line(f"{sum(cases for _, cases in counted):6,}  in all")
    compiled, executed = (
        sum(number for _, number in _counted(terminalreporter, f"strings {what}"))
        for what in ("compiled", "executed")
    )
    if compiled or executed:
        terminalreporter.section("injection")
        terminalreporter.line(f"{compiled:,} hostile strings compiled, each where it belongs and unchanged")
        terminalreporter.line(f"{executed:,} hostile strings executed, 0 canaries")


def _counted(terminalreporter: pytest.TerminalReporter, what: str) -> list[tuple[str, int]]:
    """Return the numbers that tests which passed noted under a name: test, number."""
    return [
        (report.nodeid.rpartition("::")[2], value)
        for report in terminalreporter.stats.get("passed", [])
        for name, value in report.user_properties
        if name == what
    ]
