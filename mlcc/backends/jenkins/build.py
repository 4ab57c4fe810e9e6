"""From a plan to a Jenkinsfile: lower, weigh, render."""

from __future__ import annotations

from mlcc.backends import BACKENDS, Usage
from mlcc.backends._checks import check_limits
from mlcc.backends.jenkins.check import check_plan
from mlcc.backends.jenkins.headroom import KEYS, SYSTEM, usages
from mlcc.backends.jenkins.lower import lower
from mlcc.backends.jenkins.model import Jenkinsfile
from mlcc.backends.jenkins.render import render
from mlcc.diagnostics import Diagnostic, SpecError
from mlcc.plan import Plan
from mlcc.writing.files import File, seal


def build(plan: Plan) -> list[File]:
    """Lower and render a plan. Raises SpecError for what Jenkins can't do."""
    lowered = _lowered(plan)
    problems = check_limits(plan, SYSTEM, usages(lowered), KEYS)
    if problems:
        raise SpecError(problems)
    (path,) = BACKENDS["jenkins"].output_paths(plan.name, plan.home)
    return [File(path, seal(render(lowered)))]


def weighed(plan: Plan) -> list[Diagnostic]:
    """Return the limits that a plan exceeds. Raises SpecError."""
    return check_limits(plan, SYSTEM, used(plan), KEYS)


def used(plan: Plan) -> list[Usage]:
    """Return how much of each limit the compiled plan uses. Raises SpecError when it doesn't compile."""
    return usages(_lowered(plan))


def _lowered(plan: Plan) -> Jenkinsfile:
    problems = check_plan(plan)
    if problems:
        raise SpecError(problems)
    return lower(plan)
