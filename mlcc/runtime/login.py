"""Logs in to clouds with the CI system's OpenID Connect token: no static keys, and no client to install.

The clouds' own libraries read the variables set here:
AWS: AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE; Google: an external_account file (google.aip.dev/auth/4117);
Azure: AZURE_FEDERATED_TOKEN_FILE. Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from mlcc.runtime.platform import Platform
from mlcc.runtime.records import RunError

REFRESH = 240.0  # seconds; GitHub's tokens live 300
RETRY = 15.0  # seconds until the next try where renewing failed


class Logins:
    """The logins of one node. `tick` renews their token files, since a token outlives no long training."""

    def __init__(
        self,
        logins: list[dict[str, Any]],
        values: dict[str, dict[str, str]],
        folder: Path,
        platform: Platform,
    ) -> None:
        self._platform = platform
        self._folder = folder
        self._audiences = {login["provider"]: str(login["audience"]) for login in logins}
        if "gcp" in self._audiences:
            self._audiences["gcp"] += values["gcp"]["provider"]
        self._values = values
        self._renewed = 0.0

    def env(self) -> dict[str, str]:
        """Get the tokens, write their files, and return the variables that point to them. Raises RunError."""
        if not self._audiences:
            return {}
        self._renew()
        env: dict[str, str] = {}
        for provider in self._audiences:
            env.update(self._provider_env(provider))
        return env

    def tick(self) -> None:
        """Renew the token files when they are about to expire."""
        if self._audiences and time.monotonic() - self._renewed > REFRESH:
            try:
                self._renew()
            except (
                RunError
            ) as problem:  # a token service that is away for a moment must not end a long training
                self._renewed += RETRY
                self._platform.warn(f"a token can't be renewed yet: {problem}")

    def _token_file(self, provider: str) -> Path:
        return self._folder / f"{provider}.token"

    def _renew(self) -> None:
        for provider, audience in self._audiences.items():
            write_private(self._token_file(provider), self._platform.id_token(audience))
        self._renewed = time.monotonic()

    def _provider_env(self, provider: str) -> dict[str, str]:
        values = self._values.get(provider, {})
        token = str(self._token_file(provider))
        if provider == "aws":
            region = values["region"]
            return {
                "AWS_ROLE_ARN": values["role"], "AWS_WEB_IDENTITY_TOKEN_FILE": token, "AWS_ROLE_SESSION_NAME": "mlcc",
                "AWS_REGION": region, "AWS_DEFAULT_REGION": region,
            }  # fmt: skip
        if provider == "gcp":
            path = self._folder / "gcp.json"
            write_private(path, json.dumps(_external_account(self._audiences[provider], values, token)))
            return {
                "GOOGLE_APPLICATION_CREDENTIALS": str(path),
                "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE": str(path),
            }
        if provider == "azure":
            return {
                "AZURE_CLIENT_ID": values["client_id"], "AZURE_TENANT_ID": values["tenant_id"],
                "AZURE_FEDERATED_TOKEN_FILE": token,
            }  # fmt: skip
        return {"OIDC_TOKEN_FILE": token}


def _external_account(audience: str, values: dict[str, str], token: str) -> dict[str, Any]:
    account = values["service_account"]
    return {
        "type": "external_account",
        "audience": audience.replace("https:", "", 1),
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": {"file": token},
        "service_account_impersonation_url": (
            f"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{account}:generateAccessToken"
        ),
    }


def write_private(path: Path, text: str) -> None:
    """Write a file that only this user can read, whole or not at all."""
    scratch = path.with_name(path.name + ".new")
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    scratch.replace(path)
