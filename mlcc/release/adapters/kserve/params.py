"""The parameters of the adapter `kserve`."""

from __future__ import annotations

from pydantic import Field

from mlcc.spec.base import Command, Model, Text


class KserveAdapter(Model):
    """An InferenceService with `predictor.model`, in KServe's serverless mode (others ignore the split), by kubectl."""

    service: Text = Field(description="Name of the InferenceService, which is there already.")
    namespace: Text = Field(default="default", description="Its namespace.")
    storage_uri: Text = Field(
        description="Where a release's model lies; `{release}` is its id: s3://models/{release}."
    )
    publish: Command | None = Field(
        default=None,
        description="Puts the artifacts there; gets MLCC_RELEASE. It may run more than once for one release.",
    )


PARAMS = KserveAdapter
