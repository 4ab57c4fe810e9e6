"""What GitLab can't do of a plan, at the spec's lines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlcc import plan as ir
from mlcc import semantics
from mlcc.backends import Limit, Usage
from mlcc.backends.gitlab import limits
from mlcc.backends.gitlab.lower import deciding_nodes
from mlcc.backends.gitlab.machine import is_matrix, legs_of
from mlcc.backends.gitlab.model import Pipelines
from mlcc.backends.gitlab.platform import input_variable, job_name
from mlcc.diagnostics import Diagnostic, Related, Span, error

# Patterns of artifacts would read the others as wildcards or variables.
_FOLDER = re.compile(r"[^*?\[\]{}\\$\x00-\x1f\x7f-][^*?\[\]{}\\$\x00-\x1f\x7f]*").fullmatch


def check_plan(plan: ir.Plan) -> list[Diagnostic]:
    """Return the errors that show before lowering."""
    return [*_home(plan), *_runners(plan), *_forms(plan), *_approvals(plan), *_tokens(plan)]


def _place(node: ir.Node, key: str) -> Span | None:
    return node.spans.get(key, node.span)


def _home(plan: ir.Plan) -> Iterator[Diagnostic]:
    if plan.home and not _FOLDER(plan.home):
        yield error(
            "folder-name", f"the folder {plan.home!a} stands in patterns of GitLab's files", plan.span,
            help="give it a name without wildcards, '$', '\\' and control characters, that doesn't begin with '-'",
        )  # fmt: skip


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
            if "gitlab" not in runner.labels:
                related = (Related(runner.span, "the runner"),) if runner.span else ()
                yield error(
                    "no-runner-label", f"the runner '{id}' of '{node.id}' has no label for gitlab", _place(node, "runner"),
                    related=related, help=f"add `gitlab: TAG` to `runners.{id}`",
                )  # fmt: skip


def _forms(plan: ir.Plan) -> Iterator[Diagnostic]:
    seen: dict[str, ir.FormInput] = {}
    for form in plan.triggers.forms:
        for field in form.inputs:
            other = seen.setdefault(input_variable(field.name, plan.name, plan.home), field)
            same = (other.name, other.type, other.options, other.default)
            if same != (field.name, field.type, field.options, field.default):
                yield error(
                    "input-clash", f"GitLab has one form for all: '{field.name}' must mean the same in every manual form",
                    plan.triggers.spans.get(form.id), help="give the inputs different names",
                )  # fmt: skip


def _approvals(plan: ir.Plan) -> Iterator[Diagnostic]:
    deciding = deciding_nodes(plan)
    branch = next(iter(plan.triggers.pull_request or ()), "main").replace("*", "x")
    event = semantics.Event("pull_request", branch=branch)
    possible = semantics.candidates(plan, event) if plan.triggers.pull_request is not None else frozenset()
    for node in plan.nodes.values():
        environment = plan.environments.get(node.machine.environment or "")
        if environment is None or not environment.approval:
            continue
        if node.id in possible:
            yield error(
                "approval-pull-request",
                f"'{node.id}' waits for approval, and would do so in merge requests, whose refs GitLab doesn't protect",
                _place(node, "environment"),
                help=f"give the environment '{environment.id}' `branches`, or restrict the node with `when`",
            )
        if node.id in deciding or node.status is not None:
            yield error(
                "approval-decides",
                f"'{node.id}' waits for approval, and must start whatever happened before it: GitLab can't do both",
                _place(node, "environment"),
                help="let a node without approval decide",
            )


def _tokens(plan: ir.Plan) -> Iterator[Diagnostic]:
    for node in plan.nodes.values():
        for login in node.logins:
            value = dict(login.values).get("provider")
            if login.provider == "gcp" and not isinstance(value, ir.Text | ir.Variable | ir.Secret):
                yield error(
                    "token-audience", f"the login of '{node.id}' needs its provider when the job is created",
                    _place(node, "auth"), help="give `auth.gcp.provider` as a text or as a variable",
                )  # fmt: skip


def usages(plan: ir.Plan, pipelines: Pipelines, parent: str, child: str) -> list[Usage]:
    """Return how much of each limit the pipelines use; for parts, the largest."""
    nodes = plan.nodes.values()
    jobs = {job.id: job for job in pipelines.jobs}
    waits = [(_needed(plan, node), node.id) for node in nodes if jobs[node.id].needs is not None]
    caches = [(job.caches or (), job.id) for job in pipelines.jobs]
    deployments = sum(len(node.legs) for node in nodes if node.machine.environment is not None)
    return [
        _largest(limits.NEEDS, waits),
        _largest(limits.MATRIX, [(len(job.legs), job.id) for job in pipelines.jobs]),
        Usage(limits.PARENT, len(parent.encode()), "the file"),
        Usage(limits.CHILD, len(child.encode()), "the file"),
        Usage(limits.DEPLOYMENTS, deployments, "the whole pipeline"),
        _largest(limits.CACHES, [(len(found), id) for found, id in caches]),
        _largest(limits.KEY_FILES, [(len(cache.files), id) for found, id in caches for cache in found]),
        _largest(limits.JOB_NAME, [(_name_length(plan, node), node.id) for node in nodes]),
    ]


def _needed(plan: ir.Plan, node: ir.Node) -> int:
    """Return how many jobs a node's `needs` mean: GitLab counts each leg (lib/gitlab/ci/config/normalizer.rb)."""
    return sum(len(plan.nodes[id].legs) for id in {edge.source for edge in plan.incoming[node.id]})


def _name_length(plan: ir.Plan, node: ir.Node) -> int:
    if not is_matrix(node):
        return len(job_name(node.id))
    return max(len(f"{job_name(node.id)}: [{', '.join(leg.values())}]") for leg in legs_of(plan, node))


def _largest(limit: Limit, parts: list[tuple[int, str]]) -> Usage:
    used, where = max(parts, default=(0, "nothing"))
    return Usage(limit, used, where)


_KEYS = {
    limits.MATRIX.name: "matrix",
    limits.NEEDS.name: "needs",
    limits.CACHES.name: "cache",
    limits.KEY_FILES.name: "cache",
    limits.JOB_NAME.name: "matrix",
}


def check_limits(plan: ir.Plan, found: list[Usage]) -> list[Diagnostic]:
    """Return an error for each limit that is exceeded, at the line that causes it."""
    errors = []
    for usage in found:
        if usage.used > usage.limit.allowed:
            node = plan.nodes.get(usage.where)
            span = _place(node, _KEYS.get(usage.limit.name, "")) if node else plan.span
            allowed = f"{usage.limit.allowed:,} {usage.limit.unit}"
            message = (
                f"GitLab's limit for the {usage.limit.name} is {allowed}; {usage.where} uses {usage.used:,}"
            )
            errors.append(error("limit", message, span, help=f"source: {usage.limit.source}"))
    return errors
