"""Artifacts: what a pipeline validates, builds and passes on, where it lies, and how it is got."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from mlcc.spec.base import (
    Command,
    Duration,
    EnvName,
    Id,
    ImageDigest,
    Model,
    OneOrMany,
    Path,
    Pattern,
    Repository,
    Table,
    Tag,
    Uri,
)
from mlcc.spec.execution import EnvValue, Execution
from mlcc.spec.images import Build, RegistryLogin
from mlcc.spec.registries import RegisteredVersion, Registry


class Origin(Execution):
    """Where an artifact comes from when it is neither committed nor written by a job."""

    EXACTLY_ONE: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("dvc", "command", "release", "registry", "tag", "digest"),
    )
    dvc: Path | None = Field(
        default=None, description="A committed .dvc file (or dvc.lock with the artifact's path as output)."
    )
    command: Command | None = Field(default=None, description="Writes the artifact to its path.")
    release: Id | None = Field(
        default=None,
        description="Id under `releases`: what that runs now, such as the champion. The spec's `store` keeps it.",
    )
    artifact: Id | None = Field(
        default=None,
        description="With `release`: which of the artifacts that it deploys; without it, the one of the same kind.",
    )
    tag: Tag | None = Field(
        default=None,
        description="Of an image: the tag, which is looked up once a run; the digest then stands for it.",
    )
    digest: ImageDigest | None = Field(
        default=None, description="Of an image: which one of its `repository`."
    )
    registry: RegisteredVersion | None = Field(
        default=None, description="A version of a registered model, looked up once a run."
    )


class Artifact(Model):
    """Code, data, a model or an image: what is validated, built and passed on."""

    EXACTLY_ONE: ClassVar[tuple[tuple[str, ...], ...]] = (("path", "uri", "table", "repository"),)
    kind: Literal["code", "data", "model", "file", "image"] = Field(description="What it is.")
    path: OneOrMany[Pattern] | None = Field(
        default=None,
        description="A file, a folder (ending in '/'), or for committed artifacts a list with wildcards.",
    )
    uri: Uri | None = Field(
        default=None,
        description="Data that lies in a store and stays there, as s3://BUCKET/PATH: an object, a folder (ending in "
        "'/'), or with wildcards. Its gates judge a copy, and its readers are held to the same objects.",
    )
    table: Table | None = Field(
        default=None,
        description="A table that a warehouse holds, as ENGINE://SCHEMA.TABLE; without `snapshot` nothing binds its readers to "
        "the rows that its gates judged.",
    )
    snapshot: bool = Field(
        default=False,
        description="true: the table as of one moment, which the run decides once; commands get it as SNAPSHOT_ID, and ask the "
        "warehouse for that. BigQuery and Snowflake know the past of their tables.",
    )
    repository: Repository | None = Field(
        default=None,
        description="Of a container image: its registry and name, as ghcr.io/acme/credit. Its digest is what is judged and "
        "released.",
    )
    build: Build | None = Field(
        default=None,
        description="How the image is built, by a node of its own; else `from` says which one it is.",
    )
    login: RegistryLogin | None = Field(
        default=None,
        description="How an image's registry is logged in to. GitHub's and GitLab's own need none in their own pipelines.",
    )
    engine: Literal["duckdb", "spark"] | None = Field(
        default=None, description="What runs the SQL of its gates over a Parquet `path`; without it, DuckDB."
    )
    env: dict[EnvName, EnvValue] = Field(
        default_factory=dict,
        description="Variables of the nodes that take it, such as how to log in to its warehouse or store.",
    )
    from_: Origin | None = Field(
        default=None,
        alias="from",
        description="How to get it, when it is neither committed nor written by a job.",
    )
    first: Literal["none"] | None = Field(
        default=None,
        description="`none`: it may be absent while no release runs one. Said of what a release runs, and of what a job makes "
        "from that; gates that compare with it pass then, and say so.",
    )
    at: Literal["base"] | None = Field(
        default=None,
        description="`base`: the version at the base of the changes; a run without one takes it nowhere.",
    )
    retain: Duration | None = Field(
        default=None, description="How long the CI system keeps it, in whole days."
    )
    store: bool = Field(
        default=False,
        description="true: the spec's `store` keeps its bytes, by their digest, and the CI system passes on a handle alone.",
    )
    registry: Registry | None = Field(
        default=None,
        description="What a job writes becomes a version of this registered model; the CI system passes on its number alone.",
    )
