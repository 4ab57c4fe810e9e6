"""RESOLVE and PLAN, continued: who is told what became of a release, and by which of its nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlcc.plan import Notice
from mlcc.planning.run_notices import check_run_notice, kept
from mlcc.problems import Loc, Problems

if TYPE_CHECKING:
    from mlcc.spec.models import Spec

EVENTS = ("promoted", "rolled_back", "held", "failed")
# What a node can find, by what it is of a release: the others never get the address.
_FOUND = {
    "deploy": ("failed",),
    "verify": ("rolled_back", "failed"),
    "step": ("rolled_back", "held", "failed"),
    "watch": ("rolled_back", "held", "failed"),
    "promote": EVENTS,
    "rollback": ("rolled_back", "failed"),
    "undo": ("rolled_back", "failed"),
}


def notices(spec: Spec, release: str, step: str) -> tuple[Notice, ...]:
    """Return who is told by a node that is such a step of a release, each with the events that it can find."""
    found = []
    for id, stated in spec.notify.items():
        place = stated.webhook or stated.slack  # Slack takes the same message
        if stated.when is not None or place is None:
            continue
        told = stated.events or EVENTS
        events = tuple(event for event in _FOUND[step] if event in told)
        if events and (stated.releases is None or release in stated.releases):
            found.append(Notice(id, kept(place), events))
    return tuple(found)


def check_notify(spec: Spec, problems: Problems) -> None:
    """Note releases that there aren't, what is named twice, and what makes no sense of notices of runs."""
    for id, stated in spec.notify.items():
        check_run_notice(spec, id, stated, problems)
        loc: Loc = ("notify", id)
        named: dict[str, list[str]] = {"events": [*(stated.events or ())], "releases": stated.releases or []}
        for key, names in named.items():
            for index, name in enumerate(names):
                if key == "releases" and name not in spec.releases:
                    problems.unknown("release", name, list(spec.releases), (*loc, key, index))
                elif names.index(name) != index:
                    problems.add("duplicate-item", f"'{name}' stands twice in `{key}`", (*loc, key, index))
