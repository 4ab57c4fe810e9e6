"""Each kind's emitted script on a known-good case, which must pass, and on known-bad ones, which must not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mlcc.gates import GATES
from tests.gates.servers import running

_FOLDER = Path(__file__).parent / "selftest"
_CASES = sorted(path.parent for path in _FOLDER.glob("*/*/case.json"))
_EXIT = {"pass": 0, "fail": 1, "error": 2, "inconclusive": 3}


def test_each_kind_has_a_good_case_and_bad_ones() -> None:
    found = {(case.parent.name, case.name.partition("-")[0]) for case in _CASES}
    assert found == {(kind, sort) for kind in GATES for sort in ("good", "bad")}


@contextmanager
def serving(case: Path, stated: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Run the program that a case `serves`, where it has one; yield the gate's parameters, with its `url`."""
    if "serves" not in stated:
        yield stated["params"]
        return
    with running((case / stated["serves"]).read_text()) as port:
        yield {**stated["params"], "url": f"http://127.0.0.1:{port}"}


@pytest.mark.parametrize("case", _CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_case(project: Any, case: Path) -> None:
    stated = json.loads((case / "case.json").read_text())
    assert (stated["verdict"] == "pass") == (case.name == "good")
    for path in case.iterdir():
        shutil.copy(path, project.root)
    with serving(case, stated) as params:
        project.gate(case.parent.name, params, stated["artifacts"])
        outcome = project.run_script(case.parent.name)
    assert (outcome.verdict, outcome.code) == (stated["verdict"], _EXIT[stated["verdict"]]), outcome.log
