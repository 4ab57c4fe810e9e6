"""What GitLab can't do of a plan, at the spec's lines, as far as the plan itself shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlcc import plan as ir
from mlcc import semantics
from mlcc.backends._checks import (
    approved_in,
    clashing_inputs,
    comment_token,
    issue_token,
    taken_environments,
    unlabelled_runners,
)
from mlcc.diagnostics import Diagnostic, error
from mlcc.planning.topology import ancestors

# Patterns of artifacts would read the others as wildcards or variables.
_FOLDER = re.compile(r"[^*?\[\]{}\\$\x00-\x1f\x7f-][^*?\[\]{}\\$\x00-\x1f\x7f]*").fullmatch


def check_plan(plan: ir.Plan) -> list[Diagnostic]:
    """Return the errors that show before lowering."""

    def variable(field: ir.FormInput) -> str:
        from mlcc.backends.gitlab.platform import input_variable  # only several inputs can clash

        return input_variable(field.name, plan.name, plan.home)

    return [
        *_home(plan),
        *unlabelled_runners(plan, "gitlab", "TAG", empty=True),
        *clashing_inputs(plan, "GitLab", variable),
        *_approvals(plan),
        *taken_environments(plan, "GitLab", _asking(plan)),
        *_tokens(plan),
        *comment_token(plan, "gitlab", "GitLab"),
        *issue_token(plan, "gitlab", "GitLab"),
    ]


def _home(plan: ir.Plan) -> Iterator[Diagnostic]:
    if plan.home and not _FOLDER(plan.home):
        yield error(
            "folder-name", f"the folder {plan.home!a} stands in patterns of GitLab's files", plan.span,
            help="give it a name without wildcards, '$', '\\' and control characters, that doesn't begin with '-'",
        )  # fmt: skip


def _approvals(plan: ir.Plan) -> Iterator[Diagnostic]:
    deciding = deciding_nodes(plan)
    branch = next(iter(plan.triggers.pull_request or ()), "main").replace("*", "x")
    event = semantics.Event("pull_request", branch=branch)
    possible = semantics.candidates(plan, event) if plan.triggers.pull_request is not None else frozenset()
    for node in plan.nodes.values():
        if node.pause is None or not node.pause.approval:
            continue
        if node.id in possible:
            yield error(
                "approval-pull-request",
                f"'{node.id}' waits for approval, and would do so in merge requests, whose refs GitLab doesn't protect",
                node.place("environment"),
                help=f"give the environment '{node.machine.environment}' `branches`, or restrict the node with `when`",
            )
        if node.id in deciding or node.status is not None:
            yield error(
                "approval-decides",
                f"'{node.id}' waits for approval, and must start whatever happened before it: GitLab can't do both",
                node.place("environment"),
                help="let a node without approval decide",
            )


def _asking(plan: ir.Plan) -> Iterator[str]:
    """Yield the environments in which people let a release go on."""
    for node in plan.nodes.values():
        environment = approved_in(plan, node)
        if environment is not None:
            yield environment


def _tokens(plan: ir.Plan) -> Iterator[Diagnostic]:
    for node in plan.nodes.values():
        for login in node.logins:
            value = dict(login.values).get("provider")
            if login.provider == "gcp" and not isinstance(value, ir.Text | ir.Variable | ir.Secret):
                yield error(
                    "token-audience", f"the login of '{node.id}' needs its provider when the job is created",
                    node.place("auth"), help="give `auth.gcp.provider` as a text or as a variable",
                )  # fmt: skip


def deciding_nodes(plan: ir.Plan) -> set[str]:
    """Return the nodes that GitLab must never skip, since a node after them may run all the same (S12).

    That is a gate whose verdict only one alternative of a `when` asks for. It starts whatever happened before it,
    and so must all before it: a job with `needs` counts as skipped as soon as one of them is.
    """
    found: set[str] = set()
    for edge in plan.edges:
        node = plan.nodes[edge.target]
        asks_always = all(condition.gate is not None for condition in node.when)
        if edge.kind is ir.EdgeKind.VERDICT and not asks_always:
            found |= {edge.source, *ancestors(edge.source, plan.incoming)}
    return found
