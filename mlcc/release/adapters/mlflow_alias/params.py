"""The parameters of the adapter `mlflow_alias`."""

from __future__ import annotations

from pydantic import Field

from mlcc.spec.base import Command, EnvName, Model, Text


class MlflowAliasAdapter(Model):
    """An alias of a registered model, by MLflow's REST API. It names one version or another: there are no shares of requests.

    The candidate has the alias ALIAS-candidate, and what was live before ALIAS-previous.
    """

    url: Text = Field(description="The tracking server: https://mlflow.example.com.")
    model: Text = Field(description="The registered model, which is there already.")
    alias: Text = Field(default="champion", description="What is loaded by: models:/MODEL@champion.")
    publish: Command = Field(
        description="Registers the artifacts as a version, and prints its number as the last line; gets MLCC_RELEASE.",
    )
    token: EnvName | None = Field(
        default=None,
        description="Environment variable of the release that holds a bearer token; https only.",
    )


PARAMS = MlflowAliasAdapter
