"""SageMaker and Vertex AI: the command lines that their clients get, and where a release and its rollback leave an endpoint.

The clients are programs that keep an endpoint in a file. Options and fields are those of aws 1.45 and gcloud 528.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.release.driven import Driven

ARN = "arn:aws:sagemaker:eu-north-1:123456789012:endpoint/churn"
PLAIN = {
    "VariantName": "AllTraffic",
    "ModelName": "churn-1",
    "InstanceType": "ml.m5.large",
    "InitialInstanceCount": 2,
}
CLOUDS = {
    "endpoint": {
        "EndpointArn": ARN, "EndpointConfigName": "by-hand",
        "ProductionVariants": [{"VariantName": "AllTraffic", "CurrentWeight": 1.0}],
    },
    "configs": {
        "by-hand": {
            "EndpointConfigName": "by-hand", "KmsKeyId": "key", "EndpointConfigArn": "arn",
            "ProductionVariants": [{**PLAIN, "InitialVariantWeight": 1.0}],
        }
    },
    "tags": {"team": "shop"},
    "vertex": {"deployedModels": [{"id": "42"}], "trafficSplit": {"42": 100}, "labels": {"team": "shop"}},
}  # fmt: skip
PARAMS: dict[str, dict[str, Any]] = {
    "sagemaker": {"endpoint": "churn", "publish": 'echo "$MLCC_RELEASE" >> published'},
    "vertex": {
        "endpoint": "123", "region": "europe-north1", "project": "shop", "model": "churn-{release}",
        "machine_type": "n1-standard-4", "replicas": 2, "publish": 'echo "$MLCC_RELEASE" >> published',
    },
}  # fmt: skip
DEPLOYED = str(zlib.crc32(b"live-7"))


class Cloud(Driven):
    """A release through clients that keep an endpoint in a file."""

    def __init__(self, root: Path, adapter: str) -> None:
        super().__init__(root, {adapter: PARAMS[adapter]}, folder=str(root))
        self.adapter, self.bin = adapter, root / "bin"
        self.bin.mkdir()
        shutil.copyfile(Path(__file__).with_name("fake_clouds.py"), self.bin / "fake_clouds.py")
        for name in ("aws", "gcloud"):
            client = self.bin / name
            client.write_text(f'#!/bin/sh\nexec {sys.executable} -I {self.bin}/fake_clouds.py {name} "$@"\n')
            client.chmod(0o755)
        self.keep(CLOUDS)

    def do(self, *words: str, run: str = "7", **env: str) -> int:
        return super().do(*words, run=run, PATH=f"{self.bin}:{os.environ['PATH']}", **env)

    def keep(self, found: dict[str, Any]) -> None:
        (self.bin / "clouds.json").write_text(json.dumps(found))

    @property
    def clouds(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.bin / "clouds.json").read_text())
        return found

    def changes(self) -> list[list[str]]:
        """The command lines that changed something, without the notes."""
        path = self.bin / "lines.jsonl"
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        path.unlink()
        asks = ("describe", "list-tags", "add-tags", "wait", "--update-labels")
        return [line for line in lines if not any(word.startswith(asks) for word in line)]

    def serves(self) -> dict[str, float]:
        """Return the share of each variant or model that the endpoint has, in percent."""
        if self.adapter == "vertex":
            endpoint = self.clouds["vertex"]
            return {
                model["id"]: endpoint["trafficSplit"].get(model["id"], 0)
                for model in endpoint["deployedModels"]
            }
        weights = {
            v["VariantName"]: v["CurrentWeight"] for v in self.clouds["endpoint"]["ProductionVariants"]
        }
        return {name: 100 * weight / sum(weights.values()) for name, weight in weights.items()}

    def notes(self) -> dict[str, str]:
        found = self.clouds["tags"] if self.adapter == "sagemaker" else self.clouds["vertex"]["labels"]
        return {
            key[5:]: value for key, value in found.items() if key.startswith("mlcc") and "what" not in key
        }


@pytest.fixture(params=list(PARAMS))
def cloud(request: pytest.FixtureRequest, tmp_path: Path) -> Cloud:
    return Cloud(tmp_path, request.param)


BEFORE = {"sagemaker": {"AllTraffic": 100}, "vertex": {"42": 100}}
AFTER = {"sagemaker": {"AllTraffic": 0, "live-7": 100}, "vertex": {"42": 0, DEPLOYED: 100}}
HALF = {"sagemaker": {"AllTraffic": 50, "live-7": 50}, "vertex": {"42": 50, DEPLOYED: 50}}


def test_a_whole_release(cloud: Cloud) -> None:
    cloud.up_to(4)
    assert cloud.serves() == HALF[cloud.adapter]
    assert cloud.do("promote") == 0, cloud.said
    assert cloud.serves() == AFTER[cloud.adapter]
    empty = {"sagemaker": "", "vertex": "-"}[cloud.adapter]
    assert cloud.notes() == {"live": "live-7", "candidate": empty, "previous": "before-mlcc", "lease": "0"}
    assert cloud.lines("published") == ["live-7"]


@pytest.mark.parametrize("position", range(6))
def test_a_rollback_at_any_step_twice(cloud: Cloud, position: int) -> None:
    cloud.up_to(position)
    for _ in range(2):
        assert cloud.do("rollback") == 0, cloud.said
        assert cloud.serves() == BEFORE[cloud.adapter]


def test_every_verb_twice(cloud: Cloud) -> None:
    for words in (["deploy"], ["step", "0"], ["step", "1"], ["step", "2"], ["promote"]):
        for _ in range(2):
            assert cloud.do(*words) == 0, cloud.said
    assert cloud.serves() == AFTER[cloud.adapter]


def test_what_was_live_before_ends_when_the_next_release_begins(cloud: Cloud) -> None:
    cloud.up_to(5)
    assert cloud.do("deploy", run="8") == 0, cloud.said
    assert list(cloud.serves().values()) == [100, 0]
    assert cloud.do("rollback", run="8") == 0, cloud.said
    assert cloud.do("rollback", run="7") == 1
    assert "to bring back" in cloud.said
    assert list(cloud.serves().values()) == [100]


def test_the_same_release_again_after_its_rollback(cloud: Cloud) -> None:
    cloud.up_to(2)
    assert cloud.do("rollback") == 0, cloud.said
    cloud.up_to(5)
    assert cloud.serves() == AFTER[cloud.adapter]


def test_an_earlier_release_is_not_known_by_its_name(cloud: Cloud) -> None:
    cloud.up_to(5)
    cloud.up_to(5, run="8")
    assert cloud.do("restore", run="99", MLCC_RESTORE="live-7") == 1
    assert "'live-7' can't be brought back here: only what was live before can" in cloud.said
    assert cloud.do("restore", run="99") == 0, cloud.said
    assert cloud.notes()["live"] == "live-7"


def test_sagemakers_command_lines(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path, "sagemaker")
    cloud.up_to(2)
    made = {
        "EndpointConfigName": "live-7",
        "ProductionVariants": [
            {**PLAIN, "InitialVariantWeight": 1.0},
            {**PLAIN, "InitialVariantWeight": 0.0, "VariantName": "live-7", "ModelName": "live-7"},
        ],
        "KmsKeyId": "key",
    }
    first, update, weigh = cloud.changes()
    assert first[:3] == ["sagemaker", "create-endpoint-config", "--cli-input-json"]
    assert json.loads(first[3]) == made
    assert update == [
        "sagemaker",
        "update-endpoint",
        "--endpoint-name",
        "churn",
        "--endpoint-config-name",
        "live-7",
    ]
    assert weigh[:5] == [
        "sagemaker", "update-endpoint-weights-and-capacities", "--endpoint-name", "churn", "--desired-weights-and-capacities",
    ]  # fmt: skip
    assert json.loads(weigh[5]) == [
        {"VariantName": "AllTraffic", "DesiredWeight": 95.0},
        {"VariantName": "live-7", "DesiredWeight": 5.0},
    ]


def test_vertexs_command_lines(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path, "vertex")
    cloud.up_to(2)
    where = ["123", "--region", "europe-north1", "--project", "shop", "--quiet"]
    assert cloud.changes() == [
        ["ai", "endpoints", "deploy-model", *where, "--model", "churn-live-7", "--display-name", "live-7",
         "--deployed-model-id", DEPLOYED, "--machine-type", "n1-standard-4", "--min-replica-count", "2"],
        ["ai", "endpoints", "update", *where, "--traffic-split", f"42=95,{DEPLOYED}=5"],
    ]  # fmt: skip
    cloud.do("rollback")
    assert cloud.changes() == [
        ["ai", "endpoints", "update", *where, "--traffic-split", f"42=100,{DEPLOYED}=0"],
        ["ai", "endpoints", "update", *where, "--traffic-split", "42=100"],
        ["ai", "endpoints", "undeploy-model", *where, "--deployed-model-id", DEPLOYED],
    ]


def test_an_update_that_sagemaker_undoes_is_the_releases_fault(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path, "sagemaker")
    cloud.keep({**CLOUDS, "undoes": True})
    assert cloud.do("deploy") == 1
    why = "SageMaker undid the update to the configuration 'live-7': its events say why"
    assert cloud.said.endswith(f"\nmlcc: {why}\n")
    assert cloud.do("rollback") == 0, cloud.said
    assert cloud.serves() == {"AllTraffic": 100}


def test_an_endpoint_with_two_variants_is_no_beginning(cloud: Cloud) -> None:
    found = cloud.clouds
    found["endpoint"]["ProductionVariants"].append({"VariantName": "b", "CurrentWeight": 1.0})
    found["vertex"]["deployedModels"].append({"id": "43"})
    cloud.keep(found)
    assert cloud.do("deploy") == 2
    assert "mlcc begins with one, which is live" in cloud.said


def test_a_run_whose_id_is_no_name_there_is_refused(cloud: Cloud) -> None:
    assert cloud.do("deploy", run="A.b") == 2
    assert "'live-A.b' is no " in cloud.said
    assert cloud.serves() == BEFORE[cloud.adapter]


def test_a_publication_that_fails_puts_nothing(cloud: Cloud) -> None:
    path = cloud.root / ".mlcc/releases/live.json"
    params = json.loads(path.read_text())
    params["adapter"][cloud.adapter]["publish"] = "exit 9"
    path.write_text(json.dumps(params))
    assert cloud.do("deploy") == 2
    assert cloud.said == "mlcc: `publish` ended with 9\n"
    assert cloud.serves() == BEFORE[cloud.adapter]
