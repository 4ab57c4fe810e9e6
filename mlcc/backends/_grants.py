"""What the outputs of every back end may do: the part that the plan alone tells."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from mlcc.diagnostics import Span
from mlcc.plan import Login, Node, Plan
from mlcc.record import field, record

_RAW = ("workflow", "pipeline", "jobs")  # what a back end's overlay may consist of


@record
class Grant:
    """One thing that the outputs may do or use. `kind` is one of `mlcc.pins.read.GRANTS`; `span`: where the spec asks for it."""

    kind: str
    text: str
    span: Span | None = field(compare=False, hash=False, default=None)


def of_plan(plan: Plan, target: str) -> Iterator[Grant]:
    """Yield what a plan asks of any CI system: triggers, secrets, logins, environments, images, and raw text for this one."""
    yield from _triggers(plan)
    for node in plan.nodes.values():
        yield from _of_node(node)
    if plan.comment is not None and plan.comment.token is not None:
        yield Grant("secrets", f"final: {plan.comment.token}", plan.comment.span)
    overlay = plan.overlays.get(target)
    if overlay is not None:
        for part in _RAW:
            for keys, value in _leaves(getattr(overlay.content, part, {}), (part,)):
                yield Grant("raw", f"{'.'.join(keys)}: {_shown(value)}", overlay.place(*keys))


def image_grants(references: Iterable[str], span: Span | None) -> Iterator[Grant]:
    """Yield the images that are used, without their digests: those are pins, which may change."""
    for reference in references:
        yield Grant("images", reference.partition("@")[0], span)


def _triggers(plan: Plan) -> Iterator[Grant]:
    triggers = plan.triggers
    for event, patterns in (
        ("push", triggers.push),
        ("pull_request", triggers.pull_request),
        ("tag", triggers.tag),
    ):
        for pattern in patterns or ():
            yield Grant("triggers", f"{event}: {pattern}", triggers.spans.get(f"triggers.{event}", plan.span))
    named = [
        *((id, f"schedule: {id} {cron}") for id, cron in triggers.schedules),
        *((form.id, f"manual: {form.id}") for form in triggers.forms),
        *((id, f"dispatch: {id}") for id in triggers.dispatches),
    ]
    for id, text in named:
        yield Grant("triggers", text, triggers.spans.get(id, plan.span))


def _of_node(node: Node) -> Iterator[Grant]:
    for name in node.secrets:
        yield Grant("secrets", f"{node.id}: {name}", node.place("env"))
    for login in node.logins:
        yield Grant("permissions", f"{node.id}: log in to {_login(login)}", node.place("auth"))
    if node.machine.environment is not None:
        text = f"{node.id}: environment {node.machine.environment}"
        yield Grant("permissions", text, node.place("environment"))
    if node.machine.image is not None:
        yield from image_grants([node.machine.image], node.place("image"))
    yield from image_grants((service.image for service in node.machine.services), node.place("services"))


def _login(login: Login) -> str:
    return f"{login.provider} for {login.audience}"


def _leaves(value: object, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*keys, str(key)))
    elif not isinstance(value, Mapping):
        yield keys, value


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
