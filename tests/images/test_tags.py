"""A release moves the tag of its environment to the image, and what undoes it moves the tag back: once, whoever does it."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path

import pytest

from mlcc.runtime.attempt import Attempt
from mlcc.runtime.image_registry import tag_of
from mlcc.runtime.steps import undo_main
from mlcc.runtime.tags import restore_tags
from tests.images.conftest import Build
from tests.images.registry import RealRegistry
from tests.plans import HEAD
from tests.runtime.project import FakePlatform, Project

SPEC = """environments: {production: {}}
artifacts:
  server:
    kind: image
    repository: HOST/acme/credit
    login: {user: robot, password: {secret: REGISTRY_PASSWORD}}
    from: {tag: candidate}
releases:
  production:
    deploys: [server]
    run: 'echo "$ARTIFACT_SERVER" > deployed; test ! -e fails'
    rollback: {run: echo back >> rolled}
"""


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """Return a repository of the test's own."""
    return f"acme/r{zlib.crc32(request.node.name.encode())}"


def _project(build: Build, name: str, spec: str = SPEC) -> Project:
    project = build(spec.replace("acme/credit", name))
    project.select()
    assert project.node("fetch-server") == 0
    return project


def test_the_first_release(build: Build, service: RealRegistry, name: str) -> None:
    digest = service.push(name, "candidate", "a")
    project = _project(build, name)
    assert project.node("production") == 0
    assert {tag: service.digest(name, tag) for tag in service.tags(name)} == {
        "candidate": digest,
        "production": digest,
        "production-7": digest,
    }


def test_a_further_release_keeps_what_was_live(build: Build, service: RealRegistry, name: str) -> None:
    old, new = service.push(name, "production", "old"), service.push(name, "candidate", "new")
    project = _project(build, name)
    assert project.node("production") == 0
    assert service.digest(name, "production") == service.digest(name, "production-7") == new
    assert service.digest(name, "production-previous") == old
    assert project.node("production") == 0, "again, as where a job is run again"
    assert service.digest(name, "production") == new
    assert service.digest(name, "production-previous") == old


def test_a_release_whose_command_fails_moves_no_tag(build: Build, service: RealRegistry, name: str) -> None:
    old = service.push(name, "production", "old")
    service.push(name, "candidate", "new")
    project = _project(build, name)
    (project.root / "fails").touch()
    assert project.node("production") == 1
    assert (project.root / "rolled").read_text() == "back\n"
    assert service.digest(name, "production") == old
    assert service.digest(name, "production-7") is None


