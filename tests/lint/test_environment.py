"""The listed variables are those that the runtime sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlcc.lint.environment import LOGINS, Arrival, arrivals, environment_of
from mlcc.plan.document import to_runtime
from mlcc.runtime.login import Logins
from mlcc.runtime.values import node_env
from tests.lint.cases import subject
from tests.plans import HEAD

SPEC = """\
version: 1
name: p
triggers: {manual: {retrain: {inputs: {rate: {type: number, default: 0.1}}}}}
auth: {aws: {role: {var: ROLE}, region: eu-west-1}}
defaults: {env: {PYTHONPATH: src}}
environments: {staging: {env: {CLUSTER: stage}}}
artifacts:
  code: {kind: code, path: [src/]}
  raw-data: {kind: data, path: data/raw.csv}
  model: {kind: model, path: build/model/}
jobs:
  train:
    run: python train.py
    reads: [code, raw-data]
    writes: [model]
    outputs: [BEST]
    auth: [aws]
    environment: staging
    matrix: {axes: {depth: [3]}}
    services: {feature-store: {image: "redis:7", port: 6379}}
    env:
      RATE: {input: rate, default: 0.5}
      TOKEN: {secret: TOKEN}
      KEY: {secret: KEY, as: file}
      URL: {var: URL}
      DEPTH: {matrix: depth}
      RUN: {context: run_id}
  report: {run: ./report.sh, reads: [model], env: {DATE: {context: tag, default: none}}}
  best: {run: ./best.sh, env: {DATE: {output: date.DATE}}}
  date: {run: ./date.sh, outputs: [DATE]}
gates:
  serves: {guards: model, command: {run: ./check.sh}}
"""


def test_a_job_gets_what_its_spec_says() -> None:
    case = subject(SPEC)
    assert arrivals(case.plan.nodes["train"], case.plan) == [
        Arrival("ARTIFACT_CODE", "the path of the artifact 'code' (src/)"),
        Arrival("ARTIFACT_MODEL", "the path of the artifact 'model' (build/model/)"),
        Arrival("ARTIFACT_RAW_DATA", "the path of the artifact 'raw-data' (data/raw.csv)"),
        Arrival("AWS_DEFAULT_REGION", "set by the login to aws"),
        Arrival("AWS_REGION", "set by the login to aws"),
        Arrival("AWS_ROLE_ARN", "set by the login to aws"),
        Arrival("AWS_ROLE_SESSION_NAME", "set by the login to aws"),
        Arrival("AWS_WEB_IDENTITY_TOKEN_FILE", "set by the login to aws"),
        Arrival("CLUSTER", "'stage'"),
        Arrival("DEPTH", "the leg's value on the axis 'depth'"),
        Arrival("DIGEST_CODE", "the digest of the artifact 'code'"),
        Arrival("DIGEST_RAW_DATA", "the digest of the artifact 'raw-data'"),
        Arrival("KEY", "the path of a file with the secret KEY"),
        Arrival("MATRIX_DEPTH", "the leg's value on the axis 'depth'"),
        Arrival("MLCC_OUTPUTS", "the file that takes the outputs, as NAME=value lines"),
        Arrival("PYTHONPATH", "'src'"),
        Arrival("RATE", "the input 'rate' (default '0.5')"),
        Arrival("RUN", "the run's run_id"),
        Arrival("SERVICE_FEATURE_STORE_HOST", "the host of the service 'feature-store'"),
        Arrival("SERVICE_FEATURE_STORE_PORT", "the port of the service 'feature-store'"),
        Arrival("TOKEN", "the secret TOKEN"),
        Arrival("URL", "the variable URL"),
    ]


def test_a_gate_and_a_small_job_get_theirs() -> None:
    case = subject(SPEC)
    assert environment_of(case.plan.nodes["serves"], case.plan) == [
        "ARTIFACT_MODEL",
        "DIGEST_MODEL",
        "MLCC_VERDICT",
        "PYTHONPATH",
    ]
    assert environment_of(case.plan.nodes["best"], case.plan) == ["DATE", "PYTHONPATH"]


def test_work_that_runs_somewhere_else_gets_its_handle() -> None:
    remote = "{submit: s, poll: p, cancel: c, resume: false}"
    case = subject(HEAD + f"jobs:\n  far: {{remote: {remote}}}\n")
    assert environment_of(case.plan.nodes["far"], case.plan) == [
        "MLCC_HANDLE",
        "MLCC_HANDLE_FILE",
        "MLCC_REMOTE_KEY",
    ]


@pytest.mark.parametrize("id", ["train", "report", "serves", "date"])
def test_the_runtime_sets_the_same_names(id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"MLCC_SECRET_TOKEN": "t", "MLCC_SECRET_KEY": "k", "MLCC_VAR_URL": "u"}.items():
        monkeypatch.setenv(name, value)
    case = subject(SPEC)
    plan = to_runtime(case.plan)
    selection: dict[str, Any] = {"inputs": {}, "facts": {"run_id": "7"}, "commit": "c"}
    node = plan["nodes"][id]
    leg = next(iter(node.get("legs", {"": {}})))
    set_there = set(node_env(node, leg, plan, selection, tmp_path, dict.fromkeys(node["takes"], "sha256:0")))
    logins = {name for login in case.plan.nodes[id].logins for name in LOGINS[login.provider]}
    listed = set(environment_of(case.plan.nodes[id], case.plan)) - {"MLCC_OUTPUTS", "MLCC_VERDICT"}
    assert listed - logins == set_there


class TokenPlatform:
    """Gives tokens, and nothing else."""

    def registry_login(self, host: str) -> tuple[str, str] | None:
        return None

    def id_token(self, audience: str) -> str:
        return f"token for {audience}"


@pytest.mark.parametrize("provider", sorted(LOGINS))
def test_a_login_sets_the_same_names(provider: str, tmp_path: Path) -> None:
    values = {
        "aws": {"role": "r", "region": "eu"},
        "gcp": {"provider": "p", "service_account": "s"},
        "azure": {"client_id": "c", "tenant_id": "t"},
        "oidc": {},
    }
    platform: Any = TokenPlatform()
    logins = Logins([{"provider": provider, "audience": "https://a"}], values, tmp_path, platform)
    assert sorted(logins.env()) == sorted(LOGINS[provider])
