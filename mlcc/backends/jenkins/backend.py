"""The Jenkins back end: see mlcc.backends.Backend. What lowers and renders is imported when it is needed."""

from __future__ import annotations

from mlcc.backends import Usage
from mlcc.backends._small import is_small
from mlcc.backends.jenkins.capabilities import CAPABILITIES
from mlcc.backends.jenkins.check import check_plan
from mlcc.backends.jenkins.limits import LIMITS
from mlcc.diagnostics import Diagnostic
from mlcc.files import File
from mlcc.plan import Plan

__all__ = ["CAPABILITIES", "LIMITS", "check", "compile", "obligations", "usage"]


def compile(plan: Plan) -> list[File]:
    """Lower and render a plan. Raises SpecError for what Jenkins can't do."""
    from mlcc.backends.jenkins.build import build

    return build(plan)


def check(plan: Plan) -> list[Diagnostic]:
    """Return what Jenkins can't do of a plan. Raises SpecError."""
    problems = check_plan(plan)
    if problems or ("jenkins" not in plan.overlays and is_small(plan)):
        return problems
    from mlcc.backends.jenkins.build import weighed

    return weighed(plan)


def usage(plan: Plan) -> list[Usage]:
    """Return how much of each limit the compiled plan uses. Raises SpecError when it doesn't compile."""
    from mlcc.backends.jenkins.build import used

    return used(plan)


def obligations(plan: Plan) -> list[str]:
    """Return what no file can hold: settings that a person makes once, one sentence each."""
    from mlcc.backends.jenkins import obligations as page

    return page.obligations(plan)
