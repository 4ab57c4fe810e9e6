"""Options and reports of the whole suite."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite the golden trees (refused under CI)")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many random cases the equivalence tests compared."""
    counted = [
        (report.nodeid.rpartition("::")[2], value)
        for report in terminalreporter.stats.get("passed", [])
        for name, value in report.user_properties
        if name == "cases"
    ]
    if counted:
        terminalreporter.section("random cases compared")
        for test, cases in sorted(counted):
            terminalreporter.line(f"{cases:6,}  {test}")
        terminalreporter.line(f"{sum(cases for _, cases in counted):6,}  in all")
