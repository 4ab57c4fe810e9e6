"""The GitHub back end: see mlcc.backends.Backend. What lowers and renders is imported when it is needed."""

from __future__ import annotations

from mlcc.backends import Usage
from mlcc.backends._small import is_small
from mlcc.backends.github.capabilities import CAPABILITIES
from mlcc.backends.github.check import check_plan
from mlcc.backends.github.limits import LIMITS
from mlcc.diagnostics import Diagnostic
from mlcc.files import File
from mlcc.plan import Plan

__all__ = ["CAPABILITIES", "LIMITS", "check", "compile", "obligations", "usage"]


def compile(plan: Plan) -> list[File]:
    """Lower and render a plan. Raises SpecError for what GitHub can't do."""
    from mlcc.backends.github.build import build

    return build(plan)


def check(plan: Plan) -> list[Diagnostic]:
    """Return what GitHub can't do of a plan, and a note where one file can't hold it. Raises SpecError."""
    problems = check_plan(plan)
    if problems or ("github" not in plan.overlays and is_small(plan)):
        return problems
    from mlcc.backends.github.build import weighed

    return weighed(plan)


def usage(plan: Plan) -> list[Usage]:
    """Return how much of each limit the compiled plan uses. Raises SpecError when it doesn't compile."""
    from mlcc.backends.github.build import used

    return used(plan)


def obligations(plan: Plan) -> list[str]:
    """Return what no file can hold: settings that a person makes once, one sentence each."""
    from mlcc.backends.github import obligations as page

    return page.obligations(plan)
