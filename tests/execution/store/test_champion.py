"""What a release runs really is what later runs compare with, on every CI system: by a store on disk that all of them share."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from mlcc.backends import BACKENDS
from mlcc.semantics import Event
from tests.execution.equivalence.runner import Run
from tests.execution.releases.test_canary import PUSH, Release, ends

SPEC = """version: 1
name: shop
triggers:
  push: {branches: [main]}
  manual: {undo: {}}
store: {uri: "file://STORE"}
environments: {live: {}}
artifacts:
  code: {kind: code, path: src/}
  model: {kind: model, path: build/model.json}
  champion: {kind: model, path: build/champion.json, from: {release: live}, first: none}
  old: {kind: data, path: build/old.json, first: none}
  new: {kind: data, path: build/new.json}
jobs:
  train:
    run: |
      mkdir -p build
      echo "$(cat "$COUNT")" > build/model.json
      echo $(($(cat "$COUNT") + 1)) > "$COUNT"
    env: {COUNT: "STORE/count"}
    reads: [code]
    writes: [model]
  score:
    run: |
      cp "$ARTIFACT_MODEL" build/new.json
      if [ -n "$ARTIFACT_CHAMPION" ]; then cp "$ARTIFACT_CHAMPION" build/old.json; fi
    evaluates: [model, champion]
    writes: [old, new]
gates:
  sound: {guards: model, command: {run: test -e build/model.json}}
  whole: {guards: champion, command: {run: test -e build/champion.json}}
  there: {guards: old, command: {run: test -e build/old.json}}
releases:
  live:
    deploys: [model]
    adapter: {command: python3 serve.py}
    env: ENV
    timeout: 60s
    rollback: {drain: 1s, lease: 10m, manual: undo}
"""
PROMOTED = ("train", "score", "sound", "whole", "there", "live-deploy", "live")
UNDO = Event("manual", branch="main", trigger="undo")


def _digest(number: int) -> str:
    content = f"{number}\n".encode()
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@pytest.mark.parametrize("back_end", sorted(BACKENDS))
def test_each_run_is_compared_with_what_is_live(back_end: str, tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    (store / "count").write_text("1\n")
    served = tmp_path / "served.json"
    begun: list[Event] = []

    def run(event: Event = PUSH) -> Run:
        begun.append(event)
        folder = tmp_path / f"run-{len(begun)}"
        return Release(
            folder, back_end, SPEC.replace("STORE", str(store)), event=event, STATE=str(served)
        ).run()

    def pushed(number: int, champion: int | None) -> None:
        """Do a run that trains a model by its number, and is compared with another one."""
        found = run()
        assert found.green, found.log[-3000:]
        assert ends(found) == {**dict.fromkeys(PROMOTED, "passed"), "live-rollback": "skipped"}
        assert found.states["train", ""]["outputs"] == {"model": _digest(number)}
        expected = "none" if champion is None else _digest(champion)
        assert found.states["score", ""]["inputs"]["champion"] == expected
        assert found.states["score", ""]["outputs"]["old"] == expected
        assert found.verdicts["whole", ""]["inputs"]["champion"]["digest"] == expected
        assert found.verdicts["whole", ""]["summary"].startswith("First: ") is (champion is None)

    pushed(1, champion=None)
    first = json.loads(served.read_text())["live"]
    pushed(2, champion=1)
    undone = run(UNDO)
    assert undone.green, undone.log[-3000:]
    assert ends(undone) == {"live-restore": "passed"}
    assert json.loads(served.read_text())["live"] == first
    pushed(3, champion=1)
    record = json.loads((store / "releases/shop/live.json").read_text())
    assert record["pending"] is None
    assert record["live"] == json.loads(served.read_text())["live"]
    digests = [entry["artifacts"]["model"]["digest"] for entry in record["releases"]]
    # A CI system may give all runs here the same id: what was undone makes room for the release after it.
    assert digests in ([_digest(1), _digest(2), _digest(3)], [_digest(1), _digest(3)])
