"""Every diagnostic of RESOLVE and PLAN: code, words, place, other ends, cure."""

from __future__ import annotations

import pytest

from mlcc.diagnostics import Severity
from tests.planning.cases import CASES, Case
from tests.plans import diagnose, place, related


def _lacking(paths: tuple[str, ...]) -> set[str]:
    return set(paths) - {"data.csv", "golden.json"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_diagnostic(case: Case) -> None:
    committed = _lacking if case.code in ("no-writer", "no-gate-file", "no-build-file") else None
    (found,) = diagnose(case.text, committed)
    assert found.code == case.code
    assert found.severity is Severity.ERROR
    assert found.message == case.message
    assert place(found) == case.place("◆")
    assert related(found) == [
        (case.place(mark), text) for mark, text in zip("①②③④", case.others, strict=False)
    ]
    assert found.help == case.help


def test_names_of_cases_are_unique() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
