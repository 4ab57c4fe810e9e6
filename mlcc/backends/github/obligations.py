"""What no workflow file can hold: settings that a person makes once.

Commands are GitHub's own client's: https://cli.github.com/manual/, which fills {owner} and {repo} in by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from mlcc.backends._checks import APPROVAL_SUFFIX, released_into
from mlcc.backends._owned import (
    builders,
    code_owners,
    first_span,
    login_events,
    login_span,
    runners,
    variables,
)
from mlcc.backends.github.lower import WAIT, waits_of
from mlcc.backends.github.notify import secrets_of_notices
from mlcc.backends.github.platform import GitHub
from mlcc.backends.github.settings import (
    Rules,
    branch_policies,
    environment_rules,
    require_check,
    require_owners,
)
from mlcc.backends.github.steps import OWN_IMAGES
from mlcc.obligations.obligation import Obligation, command
from mlcc.plan import Build, Environment, Form, Node, Plan
from mlcc.resolving.release_looks import MADE_GOOD
from mlcc.runtime.addresses import IMAGE_SCHEME

_HOSTED = ("ubuntu-", "windows-", "macos-")  # what GitHub's own runners are called


def obligations(plan: Plan) -> list[Obligation]:
    """Return the settings that the pipeline relies on, in the order in which they are best made."""
    return [
        *_required_check(plan),
        *_code_owners(plan),
        *_places(plan),
        *_secrets(plan),
        *_variables(plan),
        *(rule for environment in plan.environments.values() for rule in _environment(plan, environment)),
        *_timers(plan),
        *_trust(plan),
        *_triggers(plan),
        *_runners(plan),
        *_images(plan),
    ]


def _required_check(plan: Plan) -> Iterator[Obligation]:
    branches = plan.triggers.pull_request
    if branches is not None:
        yield Obligation(
            "required-check", "required-check",
            f"require the check '{plan.name}' on {', '.join(branches)} (Settings, Rules)",
            "it is the one final node, and a pull request can be merged without it",
            names=(plan.name, *branches), commands=(require_check(plan.name, branches),),
            span=plan.triggers.spans.get("triggers.pull_request"),
        )  # fmt: skip


def _code_owners(plan: Plan) -> Iterator[Obligation]:
    yield code_owners(plan, "github", ".github/CODEOWNERS")
    branches = plan.triggers.pull_request or plan.triggers.push
    if branches is not None:
        yield Obligation(
            "code-owners.review", "code-owners", f"require a review of code owners on {', '.join(branches)} (Settings, Rules)",
            "else the file only asks for one", names=branches, commands=(require_owners(plan.name, branches),), span=plan.span,
        )  # fmt: skip


def _places(plan: Plan) -> Iterator[Obligation]:
    """Yield the environments to create: those of the spec, of waits, and of the pipeline's own secrets."""
    for id, rules in _rules(plan).items():
        environment = plan.environments.get(id) or plan.environments.get(id.removesuffix(APPROVAL_SUFFIX))
        yield Obligation(
            f"environment.{id}", "environment", f"create the environment '{id}' (Settings, Environments)",
            "GitHub creates it by itself at the first run, open to every branch and without a rule",
            names=(id,), places=(id,), commands=(environment_rules(id, rules),),
            span=environment.span if environment else plan.span,
        )  # fmt: skip


def _rules(plan: Plan) -> dict[str, Rules]:
    """Return the rules of each environment that a job names."""
    found: dict[str, Rules] = {}
    released = released_into(plan)
    for id, environment in plan.environments.items():
        own = bool(environment.branches)
        if environment.approval and id in released:
            found[id] = Rules(own_branches=own)
            found[id + APPROVAL_SUFFIX] = Rules(reviewed=True, own_branches=own)
        else:
            found[id] = Rules(reviewed=environment.approval, own_branches=own or None)
    for id in _secret_places(plan):
        found.setdefault(id, Rules())
    for id in _waiting(plan):
        found[id] = Rules(minutes=_minutes(id))
    return found


