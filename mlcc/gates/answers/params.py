"""The parameters of an `answers` gate."""

from __future__ import annotations

from pydantic import Field

from mlcc.gates._serving.params import LatencyLimit
from mlcc.spec.base import Duration, EnvName, Model, Path, Text


class Answers(Model):
    """Asks a server that runs elsewhere, such as in staging, golden queries, and measures its latency.

    Nothing is started. No proxy is asked, no redirect followed, and a certificate that can't be trusted is an error. A limit
    on latency passes when the upper confidence bound keeps to it, fails when the estimate exceeds it, and is inconclusive
    between the two.
    """

    url: Text | None = Field(
        None,
        description=(
            "Where the server is: http or https, a host, and a port and a path before all others if need be. Only what "
            "verifies a release's candidate may do without."
        ),
    )
    token: EnvName | None = Field(
        None,
        description="Environment variable of the gate that holds a bearer token; https only, or on this machine.",
    )
    golden: Path = Field(
        description=(
            "Committed JSON file: a list of {name, request, response, tolerance?}, where request is {method?, path?, body} "
            "and response {status?, body}."
        )
    )
    tolerance: int | float = Field(
        0, ge=0, description="Largest difference of a number from the golden one; all else must be equal."
    )
    trace: Text | None = Field(
        None, description="Name of the golden query that is traced; the first one, if not given."
    )
    ready: Text = Field("/health", description="Path that answers 2xx while the server can be asked.")
    path: Text = Field("/predict", description="Path of golden requests that name none.")
    ready_within: Duration = Field("60s", description="How long the server may take until it is ready.")
    answer_within: Duration = Field("10s", description="How long one whole answer may take.")
    latency_p95: LatencyLimit | None = Field(
        None, description="Limit on the 95th percentile of latency, as it is seen from the gate's machine."
    )
    requests: int = Field(
        200, ge=80, le=100_000, description="How many requests are measured, one after the other."
    )
    warmup: int = Field(20, ge=0, le=100_000, description="How many requests come before them, not measured.")


PARAMS = Answers
