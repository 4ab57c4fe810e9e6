"""KServe and Argo Rollouts: the command lines that kubectl gets, and where a release and its rollback leave a cluster.

kubectl is a program that keeps a cluster in a file. What KServe and Argo Rollouts do is taken from their sources.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.release.driven import Driven

KSERVE = {
    "name": "churn", "namespace": "models", "what": "s3://models/{release}", "publish": 'echo "$MLCC_RELEASE" >> published',
}  # fmt: skip
ARGO = {
    "name": "churn",
    "namespace": "models",
    "container": "server",
    "what": "reg/churn:{release}",
    "publish": None,
}
SERVICE = {
    "spec": {"predictor": {"model": {"storageUri": "s3://models/hand-made"}}},
    "status": {
        "components": {
            "predictor": {
                "uri": "s3://models/hand-made", "number": 1, "latestCreatedRevision": "churn-predictor-00001",
                "latestReadyRevision": "churn-predictor-00001", "latestRolledoutRevision": "churn-predictor-00001",
                "traffic": [{"latestRevision": True, "revisionName": "churn-predictor-00001", "percent": 100}],
            }
        }
    },
}  # fmt: skip
ROLLOUT = {
    "metadata": {"generation": 4},
    "spec": {
        "template": {"spec": {"containers": [{"name": "proxy", "image": "p"}, {"name": "server", "image": "reg/churn:1"}]}},
        "strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {"duration": 60}}]}},
    },
    "status": {"observedGeneration": "4", "phase": "Healthy", "stableRS": "reg/churn:1", "currentPodHash": "reg/churn:1"},
}  # fmt: skip
OBJECTS: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "kserve": (KSERVE, "inferenceservice/churn", SERVICE),
    "argo_rollouts": (ARGO, "rollouts.argoproj.io/churn", ROLLOUT),
}


class Cluster(Driven):
    """A release through a kubectl that keeps a cluster in a file."""

    def __init__(self, root: Path, adapter: str, **params: Any) -> None:
        own, self.key, found = OBJECTS[adapter]
        self.adapter = adapter
        super().__init__(root, {adapter: own}, **{"folder": str(root), "within": 1, **params})
        self.bin = root / "bin"
        self.bin.mkdir()
        shutil.copyfile(Path(__file__).with_name("fake_kubectl.py"), self.bin / "fake_kubectl.py")
        kubectl = self.bin / "kubectl"
        kubectl.write_text(f'#!/bin/sh\nexec {sys.executable} -I {self.bin}/fake_kubectl.py "$@"\n')
        kubectl.chmod(0o755)
        self.keep({self.key: found})

    def do(self, *words: str, run: str = "7", **env: str) -> int:
        return super().do(*words, run=run, PATH=f"{self.bin}:{os.environ['PATH']}", **env)

    def keep(self, cluster: dict[str, Any]) -> None:
        (self.bin / "cluster.json").write_text(json.dumps(cluster))

    @property
    def cluster(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.bin / "cluster.json").read_text())
        return found

    def notes(self) -> dict[str, str]:
        found: dict[str, str] = self.cluster["configmap/mlcc-churn"]["data"]
        left_out = ("lease", "released")
        return {
            key: value for key, value in found.items() if not key.endswith("_what") and key not in left_out
        }

    def changes(self) -> list[list[str]]:
        """The command lines that changed something, without the notes and what each line begins with."""
        path = self.bin / "lines.jsonl"
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        path.unlink()
        assert all(line[:2] == ["--namespace", "models"] for line in lines)
        return [line[3:] for line in lines if line[2] == "patch" and line[3] != "configmap"]

    def serves(self) -> tuple[str, float]:
        """What has what no candidate has, and the candidate's share."""
        found = self.cluster[self.key]
        if self.adapter == "argo_rollouts":
            return found["status"]["stableRS"], found["status"]["canary"]["weights"]["canary"]["weight"]
        predictor = found["status"]["components"]["predictor"]
        share = found["spec"]["predictor"].get("canaryTrafficPercent")
        return (predictor["uri"], 0) if share is None else (predictor["latestRolledoutRevision"], share)


@pytest.fixture(params=list(OBJECTS))
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Cluster:
    return Cluster(tmp_path, request.param)


BEFORE = {"kserve": "s3://models/hand-made", "argo_rollouts": "reg/churn:1"}
AFTER = {"kserve": "s3://models/live-7", "argo_rollouts": "reg/churn:live-7"}


def test_a_whole_release(cluster: Cluster) -> None:
    cluster.up_to(5)
    assert cluster.serves() == (AFTER[cluster.adapter], 0)
    assert cluster.notes() == {"live": "live-7", "candidate": "", "previous": "before-mlcc"}
    if cluster.adapter == "kserve":
        assert set(cluster.lines("published")) == {"live-7"}


@pytest.mark.parametrize("position", range(6))
def test_a_rollback_at_any_step_twice(cluster: Cluster, position: int) -> None:
    cluster.up_to(position)
    for _ in range(2):
        assert cluster.do("rollback") == 0, cluster.said
        if position:
            assert cluster.serves() == (BEFORE[cluster.adapter], 0)
            assert cluster.notes() == {"live": "before-mlcc", "candidate": "", "previous": ""}


