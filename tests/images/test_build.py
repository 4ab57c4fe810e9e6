"""Images are built of committed files and of artifacts, pushed to a real registry, and known by their digests."""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import subprocess
import tarfile
from itertools import pairwise

import pytest

from mlcc.plan import Text
from tests.images.conftest import NAME, Build
from tests.images.registry import PASSWORD, RealRegistry
from tests.objects.store import free_port
from tests.runtime.project import Project

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


@pytest.fixture
def project(build: Build) -> Project:
    return build(SPEC)


def _run(project: Project, *nodes: str) -> None:
    project.select()
    for node in nodes:
        assert project.node(node) == 0, (node, project.state(node))


def _run_until_build(project: Project) -> None:
    project.select()
    assert [project.node(id) for id in ("fit", "sane", "build-server")] == [0, 0, 1]


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


def test_nothing_of_it_is_left_on_the_machine(project: Project) -> None:
    _run(project, "fit", "sane", "build-server")
    storage = project.plan.nodes["build-server"].env
    env = {**os.environ, **{name: value.text for name, value in storage if isinstance(value, Text)}}
    listed = subprocess.run(["buildah", "images", "-q"], env=env, capture_output=True, text=True, check=True)
    assert listed.stdout == ""


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


def test_what_is_not_committed_stays_out(build: Build, service: RealRegistry) -> None:
    project = build(SPEC, files={"Dockerfile": "FROM scratch\nCOPY . /all/\n", "serve/run": "#!/bin/sh\n"})
    (project.root / "serve/run").chmod(0o775)
    project.commit("a program")
    (project.root / ".env").write_text("KEY=1\n")
    _run(project, "fit", "sane", "build-server")
    found = {}
    for layer in service.layers(NAME, project.state("build-server")["outputs"]["server"]):
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(layer))) as tar:
            found.update({m.name: m.mode & 0o777 for m in tar.getmembers() if m.isfile()})
    assert {name for name in found if not name.startswith("all/.mlcc/")} == {
        *(
            "all/.gitignore",
            "all/Dockerfile",
            "all/mlcc.yaml",
            "all/serve/run",
            "all/src/a.py",
            "all/build/model/w.bin",
        ),
    }
    assert (found["all/serve/run"], found["all/src/a.py"]) == (0o755, 0o644)


# --- what fails -----------------------------------------------------------------------------------


def test_a_builder_that_fails(build: Build) -> None:
    project = build(SPEC, files={"Dockerfile": "FROM scratch\nCOPY gone /gone\n"})
    project.select()
    assert [project.node(id) for id in ("fit", "sane", "build-server", "use")] == [0, 0, 1, 0]
    assert project.ended("use")[0] == "skipped"
    end, verdict, cause = project.ended("build-server")
    assert (end, verdict) == ("failed", "fail")
    assert cause.startswith("its builder ended with ")


def test_a_builder_that_says_no_digest(build: Build) -> None:
    project = build(SPEC.replace("includes: [model]", "includes: [model]\n      builder: podman"))
    (project.root / "bin").mkdir()
    (project.root / "bin/podman").write_text("#!/bin/sh\nexit 0\n")
    (project.root / "bin/podman").chmod(0o755)
    os.environ["PATH"] = f"{project.root}/bin:{os.environ['PATH']}"
    _run_until_build(project)
    assert project.ended("build-server")[2] == "the builder ended well and didn't say which digest it pushed"


