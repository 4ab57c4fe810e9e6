"""The keys of `store`: where large artifacts, what environments run, and small records are kept."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mlcc.spec.base import EnvName, Model, StoreUri
from mlcc.spec.execution import EnvValue


class Store(Model):
    """Where large artifacts are kept by their digests, and what environments run. Pull requests of forks never reach it."""

    uri: StoreUri = Field(
        description="s3://BUCKET/PREFIX (S3, and what speaks its protocol), gs://…, az://… or abfs://…, file:///FOLDER of a "
        "mounted disk, or a folder of the project."
    )
    auth: list[Literal["aws", "gcp", "azure", "oidc"]] = Field(
        default_factory=list, description="Logins under `auth` of the nodes that move what it keeps."
    )
    env: dict[EnvName, EnvValue] = Field(
        default_factory=dict,
        description="Variables of the nodes that move what it keeps, such as its address and how to log in.",
    )
