"""The spec language, version 1.

These models are the authority: the JSON Schema, the fast loader and the reference pages are made from them.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, create_model

from mlcc.gates import GATES
from mlcc.spec.artifacts import Artifact
from mlcc.spec.auth import Auth
from mlcc.spec.base import (
    Command,
    Cron,
    Date,
    Duration,
    EnvName,
    Id,
    Model,
    OneOrMany,
    Path,
    PythonVersion,
    Requirement,
    Scalar,
    Text,
    TokenRef,
    Version,
)
from mlcc.spec.execution import Cache, Checkout, EnvValue, Execution
from mlcc.spec.instances import Instance, Param
from mlcc.spec.notify import Notice
from mlcc.spec.releases import Release
from mlcc.spec.remote import Remote
from mlcc.spec.stores import Store


class Branches(Model):
    """The branches that an event is taken from."""

    branches: list[Text] = Field(min_length=1, description="Names, or patterns with `*`.")


class Tags(Model):
    """The tags that start a run."""

    patterns: list[Text] = Field(min_length=1, description="Names, or patterns with `*`.")


class FormInput(Model):
    """One input of a manual form. The selecting node checks it; gates' thresholds can't be inputs."""

    type: Literal["string", "number", "integer", "boolean", "choice"] = Field(
        description="What the input is; anything else stops the run."
    )
    description: Text | None = Field(default=None, description="Shown beside the input.")
    default: Scalar | None = Field(default=None, description="Used when the person leaves it empty.")
    required: bool = Field(default=False, description="true: the run doesn't start without it.")
    min: int | float | None = Field(default=None, description="Least value of a number.")
    max: int | float | None = Field(default=None, description="Largest value of a number.")
    options: list[Text] = Field(default_factory=list, description="The choices of a `choice`.")


class Form(Model):
    """A way to start a run by hand."""

    inputs: dict[Id, FormInput] = Field(
        default_factory=dict, description="Id to input; it reaches a command by `env: {NAME: {input: ID}}`."
    )


class Triggers(Model):
    """What starts a run. Ids of schedules, forms and dispatches are referred to by `when: {trigger: …}`."""

    pull_request: Branches | None = Field(default=None, description="Pull requests to these branches.")
    push: Branches | None = Field(default=None, description="Pushes to these branches.")
    tag: Tags | None = Field(default=None, description="New tags.")
    schedule: dict[Id, Cron] = Field(default_factory=dict, description="Id to five cron fields, UTC.")
    manual: dict[Id, Form] = Field(default_factory=dict, description="Id to form.")
    dispatch: list[Id] = Field(default_factory=list, description="Events that an outside system sends.")


class Profile(Model):
    """A named set of execution keys, for the nodes that name it: between `defaults` and what they say themselves."""

    AT_MOST_ONE: ClassVar[tuple[tuple[str, ...], ...]] = (("python", "image"),)
    runner: Id | None = Field(default=None, description="Id under `runners`.")
    python: PythonVersion | None = Field(default=None, description='Python version, such as "3.12".')
    image: Text | None = Field(default=None, description="Container image to run in; pin it by digest.")
    setup: list[Command] | None = Field(
        default=None, description="Commands before `run`, in the same shell, such as an installation."
    )
    env: dict[EnvName, EnvValue] = Field(
        default_factory=dict,
        description="Variables of every node. No secrets: name those where they are used.",
    )
    working_directory: Path | None = Field(default=None, description="Folder that commands run in.")
    timeout: Duration | None = Field(default=None, description="Over all attempts together.")
    retry: int | None = Field(default=None, ge=0, le=5, description="How often a failed leg is run again.")
    cache: dict[Id, Cache] = Field(default_factory=dict, description="Id to folders kept between runs.")
    checkout: Checkout | None = Field(default=None, description="How the repository is checked out.")


class Defaults(Profile):
    """Execution keys for every node that doesn't set them."""

    setup: list[Command] = Field(
        default_factory=list, description="Commands before `run`, in the same shell, such as an installation."
    )
    timeout: Duration = Field(default="30m", description="Over all attempts together.")
    retry: int = Field(default=0, ge=0, le=5, description="How often a failed leg is run again.")
    retain: Duration = Field(
        default="7d", description="How long the CI system keeps artifacts, in whole days."
    )


