"""From a plan to GitHub's files: lower, divide where one file can't hold it, render, weigh."""

from __future__ import annotations

from mlcc.backends import BACKENDS, Usage
from mlcc.backends._checks import check_limits
from mlcc.backends.github import limits
from mlcc.backends.github.check import KEYS, SYSTEM, check_plan
from mlcc.backends.github.headroom import split_note, usages
from mlcc.backends.github.lower import lower, waits_of
from mlcc.backends.github.model import Rendered, Workflow
from mlcc.backends.github.overlay import Overlay, check_overlay, overlay_of
from mlcc.backends.github.partition import Part, partition
from mlcc.backends.github.parts import lower_parts, part_path, secrets_of
from mlcc.backends.github.pinned import pinned
from mlcc.backends.github.render import job_bytes, rendered
from mlcc.diagnostics import Diagnostic, SpecError
from mlcc.plan import Plan
from mlcc.record import record
from mlcc.writing.files import File, seal


@record
class Compiled:
    """The workflow files of a plan, the main one first; `parts` are the nodes of the others."""

    files: tuple[Rendered, ...]
    parts: tuple[Part, ...] = ()


def build(plan: Plan) -> list[File]:
    """Lower and render a plan. Raises SpecError for what GitHub can't do."""
    made = compiled(plan)
    problems = check_limits(plan, SYSTEM, usages(plan, made.files), KEYS)
    if problems:
        raise SpecError(problems)
    return [File(file.path, seal(file.text)) for file in made.files]


def weighed(plan: Plan) -> list[Diagnostic]:
    """Return the limits that a plan exceeds, and a note where one file can't hold it. Raises SpecError."""
    made = compiled(plan)
    notes = [split_note(plan, made.parts)] if made.parts else []
    return [*check_limits(plan, SYSTEM, usages(plan, made.files), KEYS), *notes]


def used(plan: Plan) -> list[Usage]:
    """Return how much of each limit the compiled plan uses. Raises SpecError when it doesn't compile."""
    return usages(plan, compiled(plan).files)


def compiled(plan: Plan, most: int = limits.WORKFLOW.allowed) -> Compiled:
    """Return the workflow of a plan, in several files where one would be larger than `most` bytes. Raises SpecError."""
    problems = check_plan(plan)
    if problems:
        raise SpecError(problems)
    overlay = overlay_of(plan)
    workflow = pinned(lower(plan), plan.pins)
    problems = check_overlay(plan, workflow)
    if problems:
        raise SpecError(problems)
    path, _ = BACKENDS["github"].output_paths(plan.name, plan.home)
    whole = rendered(path, workflow, overlay)
    if len(whole.text.encode()) <= most:
        return Compiled((whole,))
    parts = _parts(plan, workflow, overlay, most)
    main, *called = (pinned(part, plan.pins) for part in lower_parts(plan, parts, overlay))
    others = [rendered(part_path(plan, number), part, overlay) for number, part in enumerate(called)]
    return Compiled((rendered(path, main, overlay), *others), parts)


def _parts(plan: Plan, workflow: Workflow, overlay: Overlay, most: int) -> tuple[Part, ...]:
    """Return parts whose files have at most so many bytes. A job is never larger in a part than in the whole."""
    jobs = {job.id: job for job in workflow.jobs}
    sizes = {
        id: sum(
            job_bytes(jobs[job], overlay)
            for job in (id, *(id + suffix for suffix, _ in waits_of(plan, node)))
        )
        for id, node in plan.nodes.items()
    }
    (_, fullest) = lower_parts(plan, [Part((), ())], overlay)
    frame = len(rendered("", fullest, overlay).text.encode())
    frame += sum(len(name) + _SECRET_LINE for name in secrets_of(plan, tuple(plan.nodes), overlay))
    return partition(plan, sizes, most - frame - _SLACK)


_SECRET_LINE = len("      : {required: false}\n")
_SLACK = 200  # bytes: the input for failures, the heading of secrets, digits of the part's number
