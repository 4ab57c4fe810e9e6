"""What compiled pipelines may do: the plan's part, the images that mlcc chooses, and the tokens that jobs ask for."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.backends._grants import Grant, image_grants, of_plan
from mlcc.backends.gitlab.lower import lower
from mlcc.plan import Plan


def grants(plan: Plan) -> Iterator[Grant]:
    """Yield each thing that the pipelines of a plan may do or use."""
    yield from of_plan(plan, "gitlab")
    pipelines = lower(plan)
    for job in (pipelines.parent.select, *pipelines.jobs):
        node = plan.nodes.get(job.id)
        span = node.span if node else plan.span
        yield from image_grants([job.image], span)
        for name, audience in job.id_tokens.items():
            yield Grant("permissions", f"{job.id}: {name} for {audience}", span)
