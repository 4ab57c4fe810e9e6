"""Pipelines whose artifacts are too large for the CI system really run: bytes by a bucket, handles by the CI system."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlcc.backends import BACKENDS
from mlcc.semantics import Event
from tests.execution.equivalence.case import SECRET, Case, Data, scratch
from tests.execution.equivalence.runners import runner
from tests.objects.store import Store, moto

DATA = bytes(range(256)) * 80_000  # 20.48 MB: in two parts
MAKE = "python3 -c \"open('build/data.bin', 'wb').write(bytes(range(256)) * 80_000)\""
TRAIN = """python3 - <<'END'
import hashlib
data = open("build/data.bin", "rb").read()
open("build/model/sum", "w").write(hashlib.sha256(data).hexdigest())
open("build/model/w.bin", "wb").write(data[:1000])
END"""


@pytest.fixture(scope="module")
def service() -> Iterator[Store]:
    with moto() as found:
        yield found


def _spec(url: str, bucket: str) -> Data:
    return {
        "version": 1,
        "name": "p",
        "triggers": {"push": {"branches": ["main"]}, "pull_request": {"branches": ["main"]}},
        "store": {
            "uri": f"s3://{bucket}/team",
            "env": {
                "AWS_ENDPOINT_URL": url,
                "AWS_ACCESS_KEY_ID": "tester",
                "AWS_SECRET_ACCESS_KEY": {"secret": "TOKEN"},
            },
        },
        "artifacts": {
            "data": {"kind": "data", "path": "build/data.bin", "store": True},
            "model": {"kind": "model", "path": "build/model/", "store": True},
            "parts": {"kind": "data", "path": "build/parts/", "store": True},
        },
        "jobs": {
            "load": {"run": MAKE, "writes": ["data"]},
            "train": {"run": TRAIN, "reads": ["data"], "writes": ["model"]},
            "split": {
                "run": 'echo "$MATRIX_K" > build/parts/k',
                "reads": ["model"],
                "writes": ["parts"],
                "matrix": {"axes": {"k": ["a", "b"]}},
            },
            "join": {"run": "cat build/parts/a/k build/parts/b/k", "reads": ["parts", "data"]},
            "words": {"run": "true"},
        },
        "gates": {
            "same": {
                "guards": "model",
                "command": {"run": f"test $(cat build/model/sum) = {hashlib.sha256(DATA).hexdigest()}"},
            },
        },
    }


@pytest.mark.parametrize("name", sorted(BACKENDS))
def test_artifacts_travel_by_the_store(name: str, service: Store, tmp_path: Path) -> None:
    bucket = f"acme-{name}"
    service.bucket(bucket)
    case = Case("store", _spec(service.url, bucket), Event("push", branch="main"))
    run = runner(name).run(scratch(case, tmp_path, (name,)))
    assert run.green, run.log[-3000:]
    assert {id for (id, _), state in run.states.items() if state["end"] == "passed"} == {
        *("load", "train", "split", "join", "same", "words"),
    }
    sum = hashlib.sha256(DATA).hexdigest()
    assert run.states["load", ""]["outputs"] == {"data": f"sha256:{sum}"}
    small = {"sum": sum.encode(), "w.bin": DATA[:1000]}
    lines = sorted(f"{hashlib.sha256(content).hexdigest()}  {path}\n" for path, content in small.items())
    tree = hashlib.sha256("".join(lines).encode()).hexdigest()
    assert run.states["train", ""]["outputs"] == {"model": f"sha256:{tree}"}
    assert run.verdicts["same", ""]["inputs"]["model"]["digest"] == f"sha256:{tree}"
    assert _kept(service, bucket, sum) == DATA
    assert _kept(service, bucket, tree) == "".join(lines).encode()
    assert SECRET not in run.log


@pytest.mark.parametrize("name", sorted(BACKENDS))
def test_no_fork_reaches_the_store(name: str, service: Store, tmp_path: Path) -> None:
    """What needs no store runs for it all the same."""
    case = Case("fork", _spec(service.url, "acme-fork"), Event("pull_request", branch="main", fork=True))
    run = runner(name).run(scratch(case, tmp_path, (name,)))
    assert run.green, run.log[-3000:]
    assert run.selection["selected"] == ["words"]


@pytest.mark.parametrize("name", sorted(BACKENDS))
def test_a_bucket_that_is_missing(name: str, service: Store, tmp_path: Path) -> None:
    case = Case("away", _spec(service.url, "no-such-bucket"), Event("push", branch="main"))
    run = runner(name).run(scratch(case, tmp_path, (name,)))
    assert not run.green
    assert run.states["load", ""]["end"] == "failed"
    assert (
        run.states["load", ""]["cause"]
        == "the store s3://no-such-bucket/team can't be used: there is no such bucket"
    )
    assert run.result["nodes"]["train"]["end"] == "skipped"


def _kept(service: Store, bucket: str, hex: str) -> bytes:
    return service.get(bucket, f"team/sha256/{hex[:2]}/{hex}")
