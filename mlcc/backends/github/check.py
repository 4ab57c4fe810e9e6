"""What GitHub can't do of a plan, at the spec's lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlcc import plan as ir
from mlcc import semantics
from mlcc.backends import Limit, Usage
from mlcc.backends.github import limits
from mlcc.backends.github.model import Rendered, Triggers
from mlcc.backends.github.partition import Part, added_waits
from mlcc.backends.github.texts import check_texts
from mlcc.diagnostics import Diagnostic, Related, Severity, Span, error


def check_plan(plan: ir.Plan) -> list[Diagnostic]:
    """Return the errors that show before lowering."""
    return [*_runners(plan), *_forms(plan), *_schedules(plan), *_self_hosted(plan), *check_texts(plan)]


def _place(node: ir.Node, key: str) -> Span | None:
    return node.spans.get(key, node.span)


def runner_ids(node: ir.Node) -> list[str]:
    """Return the ids of the runners that a node's legs use."""
    runner = node.machine.runner
    if not isinstance(runner, ir.MatrixValue):
        return [runner]
    return list(dict.fromkeys(str(dict(leg.values)[runner.axis]) for leg in node.legs))


def _runners(plan: ir.Plan) -> Iterator[Diagnostic]:
    for node in plan.nodes.values():
        for id in runner_ids(node):
            runner = plan.runners[id]
            if not runner.labels.get("github"):
                related = (Related(runner.span, "the runner"),) if runner.span else ()
                yield error(
                    "no-runner-label", f"the runner '{id}' of '{node.id}' has no label for github", _place(node, "runner"),
                    related=related, help=f"add `github: LABEL` to `runners.{id}`",
                )  # fmt: skip


def _forms(plan: ir.Plan) -> Iterator[Diagnostic]:
    seen: dict[str, ir.FormInput] = {}
    for form in plan.triggers.forms:
        for field in form.inputs:
            other = seen.setdefault(field.name, field)
            if (other.type, other.options, other.default) != (field.type, field.options, field.default):
                yield error(
                    "input-clash", f"GitHub has one form for all: '{field.name}' must mean the same in every manual form",
                    plan.triggers.spans.get(form.id), help="give the inputs different names",
                )  # fmt: skip


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
    """Refuse own machines for pull requests: anybody's code would run on them (security.md)."""
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
                    _place(node, "runner"), help=f"restrict it with `when`, or set `runners.{id}.pull_requests: true`",
                )  # fmt: skip


def usages(plan: ir.Plan, files: Sequence[Rendered]) -> list[Usage]:
    """Return how much of each limit the workflow files use; for parts, the largest."""
    jobs = [job for file in files for job in file.workflow.jobs]
    conditions = [(len(job.if_.interpolation()), job.id) for job in jobs if job.if_ is not None]
    matrices = [(len(job.legs), job.id) for job in jobs]
    minutes = [(node.timeout_seconds // 60, node.id) for node in plan.nodes.values() if _hosted(plan, node)]
    skip = sum(2 * (len(id) + 1) for id in plan.nodes)
    dispatch = [
        file.workflow.triggers.dispatch or ()
        for file in files
        if isinstance(file.workflow.triggers, Triggers)
    ]
    return [
        _largest(limits.EXPRESSION, conditions),
        _largest(limits.WORKFLOW, [(len(file.text.encode()), _name(file, files)) for file in files]),
        Usage(limits.PARTS, len(files) - 1, "the pipeline"),
        Usage(limits.PARSED, sum(file.parsed for file in files), "all files together"),
        _largest(limits.MATRIX, matrices),
        Usage(limits.INPUTS, sum(map(len, dispatch)), "all forms together"),
        _largest(limits.JOB_MINUTES, minutes),
        Usage(limits.OUTPUT, skip, "the list of unselected nodes"),
    ]


def _name(file: Rendered, files: Sequence[Rendered]) -> str:
    """Return what to call a file; one that a single node fills has its name."""
    if len(files) == 1:
        return "the file"
    jobs = file.workflow.jobs
    return jobs[0].id if len(jobs) == 1 else file.path.rpartition("/")[2]


_COST = "a whole file waits for whole files, so {waits:,} pairs of nodes run one after the other that needn't"


def split_note(plan: ir.Plan, parts: Sequence[Part]) -> Diagnostic:
    """Return the note that a pipeline stands in several files, and what that costs."""
    waits = added_waits(plan, parts)
    message = (
        f"{len(plan.nodes):,} nodes are too much for one workflow file of GitHub's: they stand in {len(parts)} called "
        f"workflows; " + (_COST.format(waits=waits) if waits else "none of them waits longer for it")
    )
    return Diagnostic("split", Severity.NOTE, message, plan.span)


def _hosted(plan: ir.Plan, node: ir.Node) -> bool:
    return not any("self-hosted" in plan.runners[id].labels.get("github", ()) for id in runner_ids(node))


def _largest(limit: Limit, parts: list[tuple[int, str]]) -> Usage:
    used, where = max(parts, default=(0, "nothing"))
    return Usage(limit, used, where)


_KEYS = {limits.MATRIX.name: "matrix", limits.JOB_MINUTES.name: "timeout", limits.EXPRESSION.name: "reads"}


def check_limits(plan: ir.Plan, found: list[Usage]) -> list[Diagnostic]:
    """Return an error for each limit that is exceeded, at the line that causes it."""
    errors = []
    for usage in found:
        if usage.used > usage.limit.allowed:
            node = plan.nodes.get(usage.where)
            span = _place(node, _KEYS.get(usage.limit.name, "")) if node else plan.span
            allowed = f"{usage.limit.allowed:,} {usage.limit.unit}"
            message = (
                f"GitHub's limit for the {usage.limit.name} is {allowed}; {usage.where} uses {usage.used:,}"
            )
            errors.append(error("limit", message, span, help=f"source: {usage.limit.source}"))
    return errors
