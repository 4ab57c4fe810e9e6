"""The Jenkins back end: see mlcc.backends.Backend."""

from __future__ import annotations

from mlcc.backends import BACKENDS, Usage
from mlcc.backends.jenkins.capabilities import CAPABILITIES
from mlcc.backends.jenkins.check import check_limits, check_plan, usages
from mlcc.backends.jenkins.limits import LIMITS
from mlcc.backends.jenkins.lower import lower
from mlcc.backends.jenkins.obligations import obligations
from mlcc.backends.jenkins.render import render
from mlcc.diagnostics import Diagnostic, SpecError
from mlcc.files import File, seal
from mlcc.plan import Plan

__all__ = ["CAPABILITIES", "LIMITS", "check", "compile", "obligations", "usage"]


def compile(plan: Plan) -> list[File]:
    """Lower and render a plan. Raises SpecError for what Jenkins can't do."""
    problems = check(plan)
    if problems:
        raise SpecError(problems)
    (path,) = BACKENDS["jenkins"].output_paths(plan.name, plan.home)
    return [File(path, seal(render(lower(plan))))]


def check(plan: Plan) -> list[Diagnostic]:
    """Return what Jenkins can't do of a plan."""
    return check_plan(plan) or check_limits(plan, usages(lower(plan)))


def usage(plan: Plan) -> list[Usage]:
    """Return how much of each limit the compiled plan uses. Raises SpecError when it doesn't compile."""
    problems = check_plan(plan)
    if problems:
        raise SpecError(problems)
    return usages(lower(plan))
