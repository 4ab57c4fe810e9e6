"""Overlays: the spec's own GitLab text, merged by id. They may add; what carries the semantics stays.

`jobs.ID.KEY` is merged as a mapping; lists and scalars replace. `pipeline` is merged into the child pipeline.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.backends import _overlay
from mlcc.backends._overlay import ANY, VARIABLES, Free
from mlcc.backends.gitlab.model import Pipelines
from mlcc.diagnostics import Diagnostic
from mlcc.plan import Overlay as RawOverlay
from mlcc.plan import Plan
from mlcc.record import field, record

# Guards, selection and trust rest on everything else.
FREE_PIPELINE: Free = {"default": {"tags": ANY, "image": ANY}, "variables": VARIABLES}
FREE_JOB: Free = {
    "image": ANY,
    "tags": ANY,
    "variables": VARIABLES,
    "interruptible": ANY,
    "resource_group": ANY,
    "coverage": ANY,
    "environment": {"url": ANY, "auto_stop_in": ANY, "deployment_tier": ANY, "kubernetes": ANY},
}
FREE_OWN_JOB: Free = {"tags": ANY, "image": ANY}  # of what selects and what states the result: where they run


@record
class Overlay:
    """Raw text by id."""

    pipeline: Mapping[str, Any] = field(hash=False, default_factory=dict)
    jobs: Mapping[str, Mapping[str, Any]] = field(hash=False, default_factory=dict)


def overlay_of(plan: Plan) -> Overlay:
    """Return the plan's overlay for GitLab."""
    found = plan.overlays.get("gitlab")
    raw: Any = found and found.content
    return Overlay() if raw is None else Overlay(raw.pipeline, raw.jobs)


def check_overlay(plan: Plan, pipelines: Pipelines) -> list[Diagnostic]:
    """Return what an overlay names that isn't there or isn't its to change."""
    raw = plan.overlays.get("gitlab")
    return [] if raw is None else list(_check(plan, raw, overlay_of(plan), pipelines))


def _check(plan: Plan, raw: RawOverlay, overlay: Overlay, pipelines: Pipelines) -> Iterator[Diagnostic]:
    yield from _overlay.refused(raw, "the pipeline", ("pipeline",), overlay.pipeline, FREE_PIPELINE)
    yield from _checkouts(raw, "the pipeline", ("pipeline",), overlay.pipeline)
    known = [pipelines.parent.select.id, *(job.id for job in pipelines.jobs)]
    for id, keys in overlay.jobs.items():
        if id not in known:
            yield _overlay.unknown(raw, "job", ("jobs", id), known)
            continue
        free = FREE_JOB if id in plan.nodes else FREE_OWN_JOB
        yield from _overlay.refused(raw, f"the job '{id}'", ("jobs", id), keys, free)
        yield from _checkouts(raw, f"the job '{id}'", ("jobs", id), keys)


def _checkouts(
    raw: RawOverlay, where: str, path: tuple[str, ...], content: Mapping[str, Any]
) -> Iterator[Diagnostic]:
    """Yield an error for each variable that decides which files a job works on."""
    variables = content.get("variables")
    for name in variables if isinstance(variables, Mapping) else ():
        if name.startswith("GIT_"):
            yield _overlay.fixed(raw, where, (*path, "variables", name))
