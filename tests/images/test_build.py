"""Images are built of committed files and of artifacts, pushed to a real registry, and known by their digests."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.images.registry import DOCKERFILE, PASSWORD, RealRegistry, buildah_env, registry
from tests.plans import HEAD
from tests.runtime.conftest import Make
from tests.runtime.conftest import make as make
from tests.runtime.project import Project

NAME = "acme/credit"
SPEC = """environments: {production: {}}
artifacts:
  model: {kind: model, path: build/model/}
  server:
    kind: image
    repository: HOST/acme/credit
    login: {user: robot, password: {secret: REGISTRY_PASSWORD}}
    build:
      includes: [model]
      args: {COLOUR: blue}
      env: {CONTAINERS_STORAGE_CONF: PLACE, BUILDAH_ISOLATION: chroot}
jobs:
  fit: {run: 'printf %s "$WEIGHTS" > build/model/w.bin', writes: [model], env: {WEIGHTS: {var: WEIGHTS, default: w1}}}
  use: {run: 'echo "$ARTIFACT_SERVER $DIGEST_SERVER" > used', reads: [server]}
gates:
  sane: {guards: model, command: {run: grep -q w build/model/w.bin}}
  named: {guards: server, command: {run: 'echo "$ARTIFACT_SERVER" > named; test -z "${REGISTRY_PASSWORD:-}"'}}
releases:
  production:
    deploys: [server]
    run: 'echo "$ARTIFACT_SERVER" > deployed; test ! -e fails'
    rollback: {run: echo back > rolled}
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    with registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture
def project(make: Make, service: RealRegistry, tmp_path: Path) -> Project:
    storage = buildah_env(tmp_path / "images")["CONTAINERS_STORAGE_CONF"]
    spec = HEAD + SPEC.replace("HOST", service.host).replace("PLACE", storage)
    made = make(spec, {"Dockerfile": DOCKERFILE})
    os.environ["MLCC_SECRET_REGISTRY_PASSWORD"] = PASSWORD
    return made


def _run(project: Project, *nodes: str) -> None:
    project.select()
    for node in nodes:
        assert project.node(node) == 0, (node, project.state(node))


ALL = ("fit", "sane", "build-server", "named", "use")


def test_an_image_is_built_and_passed_on_by_its_digest(project: Project, service: RealRegistry) -> None:
    _run(project, *ALL)
    digest = project.state("build-server")["outputs"]["server"]
    tag = f"mlcc-{project.git('rev-parse', 'HEAD')[:12]}-7"
    assert service.digest(NAME, tag) == digest
    assert (project.root / "used").read_text() == f"{service.host}/{NAME}@{digest} {digest}\n"
    assert (project.root / "named").read_text() == f"{service.host}/{NAME}@{digest}\n"
    assert project.record("s--named/verdict.json")["inputs"]["server"] == {
        "path": f"oci://{service.host}/{NAME}",
        "digest": digest,
    }
    assert project.record("d--build-server/server/handle.json") == {
        "uri": f"oci://{service.host}/{NAME}@{digest}",
        "digest": digest,
        "size": len(service.manifest(NAME, digest) or b""),
    }


def test_it_holds_what_was_judged_and_says_of_which_commit(project: Project, service: RealRegistry) -> None:
    _run(project, *ALL)
    digest = project.state("build-server")["outputs"]["server"]
    files = {}
    for layer in service.layers(NAME, digest):
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(layer))) as tar:
            for member in tar.getmembers():
                content = tar.extractfile(member)
                if content:
                    files[member.name] = (content.read(), member.mtime)
    epoch = int(project.git("show", "-s", "--format=%ct"))
    assert files == {"model/w.bin": (b"w1", epoch), "a.py": (b"a = 1\n", epoch)}
    config = json.dumps(service.config(NAME, digest))
    assert json.loads(config)["config"]["Labels"]["org.opencontainers.image.revision"] == project.git(
        "rev-parse", "HEAD"
    )
    assert PASSWORD not in config


def test_equal_inputs_give_an_equal_digest(project: Project) -> None:
    _run(project, *ALL)
    first = project.state("build-server")["outputs"]["server"]
    (project.root / "untracked.txt").write_text("left behind\n")
    (project.root / "src/a.py").touch()
    _run(project, *ALL)
    assert project.state("build-server")["outputs"]["server"] == first


def test_a_release_moves_the_tag_of_its_environment(project: Project, service: RealRegistry) -> None:
    _run(project, *ALL, "production")
    digest = project.state("build-server")["outputs"]["server"]
    assert service.digest(NAME, "production") == digest
    assert service.digest(NAME, "production-7") == digest
    assert (project.root / "deployed").read_text() == f"{service.host}/{NAME}@{digest}\n"
