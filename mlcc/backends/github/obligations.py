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
    executes = [step for node in plan.nodes.values() for step in node.steps if isinstance(step, Execute)]
    secrets = sorted({name for step in executes for name in step.secrets})
    variables = sorted({name for step in executes for name in step.variables})
    if secrets:
        found.append(f"create the secrets {', '.join(secrets)}")
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
