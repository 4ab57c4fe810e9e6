"""The GitLab back end: see mlcc.backends.Backend. What lowers and renders is imported when it is needed."""

from __future__ import annotations

from mlcc.backends import Usage
from mlcc.backends._small import is_small
from mlcc.backends.gitlab.capabilities import CAPABILITIES
from mlcc.backends.gitlab.check import check_plan
from mlcc.backends.gitlab.limits import LIMITS
from mlcc.diagnostics import Diagnostic
from mlcc.files import File
from mlcc.plan import Plan

__all__ = ["CAPABILITIES", "LIMITS", "check", "compile", "obligations", "usage"]


def compile(plan: Plan) -> list[File]:
    """Lower and render a plan. Raises SpecError for what GitLab can't do."""
    from mlcc.backends.gitlab.build import build

    return build(plan)


def check(plan: Plan) -> list[Diagnostic]:
    """Return what GitLab can't do of a plan. Raises SpecError."""
    problems = check_plan(plan)
    if problems or ("gitlab" not in plan.overlays and is_small(plan)):
        return problems
    from mlcc.backends.gitlab.build import weighed

    return weighed(plan)


def usage(plan: Plan) -> list[Usage]:
    """Return how much of each limit the compiled plan uses. Raises SpecError when it doesn't compile."""
    from mlcc.backends.gitlab.build import used

    return used(plan)


def obligations(plan: Plan) -> list[str]:
    """Return what no file can hold: settings that a person makes once, one sentence each."""
    from mlcc.backends.gitlab import obligations as page

    return page.obligations(plan)