class Runner(Model):
    """The name of a machine pool in each CI system."""

    github: OneOrMany[Text] | None = Field(default=None, description="Labels of GitHub's `runs-on`.")
    gitlab: OneOrMany[Text] | None = Field(default=None, description="Tags of a GitLab runner.")
    jenkins: Text | None = Field(default=None, description="Label of a Jenkins agent.")
    pull_requests: bool = Field(False, description="Whether a self-hosted machine may run pull requests.")


class Environment(Model):
    """A deployment target of the CI system: its variables, who may use it."""

    env: dict[EnvName, EnvValue] = Field(
        default_factory=dict, description="Variables of the nodes that run in it."
    )
    branches: list[Text] = Field(default_factory=list, description="Nodes in it run for these branches only.")
    approval: bool = Field(default=False, description="A person must approve (a setting of the CI system).")


class Job(Execution):
    """A command with inputs and outputs, or work that runs somewhere else."""

    EXACTLY_ONE: ClassVar[tuple[tuple[str, ...], ...]] = (("run", "remote"),)
    run: Command | None = Field(
        default=None, description="One bash process together with `setup`, in strict mode."
    )
    remote: Remote | None = Field(
        default=None, description="Work on a cluster or in a cloud, that is submitted and watched."
    )
    reads: list[Id] = Field(
        default_factory=list, description="Artifacts it consumes: their blocking gates must have passed."
    )
    writes: list[Id] = Field(default_factory=list, description="Artifacts it produces.")
    evaluates: list[Id] = Field(
        default_factory=list,
        description="Artifacts it measures before their gates; only gates read what it writes.",
    )
    needs: list[Id] = Field(default_factory=list, description="Nodes that must end first (order only).")
    outputs: list[EnvName] = Field(
        default_factory=list,
        description="Small values, written as NAME=value lines to the file $MLCC_OUTPUTS.",
    )
    blocking: bool = Field(default=True, description="false: its failure is shown, not counted.")


class Waiver(Model):
    """Opens a gate until a date, visibly."""

    reason: Text = Field(min_length=10, description="Why the failure is bearable until then.")
    until: Date = Field(description='Last day, as "2026-12-31".')
    issue: Text = Field(description="Where the repair is tracked.")


class GateKeys(Execution):
    """Guards an artifact: nothing consumes it before every blocking gate on it has passed."""

    EXACTLY_ONE: ClassVar[tuple[tuple[str, ...], ...]] = (tuple(GATES),)
    guards: Id = Field(description="The artifact that it decides about.")
    needs: list[Id] = Field(default_factory=list, description="Nodes that must end first (order only).")
    blocking: bool = Field(default=True, description="false: its verdict is shown, and closes nothing.")
    on_inconclusive: Literal["fail", "warn"] = Field(
        default="fail", description="`warn`: evidence that is too weak to decide opens the gate, visibly."
    )
    waive: Waiver | None = Field(default=None, description="Lets a failing verdict pass until a date.")
    locked: bool = Field(
        default=False,
        description="Who extends this spec can't change the gate, its `defaults`, and what it uses of this spec.",
    )


def _gate_model() -> type[GateKeys]:
    """Return the gate model with one optional key per registered kind."""
    kinds: dict[str, Any] = {
        kind.name: (kind.params() | None, Field(default=None, description=kind.title))
        for kind in GATES.values()
    }
    return create_model("Gate", __base__=GateKeys, __module__=__name__, __doc__=GateKeys.__doc__, **kinds)


Gate = _gate_model()


