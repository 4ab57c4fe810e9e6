"""What gates that ask golden queries have in common in their parameters."""

from __future__ import annotations

from pydantic import Field

from mlcc.spec.base import Latency, Model


class LatencyLimit(Model):
    """The 95th percentile of the time until the whole answer is there."""

    max: Latency = Field(description="Its upper confidence bound (95 %) must not exceed it: 50ms or 2s.")
