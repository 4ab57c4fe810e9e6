"""The parameters of a `serve` gate."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mlcc.gates._serving.params import LatencyLimit
from mlcc.spec.base import Command, Duration, Id, Model, Path, Size, Text


class MemoryLimit(Model):
    """The most memory that the model's processes have held (Linux)."""

    max: Size = Field(description="The sum of their largest resident sets must not exceed it: 512MB or 2GiB.")


class ServedChampion(Model):
    """The model in production, asked the same queries in turn with the candidate."""

    run: Command = Field(description="Starts the champion, as the gate's own `run` starts the candidate.")
    max_latency_ratio: int | float | None = Field(
        None,
        ge=0.01,
        description="Largest ratio of the candidate's p95 latency to the champion's, by its bound.",
    )
    max_memory_ratio: int | float | None = Field(
        None, ge=0.01, description="Largest ratio of the candidate's memory to the champion's."
    )


class Serve(Model):
    """Starts the packaged model, asks it golden queries, and measures latency and memory.

    A limit on latency passes when the upper confidence bound keeps to it, fails when the estimate exceeds it,
    and is inconclusive between the two. The model is ended with all that it started, whatever happens.
    """

    run: Command = Field(
        description="Starts the model: one bash process with `setup`, in strict mode. It listens on 127.0.0.1, at $PORT."
    )
    protocol: Literal["http", "jsonl"] = Field(
        "http",
        description="`jsonl`: a program that reads requests from standard input and writes answers, one JSON a line.",
    )
    golden: Path = Field(
        description=(
            "Committed JSON file: a list of {name, request, response, tolerance?}. Over http, request is "
            "{method?, path?, body} and response {status?, body}; with jsonl both are the JSON itself."
        )
    )
    tolerance: int | float = Field(
        0, ge=0, description="Largest difference of a number from the golden one; all else must be equal."
    )
    trace: Text | None = Field(
        None, description="Name of the golden query that is traced; the first one, if not given."
    )
    ready: Text = Field("/health", description="Path that answers 2xx once the model is loaded.")
    path: Text = Field("/predict", description="Path of golden requests that name none.")
    start_within: Duration = Field(
        "60s", description="How long the model may take until it is ready, after `setup`."
    )
    answer_within: Duration = Field("10s", description="How long one whole answer may take.")
    latency_p95: LatencyLimit | None = Field(None, description="Limit on the 95th percentile of latency.")
    memory: MemoryLimit | None = Field(None, description="Limit on memory.")
    champion: ServedChampion | None = Field(None, description="The model to compare with.")
    requests: int = Field(
        200, ge=80, le=100_000, description="How many requests are measured, one after the other."
    )
    warmup: int = Field(20, ge=0, le=100_000, description="How many requests come before them, not measured.")
    reads: list[Id] = Field(
        default_factory=list, description="Artifacts that the programs read, beside the guarded one."
    )


PARAMS = Serve