class Loss(Model):
    """Why something that a CI system does worse than the language says, or not at all, is bearable until a date."""

    reason: Text = Field(min_length=10, description="Why the difference is bearable until then.")
    until: Date = Field(
        description='Last day, as "2027-06-30"; after it, runs on that CI system are refused.'
    )


class Comment(Model):
    """One comment on each pull request, or merge request, that the final node keeps up to date."""

    token: TokenRef | None = Field(
        default=None,
        description="What GitLab and Jenkins write it with. GitHub's final job has a token of its own.",
    )


class Target(Model):
    """A CI system to compile for."""

    waive: dict[Text, Loss] = Field(
        default_factory=dict,
        description="Feature of `mlcc targets` that the CI system does weaker or not at all, to why that is bearable.",
    )


class GithubTarget(Target):
    """GitHub Actions. Raw text by stable id is reported as a loss of portability."""

    workflow: dict[str, Any] = Field(default_factory=dict, description="Keys merged into the workflow.")
    jobs: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="Node id to keys merged into its job; `steps` is a mapping by step id.",
    )


class GitlabTarget(Target):
    """GitLab CI. Raw text by stable id is reported as a loss of portability."""

    pipeline: dict[str, Any] = Field(
        default_factory=dict, description="`default` and `variables`, merged into the child pipeline."
    )
    jobs: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Node id, `select` or `final` to keys merged into its job."
    )


class JenkinsTarget(Target):
    """Jenkins."""


class Targets(Model):
    """The CI systems to compile for, by name; without any, GitHub. Each has what only it understands."""

    github: GithubTarget | None = Field(default=None, description="GitHub Actions.")
    gitlab: GitlabTarget | None = Field(default=None, description="GitLab CI.")
    jenkins: JenkinsTarget | None = Field(default=None, description="Jenkins.")


class Spec(Model):
    """A pipeline."""

    version: Version = Field(description="Of the language: 1.")
    name: Id = Field(description="Names the pipeline and its files.")
    requires: Requirement | None = Field(default=None, description='The mlcc version it needs, as ">=0.1".')
    params: dict[Id, Param] = Field(
        default_factory=dict,
        description="Id to value; `{param: ID}` stands for it wherever a text, a number or a flag may stand.",
    )
    instances: dict[Id, Instance] = Field(
        default_factory=dict,
        min_length=1,
        description="Id to one of many pipelines, named NAME-ID; only they are compiled.",
    )
    triggers: Triggers = Field(description="What starts a run.")
    defaults: Defaults = Field(
        default_factory=Defaults, description="Execution keys of every node that doesn't set them."
    )
    profiles: dict[Id, Profile] = Field(
        default_factory=dict, description="Id to execution keys of the nodes that name it."
    )
    runners: dict[Id, Runner] = Field(default_factory=dict, description="Id to machine pool.")
    environments: dict[Id, Environment] = Field(default_factory=dict, description="Id to deployment target.")
    auth: Auth = Field(default_factory=Auth, description="Logins without static keys.")
    store: Store | None = Field(
        default=None,
        description="Where artifacts with `store: true`, what environments run, and small records are kept.",
    )
    artifacts: dict[Id, Artifact] = Field(default_factory=dict, description="Id to code, data or model.")
    jobs: dict[Id, Job] = Field(default_factory=dict, description="Id to a command with inputs and outputs.")
    gates: dict[Id, Gate] = Field(  # type: ignore[valid-type]  # made from the registry above
        default_factory=dict, description="Id to what guards an artifact."
    )
    releases: dict[Id, Release] = Field(
        default_factory=dict, description="Id to what brings artifacts into the environment of that id."
    )
    notify: dict[Id, Notice] = Field(
        default_factory=dict,
        description="Id to somebody who is told how runs ended, or what became of releases.",
    )
    comment: bool | Comment = Field(
        default=False,
        description="One comment on each pull request, kept up to date; `true`: with GitHub's own token.",
    )
    targets: Targets = Field(
        default_factory=Targets,
        description="The CI systems to compile for, and what only one of them understands.",
    )
