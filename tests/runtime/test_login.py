"""Logins without static keys: what the clouds' own libraries need arrives, and nothing else."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mlcc.backends.github.platform import GitHub
from mlcc.runtime import login as runtime_login
from mlcc.runtime.login import Logins
from mlcc.runtime.platform import Facts
from mlcc.runtime.records import RunError
from tests.plans import HEAD
from tests.runtime.conftest import Make
from tests.runtime.loopback import serve
from tests.runtime.project import FakePlatform

AUTH = """auth:
  aws: {role: {var: ROLE}, region: eu-west-1}
  gcp: {provider: projects/1/locations/global/workloadIdentityPools/p/providers/g, service_account: a@b.iam.gserviceaccount.com}
  azure: {client_id: c1, tenant_id: {secret: TENANT}}
  oidc: {audience: https://models.example.org}
"""


def seen(path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)


def test_every_provider(make: Make) -> None:
    tokens = "$AWS_WEB_IDENTITY_TOKEN_FILE $AZURE_FEDERATED_TOKEN_FILE $OIDC_TOKEN_FILE"
    run = f"env > seen; cat {tokens} > tokens; cp $GOOGLE_APPLICATION_CREDENTIALS gcp.json"
    project = make(
        HEAD
        + AUTH
        + f"jobs:\n  a: {{run: '{run}', auth: [aws, gcp, azure, oidc]}}\n  b: {{run: env > seen-b}}\n"
    )
    project.select()
    os.environ["MLCC_VAR_ROLE"], os.environ["MLCC_SECRET_TENANT"] = "arn:aws:iam::1:role/r", "t1"
    assert project.node("a") == 0, project.ended("a")
    env = seen(project.root / "seen")
    assert env["AWS_ROLE_ARN"] == "arn:aws:iam::1:role/r"
    assert env["AWS_REGION"] == env["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert (env["AZURE_CLIENT_ID"], env["AZURE_TENANT_ID"]) == ("c1", "t1")
    provider = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/g"
    assert project.platform.audiences == [
        "sts.amazonaws.com", "https:" + provider, "api://AzureADTokenExchange", "https://models.example.org",
    ]  # fmt: skip
    assert (project.root / "tokens").read_text() == "token-1token-3token-4"
    gcp = json.loads((project.root / "gcp.json").read_text())
    assert gcp["type"] == "external_account"
    assert gcp["audience"] == provider
    assert gcp["service_account_impersonation_url"].endswith(
        "/a@b.iam.gserviceaccount.com:generateAccessToken"
    )
    assert not Path(gcp["credential_source"]["file"]).exists()  # gone with the node
    project.node("b")
    variables = {
        "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "GOOGLE_APPLICATION_CREDENTIALS", "AZURE_FEDERATED_TOKEN_FILE",
        "OIDC_TOKEN_FILE",
    }  # fmt: skip
    assert variables <= set(env)
    assert not variables & set(seen(project.root / "seen-b"))
    assert not any("token-" in path.read_text() for path in (project.root / "_mlcc").rglob("*.json"))


def test_a_token_service_on_loopback(make: Make) -> None:
    project = make(HEAD + AUTH + "jobs:\n  a: {run: cp $OIDC_TOKEN_FILE seen, auth: [oidc]}\n")
    project.select()
    project.platform.id_token = GitHub().id_token  # type: ignore[method-assign]  # the real one asks loopback
    with serve(lambda _: (200, b'{"value": "ey.x"}')) as server:
        os.environ["ACTIONS_ID_TOKEN_REQUEST_URL"] = server.url + "/?v=1"
        os.environ["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = "r"
        assert project.node("a") == 0
    assert (project.root / "seen").read_text() == "ey.x"


def test_no_token_is_an_error_before_anything_runs(make: Make) -> None:
    project = make(HEAD + AUTH + "jobs:\n  a: {run: touch ran, auth: [oidc]}\n")
    project.select()

    def refuse(_: str) -> str:
        raise RunError("this job may not ask for an OpenID Connect token")

    project.platform.id_token = refuse  # type: ignore[method-assign]  # a CI system without the permission
    assert project.node("a") == 2
    assert project.ended("a") == ("failed", "error", "this job may not ask for an OpenID Connect token")
    assert not (project.root / "ran").exists()


def test_s10_a_login_keeps_a_node_from_forks(make: Make) -> None:
    head = HEAD.replace("push", "pull_request")
    project = make(head + AUTH + "jobs:\n  a: {run: t, auth: [oidc]}\n  b: {run: t}\n")
    assert project.select(event="pull_request", fork=True)["selected"] == ["b"]
    assert project.select(event="pull_request", fork=False)["selected"] == ["a", "b"]


def test_tokens_are_renewed_and_a_service_that_is_away_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(runtime_login.time, "monotonic", lambda: now[0])
    platform = FakePlatform(Facts("push", "c"))
    logins = Logins([{"provider": "oidc", "audience": "x"}], {}, tmp_path, platform)
    path = Path(logins.env()["OIDC_TOKEN_FILE"])
    assert path.read_text() == "token-1"
    assert path.stat().st_mode & 0o777 == 0o600
    for later, token in ((239, "token-1"), (241, "token-2"), (300, "token-2"), (482, "token-3")):
        now[0] = 1000.0 + later
        logins.tick()
        assert path.read_text() == token

    def away(_: str) -> str:
        platform.audiences.append("failed")
        raise RunError("away")

    monkeypatch.setattr(platform, "id_token", away)
    before = len(platform.audiences)
    for later in range(723, 783):
        now[0] = 1000.0 + later
        logins.tick()
    assert len(platform.audiences) - before == 4  # not once a second
    assert path.read_text() == "token-3"
    assert len(platform.warnings) == 4
