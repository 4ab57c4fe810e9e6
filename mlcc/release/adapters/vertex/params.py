"""The parameters of the adapter `vertex`."""

from __future__ import annotations

from pydantic import Field

from mlcc.spec.base import Command, Model, Text


class VertexAdapter(Model):
    """An endpoint, by gcloud. What was live stays deployed without requests, until the next release."""

    endpoint: Text = Field(description="Id of the endpoint, which is there already with one deployed model.")
    region: Text = Field(description="Its region: europe-north1.")
    project: Text = Field(description="Id of its project.")
    model: Text = Field(description="Id of a release's model; `{release}` is its id: churn-{release}.")
    machine_type: Text = Field(description="What a release runs on: n1-standard-4.")
    replicas: int = Field(default=1, ge=1, le=10000, description="How many of them, at least.")
    publish: Command = Field(
        description="Uploads that model; gets MLCC_RELEASE. It may run more than once for one release."
    )


PARAMS = VertexAdapter
