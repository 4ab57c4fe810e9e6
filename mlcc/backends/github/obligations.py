"""What no workflow file can hold: settings that a person makes once."""

from __future__ import annotations

from mlcc.backends._checks import APPROVAL_SUFFIX, released_into
from mlcc.backends.github.lower import WAIT, waits_of
from mlcc.plan import Environment, Execute, Plan
from mlcc.release_looks import MADE_GOOD


def obligations(plan: Plan) -> list[str]:
    """Return the settings that the pipeline relies on, one sentence each."""
    found = []
    if plan.triggers.pull_request is not None:
        branches = ", ".join(plan.triggers.pull_request)
        found.append(
            f"require the check '{plan.name}' on {branches} (Settings, Rules): it is the one final node"
        )
    found += _secrets(plan)
    executes = [step for node in plan.nodes.values() for step in node.steps if isinstance(step, Execute)]
    variables = sorted({name for step in executes for name in step.variables})
    if variables:
        found.append(f"create the variables {', '.join(variables)}")
    for environment in plan.environments.values():
        found += _environment(environment, environment.id in released_into(plan))
    found += _timers(plan)
    if any(node.logins for node in plan.nodes.values()):
        found.append("let the cloud trust this repository's OpenID Connect tokens (audience and subject)")
    return found


def _environment(environment: Environment, released: bool) -> list[str]:
    """Return the settings of an environment. One that a release goes into leaves asking to another, once a release."""
    id = environment.id
    branches = ", ".join(environment.branches)
    if not (environment.approval and released):
        found = [f"give the environment '{id}' required reviewers"] if environment.approval else []
        return found + ([f"restrict the environment '{id}' to {branches}"] if branches else [])
    return [
        f"give the environment '{id}{APPROVAL_SUFFIX}' required reviewers, and '{id}' none: there they would be asked before "
        "each step of a release, and before its rollback",
        f"restrict the environments '{id}' and '{id}{APPROVAL_SUFFIX}' to {branches or 'protected branches'}: whoever may push "
        f"to a branch that '{id}' is open to gets its secrets without a reviewer",
    ]


def _timers(plan: Plan) -> list[str]:
    """Return the wait timers, which the API takes in minutes, from 1 to 43,200."""
    waiting: dict[str, list[str]] = {}
    for node in plan.nodes.values():
        for suffix, environment in waits_of(plan, node):
            if suffix == WAIT:
                waiting.setdefault(environment, []).append(node.id)
    return [
        f"give the environment '{environment}' a wait timer of {environment[len('wait-') : -1]} minutes (private repositories "
        f"need a paid plan for it): without it, {', '.join(ids)} waits on a runner, for {MADE_GOOD // 3600} hours at most"
        for environment, ids in sorted(waiting.items())
    ]


def _secrets(plan: Plan) -> list[str]:
    """Return where to create which secrets. A node with secrets and without an environment uses the pipeline's own."""
    by_environment: dict[str, set[str]] = {}
    for node in plan.nodes.values():
        if node.secrets:
            by_environment.setdefault(node.machine.environment or plan.name, set()).update(node.secrets)
    return [
        f"create the environment '{environment}' (Settings, Environments) with the secrets {', '.join(sorted(names))}: "
        "there only the jobs that name them get them"
        for environment, names in sorted(by_environment.items())
    ]
