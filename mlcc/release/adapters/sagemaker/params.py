"""The parameters of the adapter `sagemaker`."""

from __future__ import annotations

from pydantic import Field

from mlcc.spec.base import Command, Model, Text


class SagemakerAdapter(Model):
    """An endpoint, by the aws client. A release is a model, a variant and an endpoint configuration of the release's id.

    The candidate's variant is like the live one's, machines and all; what was live stays as a variant without requests.
    """

    endpoint: Text = Field(description="Name of the endpoint, which is there already with one variant.")
    publish: Command = Field(
        description="Creates the SageMaker model that is named as MLCC_RELEASE says; it may run more than once."
    )


PARAMS = SagemakerAdapter
