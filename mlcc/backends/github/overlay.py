"""Overlays: the spec's own GitHub text, merged by id. They may add; what carries the semantics stays.

`jobs.ID.KEY` and `jobs.ID.steps.STEP.KEY` are merged as mappings; lists and scalars replace.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.backends.github.model import Workflow
from mlcc.diagnostics import Diagnostic, error, suggest
from mlcc.plan import Plan
from mlcc.record import field, record

# Guards, selection and trust rest on these; changing them would change what the pipeline means.
FIXED_WORKFLOW = ("on", "jobs", "permissions", "defaults", "name")
FIXED_JOB = (
    "if",
    "needs",
    "outputs",
    "permissions",
    "continue-on-error",
    "strategy",
    "name",
    "uses",
    "secrets",
)
FIXED_STEP = ("id", "if", "run", "uses", "continue-on-error")


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
    overlay = overlay_of(plan)
    found = [
        _fixed(plan, "the workflow", ("workflow", key)) for key in overlay.workflow if key in FIXED_WORKFLOW
    ]
    jobs = {job.id: job for job in workflow.jobs}
    for id, keys in overlay.jobs.items():
        job = jobs.get(id)
        if job is None:
            found.append(_unknown(plan, "job", ("jobs", id), list(jobs)))
            continue
        found += [_fixed(plan, f"the job '{id}'", ("jobs", id, key)) for key in keys if key in FIXED_JOB]
        found += _check_steps(plan, id, keys.get("steps", {}), [step.id for step in job.steps])
    return found


def _check_steps(plan: Plan, job: str, steps: object, known: list[str]) -> list[Diagnostic]:
    if not isinstance(steps, dict) or not all(isinstance(step, dict) for step in steps.values()):
        span = plan.overlays["github"].place("jobs", job, "steps")
        return [error("bad-overlay", f"the steps of '{job}' are a mapping by id: {', '.join(known)}", span)]
    found = []
    for step, settings in steps.items():
        keys = ("jobs", job, "steps", step)
        if step not in known:
            found.append(_unknown(plan, "step", keys, known))
        found += [
            _fixed(plan, f"the step '{step}' of '{job}'", (*keys, key))
            for key in settings
            if key in FIXED_STEP
        ]
    return found


def _fixed(plan: Plan, where: str, keys: tuple[str, ...]) -> Diagnostic:
    return error(
        "overlay-semantics",
        f"an overlay can't change `{keys[-1]}` of {where}: the meaning of the spec rests on it",
        plan.overlays["github"].place(*keys),
        help="say it in the spec",
    )


def _unknown(plan: Plan, what: str, keys: tuple[str, ...], known: list[str]) -> Diagnostic:
    close = suggest(keys[-1], known)
    help = f"did you mean '{close}'?" if close else f"there are {', '.join(known)}"
    message = f"the overlay names a {what} '{keys[-1]}' that isn't there"
    return error("unknown-overlay", message, plan.overlays["github"].place(*keys), help=help)


def merged(content: dict[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """Return a job's or workflow's tree with an overlay merged in, its steps as a list."""
    result: dict[str, Any] = _merge(content, overlay)
    if isinstance(result.get("steps"), dict):
        result["steps"] = list(result["steps"].values())
    return result


def _merge(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, Mapping):
        return {**old, **{key: _merge(old.get(key), value) for key, value in new.items()}}
    return new
