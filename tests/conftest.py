"""Options and reports of the whole suite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite the golden trees (refused under CI)")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many cases the suites compared, ran on which back end, and how many hostile strings were tried."""
    counted = [(test, value) for test, name, value in _properties(terminalreporter) if name == "cases"]
    if counted:
        terminalreporter.section("random cases compared")
        for test, cases in sorted(counted):
            terminalreporter.line(f"{cases:6,}  {test}")
        terminalreporter.line(f"{sum(cases for _, cases in counted):6,}  in all")
    executed = Counter(value for _, name, value in _properties(terminalreporter) if name == "really executed")
    if executed:
        terminalreporter.section("cases really executed")
        for back_end, cases in sorted(executed.items()):
            terminalreporter.line(f"{cases:6,}  on {back_end}")
        terminalreporter.line(f"{sum(executed.values()):6,}  in all")
    strings: Counter[str] = Counter()
    for _, name, value in _properties(terminalreporter):
        if name.startswith("strings "):
            strings[name] += value
    if strings:
        terminalreporter.section("injection")
        terminalreporter.line(
            f"{strings['strings compiled']:,} hostile strings compiled, each where it belongs and unchanged"
        )
        terminalreporter.line(f"{strings['strings executed']:,} hostile strings executed, 0 canaries")


def _properties(terminalreporter: pytest.TerminalReporter) -> Iterator[tuple[str, str, Any]]:
    """Yield (test, name, value) of each property that a test left which passed."""
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            yield report.nodeid.rpartition("::")[2], name, value
