"""The GitLab back end: see mlcc.backends.Backend."""

from __future__ import annotations

from typing import NamedTuple

from mlcc.backends import BACKENDS, Usage
from mlcc.backends.gitlab.capabilities import CAPABILITIES
from mlcc.backends.gitlab.check import check_limits, check_plan, usages
from mlcc.backends.gitlab.limits import LIMITS
from mlcc.backends.gitlab.lower import lower
from mlcc.backends.gitlab.obligations import obligations
from mlcc.backends.gitlab.overlay import check_overlay, overlay_of
from mlcc.backends.gitlab.render import render_child, render_parent
from mlcc.diagnostics import Diagnostic, SpecError
from mlcc.files import File, seal
from mlcc.plan import Plan

__all__ = ["CAPABILITIES", "LIMITS", "check", "compile", "obligations", "usage"]


class _Compiled(NamedTuple):
    parent: str
    child: str
    usages: list[Usage]


def compile(plan: Plan) -> list[File]:
    """Lower and render a plan. Raises SpecError for what GitLab can't do."""
    made = _compile(plan)
    problems = check_limits(plan, made.usages)
    if problems:
        raise SpecError(problems)
    parent, child = BACKENDS["gitlab"].output_paths(plan.name, plan.home)
    return [File(parent, seal(made.parent)), File(child, seal(made.child))]


def check(plan: Plan) -> list[Diagnostic]:
    """Return what GitLab can't do of a plan."""
    return check_plan(plan) or check_limits(plan, _compile(plan).usages)


def usage(plan: Plan) -> list[Usage]:
    """Return how much of each limit the compiled plan uses. Raises SpecError when it doesn't compile."""
    return _compile(plan).usages


def _compile(plan: Plan) -> _Compiled:
    problems = check_plan(plan)
    if problems:
        raise SpecError(problems)
    pipelines = lower(plan)
    problems = check_overlay(plan, pipelines)
    if problems:
        raise SpecError(problems)
    overlay = overlay_of(plan)
    parent, child = render_parent(pipelines, overlay), render_child(pipelines, overlay)
    return _Compiled(parent, child, usages(plan, pipelines, parent, child))
