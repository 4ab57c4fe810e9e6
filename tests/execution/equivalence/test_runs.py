"""Compiled pipelines really run, and end as the reference interpreter says: random and hand-picked cases.

Each case is a repository with a spec, compiled by the real compiler, and run by what runs the back end's files on this
machine. Compared are the selected nodes, every leg's end, attempts, bytes and values, every verdict file, what the commands
themselves noted, and the colour of the run. The bytes are worked out from the spec, so they are the same on every back end.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mlcc.backends import BACKENDS
from tests.execution.equivalence.case import Case, scratch
from tests.execution.equivalence.compare import differences
from tests.execution.equivalence.draw import DRAWN, MOST_DRAWN, chosen
from tests.execution.equivalence.expected import expected
from tests.execution.equivalence.named import NAMED, Named
from tests.execution.equivalence.runners import runner

NAMES = tuple(BACKENDS)


Really = Callable[[str], None]


@pytest.fixture
def really(request: pytest.FixtureRequest) -> Really:
    """Return a function that counts a run on a back end; the sums stand at the end of the suite's report."""
    return lambda back_end: request.node.user_properties.append(("really executed", back_end))


def really_run(case: Case, back_end: str, folder: Path) -> None:
    """Run a case and compare it; the failure shows the whole case."""
    made = scratch(case, folder, [back_end])
    wanted = expected(made)
    run = runner(back_end).run(made)
    found = [f"{subject}: {what}" for subject, what in differences(made, wanted, run)]
    if found:
        told = "\n".join(found)
        pytest.fail(f"{told}\n\n{case.text()}\n\n{run.log[-6000:]}", pytrace=False)


@pytest.mark.parametrize("back_end", NAMES)
@pytest.mark.parametrize("named", NAMED, ids=lambda named: named.case.name)
def test_by_hand(named: Named, back_end: str, tmp_path: Path, really: Really) -> None:
    really_run(named.case, back_end, tmp_path)
    really(back_end)


@pytest.mark.parametrize(("number", "back_end"), [(n, name) for name in NAMES for n in range(DRAWN[name])])
def test_drawn(number: int, back_end: str, tmp_path: Path, really: Really) -> None:
    really_run(chosen(MOST_DRAWN)[number], back_end, tmp_path)
    really(back_end)
