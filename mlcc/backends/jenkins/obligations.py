"""What no Jenkinsfile can hold: settings that a person makes once."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.backends import BACKENDS
from mlcc.backends._checks import runner_ids
from mlcc.backends.jenkins.lower import LABEL, TRIGGER, lower
from mlcc.backends.jenkins.rows import approvers
from mlcc.plan import Execute, Plan, PublishData, Runner, Text, UsePython


def obligations(plan: Plan) -> list[str]:
    """Return the settings that the pipeline relies on, one sentence each."""
    (path,) = BACKENDS["jenkins"].output_paths(plan.name, plan.home)
    plugins = ", ".join(lower(plan).plugins)
    return [
        f"install the plugins {plugins}",
        f"create a multibranch Pipeline named '{plan.name}' with the script path {path}",
        *_branch_source(plan),
        *_starts(plan),
        *_credentials(plan),
        *_agents(plan),
        *_environments(plan),
    ]


def _branch_source(plan: Plan) -> Iterator[str]:
    if plan.triggers.pull_request is not None:
        branches = ", ".join(plan.triggers.pull_request)
        yield "let the branch source discover pull requests, those from forks with no trust, and merge them with their target"
        yield "let agents that build pull requests hold nothing that their authors mustn't read or change"
        yield (
            f"require the status of the merged change (continuous-integration/jenkins/pr-merge) on {branches}: its last stage "
            "is the one final node; the status of a branch is green where the spec asks for no run of it"
        )
    if plan.triggers.tag is not None:
        yield "let the branch source discover tags, and build them (basic-branch-build-strategies)"


def _starts(plan: Plan) -> Iterator[str]:
    triggers = plan.triggers
    if triggers.schedules or triggers.forms or triggers.dispatches:
        yield "build the default branch once, so that Jenkins learns its schedules and parameters"
    if triggers.dispatches:
        ids = ", ".join(triggers.dispatches)
        yield (
            f"let the other system post to the default branch's buildWithParameters with {TRIGGER} ({ids}) "
            "as a user of its own that may build this job alone"
        )


def _credentials(plan: Plan) -> Iterator[str]:
    executes = [step for node in plan.nodes.values() for step in node.steps if isinstance(step, Execute)]
    secrets = sorted({name for step in executes for name in step.secrets})
    variables = sorted({name for step in executes for name in step.variables})
    logins = {login.provider: login for node in plan.nodes.values() for login in node.logins}
    if plan.comment is not None:
        yield (
            f"create a credential of the kind 'Secret text' with the id {plan.comment.token}, in this job's own folder: "
            "a token of an account that may comment on change requests and nothing else; it is not bound for a fork's"
        )
    if secrets:
        yield f"create credentials of the kind 'Secret text' with the ids {', '.join(secrets)}, in this job's own folder"
    if variables:
        yield f"set the environment variables {', '.join(variables)} for the controller or the folder"
    for provider, login in sorted(logins.items()):
        # Google's audience goes on with the provider's name, which may be a variable.
        audience = login.audience + ("PROVIDER" if provider == "gcp" else "")
        yield f"create the credential 'mlcc-{provider}' of the kind 'OpenID Connect id token' for the audience {audience}"
    if logins:
        yield "let the cloud trust this controller's OpenID Connect tokens (issuer, audience and subject)"


def _agents(plan: Plan) -> Iterator[str]:
    labels = {LABEL, *(label for runner in _runners(plan) for label in runner.labels.get("jenkins", ()))}
    yield f"have agents with the labels {', '.join(sorted(labels))}: the first and the last stage run on {LABEL}"
    yield "give every agent git, bash and Python 3.8 or newer as python3"
    if any(isinstance(step, PublishData) for node in plan.nodes.values() for step in node.steps):
        yield "let nobody read this job who mustn't read the data and models that it archives"
    versions = {
        str(version.text if isinstance(version, Text) else dict(leg.values)[version.axis])
        for node in plan.nodes.values()
        for version in [step.version for step in node.steps if isinstance(step, UsePython)]
        for leg in node.legs
    }
    if versions:
        yield f"give the agents Python {', '.join(sorted(versions))}, on the PATH as python3.N and with its venv"
    if any(node.machine.image or node.machine.services for node in plan.nodes.values()):
        yield "give the agents of nodes with an image or services a docker client, and a daemon of their own"


def _runners(plan: Plan) -> list[Runner]:
    return [plan.runners[id] for node in plan.nodes.values() for id in runner_ids(node)]


def _environments(plan: Plan) -> Iterator[str]:
    for environment in plan.environments.values():
        if environment.approval:
            yield f"put who may approve '{environment.id}' into the group '{approvers(environment)}'"
        if environment.branches:
            yield f"keep the credentials of '{environment.id}' where only builds of {', '.join(environment.branches)} reach them"
