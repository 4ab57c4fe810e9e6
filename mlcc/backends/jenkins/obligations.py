"""What no Jenkinsfile can hold: settings that a person makes once.

Commands are those of the command line client that each Jenkins hands out (JENKINS_URL/jnlpJars/jenkins-cli.jar),
https://www.jenkins.io/doc/book/managing/cli/; what the server is configured by as code is text for its file.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.backends import BACKENDS
from mlcc.backends._owned import (
    builders,
    code_owners,
    executes,
    first_span,
    login_span,
    longest_minutes,
    runners,
    variables,
)
from mlcc.backends.jenkins.groovy import groovy
from mlcc.backends.jenkins.lower import LABEL, TRIGGER, lower, notify_of
from mlcc.backends.jenkins.platform import Jenkins
from mlcc.backends.jenkins.rows import BACKSTOP_MINUTES, approvers
from mlcc.obligations.obligation import Obligation, command
from mlcc.plan import Plan, PublishData, Text, UsePython

CLIENT = ("java", "-jar", "jenkins-cli.jar")  # which reads JENKINS_URL
CONFIGURATION = "jenkins.yaml"
_SECRET_TEXT = "org.jenkinsci.plugins.plaincredentials.impl.StringCredentialsImpl"  # noqa: S105 - a class

_BUILDING = "docker with buildx, whose daemon the agent's user may use, or buildah or podman"


def obligations(plan: Plan) -> list[Obligation]:
    """Return the settings that the pipeline relies on, in the order in which they are best made."""
    return [
        *_job(plan),
        *_branch_source(plan),
        code_owners(plan, "jenkins", "CODEOWNERS", ", where the repository's host reads it"),
        *_starts(plan),
        *_credentials(plan),
        *_trust(plan),
        *_agents(plan),
        *builders(plan, Jenkins.builder, _BUILDING, "else the build ends with 127"),
        *_environments(plan),
    ]


def _job(plan: Plan) -> Iterator[Obligation]:
    (path,) = BACKENDS["jenkins"].output_paths(plan.name, plan.home)
    plugins = lower(plan).plugins
    yield Obligation(
        "plugins", "plugin", f"install the plugins {', '.join(plugins)}", "the Jenkinsfile doesn't compile without them",
        names=plugins, commands=(command(*CLIENT, "install-plugin", *plugins, "-deploy"),), span=plan.span,
    )  # fmt: skip
    yield Obligation(
        "job", "job", f"create a multibranch Pipeline named '{plan.name}' with the script path {path}",
        "nothing else builds the repository", names=(plan.name, path), file=CONFIGURATION, text=_job_text(plan.name, path),
        span=plan.span,
    )  # fmt: skip


def _job_text(name: str, path: str) -> str:
    """Return the job as code: plugins configuration-as-code and job-dsl."""
    lines = (
        f"multibranchPipelineJob({groovy(name)}) {{",
        f"  factory {{ workflowBranchProjectFactory {{ scriptPath({groovy(path)}) }} }}",
        f"  branchSources {{ git {{ id({groovy(name)}); remote('REPOSITORY_URL'); credentialsId('CREDENTIALS_ID') }} }}",
        "}",
    )
    return "jobs:\n  - script: |\n" + "".join(f"      {line}\n" for line in lines)


def _branch_source(plan: Plan) -> Iterator[Obligation]:
    triggers = plan.triggers
    if triggers.pull_request is not None:
        span = triggers.spans.get("triggers.pull_request")
        yield Obligation(
            "branch-source.pull-requests", "setting",
            "let the branch source discover pull requests, those from forks with no trust, and merge them with their target",
            "with trust, a fork's own Jenkinsfile runs", span=span,
        )  # fmt: skip
        yield Obligation(
            "agents.pull-requests", "runner",
            "let agents that build pull requests hold nothing that their authors mustn't read or change",
            "Jenkins runs their commands as the agent's own user", span=span,
        )  # fmt: skip
        yield Obligation(
            "required-check", "required-check",
            "require the status of the merged change (continuous-integration/jenkins/pr-merge) on "
            f"{', '.join(triggers.pull_request)}",
            "its last stage is the one final node; the status of a branch is green where the spec asks for no run of it",
            names=("continuous-integration/jenkins/pr-merge", *triggers.pull_request), span=span,
        )  # fmt: skip
    if triggers.tag is not None:
        yield Obligation(
            "branch-source.tags", "setting",
            "let the branch source discover tags, and build them (basic-branch-build-strategies)",
            "Jenkins starts no build of a tag by itself", names=triggers.tag, span=triggers.spans.get("triggers.tag"),
        )  # fmt: skip


def _starts(plan: Plan) -> Iterator[Obligation]:
    triggers = plan.triggers
    ids = (*(id for id, _ in triggers.schedules), *(form.id for form in triggers.forms), *triggers.dispatches)
    if ids:
        yield Obligation(
            "first-build", "schedule",
            "build the default branch once, so that Jenkins learns its schedules and parameters",
            "before that nothing starts by them", names=ids, span=triggers.spans.get(ids[0]),
            commands=(command(*CLIENT, "build", f"{plan.name}/BRANCH"),),
        )  # fmt: skip
    if triggers.dispatches:
        yield Obligation(
            "dispatch", "dispatch",
            f"let the other system post to the default branch's buildWithParameters with {TRIGGER} "
            f"({', '.join(triggers.dispatches)}) as a user of its own that may build this job alone",
            "nothing else starts it", names=triggers.dispatches, span=triggers.spans.get(triggers.dispatches[0]),
        )  # fmt: skip


def _credential(plan: Plan, id: str) -> str:
    """Return the command that asks for a secret, and keeps it in the job's own folder.

    https://plugins.jenkins.io/credentials/ (command line), https://plugins.jenkins.io/cloudbees-folder/
    """
    before, after = (
        f"<{_SECRET_TEXT}><scope>GLOBAL</scope><id>{id}</id><secret>",
        f"</secret></{_SECRET_TEXT}>",
    )
    create = command(*CLIENT, "create-credentials-by-xml", f"folder::item::/{plan.name}", "_")
    as_xml = "value=$(printf %s \"$value\" | sed 's/&/\\&amp;/g; s/</\\&lt;/g')"
    return (
        f"IFS= read -rsp {command(f'{id}: ')} value && echo && {as_xml} && "
        f"printf '%s%s%s' {command(before)} \"$value\" {command(after)} | {create}"
    )


def _credentials(plan: Plan) -> Iterator[Obligation]:
    used = {name for _, step in executes(plan) for name in step.secrets}
    notify = notify_of(plan)
    secrets = sorted(used | set(notify.secrets if notify is not None else ()))
    if plan.comment is not None and plan.comment.token is not None:
        yield Obligation(
            f"credential.{plan.comment.token}.comment", "credential",
            f"create a credential of the kind 'Secret text' with the id {plan.comment.token}, in this job's own folder",
            "a token of an account that may comment on change requests and nothing else; it is not bound for a fork's",
            names=(plan.comment.token,), commands=(_credential(plan, plan.comment.token),), span=plan.comment.span,
        )  # fmt: skip
    if secrets:
        yield Obligation(
            "credentials", "credential",
            f"create credentials of the kind 'Secret text' with the ids {', '.join(secrets)}, in this job's own folder",
            "elsewhere other jobs could bind them", names=tuple(secrets), span=first_span(plan, secrets[0]),
            commands=tuple(_credential(plan, name) for name in secrets),
        )  # fmt: skip
    stated = variables(plan)
    if stated:
        yield Obligation(
            "variables", "variable",
            f"set the environment variables {', '.join(stated)} for the controller or the folder",
            "nodes that use them get their defaults, or fail without one", names=tuple(stated), span=next(iter(stated.values())),
            file=CONFIGURATION,
            text="jenkins:\n  globalNodeProperties:\n    - envVars:\n        env:\n"
            + "".join(f"          - {{key: {name}, value: VALUE}}\n" for name in stated),
        )  # fmt: skip


def _trust(plan: Plan) -> Iterator[Obligation]:
    """Source of the subject: https://plugins.jenkins.io/oidc-provider/."""
    logins = {login.provider: login for node in plan.nodes.values() for login in node.logins}
    for provider, login in sorted(logins.items()):
        # Google's audience goes on with the provider's name, which may be a variable.
        audience = login.audience + ("PROVIDER" if provider == "gcp" else "")
        yield Obligation(
            f"credential.mlcc-{provider}", "credential",
            f"create the credential 'mlcc-{provider}' of the kind 'OpenID Connect id token' for the audience {audience}",
            "no login succeeds without it", names=(f"mlcc-{provider}",), span=login_span(plan),
        )  # fmt: skip
    if logins:
        branches = plan.triggers.push or ("BRANCH",)
        subjects = tuple(f"JENKINS_URL/job/{plan.name}/job/{branch}/" for branch in branches)
        yield Obligation(
            "trust", "trust",
            "let the cloud trust this controller's OpenID Connect tokens (issuer JENKINS_URL/oidc, the audiences above, subject "
            f"{' or '.join(subjects)})",
            "else no login succeeds; a wider subject lets other jobs in", names=subjects, span=login_span(plan),
        )  # fmt: skip


