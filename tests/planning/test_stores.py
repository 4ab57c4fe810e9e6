"""Nodes that take what lies in several stores: as one account, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plans import HEAD, diagnose, place, plan_of, related

SAME = "{AWS_REGION: eu-west-1}"
OTHER = "{AWS_ENDPOINT_URL: 'https://minio.example:9000', AWS_REGION: x}"


@pytest.mark.parametrize(
    ("live", "labels", "own"),
    [
        (SAME, SAME, "{}"),
        ("{}", "{}", "{}"),
        ("{MINE: a}", "{}", "{}"),
        (SAME, "{}", "{AWS_REGION: eu-west-1}"),
        (SAME, OTHER, "{AWS_ENDPOINT_URL: 'https://minio.example:9000', AWS_REGION: x}"),
    ],
)
def test_stores_that_one_account_reads(live: str, labels: str, own: str) -> None:
    plan = plan_of(
        HEAD + f"artifacts:\n  live: {{kind: data, uri: s3://abc/a, env: {live}}}\n"
        f"  labels: {{kind: data, uri: s3://abc/b, env: {labels}}}\n"
        f"jobs:\n  use: {{run: make, reads: [live, labels], env: {own}}}\n"
    )
    assert [take.artifact for take in plan.nodes["use"].takes] == ["live", "labels"]


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_STS"])
def test_a_login_with_an_address_of_one_service(name: str) -> None:
    plan = plan_of(
        HEAD + "auth: {aws: {role: {var: ROLE}, region: eu-west-1}}\n"
        f"jobs:\n  use: {{run: make, auth: [aws], env: {{{name}: 'https://vpce.example'}}}}\n"
    )
    assert [login.provider for login in plan.nodes["use"].logins] == ["aws"]


def test_variables_of_a_file_beside_a_file() -> None:
    """Without an address of a store nothing reads one: such variables are the command's own."""
    plan = plan_of(
        HEAD + "artifacts:\n  a: {kind: data, path: a.csv, env: {AWS_REGION: eu-west-1}}\n"
        "  b: {kind: data, path: b.csv}\njobs:\n  use: {run: make, reads: [a, b]}\n"
    )
    assert [name for name, _ in plan.nodes["use"].env] == ["AWS_REGION"]


def test_a_login_of_a_locked_gate_beside_its_own_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address stands among the defaults of the spec that locks the gate, which the extending one has replaced."""
    monkeypatch.chdir(tmp_path)
    Path("base.yaml").write_text(
        "auth: {aws: {role: {var: ROLE}, region: eu-west-1}}\n"
        "version: 1\nname: base\ntriggers: {push: {branches: [main]}}\n"
        "defaults: {env: {AWS_ENDPOINT_URL: 'https://minio.example:9000'}}\n"
        "artifacts: {live: {kind: data, uri: s3://abc/a.csv}}\n"
        "gates:\n"
        "  sane: {guards: live, locked: true, auth: [aws], contract: {columns: {x: {type: string}}}}\n"
    )
    (found,) = diagnose(
        "extends: [base.yaml]\nversion: 1\nname: p\ndefaults: {env: {drop: [AWS_ENDPOINT_URL]}}\n"
    )
    assert (found.code, place(found)) == ("bad-auth", "8:38")
    assert related(found) == [("8:3", "the other host")]
