"""From a plan to GitLab's files: lower, render, weigh."""

from __future__ import annotations

from typing import NamedTuple

from mlcc.backends import BACKENDS, Usage
from mlcc.backends._checks import check_limits
from mlcc.backends.gitlab.check import check_plan
from mlcc.backends.gitlab.headroom import KEYS, SYSTEM, usages
from mlcc.backends.gitlab.lower import lower
from mlcc.backends.gitlab.overlay import check_overlay, overlay_of
from mlcc.backends.gitlab.pinned import pinned
from mlcc.backends.gitlab.render import render_child, render_parent
from mlcc.diagnostics import Diagnostic, SpecError
from mlcc.plan import Plan
from mlcc.writing.files import File, seal


class _Compiled(NamedTuple):
    parent: str
    child: str
    usages: list[Usage]


def build(plan: Plan) -> list[File]:
    """Lower and render a plan. Raises SpecError for what GitLab can't do."""
    made = _compile(plan)
    problems = check_limits(plan, SYSTEM, made.usages, KEYS)
    if problems:
        raise SpecError(problems)
    parent, child = BACKENDS["gitlab"].output_paths(plan.name, plan.home, plan.spec_home)
    return [File(parent, seal(made.parent)), File(child, seal(made.child))]


def weighed(plan: Plan) -> list[Diagnostic]:
    """Return the limits that a plan exceeds. Raises SpecError."""
    return check_limits(plan, SYSTEM, _compile(plan).usages, KEYS)


def used(plan: Plan) -> list[Usage]:
    """Return how much of each limit the compiled plan uses. Raises SpecError when it doesn't compile."""
    return _compile(plan).usages


def _compile(plan: Plan) -> _Compiled:
    problems = check_plan(plan)
    if problems:
        raise SpecError(problems)
    pipelines = pinned(lower(plan), plan.pins)
    problems = check_overlay(plan, pipelines)
    if problems:
        raise SpecError(problems)
    overlay = overlay_of(plan)
    parent, child = render_parent(pipelines, overlay), render_child(pipelines, overlay)
    return _Compiled(parent, child, usages(plan, pipelines, parent, child))
