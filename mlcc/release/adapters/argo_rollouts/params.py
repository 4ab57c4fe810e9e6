"""The parameters of the adapter `argo_rollouts`."""

from __future__ import annotations

from pydantic import Field

from mlcc.spec.base import Command, Model, Text


class ArgoRolloutsAdapter(Model):
    """A Rollout with `strategy.canary.trafficRouting`, by kubectl. mlcc writes its `steps`, for its judge leads."""

    rollout: Text = Field(description="Name of the Rollout, which is there already.")
    namespace: Text = Field(default="default", description="Its namespace.")
    container: Text = Field(description="Name of the container whose image a release is.")
    image: Text = Field(
        description="A release's image; `{release}` is its id: registry.example.com/churn:{release}."
    )
    publish: Command | None = Field(
        default=None,
        description="Builds and pushes the image; gets MLCC_RELEASE. It may run more than once for one release.",
    )


PARAMS = ArgoRolloutsAdapter
