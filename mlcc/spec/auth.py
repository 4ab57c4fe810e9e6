"""Logins without static keys: what stands under `auth`."""

from __future__ import annotations

from pydantic import Field

from mlcc.spec.base import Model, Text
from mlcc.spec.execution import EnvValue


class AwsAuth(Model):
    """AWS by OpenID Connect: the role to assume."""

    role: EnvValue = Field(description="ARN of the role.")
    region: EnvValue = Field(description="Such as eu-west-1.")
    audience: Text = Field(default="sts.amazonaws.com", description="Audience that the role trusts.")


class GcpAuth(Model):
    """Google Cloud by workload identity federation."""

    provider: EnvValue = Field(description="projects/…/providers/…")
    service_account: EnvValue = Field(description="Its address, as NAME@PROJECT.iam.gserviceaccount.com.")


class AzureAuth(Model):
    """Azure by federated credentials."""

    client_id: EnvValue = Field(description="Of the application or managed identity.")
    tenant_id: EnvValue = Field(description="Of the directory.")
    audience: Text = Field(default="api://AzureADTokenExchange", description="Audience of the credential.")


class OidcAuth(Model):
    """Any service that takes the CI system's OpenID Connect token (its path arrives as OIDC_TOKEN_FILE)."""

    audience: Text = Field(description="Audience that the service expects in the token.")


class Auth(Model):
    """Logins without static keys."""

    aws: AwsAuth | None = Field(default=None, description="Amazon Web Services.")
    gcp: GcpAuth | None = Field(default=None, description="Google Cloud.")
    azure: AzureAuth | None = Field(default=None, description="Microsoft Azure.")
    oidc: OidcAuth | None = Field(default=None, description="Another service.")
