"""Overlays: the spec's own GitLab text, merged by id. They may add; what carries the semantics stays.

`jobs.ID.KEY` is merged as a mapping; lists and scalars replace. `pipeline` is merged into the child pipeline.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.backends import _overlay
from mlcc.backends.gitlab.model import Pipelines
from mlcc.diagnostics import Diagnostic
from mlcc.plan import Overlay as RawOverlay
from mlcc.plan import Plan
from mlcc.record import field, record

# Everything else at the top of the file is a job, or decides which jobs there are.
FREE_PIPELINE = ("default", "variables")
# Guards, selection and trust rest on these; changing them would change what the pipeline means.
FIXED_JOB = (
    "after_script", "allow_failure", "artifacts", "before_script", "dependencies", "except", "extends", "hooks", "inherit",
    "needs", "only", "parallel", "retry", "rules", "run", "script", "stage", "trigger", "when",
)  # fmt: skip
FIXED_DEFAULT = ("after_script", "artifacts", "before_script", "hooks", "retry")
OWN_VARIABLE = "MLCC_"


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
    return [] if raw is None else list(_check(raw, overlay_of(plan), pipelines))


def _check(raw: RawOverlay, overlay: Overlay, pipelines: Pipelines) -> Iterator[Diagnostic]:
    for key, value in overlay.pipeline.items():
        if key not in FREE_PIPELINE:
            yield _overlay.fixed(raw, "the pipeline", ("pipeline", key))
        elif key == "default":
            for inner in _keys(value):
                if inner in FIXED_DEFAULT:
                    yield _overlay.fixed(raw, "the pipeline's defaults", ("pipeline", key, inner))
    yield from _variables(raw, "the pipeline", ("pipeline",), overlay.pipeline)
    known = [pipelines.parent.select.id, *(job.id for job in pipelines.jobs)]
    for id, keys in overlay.jobs.items():
        if id not in known:
            yield _overlay.unknown(raw, "job", ("jobs", id), known)
            continue
        for key in keys:
            if key in FIXED_JOB:
                yield _overlay.fixed(raw, f"the job '{id}'", ("jobs", id, key))
        yield from _variables(raw, f"the job '{id}'", ("jobs", id), keys)


def _variables(
    raw: RawOverlay, where: str, path: tuple[str, ...], content: Mapping[str, Any]
) -> Iterator[Diagnostic]:
    for name in _keys(content.get("variables")):
        if name.startswith(OWN_VARIABLE):
            yield _overlay.fixed(raw, where, (*path, "variables", name))


def _keys(value: object) -> list[str]:
    return [str(key) for key in value] if isinstance(value, Mapping) else []
