"""The parameters of a `canary` gate. `Analysis` stands by itself, for whatever else judges a candidate against a control."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from mlcc.spec.base import Command, Duration, EnvName, Factor, Id, Latency, Model, Path, Text


class CanaryRate(Model):
    """A share of the requests that are bad: errors, slow answers, wrong predictions."""

    max: int | float = Field(
        ge=0.000001, le=0.999, description="The rate must be shown to be at most this before the gate passes."
    )
    worse_than_control: int | float | None = Field(
        None,
        ge=1,
        le=1000,
        description="The gate fails when the rate is shown to be over this many times the control's.",
    )
    over: Latency | None = Field(
        None, description="What counts as slow, such as 250ms: the rate is of the counter `slow`."
    )
    count: Text | None = Field(
        None, description="The counter of bad requests: `slow` with `over`, else `bad`, if not given."
    )


class CanaryMetric(Model):
    """A rate or a distribution, counted in both arms."""

    EXACTLY_ONE: ClassVar[tuple[tuple[str, ...], ...]] = (("rate", "histogram"),)
    rate: CanaryRate | None = Field(None, description="A share of the requests, with its limits.")
    histogram: Text | None = Field(
        None, description="Name of a histogram, whose buckets must be distributed as the control's."
    )
    on_drift: Literal["hold", "fail"] | None = Field(
        None,
        description="What another distribution is: `hold` (inconclusive, if not given), for it need not be worse, or `fail`.",
    )


class CanaryJudge(Model):
    """How sure the judge must be. It may look as often as it likes."""

    alpha: int | float = Field(
        default=0.05,
        ge=0.0001,
        le=0.2,
        description="Largest chance, over all looks and metrics, of failing a candidate that keeps to its limits.",
    )
    min_bad: int = Field(
        default=3,
        ge=1,
        le=1000,
        description="How many bad requests the candidate has at least when a rate fails.",
    )
    min_requests: int = Field(
        default=100, ge=1, le=1_000_000_000, description="Fewer requests of the candidate are inconclusive."
    )


class CanaryAnalysis(Model):
    """What is measured, and how it is judged."""

    metrics: dict[Id, CanaryMetric] = Field(
        min_length=1, description="What is measured: a name and its limits."
    )
    judge: CanaryJudge = Field(default_factory=CanaryJudge, description="How sure the judge must be.")


class CanaryTraffic(Model):
    """What comes in. With it, the compiler says where the limits can't be shown in time."""

    expected_rps: int | float = Field(ge=0.000001, description="Requests a second, of both arms together.")
    routing: Literal["per-request", "sticky"] = Field(
        "per-request", description="Whether each request is routed by itself, as it must be, or each user."
    )


class CanaryLiveness(Model):
    """Asks the candidate itself, at every look and every few seconds between two: one that is dead counts nothing."""

    url: Text = Field(
        description="What is asked: http://host/healthz, or in a release /healthz, at the candidate's own address. Any 2xx "
        "within 5 s is an answer; no proxy is asked, no redirect followed.",
    )
    fail_after: int = Field(
        2, ge=1, le=100, description="So many times in a row without an answer fail the gate."
    )


class PrometheusSource(Model):
    """Instant queries over counters, all at one time. Each gives one series an arm, told apart by a label."""

    url: Text = Field(
        description="Where Prometheus is: http://prometheus:9090. No proxy is asked, no redirect followed."
    )
    token: EnvName | None = Field(
        None, description="Environment variable of the gate that holds a bearer token; https only."
    )
    arm: Text = Field("arm", description="The label that tells the arms apart.")
    candidate: Text = Field("candidate", description="The label's value of the candidate.")
    control: Text = Field("control", description="The label's value of the control.")
    queries: dict[Text, Text] = Field(
        min_length=1,
        description=(
            "PromQL by counter: `n` (all requests), and each that a rate counts, such as `bad`. A histogram has "
            "sum by (ARM, le) (NAME), if not given by its name."
        ),
    )


class CanarySource(Model):
    """Where both arms' counters are read."""

    EXACTLY_ONE: ClassVar[tuple[tuple[str, ...], ...]] = (("file", "file_from", "command", "prometheus"),)
    file: Path | None = Field(None, description="A file of snapshots: JSON lines, or one JSON.")
    file_from: Id | None = Field(None, description="Artifact: the file of snapshots, where a job writes it.")
    command: Command | None = Field(
        None,
        description="Prints one snapshot: {time, candidate: {n, bad, …, buckets: {NAME: {LE: count}}}, control: {…}}.",
    )
    prometheus: PrometheusSource | None = Field(None, description="Prometheus' HTTP API.")


class Canary(CanaryAnalysis):
    """Judges a candidate that serves a part of the traffic, against the control that serves the rest.

    Counters are cumulative. The gate looks every so often while the candidate bakes, and fails as soon as a metric is
    shown to be bad; it passes at the end where every rate is shown to be below its limit. All evidence holds at every look.
    """

    observations: CanarySource = Field(description="Where both arms' counters are read.")
    weight: int | float = Field(
        ge=0.01,
        le=99.99,
        description="The candidate's share of the requests in percent; a snapshot may say another.",
    )
    bake: Duration = Field("10m", description="How long the gate looks (a file is judged at once).")
    max_extend: Factor = Field(
        "1x",
        description="How many times `bake` it looks at most, where only more requests could tell; from 1x to 10x.",
    )
    every: Duration = Field("30s", description="How long it waits between two looks.")
    max_age: Duration = Field("5m", description="How old the last snapshot may be.")
    fail_after: int = Field(
        2,
        ge=1,
        le=100,
        description="So many looks in a row without a request of the candidate, or without an observation, end it.",
    )
    liveness: CanaryLiveness | None = Field(
        None, description="Asks the candidate itself whether it is alive."
    )
    from_zero: bool = Field(
        False,
        description="The counters began at 0 with the candidate, so that the first snapshot counts too.",
    )
    traffic: CanaryTraffic | None = Field(None, description="What comes in.")


PARAMS = Canary
