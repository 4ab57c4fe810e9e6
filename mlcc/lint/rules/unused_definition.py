"""A runner, environment, login, store, input or notice that nothing uses.

## What it does

Looks for entries of `runners`, `environments` and `auth`, and for inputs of manual forms, that no node names; for entries
of `notify` that no release tells anything; and for a `store` of which no node moves anything.

## Why it is bad

It is left over, or misspelt where it was meant. An input that nothing reads makes people believe that they
have set something.

## Bad

    triggers: {manual: {retrain: {inputs: {epochs: {type: integer, default: 10}}}}}
    jobs:
      train: {run: python train.py}

## Good

    triggers: {manual: {retrain: {inputs: {epochs: {type: integer, default: 10}}}}}
    jobs:
      train: {run: python train.py --epochs "$EPOCHS", env: {EPOCHS: {input: epochs}}}
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.diagnostics import Diagnostic, Severity
from mlcc.lint.subject import Subject
from mlcc.plan import Input, MatrixValue, Node
from mlcc.problems import Loc

ID = "unused-definition"
SEVERITY = Severity.WARNING


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each definition without a use."""
    for what, name, loc in _unused(subject):
        yield subject.finding(ID, SEVERITY, f"no node uses the {what} '{name}'", loc, key=True)


def _unused(subject: Subject) -> Iterator[tuple[str, str, Loc]]:
    spec, nodes = subject.spec, list(subject.plan.nodes.values())
    runners = {name for node in nodes for name in _runners(node)} | {spec.defaults.runner}
    yield from (("runner", id, ("runners", id)) for id in spec.runners if id not in runners)
    environments = {node.machine.environment for node in nodes}
    yield from (
        ("environment", id, ("environments", id)) for id in spec.environments if id not in environments
    )
    logins = {login.provider for node in nodes for login in node.logins}
    for provider in ("aws", "gcp", "azure", "oidc"):
        if getattr(spec.auth, provider) is not None and provider not in logins:
            yield "login", provider, ("auth", provider)
    if spec.store is not None and not any(node.stores for node in nodes):
        yield "store", spec.store.uri, ("store",)
    told = {notice.id for node in nodes if node.part is not None for notice in node.part.notices}
    yield from (("notice", id, ("notify", id)) for id in spec.notify if id not in told)
    inputs = {value.name for node in nodes for _, value in node.env if isinstance(value, Input)}
    inputs |= {name for node in nodes for condition in node.when for name, _ in condition.inputs}
    for form in subject.plan.triggers.forms:
        for field in form.inputs:
            if field.name not in inputs:
                yield "input", field.name, ("triggers", "manual", form.id, "inputs", field.name)


def _runners(node: Node) -> list[str]:
    runner = node.machine.runner
    if not isinstance(runner, MatrixValue):
        return [runner]
    return [str(value) for leg in node.legs for axis, value in leg.values if axis == runner.axis]
