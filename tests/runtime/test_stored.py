"""Artifacts in a store: handles travel, the bytes are found by their digests, and no others are taken for them."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.objects.store import SECRET, VARIABLES, Store, free_port, hasty_script, moto
from tests.plans import HEAD
from tests.runtime.conftest import Make
from tests.runtime.project import Project

ARTIFACTS = """artifacts:
  data: {kind: data, path: build/data.txt, store: true}
  model: {kind: model, path: build/model/, store: true}
jobs:
  fit:
    run: |
      printf 'one\\n' > build/data.txt
      mkdir build/model/sub
      printf 'one\\n' > build/model/w.bin
      printf '' > "build/model/sub/a b"
      if [ "$LARGE" = yes ]; then head -c 20000000 /dev/zero > build/model/large; fi
    writes: [data, model]
    env: {LARGE: {var: LARGE, default: "no"}}
  use: {run: 'cp -r "$ARTIFACT_MODEL" seen; cp "$ARTIFACT_DATA" seen/; echo "$DIGEST_DATA" > seen/digest', reads: [data, model]}
gates:
  sane: {guards: model, command: {run: grep -q one build/model/w.bin}}
"""
ON_DISK = HEAD + "store: {uri: stored/}\n" + ARTIFACTS
IN_S3 = (
    HEAD
    + """store:
  uri: s3://acme-ml/credit
  env:
    AWS_ACCESS_KEY_ID: tester
    AWS_SECRET_ACCESS_KEY: {secret: STORE_KEY}
    AWS_ENDPOINT_URL: {var: STORE}
"""
    + ARTIFACTS
)
ONE = hashlib.sha256(b"one\n").hexdigest()
TWO = hashlib.sha256(b"two\n").hexdigest()
EMPTY = hashlib.sha256(b"").hexdigest()
LINES = "".join(sorted([f"{ONE}  w.bin\n", f"{EMPTY}  sub/a b\n"]))
TREE = hashlib.sha256(LINES.encode()).hexdigest()


@pytest.fixture(scope="module")
def service() -> Iterator[Store]:
    with moto() as found:
        found.bucket("acme-ml")
        yield found


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch, make: Make) -> None:
    """A store that nobody answers for."""
    _environment(monkeypatch, f"http://127.0.0.1:{free_port()}")


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, service: Store, make: Make) -> Store:
    _environment(monkeypatch, service.url)
    return service


def _environment(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLCC_SECRET_STORE_KEY", SECRET)
    monkeypatch.setenv("MLCC_VAR_STORE", url)


def _begun(make: Make, spec: str) -> Project:
    project = make(spec)
    project.select()
    return project


def _kept(project: Project, hex: str) -> Path:
    return project.root / "stored/sha256" / hex[:2] / hex


def _moved_on(project: Project) -> None:
    """Another machine: only what the CI system passes on is there."""
    shutil.rmtree(project.root / "build")


def test_a_file_and_a_folder_by_their_digests(make: Make) -> None:
    project = _begun(make, ON_DISK)
    assert project.node("fit") == 0
    assert project.state("fit")["outputs"] == {"data": f"sha256:{ONE}", "model": f"sha256:{TREE}"}
    files = {path.name: path.read_bytes() for path in (project.root / "stored").rglob("*") if path.is_file()}
    assert files == {ONE: b"one\n", EMPTY: b"", TREE: LINES.encode()}
    handles = {
        str(path.relative_to(project.root / "_mlcc/d--fit")): json.loads(path.read_text())
        for path in (project.root / "_mlcc/d--fit").rglob("*")
        if path.is_file()
    }
    assert handles == {
        "data/handle.json": {"digest": f"sha256:{ONE}", "size": 4, "uri": f"stored/sha256/{ONE[:2]}/{ONE}"},
        "model/handle.json": {
            "digest": f"sha256:{TREE}",
            "size": 4,
            "uri": f"stored/sha256/{TREE[:2]}/{TREE}",
        },
    }
    _moved_on(project)
    assert project.node("sane") == 0
    _moved_on(project)
    assert project.node("use") == 0
    assert (project.root / "seen/w.bin").read_bytes() == b"one\n"
    assert (project.root / "seen/sub/a b").read_bytes() == b""
    assert (project.root / "seen/data.txt").read_bytes() == b"one\n"
    assert (project.root / "seen/digest").read_text() == f"sha256:{ONE}\n"


def test_the_same_in_a_bucket(make: Make, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The large file goes in two parts."""
    monkeypatch.setenv("MLCC_VAR_LARGE", "yes")
    project = _begun(make, IN_S3)
    assert project.node("fit") == 0, project.ended("fit")
    _moved_on(project)
    assert project.node("sane") == 0
    _moved_on(project)
    assert project.node("use") == 0, project.ended("use")
    assert (project.root / "seen/large").read_bytes() == bytes(20_000_000)
    assert SECRET not in "".join(path.read_text() for path in (project.root / "_mlcc").rglob("*.json"))


def test_what_is_there_is_not_written_again(make: Make) -> None:
    project = _begun(make, ON_DISK)
    assert project.node("fit") == 0
    before = {hex: _kept(project, hex).stat().st_mtime_ns for hex in (ONE, EMPTY, TREE)}
    inodes = {hex: _kept(project, hex).stat().st_ino for hex in (ONE, EMPTY, TREE)}
    assert project.node("fit") == 0
    assert {hex: _kept(project, hex).stat().st_mtime_ns for hex in before} == before
    assert {hex: _kept(project, hex).stat().st_ino for hex in before} == inodes


def test_what_was_cut_off_is_written_again(make: Make) -> None:
    project = _begun(make, ON_DISK)
    _kept(project, ONE).parent.mkdir(parents=True)
    _kept(project, ONE).write_bytes(b"on")
    assert project.node("fit") == 0
    assert _kept(project, ONE).read_bytes() == b"one\n"


