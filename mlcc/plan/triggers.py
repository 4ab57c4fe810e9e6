"""The plan's triggers: what starts a run, and what a person may fill in. Part of `mlcc.plan`."""

from __future__ import annotations

from collections.abc import Mapping

from mlcc.diagnostics import Span
from mlcc.record import field, record

NO_FORM = "-"  # no form's id, and refused


@record
class FormInput:
    """An input of a manual form. Numbers are within [minimum, maximum] where given."""

    name: str
    type: str
    description: str
    default: str | None
    required: bool
    minimum: float | None = None
    maximum: float | None = None
    options: tuple[str, ...] = ()


@record
class ManualForm:
    """A way to start a run by hand."""

    id: str
    inputs: tuple[FormInput, ...]


@record
class Triggers:
    """What starts a run. None: that event starts none; branches and tags are patterns.

    `reserved` are ids of schedules, forms and dispatches that start nothing but what names them, and what that needs.
    """

    pull_request: tuple[str, ...] | None
    push: tuple[str, ...] | None
    tag: tuple[str, ...] | None
    schedules: tuple[tuple[str, str], ...]
    forms: tuple[ManualForm, ...]
    dispatches: tuple[str, ...]
    reserved: tuple[str, ...] = ()
    spans: Mapping[str, Span] = field(
        compare=False, hash=False, default_factory=dict
    )  # trigger id, or `triggers.EVENT` -> its place

    @property
    def choices(self) -> tuple[str, ...]:
        """What a person chooses from who starts a run by hand, the first being offered; (): there is nothing to choose.

        Where a form undoes a release, nobody may start it without having chosen it.
        """
        ids = tuple(form.id for form in self.forms)
        if any(id in self.reserved for id in ids):
            return (NO_FORM, *ids)
        return ids if len(ids) > 1 else ()
