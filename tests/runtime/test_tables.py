"""An artifact in a warehouse: no bytes travel, its name and its variables reach exactly who takes it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from mlcc.plan import Gate
from tests.plans import HEAD
from tests.runtime.conftest import Make

SPEC = (
    HEAD
    + """artifacts:
  live:
    kind: data
    table: postgres://ml.requests
    env: {PGPASSWORD: {secret: PGPASSWORD}, PGHOST: db.example}
jobs:
  report:
    run: echo "$ARTIFACT_LIVE $PGHOST $PGPASSWORD" > ../seen
    reads: [live]
    working_directory: sub/
  own: {run: echo "$PGHOST" > own, reads: [live], env: {PGHOST: other.example}}
  aside: {run: 'echo "${PGHOST-none} ${PGPASSWORD-none}" > aside'}
gates:
  sane: {guards: live, command: {run: 'test "$PGPASSWORD" = hunter2'}}
"""
)
NAME = "table:" + hashlib.sha256(b"postgres://ml.requests").hexdigest()


def test_name_and_variables(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(SPEC)
    (project.root / "sub").mkdir()
    monkeypatch.setenv("MLCC_SECRET_PGPASSWORD", "hunter2")
    project.select()
    for node in ("sane", "report", "own", "aside"):
        assert project.node(node) == 0
    assert (project.root / "seen").read_text() == "postgres://ml.requests db.example hunter2\n"
    assert (project.root / "own").read_text() == "other.example\n"
    assert (project.root / "aside").read_text() == "none none\n"
    verdict = json.loads((project.root / "_mlcc/s--sane/verdict.json").read_text())
    assert verdict["inputs"] == {"live": {"path": "postgres://ml.requests", "digest": NAME}}


def test_the_plan(make: Make) -> None:
    plan = make(SPEC).plan
    secrets = {id: node.secrets for id, node in plan.nodes.items()}
    assert secrets == {
        "sane": ("PGPASSWORD",),
        "report": ("PGPASSWORD",),
        "own": ("PGPASSWORD",),
        "aside": (),
    }
    assert all(node.sources == () for node in plan.nodes.values())
    assert plan.artifacts["live"].engine == "postgres"


def test_a_profile_is_read_by_no_engine(make: Make) -> None:
    text = """artifacts:
  live: {kind: data, table: postgres://ml.requests}
  baseline: {kind: data, path: baseline.json}
gates:
  still: {guards: live, drift: {reference: baseline, columns: {x: {}}}}
"""
    gate = make(HEAD + text).plan.nodes["still"].work
    assert isinstance(gate, Gate)
    assert gate.packages == "drift.postgres"
    params: Any = gate.parameters
    assert params["engine"] == "postgres"
    assert params["current"] == {"artifact": "live", "format": "table", "table": '"ml"."requests"'}
    assert params["reference"] == {"artifact": "baseline", "format": "profile"}
