"""The GitHub back end: see mlcc.backends.Backend."""

from __future__ import annotations

from mlcc.backends import BACKENDS, Usage
from mlcc.backends.github.capabilities import CAPABILITIES
from mlcc.backends.github.check import check_limits, check_plan, usages
from mlcc.backends.github.limits import LIMITS
from mlcc.backends.github.lower import lower
from mlcc.backends.github.model import Workflow
from mlcc.backends.github.obligations import obligations
from mlcc.backends.github.overlay import check_overlay, overlay_of
from mlcc.backends.github.render import render
from mlcc.diagnostics import Diagnostic, SpecError
from mlcc.files import File, seal
from mlcc.plan import Plan

__all__ = ["CAPABILITIES", "LIMITS", "check", "compile", "obligations", "usage"]


def compile(plan: Plan) -> list[File]:
    """Lower and render a plan. Raises SpecError for what GitHub can't do."""
    workflow, text, problems = _compile(plan)
    if problems:
        raise SpecError(problems)
    (path,) = BACKENDS["github"].output_paths(workflow.name, plan.home)
    return [File(path, seal(text))]


def check(plan: Plan) -> list[Diagnostic]:
    """Return what GitHub can't do of a plan."""
    return check_plan(plan) or _compile(plan)[2]


def usage(plan: Plan) -> list[Usage]:
    """Return how much of each limit the compiled plan uses. Raises SpecError when it doesn't compile."""
    problems = check_plan(plan)
    if problems:
        raise SpecError(problems)
    workflow, text, _ = _compile(plan)
    return usages(plan, workflow, text)


def _compile(plan: Plan) -> tuple[Workflow, str, list[Diagnostic]]:
    problems = check_plan(plan)
    if problems:
        raise SpecError(problems)
    workflow = lower(plan)
    problems = check_overlay(plan, workflow)
    if problems:
        raise SpecError(problems)
    text = render(workflow, overlay_of(plan))
    return workflow, text, check_limits(plan, usages(plan, workflow, text))
