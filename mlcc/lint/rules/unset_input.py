"""An input is empty in runs that its form didn't start.

## What it does

Looks in `env` for inputs of manual forms that have no default, neither there nor in the form, on nodes that also run
when something else starts the pipeline: a push, a schedule, another form.

## Why it is bad

The variable is there, as an empty text. A program that takes it for a number stops, or takes 0 or an unset value
where nobody meant one, and only in runs that nobody watches.

## Bad

    triggers:
      push: {branches: [main]}
      manual: {retrain: {inputs: {rate: {type: number}}}}
    jobs:
      train: {run: python train.py, env: {RATE: {input: rate}}}

## Good

    triggers:
      push: {branches: [main]}
      manual: {retrain: {inputs: {rate: {type: number, default: 0.1}}}}
    jobs:
      train: {run: python train.py, env: {RATE: {input: rate}}}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject, listed
from mlcc.plan import Input, ManualForm, Node
from mlcc.problems import Loc

ID = "unset-input"
SEVERITY = Severity.WARNING


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each variable that may be empty; one that stands under `defaults` counts once."""
    forms = subject.plan.triggers.forms
    seen: set[Loc] = set()
    for id, node in subject.plan.nodes.items():
        for name, value in node.env:
            if not isinstance(value, Input) or value.default is not None:
                continue
            asking = _forms_with(forms, value.name)
            starts = _other_starts(subject, node, asking)
            place = subject.stated(id, "env", name)
            if asking is None or not starts or place in seen:
                continue
            seen.add(place)
            yield subject.finding(
                ID,
                SEVERITY,
                f"{name} of '{id}' is empty in runs that no form with the input '{value.name}' starts: {starts}",
                place,
                others=[(("triggers", "manual", asking[0], "inputs", value.name), "the input")],
                help=f"give the input a default, or let '{id}' run for the form alone: `when: {{trigger: {asking[0]}}}`",
            )


def _forms_with(forms: tuple[ManualForm, ...], name: str) -> list[str] | None:
    """Return the forms that ask for an input; None where one gives it a default, which holds in every run."""
    found = [(form.id, field) for form in forms for field in form.inputs if field.name == name]
    return None if any(field.default is not None for _, field in found) else [id for id, _ in found]


def _other_starts(subject: Subject, node: Node, forms: list[str] | None) -> str:
    """Return what else makes a node run, as a phrase; '' where nothing does."""
    starts = [event.trigger or event.kind for event, found in subject.reach if node.id in found]
    return listed(start for start in dict.fromkeys(starts) if start not in (forms or ()))
