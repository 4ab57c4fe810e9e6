"""Artifacts in a registry of models: numbers of versions travel, and no other bytes are taken for theirs."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.plans import HEAD
from tests.registry.servers import (
    TOKEN,
    VARIABLES,
    FakeRegistry,
    ask,
    fake_registry,
    hasty_script,
    real,
    tracking_server,
    versions,
)
from tests.runtime.conftest import Make
from tests.runtime.project import Project

SPEC = (
    HEAD
    + """artifacts:
  model:
    kind: model
    path: build/model/
    registry: {mlflow: {var: TRACKING}, model: credit}
    env: {MLFLOW_TRACKING_TOKEN: {secret: REGISTRY_TOKEN}}
  champion:
    kind: model
    path: live/champion/
    from:
      registry: {mlflow: {var: TRACKING}, model: credit, alias: champion}
      env: {MLFLOW_TRACKING_TOKEN: {secret: REGISTRY_TOKEN}}
jobs:
  fit:
    run: |
      mkdir build/model/sub
      printf 'one\\n' > build/model/w.bin
      printf '' > "build/model/sub/a b"
    writes: [model]
    retry: 1
  use:
    run: |
      cp -r "$ARTIFACT_MODEL" seen
      echo "$VERSION_MODEL $DIGEST_MODEL" > seen/version
    reads: [model]
  compare:
    run: |
      cp -r "$ARTIFACT_CHAMPION" old
      echo "$VERSION_CHAMPION ${MLFLOW_TRACKING_TOKEN-none}" > old/version
    reads: [champion]
gates:
  sane: {guards: model, command: {run: grep -q one build/model/w.bin}}
"""
)
ONE = hashlib.sha256(b"one\n").hexdigest()
EMPTY = hashlib.sha256(b"").hexdigest()
TREE = hashlib.sha256("".join(sorted([f"{ONE}  w.bin\n", f"{EMPTY}  sub/a b\n"])).encode()).hexdigest()
SMALL = hashlib.sha256(f"{hashlib.sha256(b'two').hexdigest()}  w.bin\n".encode()).hexdigest()


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, make: Make) -> Iterator[FakeRegistry]:
    with fake_registry() as found:
        _environment(monkeypatch, found.url)
        yield found


def _environment(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLCC_SECRET_REGISTRY_TOKEN", TOKEN)
    monkeypatch.setenv("MLCC_VAR_TRACKING", url)


def _begun(make: Make, spec: str = SPEC) -> Project:
    project = make(spec)
    project.write({".mlcc/registry.py": hasty_script()})
    project.select()
    return project


def _moved_on(project: Project) -> None:
    """Take away what another machine wouldn't have."""
    for name in ("build", "live", "seen", "old"):
        shutil.rmtree(project.root / name, ignore_errors=True)


def _checked_round(project: Project, url: str) -> None:
    """A job registers, a gate and a reader fetch by the number, on machines of their own; once more, nothing is registered."""
    assert project.node("fit") == 0, project.state("fit")
    assert project.state("fit")["outputs"] == {"model": f"sha256:{TREE}"}
    assert project.state("fit")["values"] == {"VERSION_MODEL": "1"}
    handle = project.record("d--fit/model/version.json")
    assert handle == {"model": "credit", "version": "1", "digest": f"sha256:{TREE}"}
    assert sorted(path.name for path in (project.root / "_mlcc/d--fit/model").iterdir()) == ["version.json"]
    _moved_on(project)
    assert project.node("sane") == 0, project.state("sane")
    _moved_on(project)
    assert project.node("use") == 0, project.state("use")
    assert (project.root / "seen/version").read_text() == f"1 sha256:{TREE}\n"
    assert (project.root / "seen/w.bin").read_bytes() == b"one\n"
    assert (project.root / "seen/sub/a b").read_bytes() == b""
    (one,) = versions(url, "credit")
    told = {tag["key"]: tag["value"] for tag in one["tags"]}
    assert told == {
        "mlcc.digest": f"sha256:{TREE}", "mlcc.commit": project.git("rev-parse", "HEAD"), "mlcc.run": "7", "mlcc.pipeline": "p",
    }  # fmt: skip
    assert project.node("fit") == 0
    assert project.state("fit")["values"] == {"VERSION_MODEL": "1"}
    assert len(versions(url, "credit")) == 1


