"""A cloud is entered with a key that never expires.

## What it does

Looks for secrets and variables under the names that the clouds give to static keys, such as
AWS_SECRET_ACCESS_KEY. A key of AWS's form beside AWS_ENDPOINT_URL opens a store of one's own, and is none of a cloud's.

## Why it is bad

A static key works for anybody who has it, from anywhere, until somebody remembers to change it. The CI
system's own token (OpenID Connect) lives for minutes and names the repository and branch. 11 of 25 public
pipelines keep static keys.

## Bad

    env:
      AWS_ACCESS_KEY_ID: {secret: AWS_ACCESS_KEY_ID}
      AWS_SECRET_ACCESS_KEY: {secret: AWS_SECRET_ACCESS_KEY}

## Good

    auth: {aws: {role: {var: AWS_ROLE}, region: eu-west-1}}
    jobs:
      fetch: {run: python fetch.py, auth: [aws], writes: [raw]}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity, Span
from mlcc.lint.subject import Subject
from mlcc.plan import Secret

ID = "static-cloud-credentials"
SEVERITY = Severity.WARNING
CLOUDS = {
    "AWS_SECRET_ACCESS_KEY": "aws",
    "GOOGLE_APPLICATION_CREDENTIALS": "gcp",
    "GOOGLE_CREDENTIALS": "gcp",
    "GOOGLE_SERVICE_ACCOUNT_KEY": "gcp",
    "GCP_SA_KEY": "gcp",
    "GCP_CREDENTIALS": "gcp",
    "GCLOUD_SERVICE_KEY": "gcp",
    "AZURE_CREDENTIALS": "azure",
    "AZURE_CLIENT_SECRET": "azure",
    "ARM_CLIENT_SECRET": "azure",
}


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each static key of a cloud."""
    seen: set[Span] = set()
    for id, node in subject.plan.nodes.items():
        own_store = {name for name, _ in node.env} & {"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"}
        for name, value in node.env:
            cloud = CLOUDS.get(name) or (CLOUDS.get(value.name) if isinstance(value, Secret) else None)
            if cloud is None or (cloud == "aws" and own_store) or not isinstance(value, Secret):
                continue
            span = subject.span(subject.stated(id, "env", name), key=True)
            if span not in seen:
                seen.add(span)
                yield subject.finding(
                    ID,
                    SEVERITY,
                    f"'{id}' enters the cloud with a static key ({value.name})",
                    span,
                    help=f"set up `auth: {{{cloud}: ...}}` once, and give the node `auth: [{cloud}]`",
                )
