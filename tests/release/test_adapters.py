"""The registry of adapters, and what the emitted driver reads of each."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlcc.emitted import scripts
from mlcc.lint.commands import commands
from mlcc.load.source import read
from mlcc.release.adapters import ADAPTERS
from mlcc.release.kinds import DRIVEN
from mlcc.spec.validate import validate
from tests.plans import HEAD, plan_of
from tests.release.driven import SCRIPT

SPEC = (
    HEAD
    + """environments: {live: {}}
artifacts: {model: {kind: model, path: model.bin}}
releases:
  live: {deploys: [model], timeout: 5m, rollback: {drain: 7s}, adapter: {ADAPTER}}
"""
)
WRITTEN = {
    "command": "./serve.sh",
    "nginx": "{name: my-shop, folder: /srv/shop/, ports: [81, 82, 83], status: 84, start: ./up, stop: ./down}",
    "kserve": "{service: churn, storage_uri: 's3://models/{release}', publish: ./up}",
    "argo_rollouts": "{rollout: churn, namespace: ml, container: server, image: 'reg.io/churn:{release}'}",
    "sagemaker": "{endpoint: churn, publish: ./up}",
    "vertex": "{endpoint: '123', region: r1, project: p, model: 'churn-{release}', machine_type: n1-standard-4, publish: ./up}",
    "mlflow_alias": "{url: 'https://mlflow.example.com/', model: churn, publish: ./register, token: MLFLOW_TOKEN}",
}
COMPILED: dict[str, Any] = {
    "command": "./serve.sh",
    "nginx": {
        "name": "my_shop", "folder": "/srv/shop", "ports": [81, 82, 83], "status": 84, "start": "./up", "stop": "./down",
        "liveness": "/", "start_within": 60, "keep": 3, "reload": "nginx -t -q && nginx -s reload",
    },
    "kserve": {"name": "churn", "namespace": "default", "what": "s3://models/{release}", "publish": "./up"},
    "argo_rollouts": {
        "name": "churn", "namespace": "ml", "container": "server", "what": "reg.io/churn:{release}", "publish": None,
    },
    "sagemaker": {"endpoint": "churn", "publish": "./up"},
    "vertex": {
        "endpoint": "123", "region": "r1", "project": "p", "model": "churn-{release}", "machine_type": "n1-standard-4",
        "replicas": 1, "publish": "./up",
    },
    "mlflow_alias": {
        "url": "https://mlflow.example.com", "model": "churn", "alias": "champion", "publish": "./register",
        "token": "MLFLOW_TOKEN",
    },
}  # fmt: skip
COMMANDS = {
    "command": ["./serve.sh"],
    "nginx": ["./up", "./down", "nginx -t -q && nginx -s reload"],
    "kserve": ["./up"],
    "argo_rollouts": [],
    "sagemaker": ["./up"],
    "vertex": ["./up"],
    "mlflow_alias": ["./register"],
}


def written(name: str) -> str:
    return SPEC.replace("ADAPTER", f"{name}: {WRITTEN[name]}")


def test_the_emitted_script_knows_every_adapter() -> None:
    assert list(DRIVEN) == list(ADAPTERS) == list(WRITTEN)


@pytest.mark.parametrize("name", WRITTEN)
def test_what_the_driver_reads(name: str) -> None:
    files = {file.path: file.text for file in scripts(plan_of(written(name)))}
    found = json.loads(files[".mlcc/releases/live.json"])
    assert found["adapter"] == {name: COMPILED[name]}
    assert (found["within"], found["drain"], found["steps"]) == (300, 7, [])


@pytest.mark.parametrize("name", WRITTEN)
def test_the_users_commands_are_linted(name: str) -> None:
    found = [
        command.text
        for command in commands(validate(read(written(name).encode(), "mlcc.yaml")))
        if command.loc[2] == "adapter"
    ]
    assert found == COMMANDS[name]


@pytest.mark.parametrize("weight", [0.01, 5, 12.34, 99.99])
def test_weights_with_two_decimals(weight: float) -> None:
    assert ADAPTERS["nginx"].refusal(weight) is None


def test_each_adapter_has_a_section_whose_example_compiles() -> None:
    text = (Path(__file__).parents[2] / "docs/releases.md").read_text("utf-8")
    titles = re.findall(r"^### (.+)$", text, re.MULTILINE)
    assert set(titles) == set(ADAPTERS)
    examples = re.findall(r"^adapter: (\{.+\})$", text, re.MULTILINE)
    assert len(examples) == len(ADAPTERS) - 1  # the one of nginx is part of a whole spec
    for example in examples:
        assert plan_of(SPEC.replace("{ADAPTER}", example)).nodes["live"].releases


def test_importing_the_registry_imports_no_adapter() -> None:
    code = "import sys, mlcc.release.adapters; print([m for m in sys.modules if m.startswith('mlcc.release.adapters.')])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )


def test_the_script_runs_by_itself(tmp_path: Path) -> None:
    path = tmp_path / ".mlcc" / "release.py"
    path.parent.mkdir()
    path.write_text(SCRIPT)
    done = subprocess.run([sys.executable, "-I", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout.startswith("usage: ")
