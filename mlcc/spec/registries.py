"""Where versions of models are registered."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from mlcc.spec.base import Alias, Model, ModelName, SecretName, TrackingServer


class VariableRef(Model):
    """Takes the value of a plain variable of the CI system."""

    var: SecretName = Field(description="Name of the variable.")


class Registry(Model):
    """A registered model of MLflow's registry."""

    mlflow: TrackingServer | VariableRef = Field(
        description="The tracking server, as https://mlflow.example.com; commands get it as MLFLOW_TRACKING_URI."
    )
    model: ModelName = Field(description="Name of the registered model; it is made where there is none.")


class RegisteredVersion(Registry):
    """One version of a registered model: what an alias names when the run begins, or a number."""

    EXACTLY_ONE: ClassVar[tuple[tuple[str, ...], ...]] = (("alias", "version"),)
    alias: Alias | None = Field(default=None, description="An alias of the model, such as champion.")
    version: int | None = Field(default=None, ge=1, description="A version's number.")
