"""Pull requests reach a deployment environment that lets everything in.

## What it does

Looks for environments with neither `branches` nor `approval` that a node uses which runs for pull requests.

## Why it is bad

The environment's variables and secrets, and with them whatever it deploys to, are open to code that nobody
has merged.

## Bad

    environments: {production: {env: {CLUSTER: prod}}}
    jobs:
      deploy: {run: ./deploy.sh, reads: [model], environment: production}

## Good

    environments: {production: {env: {CLUSTER: prod}, branches: [main], approval: true}}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject

ID = "open-environment"
SEVERITY = Severity.NOTE


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each unprotected environment within the reach of pull requests."""
    users = [node for node in subject.plan.nodes.values() if node.machine.environment is not None]
    if not users:
        return
    reached = {id for event, found in subject.reach if event.kind == "pull_request" for id in found}
    for id, environment in subject.plan.environments.items():
        first = next((n for n in users if n.machine.environment == id and n.id in reached), None)
        if first is not None and not environment.branches and not environment.approval:
            yield subject.finding(
                ID,
                SEVERITY,
                f"code of unmerged pull requests runs in the environment '{id}'",
                ("environments", id),
                key=True,
                others=[(subject.loc(first.id), "this node uses it, and runs for pull requests")],
                help="give the environment `branches: [main]`, or the node a `when`",
            )