def test_a_tag_that_cannot_be_moved_undoes_the_release(
    build: Build, service: RealRegistry, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The registry refuses the last of the three tags, as where it is protected there."""
    old = service.push(name, "production", "old")
    service.push(name, "candidate", "new")
    project = _project(build, name)
    monkeypatch.setattr("mlcc.runtime.image_registry.Registry.put", _refusing("production"))
    assert project.node("production") == 2
    end, verdict, cause = project.ended("production")
    assert (end, verdict) == ("failed", "error")
    assert cause == "it is deployed, and its tag isn't moved: production is protected; it was rolled back"
    assert (project.root / "rolled").read_text() == "back\n"
    assert service.digest(name, "production") == old


def _refusing(protected: str) -> object:
    from mlcc.runtime.image_registry import Manifest, Registry
    from mlcc.runtime.records import RunError

    put = Registry.put

    def refuse(self: Registry, tag: str, manifest: Manifest) -> None:
        if tag == protected:
            raise RunError(f"{tag} is protected")
        put(self, tag, manifest)

    return refuse


def test_the_rollbacks_node_leads_the_tag_back(build: Build, service: RealRegistry, name: str) -> None:
    """The machine was lost after the tag had moved: the state says that the release began, and no more."""
    old, new = service.push(name, "production", "old"), service.push(name, "candidate", "new")
    project = _project(build, name)
    assert project.node("production") == 0
    assert service.digest(name, "production") == new
    project.forge("s--production/state.json", end="failed", verdict="error", cause="its process was killed")
    for _ in range(2):
        assert project.node("production-rollback") == 0
        assert service.digest(name, "production") == old
    assert project.ended("production-rollback") == ("passed", "pass", "")


def test_the_step_after_a_killed_release_leads_the_tag_back(
    build: Build, service: RealRegistry, name: str
) -> None:
    """As on the same machine, where the CI system goes on after the process was killed, or a later step undoes it."""
    old, new = service.push(name, "production", "old"), service.push(name, "candidate", "new")
    project = _project(build, name)
    assert project.node("production") == 0
    assert service.digest(name, "production") == new
    project.forge("s--production/state.json", end="failed", verdict="error", cause="its process was killed")
    assert undo_main(project.platform) == 0
    assert service.digest(name, "production") == old
    assert project.ended("production")[2] == "its process was killed; it was rolled back"
    assert (project.root / "rolled").read_text() == "back\n"


def test_a_tag_that_cannot_be_led_back_is_told(
    build: Build, service: RealRegistry, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.push(name, "production", "old")
    new = service.push(name, "candidate", "new")
    project = _project(build, name)
    assert project.node("production") == 0
    project.forge("s--production/state.json", end="failed", verdict="error", cause="its process was killed")
    monkeypatch.setattr("mlcc.runtime.image_registry.Registry.put", _refusing("production"))
    assert undo_main(project.platform) == 1
    assert project.ended("production")[2] == (
        "its process was killed; it can't be undone: production is protected"
    )
    assert project.state("production")["rolled_back"] is False
    assert service.digest(name, "production") == new


def test_a_rollback_leaves_a_tag_that_another_release_has_moved(
    build: Build, service: RealRegistry, name: str
) -> None:
    service.push(name, "production", "old")
    service.push(name, "candidate", "new")
    project = _project(build, name)
    assert project.node("production") == 0
    later = service.push(name, "production", "later")
    project.forge("s--production/state.json", end="failed", verdict="error", cause="its process was killed")
    assert project.node("production-rollback") == 0
    assert service.digest(name, "production") == later


def test_the_same_image_again_is_undone_to_itself(build: Build, service: RealRegistry, name: str) -> None:
    """What was live before was the same image: leading the tag to the one before that would be wrong."""
    digest = service.push(name, "candidate", "same")
    service.put(name, "production", service.manifest(name, digest) or b"")
    service.push(name, "production-previous", "long ago")
    project = _project(build, name)
    assert project.node("production") == 0
    project.forge("s--production/state.json", end="failed", verdict="error", cause="its process was killed")
    assert project.node("production-rollback") == 0
    assert service.digest(name, "production") == digest


def test_a_first_release_whose_tag_the_registry_keeps(build: Build, service: RealRegistry, name: str) -> None:
    """Debian's registry removes manifests, and no tags alone."""
    service.push(name, "candidate", "new")
    project = _project(build, name)
    assert project.node("production") == 0
    project.forge("s--production/state.json", end="failed", verdict="error", cause="its process was killed")
    assert project.node("production-rollback") == 2
    assert project.ended("production-rollback")[2] == (
        "it was rolled back, and its tag wasn't: nothing was live before "
        f"{service.host}/{name}:production, and the registry doesn't remove that tag"
    )


def test_a_person_brings_back_what_was_live(build: Build, service: RealRegistry, name: str) -> None:
    old = service.push(name, "production", "old")
    service.push(name, "candidate", "new")
    spec = SPEC.replace("rollback: {", "rollback: {manual: back, ").replace("acme/credit", name)
    head = HEAD.replace("triggers: {", "triggers: {manual: {back: {}}, ")
    project = build(spec, head=head)
    assert project.plan.nodes["production-restore"].tags == (("server", "production"),)
    project.select()
    assert project.node("fetch-server") == 0
    assert project.node("production") == 0
    project.select(event="manual", hint="back")
    assert project.node("production-restore") == 0
    assert service.digest(name, "production") == old
    assert Path("rolled").read_text() == "back\n"


def test_a_run_whose_name_no_tag_can_hold() -> None:
    assert tag_of("production-jenkins-credit-feature%2Fx-12") == "production-jenkins-credit-feature-2Fx-12"
    long = f"production-{'a' * 200}-12"
    end = hashlib.sha256(long.encode()).hexdigest()[:32]
    assert tag_of(long) == f"production-{'a' * 84}-{end}"
    assert len(tag_of(long)) == 128


@pytest.mark.parametrize("live", ["production-6", "production-6-r2"])
def test_an_adapter_says_what_a_person_brought_back(
    live: str, build: Build, service: RealRegistry, name: str
) -> None:
    wanted = service.push(name, "production-6", "wanted")
    service.push(name, "production", "live")
    service.push(name, "production-previous", "another")
    service.push(name, "candidate", "new")
    spec = SPEC.replace("rollback: {", "rollback: {manual: back, ").replace("acme/credit", name)
    project = build(spec, head=HEAD.replace("triggers: {", "triggers: {manual: {back: {}}, "))
    leg = Attempt("production-restore", "", _selected(project))
    restore_tags(leg, live, project.root)
    assert service.digest(name, "production") == wanted


def _selected(project: Project) -> FakePlatform:
    project.select(event="manual", hint="back")
    return project.platform
