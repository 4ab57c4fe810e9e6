"""Overlays: the spec's own GitHub text, merged by id. They may add; what carries the semantics stays.

`jobs.ID.KEY` and `jobs.ID.steps.STEP.KEY` are merged as mappings; lists and scalars replace.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.backends import _overlay
from mlcc.backends._overlay import ANY, VARIABLES, Free
from mlcc.backends.github.model import Workflow
from mlcc.diagnostics import Diagnostic, error
from mlcc.plan import Overlay as RawOverlay
from mlcc.plan import Plan
from mlcc.record import field, record

# Guards, selection and trust rest on everything else.
_CONTAINER = {"options": ANY, "credentials": ANY, "volumes": ANY}
FREE_WORKFLOW: Free = {"run-name": ANY}
FREE_JOB: Free = {
    "concurrency": ANY,
    "container": _CONTAINER,
    "services": {"*": _CONTAINER},
    "environment": {"url": ANY},
    "env": VARIABLES,
}
_UPLOAD: Free = {"with": {"compression-level": ANY}}
FREE_STEPS: Free = {
    "checkout": {"with": {"clean": ANY, "fetch-tags": ANY, "show-progress": ANY, "set-safe-directory": ANY}},
    "python": {
        "with": {"architecture": ANY, "cache": ANY, "cache-dependency-path": ANY, "check-latest": ANY}
    },
    **dict.fromkeys(("state", "data", "reports"), _UPLOAD),
}
FREE_STEP: Free = {"timeout-minutes": ANY}  # of every step


@record
class Overlay:
    """Raw text by id."""

    workflow: Mapping[str, Any] = field(hash=False, default_factory=dict)
    jobs: Mapping[str, Mapping[str, Any]] = field(hash=False, default_factory=dict)


def overlay_of(plan: Plan) -> Overlay:
    """Return the plan's overlay for GitHub."""
    found = plan.overlays.get("github")
    raw: Any = found and found.content
    return Overlay() if raw is None else Overlay(raw.workflow, raw.jobs)


def check_overlay(plan: Plan, workflow: Workflow) -> list[Diagnostic]:
    """Return what an overlay names that isn't there or isn't its to change."""
    raw = plan.overlays.get("github")
    if raw is None:
        return []
    overlay = overlay_of(plan)
    found = list(_overlay.refused(raw, "the workflow", ("workflow",), overlay.workflow, FREE_WORKFLOW))
    jobs = {job.id: job for job in workflow.jobs}
    for id, keys in overlay.jobs.items():
        job = jobs.get(id)
        if job is None:
            found.append(_overlay.unknown(raw, "job", ("jobs", id), list(jobs)))
            continue
        free = (
            FREE_JOB if id in plan.nodes else {}
        )  # what selects and what states the result is nobody's to change
        own = {key: value for key, value in keys.items() if key != "steps"}
        found += _overlay.refused(raw, f"the job '{id}'", ("jobs", id), own, free)
        found += _check_steps(raw, id, keys.get("steps", {}), [step.id for step in job.steps])
    return found


def _check_steps(raw: RawOverlay, job: str, steps: object, known: list[str]) -> list[Diagnostic]:
    if not isinstance(steps, dict) or not all(isinstance(step, dict) for step in steps.values()):
        span = raw.place("jobs", job, "steps")
        return [error("bad-overlay", f"the steps of '{job}' are a mapping by id: {', '.join(known)}", span)]
    found = []
    for step, settings in steps.items():
        keys = ("jobs", job, "steps", step)
        if step not in known:
            found.append(_overlay.unknown(raw, "step", keys, known))
        free = {**FREE_STEP, **FREE_STEPS.get(step, {})}
        found += _overlay.refused(raw, f"the step '{step}' of '{job}'", keys, settings, free)
    return found


def merged(content: dict[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """Return a job's or workflow's tree with an overlay merged in, its steps as a list."""
    result: dict[str, Any] = _overlay.merged(content, overlay)
    if isinstance(result.get("steps"), dict):
        result["steps"] = list(result["steps"].values())
    return result
