"""An artifact in a warehouse: no bytes travel, its name and its variables reach exactly who takes it."""

from __future__ import annotations

import hashlib
import json
import time
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


PAST = (
    HEAD
    + """artifacts:
  live: {kind: data, table: "bigquery://acme.ml.requests", snapshot: true}
  other: {kind: data, table: "bigquery://acme.ml.other"}
jobs:
  report: {run: 'echo "$SNAPSHOT_LIVE ${SNAPSHOT_OTHER-none} $DIGEST_LIVE" >> seen', reads: [live, other]}
  again: {run: 'echo "$SNAPSHOT_LIVE ${SNAPSHOT_OTHER-none} $DIGEST_LIVE" >> seen', reads: [live, other]}
gates:
  sane: {guards: live, command: {run: 'echo "$SNAPSHOT_LIVE" > judged'}}
"""
)
LATER = "2031-01-02T03:04:05Z"


def _digest(moment: str) -> str:
    return "table:" + hashlib.sha256(f"bigquery://acme.ml.requests@{moment}".encode()).hexdigest()


def test_all_nodes_of_a_run_see_one_moment(make: Make) -> None:
    project = make(PAST)
    before = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    moment = project.select()["moment"]
    assert before <= moment <= time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    project.forge("s--select/selection.json", moment=LATER)  # no other than the selecting node's is taken
    for node in ("sane", "report", "again", "report"):  # the last one is run again
        assert project.node(node) == 0, project.state(node)
    assert (project.root / "judged").read_text() == f"{LATER}\n"
    assert (project.root / "seen").read_text() == f"{LATER} none {_digest(LATER)}\n" * 3
    verdict = project.record("s--sane/verdict.json")
    assert verdict["inputs"] == {
        "live": {"path": "bigquery://acme.ml.requests", "moment": LATER, "digest": _digest(LATER)}
    }


def test_a_reader_of_another_moment_is_refused(make: Make) -> None:
    project = make(PAST)
    project.select()
    assert project.node("sane") == 0
    project.forge("s--select/selection.json", moment=LATER)
    assert project.node("report") == 2
    assert project.ended("report")[2] == "'sane' judged other bytes of 'live' than 'report' would read"
    assert not (project.root / "seen").exists()


@pytest.mark.parametrize(
    "moment", [None, "", "now", 7, "2031-01-02T03:04:05Z' OR 1=1", "2031-01-02T03:04:05Z\n"]
)
def test_a_moment_that_is_none(make: Make, moment: Any) -> None:
    project = make(PAST)
    project.select()
    project.forge("s--select/selection.json", moment=moment)
    for node in ("sane", "report"):
        assert project.node(node) != 0 or project.ended(node)[0] == "skipped"
    assert project.ended("sane") == (
        "failed", "error", "the artifact 'live' can't be read: the run has decided no moment as of which tables are read",
    )  # fmt: skip
    assert not (project.root / "judged").exists()


def test_without_such_tables_no_moment_is_decided(make: Make) -> None:
    assert "moment" not in make(SPEC).select()