def test_a_digest_that_was_never_pushed(build: Build, service: RealRegistry) -> None:
    project = build(SPEC.replace("includes: [model]", "includes: [model]\n      builder: docker"))
    (project.root / "bin").mkdir()
    digest = f"sha256:{'0' * 64}"
    (project.root / "bin/docker").write_text(
        f"""#!/bin/sh
printf '%s\\n' "$@" > words
while [ "$1" != --metadata-file ]; do shift; done
echo '{{"containerimage.digest": "{digest}"}}' > "$2"
cp "$DOCKER_CONFIG/config.json" login; stat -c %a "$DOCKER_CONFIG/config.json" >> login
"""
    )
    (project.root / "bin/docker").chmod(0o755)
    os.environ["PATH"] = f"{project.root}/bin:{os.environ['PATH']}"
    _run_until_build(project)
    assert project.ended("build-server")[2] == (
        f"the builder pushed {digest}, and {service.host}/{NAME} has no such image"
    )
    words = (project.root / "words").read_text().splitlines()
    assert words[:3] == ["buildx", "build", "--pull"]
    commit = project.git("rev-parse", "HEAD")
    for pair in (
        ("--platform", "linux/amd64"),
        ("--label", f"org.opencontainers.image.revision={commit}"),
        ("--build-arg", "COLOUR=blue"),
        ("--tag", f"{service.host}/{NAME}:mlcc-{commit[:12]}-7"),
    ):
        assert pair in pairwise(words)
    assert {"--no-cache", "--provenance=false", "--push"} <= set(words)
    text, mode = (project.root / "login").read_text().rsplit("}", 1)
    auth = json.loads(text + "}")["auths"][service.host]["auth"]
    assert (base64.b64decode(auth).decode(), mode.strip()) == (f"robot:{PASSWORD}", "600")
    assert PASSWORD not in " ".join(words)


def test_a_manifest_that_was_changed_in_the_registry(build: Build, service: RealRegistry) -> None:
    project = build(SPEC.replace("COLOUR: blue", "COLOUR: red").replace("acme/credit", "acme/changed"))
    _run(project, "fit", "sane", "build-server", "named")
    digest = project.state("build-server")["outputs"]["server"]
    service.break_manifest(digest)
    assert project.node("use") == 2
    cause = project.ended("use")[2]
    assert digest in cause or "answered reading" in cause
    assert not (project.root / "used").exists()


def test_an_image_that_went(build: Build, service: RealRegistry) -> None:
    project = build(SPEC.replace("acme/credit", "acme/gone"))
    _run(project, "fit", "sane", "build-server", "named")
    digest = project.state("build-server")["outputs"]["server"]
    service.remove("acme/gone", digest)
    assert project.node("use") == 2
    assert project.ended("use")[2] == (
        f"{service.host}/acme/gone has no {digest} any more, which 'build-server' left as 'server'"
    )


def test_a_registry_that_is_away(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlcc.runtime.image_registry.time.sleep", lambda _: None)
    host = f"127.0.0.1:{free_port()}"
    project = build(LOOKED_UP, host)
    project.select()
    assert project.node("fetch-base") == 1
    assert project.ended("fetch-base")[2] == (
        f"the registry {host}, asked for acme/base, gave no proper answer (URLError), and it was tried 3 times"
    )


def test_a_wrong_password(build: Build, service: RealRegistry) -> None:
    project = build(LOOKED_UP)
    os.environ["MLCC_SECRET_REGISTRY_PASSWORD"] = "wrong-5d2a"
    project.select()
    assert project.node("fetch-base") == 1
    assert project.ended("fetch-base")[2] == (
        f"the registry {service.host}, asked for acme/base, refuses reading stable for the user robot (401)"
    )


# --- images that are there ------------------------------------------------------------------------

LOOKED_UP = """artifacts:
  base:
    kind: image
    repository: HOST/acme/base
    login: {user: robot, password: {secret: REGISTRY_PASSWORD}}
    from: {tag: stable}
jobs:
  use: {run: 'echo "$ARTIFACT_BASE" > used', reads: [base]}
"""


def test_a_tag_is_looked_up_once(build: Build, service: RealRegistry) -> None:
    project = build(LOOKED_UP)
    digest = service.push("acme/base", "stable", "first")
    _run(project, "fetch-base")
    assert service.push("acme/base", "stable", "second") != digest
    assert project.node("use") == 0
    assert (project.root / "used").read_text() == f"{service.host}/acme/base@{digest}\n"


def test_an_image_by_its_digest(build: Build, service: RealRegistry) -> None:
    digest = service.push("acme/base", "other", "by digest")
    project = build(LOOKED_UP.replace("tag: stable", f"digest: '{digest}'"))
    _run(project, "fetch-base", "use")
    assert (project.root / "used").read_text() == f"{service.host}/acme/base@{digest}\n"


def test_a_tag_that_is_not_there(build: Build, service: RealRegistry) -> None:
    project = build(LOOKED_UP.replace("tag: stable", "tag: gone"))
    project.select()
    assert project.node("fetch-base") == 1
    assert project.ended("fetch-base") == ("failed", "error", f"{service.host}/acme/base has no image gone")