def test_a_job_registers_and_readers_fetch(make: Make, registry: FakeRegistry) -> None:
    _checked_round(_begun(make), registry.url)
    assert set(registry.runs.values()) == {"FINISHED"}
    assert set(registry.authorizations) == {f"Bearer {TOKEN}", ""}, "the test itself has no token"


def test_another_commit_is_another_version(make: Make, registry: FakeRegistry) -> None:
    project = _begun(make)
    assert project.node("fit") == 0
    project.commit("second")
    project.select(run_id="8")
    assert project.node("fit") == 0
    assert project.state("fit")["values"] == {"VERSION_MODEL": "2"}


def test_a_version_whose_files_are_gone_isnt_taken_for_it(make: Make, registry: FakeRegistry) -> None:
    project = _begun(make)
    assert project.node("fit") == 0
    registry.files = {path: content for path, content in registry.files.items() if "a b" not in path}
    assert project.node("fit") == 0
    assert project.state("fit")["values"] == {"VERSION_MODEL": "2"}


def test_a_champion_is_looked_up_once_a_run(make: Make, registry: FakeRegistry) -> None:
    registry.add("credit", {"w.bin": b"two"}, "champion")
    project = _begun(make)
    assert project.node("fetch-champion") == 0, project.state("fetch-champion")
    assert project.state("fetch-champion")["values"] == {"VERSION_CHAMPION": "1"}
    assert project.state("fetch-champion")["outputs"] == {"champion": f"sha256:{SMALL}"}
    registry.add("credit", {"w.bin": b"three"}, "champion")
    asked = len(registry.asked)
    _moved_on(project)
    assert project.node("compare") == 0, project.state("compare")
    assert (project.root / "old/w.bin").read_bytes() == b"two"
    assert (project.root / "old/version").read_text() == "1 none\n"
    assert len(registry.asked) == asked, "readers get the bytes from the node that fetched them"


def test_a_champion_passed_on_by_the_store(make: Make, registry: FakeRegistry) -> None:
    registry.add("credit", {"w.bin": b"two"}, "champion")
    spec = SPEC.replace("artifacts:\n", "store: {uri: stored/}\nartifacts:\n")
    project = _begun(
        make, spec.replace("    path: live/champion/\n", "    path: live/champion/\n    store: true\n")
    )
    assert project.node("fetch-champion") == 0, project.state("fetch-champion")
    assert (project.root / "stored/sha256" / SMALL[:2] / SMALL).is_file()
    _moved_on(project)
    assert project.node("compare") == 0, project.state("compare")
    assert (project.root / "old/version").read_text() == "1 none\n"


def test_a_version_by_its_number(make: Make, registry: FakeRegistry) -> None:
    for content in (b"two", b"three"):
        registry.add("credit", {"w.bin": content}, "champion")
    project = _begun(make, SPEC.replace("alias: champion", "version: 1"))
    assert project.node("fetch-champion") == 0
    assert project.state("fetch-champion")["outputs"] == {"champion": f"sha256:{SMALL}"}


def test_the_number_is_in_the_lineage(make: Make, registry: FakeRegistry) -> None:
    registry.add("credit", {"w.bin": b"two"}, "champion")
    project = _begun(make)
    for id in ("fit", "fetch-champion", "sane", "use", "compare"):
        assert project.node(id) == 0, project.state(id)
    assert project.final() == 0
    lines = (project.root / "_mlcc/s--final/lineage.jsonl").read_text().splitlines()
    artifacts = json.loads(lines[0])["predicate"]["artifacts"]
    assert artifacts["model"]["registered"] == {"model": "credit", "version": "2"}
    assert artifacts["champion"]["registered"] == {"model": "credit", "version": "1"}
    (subject,) = [one for one in json.loads(lines[0])["subject"] if one["name"] == "model"]
    assert subject["annotations"]["mlcc_version"] == "credit/2"


def test_no_fork_reaches_the_registry(make: Make, registry: FakeRegistry) -> None:
    keys = "env: {MLFLOW_TRACKING_TOKEN: {secret: REGISTRY_TOKEN}}"
    lines = [line for line in SPEC.splitlines(keepends=True) if line.strip() != keys]
    project = make("".join(lines))
    found = project.select(event="pull_request", fork=True)
    assert found["selected"] == []
    why = "it reaches a registry of models, and the pull request comes from a fork"
    assert found["reasons"]["fit"] == why
    assert found["reasons"]["fetch-champion"] == why