def _agents(plan: Plan) -> Iterator[Obligation]:
    labels = sorted({LABEL, *(label for stated in runners(plan, "jenkins") for label in stated)})
    minutes = longest_minutes(plan, BACKSTOP_MINUTES)
    nodes = plan.nodes.values()
    yield Obligation(
        "agents.labels", "runner",
        f"have agents with the labels {', '.join(labels)}, which stay for a job of {minutes} minutes",
        f"the first and the last stage run on {LABEL}; a build waits for an agent that isn't there", names=tuple(labels),
        span=next((runner.span for runner in runners(plan, "jenkins").values() if runner.span), plan.span),
    )  # fmt: skip
    yield Obligation(
        "agents.tools", "runner", "give every agent git, bash and Python 3.8 or newer as python3",
        "the runtime is a Python script", names=("git", "bash", "python3"), span=plan.span,
    )  # fmt: skip
    if any(isinstance(step, PublishData) for node in nodes for step in node.steps):
        yield Obligation(
            "artifacts.readers", "artifacts",
            "let nobody read this job who mustn't read the data and models that it archives",
            "who may read a job may download them", span=plan.span,
        )  # fmt: skip
    versions = _versions(plan)
    if versions:
        yield Obligation(
            "agents.python", "runner",
            f"give the agents Python {', '.join(versions)}, on the PATH as python3.N and with its venv",
            "Jenkins installs no Python", names=tuple(versions), span=plan.span,
        )  # fmt: skip
    if any(node.machine.image or node.machine.services for node in nodes):
        yield Obligation(
            "agents.docker", "runner",
            "give the agents of nodes with an image or services a docker client, and a daemon of their own",
            "containers run there; who may use a shared daemon is its root", span=plan.span,
        )  # fmt: skip


def _versions(plan: Plan) -> list[str]:
    return sorted(
        {
            str(version.text if isinstance(version, Text) else dict(leg.values)[version.axis])
            for node in plan.nodes.values()
            for version in [step.version for step in node.steps if isinstance(step, UsePython)]
            for leg in node.legs
        }
    )


def _environments(plan: Plan) -> Iterator[Obligation]:
    for id, environment in plan.environments.items():
        if environment.approval:
            yield Obligation(
                f"environment.{id}.approval", "approval", f"put who may approve '{id}' into the group '{approvers(environment)}'",
                "while it is empty, administrators alone can", names=(approvers(environment),), places=(id,),
                span=environment.span,
            )  # fmt: skip
        if environment.branches:
            yield Obligation(
                f"environment.{id}.branches", "branches",
                f"keep the credentials of '{id}' where only builds of {', '.join(environment.branches)} reach them",
                "a build of any other branch runs that branch's Jenkinsfile", names=environment.branches, places=(id,),
                span=environment.span,
            )  # fmt: skip