@pytest.mark.parametrize(
    ("hex", "content", "said"),
    [
        (ONE, b"two\n", f"'data', which 'fit' wrote as sha256:{ONE}, can't be fetched: the store stored/ can't be used: at "
         f"sha256/{ONE[:2]}/{ONE} the store has other bytes: sha256:{TWO}"),
        (ONE, None, f"at sha256/{ONE[:2]}/{ONE} the store has nothing"),
        (EMPTY, b"x", f"'model', which 'fit' wrote as sha256:{TREE}, can't be fetched"),
        (TREE, b"", "the store has other bytes"),
    ],
)  # fmt: skip
def test_other_bytes_are_refused(make: Make, hex: str, content: bytes | None, said: str) -> None:
    project = _begun(make, ON_DISK)
    assert project.node("fit") == 0
    assert project.node("sane") == 0
    if content is None:
        _kept(project, hex).unlink()
    else:
        _kept(project, hex).write_bytes(content)
    assert project.node("use") == 2
    assert said in project.ended("use")[2]
    assert not (project.root / "seen").exists()


@pytest.mark.parametrize(
    "handle",
    ["", "[]", "{}", '{"uri": "x", "digest": "sha256:0", "size": 4}', f'{{"uri": 1, "digest": "sha256:{ONE}", "size": 4}}',
     f'{{"uri": "x", "digest": "sha256:{ONE}", "size": -1}}', f'{{"uri": "x", "digest": "sha256:{ONE}", "size": true}}'],
)  # fmt: skip
def test_a_handle_that_is_not_whole(make: Make, handle: str) -> None:
    project = _begun(make, ON_DISK)
    assert project.node("fit") == 0
    assert project.node("sane") == 0
    (project.root / "_mlcc/d--fit/data/handle.json").write_text(handle)
    assert project.node("use") == 2
    assert project.ended("use")[1] == "error"


def test_a_handle_of_other_bytes(make: Make) -> None:
    project = _begun(make, ON_DISK)
    assert project.node("fit") == 0
    assert project.node("sane") == 0
    project.forge("d--fit/data/handle.json", digest=f"sha256:{EMPTY}")
    assert project.node("use") == 2
    assert project.ended("use")[2] == (
        f"'data', which 'fit' wrote, has other bytes than it wrote: its handle is of sha256:{EMPTY} instead of sha256:{ONE}"
    )


def test_a_folder_that_leads_outside(make: Make) -> None:
    """Whoever can write the store and the writer's record: the lines are right by their digest, and no folder's."""
    project = _begun(make, ON_DISK)
    assert project.node("fit") == 0
    for path in ("../evil", "/tmp/evil", "a//b", "./a"):
        lines = f"{ONE}  {path}\n"
        hex = hashlib.sha256(lines.encode()).hexdigest()
        _kept(project, hex).parent.mkdir(exist_ok=True)
        _kept(project, hex).write_text(lines)
        project.forge("d--fit/model/handle.json", digest=f"sha256:{hex}")
        project.forge(
            "s--fit/state.json", outputs={**project.state("fit")["outputs"], "model": f"sha256:{hex}"}
        )
        assert project.node("sane") == 2
        assert "something that is no folder" in project.ended("sane")[2]
    assert not (project.root / "build/evil").exists()


def test_a_store_that_is_away(make: Make, away: None) -> None:
    project = _begun(make, IN_S3)
    project.write({".mlcc/objects.py": hasty_script()})
    assert project.node("fit") == 1
    assert project.ended("fit") == (
        "failed",
        "fail",
        "the store s3://acme-ml/credit can't be used: the endpoint can't be reached (ConnectionRefusedError)",
    )
    assert not list((project.root / "_mlcc").glob("d--fit/**/handle.json"))


def test_legs(make: Make) -> None:
    project = _begun(
        make,
        HEAD
        + """store: {uri: stored/}
artifacts: {parts: {kind: data, path: parts/, store: true}}
jobs:
  split: {run: 'echo "$MATRIX_K" > parts/k', writes: [parts], matrix: {axes: {k: [x, y]}}}
  join: {run: cat parts/x/k parts/y/k > joined, reads: [parts]}
""",
    )
    assert project.node("split", "x") == project.node("split", "y") == 0
    shutil.rmtree(project.root / "parts")
    assert project.node("join") == 0, project.ended("join")
    assert (project.root / "joined").read_text() == "x\ny\n"


def test_no_fork_reaches_the_store(make: Make) -> None:
    project = make(ON_DISK.replace("push: {branches: [main]}", "pull_request: {branches: [main]}"))
    found = project.select(event="pull_request", fork=True, base="", head="", pull_request="1")
    assert found["selected"] == []
    assert found["reasons"]["fit"] == "it moves what the store keeps, and the pull request comes from a fork"


def test_a_release_gets_the_bytes_that_its_gates_judged(make: Make) -> None:
    project = _begun(
        make,
        ON_DISK.replace("gates:", 'environments: {prod: {}}\nreleases:\n  prod:\n    deploys: [model]\n'
                        '    run: cp -r "$ARTIFACT_MODEL" live\n    rollback: {run: rm -rf live}\ngates:'),
    )  # fmt: skip
    assert project.node("fit") == 0
    assert project.node("sane") == 0
    _moved_on(project)
    assert project.node("prod") == 0, project.ended("prod")
    assert (project.root / "live/w.bin").read_bytes() == b"one\n"
    _kept(project, ONE).write_bytes(b"two\n")
    assert project.node("prod") == 2
    assert "the store has other bytes" in project.ended("prod")[2]
