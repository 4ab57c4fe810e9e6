"""The flights pipeline with its data and its model in a bucket, as its README says, and trained somewhere else.

On every CI system: the run that is killed while it waits for the training submits nothing again when it is run again.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mlcc.backends import BACKENDS
from mlcc.compiler import analyse, compile_files
from mlcc.semantics import Event
from tests.execution.equivalence.case import SECRET, Case, Scratch
from tests.execution.equivalence.runners import runner
from tests.execution.flights.conftest import FLIGHTS
from tests.execution.flights.test_flights import GATES, ends
from tests.execution.github.scratch import project_files, scratch_repo
from tests.objects.store import Store, moto

PUSH = Event("push", branch="main")
CLUSTER = Path(__file__).with_name("cluster.sh")
REMOTE = """jobs:
  train:
    env: {CLUSTER: FOLDER}
    remote:
      submit: bash ci/cluster.sh submit
      poll: exec bash ci/cluster.sh poll
      cancel: bash ci/cluster.sh cancel
      collect: bash ci/cluster.sh collect
      every: 2s
"""


def _spec(store: Store) -> str:
    """Return the spec of the README, for a store on loopback."""
    blocks = re.findall(r"```yaml\n(.*?)```", (FLIGHTS / "README.md").read_text("utf-8"), re.DOTALL)
    (text,) = (block for block in blocks if "store:" in block)
    own = {
        "{var: STORE_URL}": store.url,
        "{secret: STORE_KEY_ID}": "tester",
        "{secret: STORE_KEY}": "{secret: TOKEN}",
    }
    for stated, value in own.items():
        assert stated in text
        text = text.replace(stated, value)
    return text


@contextmanager
def trains(cluster: Path, python: str) -> Iterator[None]:
    """Have a cluster run what is submitted to a folder: no runner has started it, and none ends it."""
    env = {**os.environ, "CLUSTER": str(cluster), "PYTHON": python, "PYTHONPATH": "src"}
    with subprocess.Popen(["bash", str(CLUSTER), "serve"], env=env, start_new_session=True) as server:
        try:
            yield
        finally:
            os.killpg(server.pid, signal.SIGKILL)


@pytest.mark.parametrize("name", sorted(BACKENDS))
def test_data_and_model_in_a_store_and_training_elsewhere(name: str, tmp_path: Path, python: str) -> None:
    cluster = tmp_path / "cluster"
    cluster.mkdir()
    with moto() as store, trains(cluster, python):
        store.bucket("flights")
        files = project_files(FLIGHTS)
        files["base.yaml"] = files.pop("mlcc.yaml")
        files["mlcc.yaml"] = (_spec(store) + REMOTE.replace("FOLDER", str(cluster))).encode()
        files["ci/cluster.sh"] = CLUSTER.read_bytes()
        files = {path: data for path, data in files.items() if not _is_compiled(path)}
        project = tmp_path / "project"
        for path, data in files.items():
            (project / path).parent.mkdir(parents=True, exist_ok=True)
            (project / path).write_bytes(data)
        analysis = analyse(project / "mlcc.yaml", project, assume_committed=True)
        compiled = {file.path: file.text for file in compile_files(analysis, [name])}
        repo = scratch_repo(tmp_path / "run", {**files, **compiled})
        case = Case("flights", {}, PUSH)
        scratch = Scratch(case, analysis.plan, repo, "main", None, tmp_path / "trace")
        run = runner(name).run(scratch, python)
        assert not run.green
        assert run.result["nodes"]["train"]["end"] == "failed", run.log[-3000:]
        assert run.result["nodes"]["package"]["end"] == "skipped"
        run = runner(name).run(scratch, python)
        assert run.green, run.log[-3000:]
        assert set(ends(run).values()) == {"passed"}
        verdicts = {gate: record["verdict"] for (gate, _), record in run.verdicts.items()}
        assert verdicts == dict.fromkeys(GATES, "pass")
        for node, id in (("fetch-raw", "raw"), ("featurize", "features"), ("train", "model")):
            hex = run.states[node, ""]["outputs"][id][len("sha256:") :]
            assert store.get("flights", f"ci/sha256/{hex[:2]}/{hex}")
        assert run.states["package", ""]["inputs"]["model"] == run.states["train", ""]["outputs"]["model"]
        assert [path.name for path in cluster.iterdir() if path.is_dir()] == [
            run.states["train", ""]["remote"]["handle"]
        ]
        assert not (cluster / "cancelled").exists()
        assert SECRET not in run.log


def _is_compiled(path: str) -> bool:
    return path.startswith((".mlcc/", ".github/", "live/")) or path in (".gitlab-ci.yml", "Jenkinsfile")
