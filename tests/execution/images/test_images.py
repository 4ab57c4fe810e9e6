"""Pipelines that build an image of their model, judge and release it really run, against a real registry."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlcc.backends import BACKENDS
from mlcc.semantics import Event
from tests.execution.equivalence.case import SECRET, Case, Data, scratch
from tests.execution.equivalence.runners import runner
from tests.images.registry import DOCKERFILE, RealRegistry, buildah_env, registry

SERVE = Path(__file__).parents[1] / "releases" / "serve.py"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    with registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


def _spec(repository: str, folder: Path, adapter: str) -> Data:
    return {
        "version": 1,
        "name": "p",
        "triggers": {"push": {"branches": ["main"]}, "pull_request": {"branches": ["main"]}},
        "environments": {"production": {}},
        "artifacts": {
            "model": {"kind": "model", "path": "build/model/"},
            "server": {
                "kind": "image",
                "repository": repository,
                "login": {"user": "runner", "password": {"secret": "TOKEN"}},
                "build": {"includes": ["model"], "builder": "buildah", "env": buildah_env(folder)},
            },
        },
        "jobs": {"train": {"run": "printf w1 > build/model/w.bin", "writes": ["model"]}},
        "gates": {
            "sane": {"guards": "model", "command": {"run": "grep -q w1 build/model/w.bin"}},
            "named": {"guards": "server", "command": {"run": f'echo "$ARTIFACT_SERVER" > {folder}/named'}},
        },
        "releases": {
            "production": {
                "deploys": ["server"],
                "run": f'echo "$ARTIFACT_SERVER" > {folder}/deployed; {adapter}',
                "rollback": {"run": f"echo back > {folder}/rolled"},
            }
        },
    }


@pytest.mark.parametrize("name", sorted(BACKENDS))
def test_an_image_is_built_judged_released_and_promoted(
    name: str, service: RealRegistry, tmp_path: Path
) -> None:
    repository = f"acme/{name}"
    spec = _spec(f"{service.host}/{repository}", tmp_path / "images", "true")
    case = Case("images", spec, Event("push", branch="main"), files={"Dockerfile": DOCKERFILE})
    run = runner(name).run(scratch(case, tmp_path, (name,)))
    assert run.green, run.log[-3000:]
    digest = run.states["build-server", ""]["outputs"]["server"]
    assert service.digest(repository, "production") == digest
    assert run.verdicts["named", ""]["inputs"]["server"]["digest"] == digest
    for place in ("named", "deployed"):
        text = (tmp_path / "images" / place).read_text("utf-8")
        assert text == f"{service.host}/{repository}@{digest}\n"
    assert _files(service, repository, digest)["model/w.bin"] == b"w1"
    assert SECRET not in run.log


@pytest.mark.parametrize("name", sorted(BACKENDS))
def test_no_fork_builds(name: str, service: RealRegistry, tmp_path: Path) -> None:
    spec = _spec(f"{service.host}/acme/fork", tmp_path / "images", "true")
    event = Event("pull_request", branch="main", fork=True)
    run = runner(name).run(
        scratch(Case("fork", spec, event, files={"Dockerfile": DOCKERFILE}), tmp_path, (name,))
    )
    assert run.green, run.log[-3000:]
    assert run.selection["selected"] == ["train", "sane"]
    assert (
        run.selection["reasons"]["build-server"]
        == "it pushes an image, and the pull request comes from a fork"
    )


@pytest.mark.parametrize("name", sorted(BACKENDS))
def test_a_release_that_fails_leads_the_tag_nowhere_else(
    name: str, service: RealRegistry, tmp_path: Path
) -> None:
    repository = f"acme/failed-{name}"
    before = service.push(repository, "production", "before")
    spec = _spec(f"{service.host}/{repository}", tmp_path / "images", "false")
    case = Case("failed", spec, Event("push", branch="main"), files={"Dockerfile": DOCKERFILE})
    run = runner(name).run(scratch(case, tmp_path, (name,)))
    assert not run.green
    assert run.states["production", ""]["cause"] == "its command ended with 1; it was rolled back"
    assert (tmp_path / "images/rolled").read_text("utf-8") == "back\n"
    assert service.digest(repository, "production") == before


@pytest.mark.parametrize("name", sorted(BACKENDS))
def test_an_adapter_releases_an_image_and_its_tag_follows(
    name: str, service: RealRegistry, tmp_path: Path
) -> None:
    """Deployed, verified and promoted by steps; what was live before stays named."""
    repository, folder = f"acme/adapter-{name}", tmp_path / "images"
    before = service.push(repository, "production", "before")
    spec = _spec(f"{service.host}/{repository}", folder, "true")
    spec["releases"]["production"] = {
        "deploys": ["server"],
        "adapter": {"command": "python3 serve.py"},
        "verify": {"command": {"run": f'echo "$ARTIFACT_SERVER" > {folder}/verified'}},
        "env": {"STATE": f"{folder}/state.json"},
    }
    files = {"Dockerfile": DOCKERFILE, "serve.py": SERVE.read_text("utf-8")}
    run = runner(name).run(
        scratch(Case("adapter", spec, Event("push", branch="main"), files=files), tmp_path, (name,))
    )
    assert run.green, run.log[-3000:]
    digest = run.states["build-server", ""]["outputs"]["server"]
    assert (folder / "verified").read_text("utf-8") == f"{service.host}/{repository}@{digest}\n"
    live = json.loads((folder / "state.json").read_text("utf-8"))["live"]
    assert {tag: service.digest(repository, tag) for tag in ("production", "production-previous", live)} == {
        "production": digest,
        "production-previous": before,
        live: digest,
    }


def _files(service: RealRegistry, repository: str, digest: str) -> dict[str, bytes]:
    found = {}
    for layer in service.layers(repository, digest):
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(layer))) as tar:
            for member in tar.getmembers():
                content = tar.extractfile(member)
                if content is not None:
                    found[member.name] = content.read()
    return found
