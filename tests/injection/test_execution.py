"""Compiled pipelines really run, in real shells, with every string on its way to a command: none is a command itself."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.injection import pipelines
from tests.injection.corpus import corpus
from tests.injection.platforms import PLATFORMS, platform
from tests.injection.scratch import SHELLS, Scratch

Count = Callable[[int], None]
BATCH = 550


def batches() -> list[tuple[str, int]]:
    """Return batches of strings, in the shells by turns."""
    return [(list(SHELLS)[turn % 2], turn) for turn in range(-(-len(corpus()) // BATCH))]


@pytest.mark.parametrize(("shell", "turn"), batches())
@pytest.mark.parametrize("name", sorted(PLATFORMS))
def test_strings_arrive_and_make_nothing(
    name: str, shell: str, turn: int, tmp_path: Path, executed: Count
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    given = pipelines.strings([h.text for h in corpus()[turn * BATCH : (turn + 1) * BATCH]], turn)
    tree, said = pipelines.spec(given)
    scratch = Scratch(tmp_path / "machine", shell)
    for text in (*given.some["folders"], "build"):
        (scratch.repository / text).mkdir()
    scratch.run(tree, platform(name), pipelines.world(given))
    assert scratch.failed == {}, scratch.logs
    executed(pipelines.arrivals(scratch, given, said))
    assert scratch.canaries() == []
    for step, log in scratch.logs.items():
        assert platform(name).commands(log) == [], step
    scratch.remove()
