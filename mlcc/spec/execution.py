"""The keys that say how a node runs: the same on jobs, gates and fetches."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mlcc.spec.base import (
    Command,
    Duration,
    EnvName,
    FreeText,
    Id,
    Model,
    OneOrMany,
    OutputName,
    Path,
    Pattern,
    PythonVersion,
    Scalar,
    SecretName,
    Source,
    Text,
)

ContextKey = Literal[
    "commit", "base_commit", "branch", "tag", "event", "pull_request",
    "repository", "run_id", "run_number", "run_url", "workspace",
]  # fmt: skip
EventName = Literal["push", "pull_request", "tag", "schedule", "manual", "dispatch"]
VerdictName = Literal["pass", "fail", "inconclusive", "error"]


class ValueRef(Model):
    """A typed value: it reaches the command as an environment variable, never as text inside it."""

    EXACTLY_ONE: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("secret", "var", "input", "matrix", "output", "context"),
    )
    secret: SecretName | None = Field(default=None, description="Name of a secret in the CI system.")
    var: SecretName | None = Field(default=None, description="Name of a plain variable in the CI system.")
    input: Id | None = Field(default=None, description="Input of the manual form that started the run.")
    matrix: Id | None = Field(default=None, description="Axis of the node's matrix.")
    output: OutputName | None = Field(default=None, description="Output of another job, as JOB.NAME.")
    context: ContextKey | None = Field(default=None, description="A fact of the run.")
    as_: Literal["value", "file"] = Field(
        default="value",
        alias="as",
        description="`file`: the variable holds the path of a private file with the secret.",
    )
    default: Scalar | None = Field(
        default=None, description="Used when the variable, input or fact is not set."
    )


EnvValue = FreeText | int | float | bool | ValueRef


class MatrixRef(Model):
    """Takes the value of a matrix axis."""

    matrix: Id = Field(description="Id of the axis.")


class Matrix(Model):
    """Runs the node once per leg. Legs have ids: the axes' values joined by '-', or the keys of `include`."""

    axes: dict[Id, Annotated[list[Scalar], Field(min_length=1)]] = Field(
        default_factory=dict, description="Every combination of the values is a leg."
    )
    include: dict[Id, dict[Id, Scalar]] = Field(default_factory=dict, description="Further legs, by id.")


class Service(Model):
    """A container beside the node. Its address arrives as SERVICE_ID_HOST and SERVICE_ID_PORT."""

    image: Text = Field(description="Image reference; pin it by digest.")
    port: int = Field(ge=1, le=65535, description="Port that the service listens on.")
    env: dict[EnvName, EnvValue] = Field(default_factory=dict, description="Variables of the container.")
    ready: Duration = Field(default="60s", description="How long to wait until the port accepts connections.")


class Cache(Model):
    """Folders kept between runs. A cache only saves time: nothing may depend on it."""

    path: list[Text] = Field(min_length=1, description="What is kept; `~/` is the home folder.")
    key: list[Pattern] = Field(min_length=1, description="Committed files whose content names the cache.")


class Report(Model):
    """A file for people: kept with the run; what it says stands in the run's summary, page and comment."""

    path: Path = Field(description="A file that the node writes.")
    format: Literal["text", "markdown", "html", "junit", "cobertura", "sarif"] = Field(
        description="Decides how it is read and shown."
    )


class Checkout(Model):
    """How the repository is checked out."""

    depth: int = Field(default=1, ge=0, description="Commits of history; 0 is all.")
    lfs: bool = Field(default=False, description="true: with the files that Git LFS keeps.")
    submodules: bool = Field(default=False, description="true: with submodules, recursively.")


class RunFilter(Model):
    """The runs that a condition is about."""

    event: OneOrMany[EventName] | None = Field(default=None, description="What started the run.")
    branch: OneOrMany[Text] | None = Field(
        default=None, description="Name or pattern with `*`; on a pull request, the branch it goes to."
    )
    tag: OneOrMany[Text] | None = Field(default=None, description="Name or pattern with `*`.")
    trigger: OneOrMany[Id] | None = Field(
        default=None, description="Id of a schedule, of a manual form, or a dispatch type."
    )


class Condition(RunFilter):
    """One alternative of `when`: all that it names must hold."""

    input: dict[Id, Scalar] | None = Field(
        default=None, description="Values that inputs of the manual form must have."
    )
    gate: Id | None = Field(default=None, description="A non-blocking gate whose verdict decides.")
    verdict: OneOrMany[VerdictName] | None = Field(
        default=None, description="The verdicts of `gate` that let the node run."
    )
    status: Literal["always", "failure"] | None = Field(
        default=None,
        description="`always`: when all before it has ended; `failure`: when one of them failed.",
    )


class Execution(Model):
    """How a node runs."""

    AT_MOST_ONE: ClassVar[tuple[tuple[str, ...], ...]] = (("python", "image"),)
    profile: Id | None = Field(
        default=None, description="Id under `profiles`: what holds where the node says nothing itself."
    )
    runner: Id | MatrixRef | None = Field(default=None, description="Id under `runners`.")
    python: PythonVersion | MatrixRef | None = Field(
        default=None, description='Python version, such as "3.12".'
    )
    image: Text | None = Field(default=None, description="Container image to run in; pin it by digest.")
    setup: list[Command] | None = Field(default=None, description="Commands before `run`, in the same shell.")
    env: dict[EnvName, EnvValue] = Field(
        default_factory=dict, description="Variables: literals, or values that only the run knows."
    )
    environment: Id | None = Field(default=None, description="Id under `environments`.")
    auth: list[Literal["aws", "gcp", "azure", "oidc"]] = Field(
        default_factory=list, description="Clouds to log in to without static keys."
    )
    services: dict[Id, Service] = Field(default_factory=dict, description="Id to container beside the node.")
    matrix: Matrix | None = Field(default=None, description="Runs the node once per leg.")
    cache: dict[Id, Cache] = Field(default_factory=dict, description="Id to folders kept between runs.")
    working_directory: Path | None = Field(default=None, description="Folder that commands run in.")
    timeout: Duration | None = Field(default=None, description="Over all attempts together.")
    retry: int | None = Field(default=None, ge=0, le=5, description="How often a failed leg is run again.")
    when: OneOrMany[Condition] | None = Field(
        default=None, description="Upper bound of when it runs: one condition, or alternatives."
    )
    path: list[Source] = Field(
        default_factory=list,
        description="Committed files that the node depends on beside its artifacts; `//` begins a path from the "
        "repository's root, such as of code that several projects share.",
    )
    checkout: Checkout | Literal["none"] | None = Field(
        default=None, description="How the repository is checked out; `none`: only the emitted scripts."
    )
    finally_: Command | None = Field(
        default=None, alias="finally", description="Runs afterwards on the same machine, whatever happened."
    )
    reports: dict[Id, Report] = Field(default_factory=dict, description="Id to file for people.")