def _secret_places(plan: Plan) -> dict[str, list[str]]:
    """Return environment -> names of secrets. A node with secrets and without an environment uses the pipeline's own."""
    found: dict[str, set[str]] = {}
    for node in plan.nodes.values():
        if node.secrets:
            found.setdefault(node.machine.environment or plan.name, set()).update(node.secrets)
    if secrets_of_notices(plan):
        found.setdefault(plan.name, set()).update(secrets_of_notices(plan))
    return {environment: sorted(names) for environment, names in sorted(found.items())}


def _secrets(plan: Plan) -> Iterator[Obligation]:
    for environment, names in _secret_places(plan).items():
        yield Obligation(
            f"environment.{environment}.secrets", "secret",
            f"create in the environment '{environment}' the secrets {', '.join(names)}",
            "there only the jobs that name them get them", names=tuple(names), places=(environment,),
            commands=tuple(command("gh", "secret", "set", name, "--env", environment) for name in names),
            span=first_span(plan, names[0]),
        )  # fmt: skip


def _variables(plan: Plan) -> Iterator[Obligation]:
    for name, span in variables(plan).items():
        yield Obligation(
            f"variable.{name}", "variable", f"create the variable {name}",
            "nodes that use it get its default, or fail without one",
            names=(name,), commands=(command("gh", "variable", "set", name),), span=span,
        )  # fmt: skip


def _environment(plan: Plan, environment: Environment) -> Iterator[Obligation]:
    """Yield the rules of an environment. One that a release goes into leaves asking to another, once a release."""
    id, branches = environment.id, environment.branches
    released = id in released_into(plan)
    asking = id + APPROVAL_SUFFIX if released else id
    if environment.approval:
        beside = f", and '{id}' none" if released else ""
        yield Obligation(
            f"environment.{id}.approval", "approval", f"give the environment '{asking}' required reviewers{beside}",
            "there they would be asked before each step of a release, and before its rollback"
            if released
            else "without them its jobs start by themselves",
            names=(asking,), places=(asking, id) if released else (id,), span=environment.span,
        )  # fmt: skip
    if environment.approval and released:
        yield Obligation(
            f"environment.{id}.branches", "branches",
            f"restrict the environments '{id}' and '{asking}' to {', '.join(branches) or 'protected branches'}",
            f"whoever may push to a branch that '{id}' is open to gets its secrets without a reviewer",
            names=branches, places=(id, asking), span=environment.span,
            commands=(*branch_policies(id, branches), *branch_policies(asking, branches)),
        )  # fmt: skip
    elif branches:
        yield Obligation(
            f"environment.{id}.branches", "branches", f"restrict the environment '{id}' to {', '.join(branches)}",
            "whoever may push any other branch can change the workflow there, and gets its secrets",
            names=branches, places=(id,), commands=branch_policies(id, branches), span=environment.span,
        )  # fmt: skip


def _waiting(plan: Plan) -> dict[str, list[Node]]:
    """Return environment -> the nodes that wait for its timer."""
    found: dict[str, list[Node]] = {}
    for node in plan.nodes.values():
        for suffix, environment in waits_of(plan, node):
            if suffix == WAIT:
                found.setdefault(environment, []).append(node)
    return dict(sorted(found.items()))


def _minutes(environment: str) -> int:
    """Return what the timer of a waiting environment is set to: 1 to 43,200 minutes, as the API takes them."""
    return int(environment[len("wait-") : -1])


def _timers(plan: Plan) -> Iterator[Obligation]:
    for environment, nodes in _waiting(plan).items():
        yield Obligation(
            f"environment.{environment}.timer", "wait-timer",
            f"give the environment '{environment}' a wait timer of {_minutes(environment)} minutes (private repositories need "
            "a paid plan for it)",
            f"without it, {', '.join(node.id for node in nodes)} waits on a runner, for {MADE_GOOD // 3600} hours at most",
            names=(str(_minutes(environment)),), places=(environment,), span=nodes[0].span,
        )  # fmt: skip


def _trust(plan: Plan) -> Iterator[Obligation]:
    """Source of the subjects: https://docs.github.com/en/actions/reference/security/oidc."""
    logins = {login.provider: login for node in plan.nodes.values() for login in node.logins}
    events = login_events(plan)
    subjects = sorted({one for id, kinds in events.items() for one in _subjects(plan, plan.nodes[id], kinds)})
    for provider, login in sorted(logins.items()):
        yield Obligation(
            f"trust.{provider}", "trust",
            f"let the cloud ({provider}) trust this repository's OpenID Connect tokens (issuer "
            f"https://token.actions.githubusercontent.com, audience {login.audience}, subject {' or '.join(subjects)})",
            "else no login succeeds; a wider subject lets other branches in",
            names=tuple(subjects), span=login_span(plan),
        )  # fmt: skip


