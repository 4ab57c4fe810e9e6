"""PLAN, continued: what starts a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlcc.plan.triggers import FormInput, ManualForm, Triggers
from mlcc.planning.values import text_of
from mlcc.problems import Loc, Problems
from mlcc.resolving.references import as_list

if TYPE_CHECKING:
    from mlcc.spec.models import Spec

PLAIN_TRIGGERS = ("push", "pull_request", "tag")  # those without ids
UNDONE_BY = ("reconcile", "manual")  # keys of `rollback` that name triggers


def triggers(spec: Spec, problems: Problems) -> Triggers:
    """Return what starts a run, as the spec states it."""
    raw = spec.triggers
    places: dict[str, Loc] = {
        f"triggers.{event}": ("triggers", event) for event in PLAIN_TRIGGERS if getattr(raw, event)
    }
    places.update({id: ("triggers", "dispatch", number) for number, id in enumerate(raw.dispatch)})
    for group, ids in (("schedule", raw.schedule), ("manual", raw.manual)):
        places.update({id: ("triggers", group, id) for id in ids})
    return Triggers(
        pull_request=tuple(raw.pull_request.branches) if raw.pull_request else None,
        push=tuple(raw.push.branches) if raw.push else None,
        tag=tuple(raw.tag.patterns) if raw.tag else None,
        schedules=tuple(raw.schedule.items()),
        forms=tuple(
            ManualForm(id, tuple(_form_input(name, field) for name, field in form.inputs.items()))
            for id, form in raw.manual.items()
        ),
        dispatches=tuple(raw.dispatch),
        reserved=_reserved(spec),
        spans={id: problems.span(loc, key=True) for id, loc in places.items()},
    )


def _reserved(spec: Spec) -> tuple[str, ...]:
    """Return the triggers by which releases are undone: none of them may start a release, or anything else, as well."""
    named = (
        as_list(getattr(release.rollback, key, None))
        for release in spec.releases.values()
        for key in UNDONE_BY
    )
    return tuple(dict.fromkeys(id for ids in named for id in ids))


def _form_input(name: str, raw: Any) -> FormInput:
    return FormInput(
        name=name,
        type=raw.type,
        description=raw.description or "",
        default=None if raw.default is None else text_of(raw.default),
        required=raw.required,
        minimum=raw.min,
        maximum=raw.max,
        options=tuple(raw.options),
    )
