"""A param that nothing uses, or that an instance sets to no end.

## What it does

Looks for entries of `params` that no `{param: ID}` names, in the spec or in the overrides of any instance; and for values
of an instance that nothing in it uses, since its overrides took the place of what did.

## Why it is bad

It is left over, or misspelt where it was meant. Who sets it believes to have changed something.

## Bad

    params:
      floor: {type: number, default: 0.7, min: 0.6, max: 1}
    gates:
      good: {guards: model, evaluate: {metrics_from: metrics, metrics: {accuracy: {min: 0.7}}}}

## Good

    params:
      floor: {type: number, default: 0.7, min: 0.6, max: 1}
    gates:
      good: {guards: model, evaluate: {metrics_from: metrics, metrics: {accuracy: {min: {param: floor}}}}}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject

ID = "unused-param"
SEVERITY = Severity.WARNING


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each param without a use, and each value of the instance without one."""
    source = subject.source
    for name in subject.spec.params:
        if name in source.unused:
            yield subject.finding(
                ID, SEVERITY, f"nothing uses the param '{name}'", ("params", name), key=True
            )
    used = set(source.values.values())
    for id, instance in subject.spec.instances.items():
        for name in instance.params:
            loc = ("instances", id, "params", name)
            if name not in source.unused and subject.span(loc) not in used:
                message = f"the instance sets the param '{name}', and nothing in it uses that"
                yield subject.finding(ID, SEVERITY, message, loc, key=True)