def test_other_bytes_in_the_registry_are_refused(make: Make, registry: FakeRegistry) -> None:
    project = _begun(make)
    assert project.node("fit") == 0
    assert project.node("sane") == 0
    (path,) = [path for path in registry.files if path.endswith("w.bin")]
    registry.files[path] = b"two\n"
    _moved_on(project)
    assert project.node("use") == 2
    cause = project.ended("use")[2]
    assert cause.startswith(
        f"'model' as sha256:{TREE}, registered as version 1 of credit, can't be fetched: "
    )
    assert "version 1 of credit has other bytes than were registered: sha256:" in cause
    assert not (project.root / "seen").exists()


@pytest.mark.parametrize(
    "changes",
    [{"digest": "sha256:" + "0" * 64}, {"version": "x"}, {"version": 1}, {"model": None}],
    ids=["digest", "version", "number", "model"],
)
def test_a_handle_that_was_forged(make: Make, registry: FakeRegistry, changes: dict[str, Any]) -> None:
    project = _begun(make)
    assert project.node("fit") == 0
    assert project.node("sane") == 0
    project.forge("d--fit/model/version.json", **changes)
    assert project.node("use") == 2
    assert "'model' has" in project.ended("use")[2]


def test_a_registry_that_is_away(make: Make, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    project = _begun(make)
    registry.instead = lambda handler, path: handler.tell(503, TOKEN.encode()) or True
    assert project.node("fit") == 1
    cause = project.ended("fit")[2]
    assert cause.startswith("'model' can't be registered as a version of credit: ")
    assert cause.endswith("the registry answers with status 503")
    assert TOKEN not in cause


def test_what_was_broken_off_is_registered_by_the_next_attempt(make: Make, registry: FakeRegistry) -> None:
    project = _begun(make)
    dropped: list[str] = []

    def drop(handler: Any, path: str) -> bool:
        if handler.command == "PUT" and len(dropped) < 3:  # each of the three tries of the first attempt
            dropped.append(path)
            handler.tell(500, b"")
            return True
        return False

    registry.instead = drop
    assert project.node("fit") == 0, project.state("fit")
    assert project.state("fit")["attempts"] == 2
    assert [one["version"] for one in registry.models["credit"]] == ["1"]
    assert sorted(registry.runs.values()) == ["FAILED", "FINISHED"]


def test_a_lost_answer_makes_no_second_version(make: Make, registry: FakeRegistry) -> None:
    project = _begun(make)

    def lose(handler: Any, path: str) -> bool:
        if path.endswith("model-versions/create") and not registry.models["credit"]:
            run = next(iter(registry.runs))
            tags = [
                {"key": "mlcc.digest", "value": f"sha256:{TREE}"},
                {"key": "mlcc.commit", "value": project.git("rev-parse", "HEAD")},
            ]
            registry.add("credit", {}, source=f"mlflow-artifacts:/1/{run}/artifacts/model", tags=tags)
            handler.close_connection = True
            handler.connection.close()
            return True
        return False

    registry.instead = lose
    assert project.node("fit") == 0, project.state("fit")
    assert [one["version"] for one in registry.models["credit"]] == ["1"]
    assert project.state("fit")["attempts"] == 1


@real
def test_against_mlflow(
    make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("mlflow")
    with tracking_server(root) as url:
        _environment(monkeypatch, url)
        project = _begun(make)
        _checked_round(project, url)
        ask(url, "POST", "registered-models/alias", name="credit", alias="champion", version="1")
        assert project.node("fetch-champion") == 0, project.state("fetch-champion")
        assert project.state("fetch-champion")["values"] == {"VERSION_CHAMPION": "1"}
        assert project.node("compare") == 0
        assert (Path("old") / "w.bin").read_bytes() == b"one\n"
        kept = next((root / "artifacts").rglob("w.bin"))
        kept.write_bytes(b"two\n")
        _moved_on(project)
        assert project.node("use") == 2
        assert "has other bytes than were registered" in project.ended("use")[2]
        assert project.node("fetch-champion") == 1
