"""LOWER, at its end: the repository's own pins of actions instead of the shipped ones."""

from __future__ import annotations

from mlcc.backends.github.model import Job, Step, UsesStep, Workflow
from mlcc.backends.github.pins import Action
from mlcc.plan import Pins
from mlcc.record import replace


def pinned(workflow: Workflow, pins: Pins) -> Workflow:
    """Return a workflow whose actions run at the commits that the lock fixes."""
    if not pins.actions:
        return workflow
    return replace(workflow, jobs=tuple(_job(job, pins) for job in workflow.jobs))


def action_of(action: Action, pins: Pins) -> Action:
    """Return an action at the commit that the lock fixes, or as it is."""
    own = pins.actions.get(action.repository)
    return action if own is None else replace(action, commit=own.commit, tag=own.tag)


def _job(job: Job, pins: Pins) -> Job:
    return replace(job, steps=tuple(_step(step, pins) for step in job.steps))


def _step(step: Step, pins: Pins) -> Step:
    return replace(step, action=action_of(step.action, pins)) if isinstance(step, UsesStep) else step
