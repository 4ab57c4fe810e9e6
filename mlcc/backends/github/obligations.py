"""What no workflow file can hold: settings that a person makes once."""

from __future__ import annotations

from mlcc.plan import Execute, Plan


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
        if environment.approval:
            found.append(f"give the environment '{environment.id}' required reviewers")
        if environment.branches:
            found.append(f"restrict the environment '{environment.id}' to {', '.join(environment.branches)}")
    if any(node.logins for node in plan.nodes.values()):
        found.append("let the cloud trust this repository's OpenID Connect tokens (audience and subject)")
    return found


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
