"""LOWER, at its end: the digests of the images that mlcc itself chooses, as the repository's lock fixes them."""

from __future__ import annotations

from mlcc.backends.gitlab.model import Job, Pipelines
from mlcc.plan import Pins
from mlcc.record import replace


def pinned(pipelines: Pipelines, pins: Pins) -> Pipelines:
    """Return pipelines whose images have the digests of the lock. The spec's own images have theirs in the plan."""
    if not pins.images:
        return pipelines
    parent = replace(pipelines.parent, select=_job(pipelines.parent.select, pins))
    return replace(pipelines, parent=parent, jobs=tuple(_job(job, pins) for job in pipelines.jobs))


def _job(job: Job, pins: Pins) -> Job:
    return replace(job, image=pins.image(job.image))