def test_an_earlier_release_is_live_again_by_its_name(cluster: Cluster) -> None:
    cluster.up_to(5)
    cluster.up_to(5, run="8")
    assert cluster.do("restore", run="99", MLCC_RESTORE="live-7") == 0, cluster.said
    assert cluster.serves() == (AFTER[cluster.adapter], 0)
    assert cluster.notes() == {"live": "live-7", "candidate": "", "previous": "live-8"}
    assert cluster.do("restore", run="99", MLCC_RESTORE="live-9") == 1
    assert "'live-9' was never live: there are live-8 live-7" in cluster.said


def test_every_verb_twice(cluster: Cluster) -> None:
    for words in (["deploy"], ["step", "0"], ["step", "1"], ["step", "2"], ["promote"]):
        for _ in range(2):
            assert cluster.do(*words) == 0, cluster.said
    assert cluster.serves() == (AFTER[cluster.adapter], 0)


def test_the_first_release_has_what_was_there_before_it(cluster: Cluster) -> None:
    assert cluster.do("first") == 1
    assert "'before-mlcc' is live" in cluster.said


def test_kserves_command_lines(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, "kserve")
    begin = ["inferenceservice", "churn", "--type", "merge", "-p"]
    cluster.up_to(1)
    put = (
        '{"spec": {"predictor": {"canaryTrafficPercent": 0, "model": {"storageUri": "s3://models/live-7"}}}}'
    )
    assert cluster.changes() == [[*begin, put, "-o", "name"]]
    cluster.do("step", "0")
    assert cluster.changes() == [
        [*begin, '{"spec": {"predictor": {"canaryTrafficPercent": 5}}}', "-o", "name"]
    ]
    cluster.do("rollback")
    assert cluster.changes() == [
        [*begin, '{"spec": {"predictor": {"canaryTrafficPercent": 0}}}', "-o", "name"],
        [*begin, put.replace("live-7", "hand-made"), "-o", "name"],
        [*begin, '{"spec": {"predictor": {"canaryTrafficPercent": null}}}', "-o", "name"],
    ]


def test_argos_command_lines(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, "argo_rollouts")
    begin = ["rollouts.argoproj.io", "churn"]
    cluster.up_to(1)
    steps = (
        '{"spec": {"strategy": {"canary": {"steps": [{"setCanaryScale": {"replicas": 1}}, {"pause": {}}]}}}}'
    )
    image = (
        '[{"op": "replace", "path": "/spec/template/spec/containers/1/image", "value": "reg/churn:live-7"}]'
    )
    assert cluster.changes() == [
        [*begin, "--type", "merge", "-p", steps, "-o", "name"],
        [*begin, "--type", "json", "-p", image, "-o", "name"],
    ]
    cluster.do("step", "0")
    weight = '{"spec": {"strategy": {"canary": {"steps": [{"setWeight": 5}, {"pause": {}}]}}}}'
    assert cluster.changes() == [[*begin, "--type", "merge", "-p", weight, "-o", "name"]]
    cluster.do("step", "1")
    cluster.do("step", "2")
    cluster.changes()
    cluster.do("promote")
    full = '{"status": {"promoteFull": true}}'
    assert cluster.changes() == [
        [*begin, "--subresource", "status", "--type", "merge", "-p", full, "-o", "name"]
    ]


def test_kserves_raw_mode_ignores_the_split_and_is_found_out(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, "kserve")
    cluster.up_to(1)
    found = cluster.cluster
    del found[cluster.key]["status"]["components"]["predictor"]["traffic"]
    cluster.keep(found)
    assert cluster.do("step", "0") == 2
    assert (
        cluster.said == "mlcc: KServe's status tells no traffic: only its serverless mode splits requests\n"
    )


def test_a_revision_that_is_never_ready_is_the_releases_fault(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, "kserve")
    script = cluster.bin / "fake_kubectl.py"
    script.write_text(script.read_text().replace("latestReadyRevision=name", "latestReadyRevision='old'"))
    assert cluster.do("deploy") == 1
    assert cluster.said.endswith("\nmlcc: KServe has no ready revision within 1 s\n")


def test_notes_that_are_none_are_an_error(cluster: Cluster) -> None:
    for data in (None, [], {"data": 3}, {}):
        cluster.keep({**cluster.cluster, "configmap/mlcc-churn": data})
        assert cluster.do("deploy") == 2
        assert cluster.said == "mlcc: the ConfigMap mlcc-churn holds no notes of a release\n"


def test_a_lease_that_is_no_time_is_an_error(cluster: Cluster) -> None:
    cluster.up_to(1)
    found = cluster.cluster
    for lease, why in (
        ("soon", "the lease 'soon' that was noted is no time"),
        ("nan", "`describe` tells no numbers"),
    ):
        found["configmap/mlcc-churn"]["data"]["lease"] = lease
        cluster.keep(found)
        assert cluster.do("reconcile") == 2
        assert why in cluster.said


def test_an_object_that_is_not_there_is_an_error(cluster: Cluster) -> None:
    cluster.keep({})
    assert cluster.do("deploy") == 2
    assert cluster.said.endswith("mlcc: `kubectl get` ended with 1\n")


def test_a_container_that_the_rollout_has_not(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, "argo_rollouts")
    found = cluster.cluster
    del found[cluster.key]["spec"]["template"]["spec"]["containers"][1]
    cluster.keep(found)
    assert cluster.do("deploy") == 2
    assert cluster.said == "mlcc: the Rollout has no container 'server'\n"
