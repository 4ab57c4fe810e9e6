"""An artifact in a store: it stays there, and who reads it is held to the objects that its gates judged."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.objects.store import SECRET, VARIABLES, Store, etag, moto
from tests.plans import HEAD
from tests.runtime.conftest import Make
from tests.runtime.project import runtime_script

SPEC = (
    HEAD
    + """artifacts:
  live:
    kind: data
    uri: s3://acme-ml/live/*.csv
    env:
      AWS_ACCESS_KEY_ID: tester
      AWS_SECRET_ACCESS_KEY: {secret: STORE_KEY}
      AWS_ENDPOINT_URL: {var: STORE}
  model: {kind: model, path: model.txt}
jobs:
  fit:
    run: cp "$MODEL" ../model.txt; echo "$ARTIFACT_LIVE $DIGEST_LIVE" > ../seen; eval "${MEANWHILE:-true}"
    reads: [live]
    writes: [model]
    working_directory: sub/
    env: {MODEL: ../src/a.py}
gates:
  sane: {guards: live, contract: {columns: {x: {type: integer, max: 5}}}}
"""
)
ROWS = b"x\n1\n2\n"


@pytest.fixture(scope="module")
def service() -> Iterator[Store]:
    with moto() as found:
        found.bucket("acme-ml")
        yield found


@pytest.fixture
def store(service: Store, monkeypatch: pytest.MonkeyPatch, make: Make) -> Store:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLCC_SECRET_STORE_KEY", SECRET)
    monkeypatch.setenv("MLCC_VAR_STORE", service.url)
    # The pinned packages are this environment's own: what is tried here is the store.
    monkeypatch.setattr("mlcc.runtime.node._gate_python", lambda *_: sys.executable)
    service.put("acme-ml", "live/a.csv", ROWS)
    return service


def _digest(**objects: bytes) -> str:
    lines = [f"{etag(content)}  {len(content)}  live/{name}.csv\n" for name, content in objects.items()]
    return "objects:" + hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def test_a_gate_and_a_reader_of_the_same_objects(make: Make, store: Store) -> None:
    project = make(SPEC)
    (project.root / "sub").mkdir()
    project.select()
    assert project.node("sane") == 0
    assert project.node("fit") == 0
    assert (project.root / "seen").read_text() == f"s3://acme-ml/live/*.csv {_digest(a=ROWS)}\n"
    assert project.state("sane")["inputs"] == project.state("fit")["inputs"] == {"live": _digest(a=ROWS)}
    verdict = json.loads((project.root / "_mlcc/s--sane/verdict.json").read_text())
    assert verdict["inputs"]["live"]["digest"] == _digest(a=ROWS)
    assert not (project.root / "_mlcc/objects").exists() or not any(
        (project.root / "_mlcc/objects").iterdir()
    )
    assert not list((project.root / "_mlcc").glob("d--*/live"))


def test_the_plan(make: Make, store: Store) -> None:
    plan = make(SPEC).plan
    assert {id: node.secrets for id, node in plan.nodes.items()} == {
        "fit": ("STORE_KEY",),
        "sane": ("STORE_KEY",),
    }
    assert all(node.sources == () for node in plan.nodes.values())


def test_objects_that_no_gate_has_judged_are_refused(make: Make, store: Store) -> None:
    project = make(SPEC)
    (project.root / "sub").mkdir()
    project.select()
    assert project.node("sane") == 0
    store.put("acme-ml", "live/a.csv", ROWS + b"9\n")
    assert project.node("fit") != 0
    assert project.ended("fit")[2] == "'sane' judged other bytes of 'live' than 'fit' would read"
    assert not (project.root / "seen").exists()


def test_objects_that_change_while_a_job_reads_them(
    make: Make, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make(SPEC)
    (project.root / "sub").mkdir()
    headers = {
        "Content-Type": "text/csv",
        "Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request",
    }
    url = f"{store.url}/acme-ml/live/a.csv"
    put = f"import urllib.request as u; u.urlopen(u.Request('{url}', b'x', {headers}, method='PUT'))"
    monkeypatch.setenv("MEANWHILE", f'{sys.executable} -c "{put}"')
    project.select()
    assert project.node("sane") == 0
    assert project.node("fit") == 1
    assert project.ended("fit") == (
        "failed", "fail", "'live' changed at its address while the command ran",
    )  # fmt: skip
    assert project.state("fit")["outputs"] == {}


def test_a_gate_that_fails_closes_its_readers(make: Make, store: Store) -> None:
    store.put("acme-ml", "live/a.csv", b"x\n9\n")
    project = make(SPEC)
    project.select()
    assert project.node("sane") == 1
    project.node("fit")
    assert project.ended("fit")[0] == "skipped"


def test_a_store_that_is_away_is_an_error_of_the_node(
    make: Make, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLCC_VAR_STORE", "http://127.0.0.1:1")
    project = make(SPEC)
    project.select()
    assert project.node("sane") == 2
    end, verdict, cause = project.ended("sane")
    assert (end, verdict) == ("failed", "error")
    assert (
        "the artifact 'live' can't be used: s3://acme-ml/live/*.csv can't be read: the endpoint can't be"
        in cause
    )
    assert SECRET not in cause


def test_the_record_of_a_run_names_the_address(make: Make, store: Store) -> None:
    project = make(SPEC)
    (project.root / "sub").mkdir()
    project.select()
    project.node("sane")
    project.node("fit")
    assert project.final(sane="success", fit="success") == 0
    lines = (project.root / "_mlcc/s--final/lineage.jsonl").read_text().splitlines()
    provenance = next(s for s in map(json.loads, lines) if "slsa.dev" in s["predicateType"])
    (record,) = [s["predicate"] for s in map(json.loads, lines) if "mlcc.dev/lineage" in s["predicateType"]]
    assert record["gates"]["sane"]["inputs"] == {
        "live": {"path": "s3://acme-ml/live/*.csv", "digest": _digest(a=ROWS)}
    }
    used = provenance["predicate"]["buildDefinition"]["resolvedDependencies"]
    (live,) = [one for one in used if one["name"] == "live"]
    assert live == {
        "name": "live",
        "uri": "s3://acme-ml/live/*.csv",
        "annotations": {"mlcc_form": "objects", "mlcc_digest": _digest(a=ROWS)},
    }


def test_the_emitted_script_runs_a_node(make: Make, store: Store) -> None:
    """As a runner does: `.mlcc/run.py select`, then a node whose command reads the store's objects."""
    spec = SPEC.replace("  sane: {guards: live, contract: {columns: {x: {type: integer, max: 5}}}}",
                        "  sane: {guards: live, command: {run: 'test \"$DIGEST_LIVE\" != \"\"'}}")  # fmt: skip
    project = make(spec)
    project.write({".mlcc/run.py": runtime_script()})
    head = project.commit("runtime")
    project.write({"event.json": json.dumps({"ref": "refs/heads/main", "before": "0" * 40})})
    env = {
        **os.environ, "MLCC_PLATFORM": "github", "GITHUB_SHA": head, "GITHUB_EVENT_NAME": "push", "GITHUB_RUN_ID": "7",
        "GITHUB_REF": "refs/heads/main", "GITHUB_REF_NAME": "main", "GITHUB_EVENT_PATH": str(project.root / "event.json"),
        "GITHUB_OUTPUT": str(project.root / "out"), "GITHUB_STEP_SUMMARY": str(project.root / "summary"),
        "GITHUB_REPOSITORY": "acme/demo", "GITHUB_WORKSPACE": str(project.root),
    }  # fmt: skip
    for command in (["select"], ["node"]):
        done = subprocess.run(
            [sys.executable, "-I", ".mlcc/run.py", *command],
            env={**env, "MLCC_NODE": "sane", "MLCC_LEG": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert SECRET not in done.stdout + done.stderr
    assert project.state("sane")["inputs"] == {"live": _digest(a=ROWS)}
