"""Pipelines whose models are versions in a registry really run: bytes by the registry, numbers by the CI system."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlcc.backends import BACKENDS
from mlcc.semantics import Event
from tests.execution.equivalence.case import SECRET, Case, Data, scratch
from tests.execution.equivalence.runners import runner
from tests.registry.servers import FakeRegistry, fake_registry

KEY = {"MLFLOW_TRACKING_TOKEN": {"secret": "TOKEN"}}


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with fake_registry() as found:
        found.add("credit", {"w.bin": b"old"}, "champion")
        yield found


def _spec(url: str) -> Data:
    model = {"mlflow": url, "model": "credit"}
    champion = {"registry": {**model, "alias": "champion"}, "env": KEY}
    return {
        "version": 1,
        "name": "p",
        "triggers": {"push": {"branches": ["main"]}, "pull_request": {"branches": ["main"]}},
        "artifacts": {
            "model": {"kind": "model", "path": "build/model/", "registry": model, "env": KEY},
            "champion": {"kind": "model", "path": "build/old.bin", "from": champion},
        },
        "jobs": {
            "train": {"run": "printf new > build/model/w.bin", "writes": ["model"]},
            "compare": {
                "run": 'test "$(cat build/model/w.bin) $(cat build/old.bin)" = "new old"\n'
                'test "$VERSION_MODEL $VERSION_CHAMPION" = "2 1"',
                "reads": ["model", "champion"],
            },
            "words": {"run": "true"},
        },
        "gates": {"same": {"guards": "model", "command": {"run": "grep -q new build/model/w.bin"}}},
    }


@pytest.mark.parametrize("name", sorted(BACKENDS))
def test_models_travel_by_the_registry(name: str, registry: FakeRegistry, tmp_path: Path) -> None:
    case = Case("registry", _spec(registry.url), Event("push", branch="main"))
    run = runner(name).run(scratch(case, tmp_path, (name,)))
    assert run.green, run.log[-3000:]
    ended = {id for (id, _), state in run.states.items() if state["end"] == "passed"}
    assert ended == {"train", "fetch-champion", "same", "compare", "words"}
    tree = hashlib.sha256(f"{hashlib.sha256(b'new').hexdigest()}  w.bin\n".encode()).hexdigest()
    assert run.states["train", ""]["outputs"] == {"model": f"sha256:{tree}"}
    assert run.verdicts["same", ""]["inputs"]["model"]["digest"] == f"sha256:{tree}"
    assert [one["version"] for one in registry.models["credit"]] == ["1", "2"]
    assert set(registry.authorizations) == {f"Bearer {SECRET}"}
    assert SECRET not in run.log


@pytest.mark.parametrize("name", sorted(BACKENDS))
def test_no_fork_reaches_the_registry(name: str, registry: FakeRegistry, tmp_path: Path) -> None:
    """What needs no registry runs for it all the same."""
    case = Case("fork", _spec(registry.url), Event("pull_request", branch="main", fork=True))
    run = runner(name).run(scratch(case, tmp_path, (name,)))
    assert run.green, run.log[-3000:]
    assert run.selection["selected"] == ["words"]
    assert registry.asked == []