def _subjects(plan: Plan, node: Node, kinds: Collection[str]) -> Iterator[str]:
    """Yield the subjects of a node's tokens: GitHub names the environment where there is one, else what started the run."""
    environment = node.machine.environment or (plan.name if node.secrets else None)
    triggers = plan.triggers
    if environment is not None:
        yield f"repo:OWNER/REPO:environment:{environment}"
        return
    if "push" in kinds:
        yield from (
            f"repo:OWNER/REPO:ref:refs/heads/{branch}" for branch in node.branches or triggers.push or ()
        )
    if "tag" in kinds:
        yield from (f"repo:OWNER/REPO:ref:refs/tags/{tag}" for tag in triggers.tag or ())
    if "pull_request" in kinds:
        yield "repo:OWNER/REPO:pull_request"
    if {"schedule", "manual", "dispatch"} & set(kinds):
        yield "repo:OWNER/REPO:ref:refs/heads/DEFAULT_BRANCH"


def _triggers(plan: Plan) -> Iterator[Obligation]:
    for id, cron in plan.triggers.schedules:
        yield Obligation(
            f"schedule.{id}", "schedule", f"merge the workflow into the default branch, and keep the schedule '{id}' ({cron}) on",
            "GitHub takes schedules from there alone, and ends them in a public repository after 60 days without activity",
            names=(f"{plan.name}.yml",), commands=(command("gh", "workflow", "enable", f"{plan.name}.yml"),),
            span=plan.triggers.spans.get(id),
        )  # fmt: skip
    for id in plan.triggers.dispatches:
        yield Obligation(
            f"dispatch.{id}", "dispatch",
            f"let the system that dispatches '{id}' post to /repos/OWNER/REPO/dispatches with event_type {id}, by a token of "
            "this repository alone that may write contents", "nothing else starts it",
            names=(id,), span=plan.triggers.spans.get(id),
        )  # fmt: skip


def _runners(plan: Plan) -> Iterator[Obligation]:
    for labels, runner in runners(plan, "github").items():
        if any(label.startswith(_HOSTED) for label in labels):
            continue
        yield Obligation(
            f"runner.{runner.id}", "runner",
            f"have runners with the labels {', '.join(labels)}: larger ones of GitHub's, or self-hosted ones, each for one job "
            "(--ephemeral), with bash, git and Python 3.8 or newer",
            "jobs wait for a day and fail; what a job leaves on a machine that stays, the next one finds",
            names=labels, span=runner.span,
        )  # fmt: skip
        if runner.pull_requests:
            yield Obligation(
                f"runner.{runner.id}.pull-requests", "setting",
                "let every outside contributor's workflow wait for approval (Settings, Actions, General)",
                f"'{runner.id}' runs pull requests on your machine", span=runner.span,
            )  # fmt: skip


def _images(plan: Plan) -> Iterator[Obligation]:
    """Source of packages' access: https://docs.github.com/packages/learn-github-packages/configuring-a-packages-access-control-and-visibility."""
    needs = "docker with buildx, buildah or podman; GitHub's own runners have all three"
    yield from builders(plan, GitHub.builder, needs, "else the build ends with 127")
    for artifact in plan.artifacts.values():
        if artifact.form is Form.IMAGE and artifact.paths[0].startswith(OWN_IMAGES) and not artifact.login:
            name = artifact.paths[0].removeprefix(IMAGE_SCHEME)
            written = {id for node in plan.nodes.values() for id, _ in node.tags}
            built = isinstance(plan.nodes[artifact.writer or ""].work, Build)
            access = "write" if built or artifact.id in written else "read"
            yield Obligation(
                f"package.{artifact.id}", "setting",
                f"where the package {name} is there already, let this repository {access} it (Package settings, Actions access)",
                "a package that another repository, or a person, has pushed first refuses the job's token",
                names=(name,), span=artifact.span,
            )  # fmt: skip
