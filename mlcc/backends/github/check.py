"""What GitHub can't do of a plan, at the spec's lines, as far as the plan itself shows it."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc import plan as ir
from mlcc import semantics
from mlcc.backends import Usage
from mlcc.backends._checks import (
    check_limits,
    clashing_inputs,
    largest,
    runner_ids,
    taken_environments,
    unlabelled_runners,
)
from mlcc.backends.github import limits
from mlcc.backends.github.texts import check_texts
from mlcc.diagnostics import Diagnostic, error

SYSTEM = "GitHub's"
KEYS = {limits.MATRIX.name: "matrix", limits.JOB_MINUTES.name: "timeout", limits.EXPRESSION.name: "reads"}


def check_plan(plan: ir.Plan) -> list[Diagnostic]:
    """Return the errors that show before lowering."""
    return [
        *unlabelled_runners(plan, "github", "LABEL"),
        *clashing_inputs(plan, "GitHub"),
        *_schedules(plan),
        *_self_hosted(plan),
        *_waits(plan),
        *check_texts(plan),
        *check_limits(plan, SYSTEM, stated(plan), KEYS),
    ]


def stated(plan: ir.Plan) -> list[Usage]:
    """Return how much a plan uses of the limits that need no lowering; for parts, the largest."""
    # The node's own deadline must end before GitHub's: then it ends the command, tears down and passes on its state.
    minutes = [
        (-(-node.longest_seconds // 60) + limits.BACKSTOP_MINUTES, node.id)
        for node in plan.nodes.values()
        if _hosted(plan, node)
    ]
    fields = {field.name for form in plan.triggers.forms for field in form.inputs}
    return [
        largest(limits.MATRIX, [(len(node.legs), node.id) for node in plan.nodes.values()]),
        Usage(limits.INPUTS, len(fields) + (len(plan.triggers.forms) > 1), "all forms together"),
        largest(limits.JOB_MINUTES, minutes),
        Usage(limits.OUTPUT, sum(2 * (len(id) + 1) for id in plan.nodes), "the list of unselected nodes"),
    ]


def _waits(plan: ir.Plan) -> Iterator[Diagnostic]:
    if any(node.pause is not None for node in plan.nodes.values()):
        from mlcc.backends.github.lower import waits_of  # few pipelines wait

        names = [environment for node in plan.nodes.values() for _, environment in waits_of(plan, node)]
        yield from taken_environments(plan, "GitHub", names)


def _schedules(plan: ir.Plan) -> Iterator[Diagnostic]:
    crons: dict[str, str] = {}
    for id, cron in plan.triggers.schedules:
        other = crons.setdefault(cron, id)
        if other != id:
            yield error(
                "same-schedule", f"'{id}' and '{other}' have the same cron line, and GitHub tells runs apart by it alone",
                plan.triggers.spans.get(id),
                help="move one of them by a minute",
            )  # fmt: skip
        minutes = cron.split()[0]
        step = minutes.partition("/")[2]
        if minutes == "*" or (step and int(step) < limits.SCHEDULE_MINUTES):
            yield error(
                "too-often",
                f"'{id}' runs more often than GitHub allows (every {limits.SCHEDULE_MINUTES} minutes)",
                plan.triggers.spans.get(id),
            )


def _self_hosted(plan: ir.Plan) -> Iterator[Diagnostic]:
    """Refuse own machines for pull requests: anybody's code would run on them."""
    if plan.triggers.pull_request is None:
        return
    branch = next(iter(plan.triggers.pull_request), "main").replace("*", "x")
    possible = semantics.candidates(plan, semantics.Event("pull_request", branch=branch))
    for node in plan.nodes.values():
        for id in runner_ids(node):
            runner = plan.runners[id]
            if (
                node.id in possible
                and "self-hosted" in runner.labels.get("github", ())
                and not runner.pull_requests
            ):
                yield error(
                    "self-hosted-pull-request", f"'{node.id}' would run anybody's pull requests on the self-hosted runner '{id}'",
                    node.place("runner"), help=f"restrict it with `when`, or set `runners.{id}.pull_requests: true`",
                )  # fmt: skip


def _hosted(plan: ir.Plan, node: ir.Node) -> bool:
    return not any("self-hosted" in plan.runners[id].labels.get("github", ()) for id in runner_ids(node))
