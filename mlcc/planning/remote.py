"""A job whose work runs somewhere else: what the plan has of it, and what makes no sense there."""

from __future__ import annotations

from mlcc import plan as ir
from mlcc.problems import Problems
from mlcc.resolving.resolved import Resolved, ResolvedNode
from mlcc.spec.scalars import seconds


def remote_work(resolved: Resolved, node: ResolvedNode, problems: Problems) -> ir.Remote:
    """Return what a job submits and watches; what can't be kept in mind, or would never be asked after, is reported."""
    own = node.spec.remote
    _check_resume(resolved, node, problems)
    _check_every(node, problems)
    return ir.Remote(
        setup=node.setup,
        submit=own.submit,
        poll=own.poll,
        cancel=own.cancel,
        every_seconds=seconds(own.every),
        collect=own.collect,
        resume=own.resume,
    )


def _check_resume(resolved: Resolved, node: ResolvedNode, problems: Problems) -> None:
    if node.spec.remote.resume and resolved.spec.store is None:
        loc = (*node.loc, "remote", "resume")
        problems.add(
            "resume-without-store",
            f"what '{node.id}' submits is kept in mind in the spec's `store`, and there is none: when its runner dies and it is "
            "run again, it would submit the same work a second time",
            loc, key=True,
            help='add `store: {uri: "s3://BUCKET/PATH"}` at the top; or say `resume: false` here, and what was submitted is '
            "cancelled whenever the job ends without it",
        )  # fmt: skip


def _check_every(node: ResolvedNode, problems: Problems) -> None:
    every, timeout = node.spec.remote.every, node.timeout
    if seconds(every) >= seconds(timeout):
        problems.add(
            "late-poll",
            f"'{node.id}' is asked after every {every}, and its whole time is {timeout}",
            (*node.loc, "remote", "every"), key=True,
            help="poll more often, or give the job a longer `timeout`",
        )  # fmt: skip
