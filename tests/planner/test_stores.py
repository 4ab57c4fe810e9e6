"""Nodes that take what lies in several stores: as one account, or not at all."""

from __future__ import annotations

import pytest

from tests.plans import HEAD, plan_of

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
