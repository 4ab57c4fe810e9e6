"""What a compiled workflow may do: the plan's part, the token's permissions job by job, and the actions that run."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.backends._grants import Grant, of_plan
from mlcc.backends.github.lower import lower
from mlcc.backends.github.model import UsesStep
from mlcc.plan import Plan

EVERY_JOB = "contents: read"
"""What a job has in any case, so that it is said once."""


def grants(plan: Plan) -> Iterator[Grant]:
    """Yield each thing that the workflow of a plan may do or use."""
    yield from of_plan(plan, "github")
    for job in lower(plan).jobs:
        node = plan.nodes.get(job.id)
        span = node.span if node else plan.span
        for permission in job.permissions:
            text = f"{permission.scope}: {permission.access}"
            yield Grant("permissions", text if text == EVERY_JOB else f"{job.id}: {text}", span)
        for step in job.steps:
            if isinstance(step, UsesStep):
                yield Grant("actions", step.action.repository, span)
