"""LOWER, continued: a plan as several files. The main workflow selects and states the result; it calls one for each part.

https://docs.github.com/actions/reference/workflows-and-actions/reusing-workflow-configurations. A called workflow shares
the run's artifacts, its `github` context and so its event; it shares neither `env`, nor secrets that it isn't given, nor
job results: of nodes in other parts its conditions say nothing, and the runtime decides from their states.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from mlcc import plan as ir
from mlcc.backends import BACKENDS
from mlcc.backends.github import expr
from mlcc.backends.github.lower import (
    ENV,
    FINAL,
    SELECT,
    Scope,
    final_job,
    main_workflow,
    node_jobs,
    select_job,
)
from mlcc.backends.github.model import Call, Interface, Job, Permission, Workflow
from mlcc.backends.github.notify import notify_jobs
from mlcc.backends.github.overlay import Overlay
from mlcc.backends.github.partition import Part
from mlcc.planning.topology import ancestors

_SECRET = re.compile(r"\bsecrets\.([A-Za-z_][A-Za-z0-9_]*)")
_ALWAYS_THERE = "GITHUB_TOKEN"  # every called workflow has it, and it can't be passed


def lower_parts(plan: ir.Plan, parts: Sequence[Part], overlay: Overlay) -> tuple[Workflow, ...]:
    """Return the main workflow, and behind it the one of each part."""
    called = [_called(plan, number, part, overlay) for number, part in enumerate(parts)]
    calls = [_call(plan, number, part, called[number]) for number, part in enumerate(parts)]
    final = final_job(plan, tuple(call.id for call in calls))
    return main_workflow(
        plan, (select_job(plan), final, *notify_jobs(plan, SELECT, FINAL)), tuple(calls)
    ), *called


def part_path(plan: ir.Plan, number: int) -> str:
    """Return the path of a part's file; parts count from 0, files from 1."""
    _, pattern = BACKENDS["github"].output_paths(plan.name, plan.home)
    return pattern.replace("*", str(number + 1))


def _job_id(number: int) -> str:
    return f"part--{number + 1}"  # no node's id has two hyphens


def _called(plan: ir.Plan, number: int, part: Part, overlay: Overlay) -> Workflow:
    inside = set(part.nodes)
    failed = expr.given("failed") if _asks_for_failures(plan, part, inside) else None
    scope = Scope(inside, expr.given("skip"), selecting=False, failed=failed)
    jobs = tuple(job for id in part.nodes for job in node_jobs(plan, plan.nodes[id], scope))
    inputs = {"skip": "string", **({"failed": "boolean"} if failed else {})}
    return Workflow(
        name=f"{plan.name}, part {number + 1}",
        spec=plan.spec_files[0],
        working_directory=plan.home,
        triggers=Interface(inputs, secrets_of(plan, part.nodes, overlay)),
        group=None,
        env=dict(ENV),
        jobs=jobs,
    )


def _asks_for_failures(plan: ir.Plan, part: Part, inside: set[str]) -> bool:
    """Tell whether a node of a part runs by the failure of one in another part."""
    failure = [id for id in part.nodes if plan.nodes[id].status is ir.Status.FAILURE]
    return any(not inside.issuperset(ancestors(id, plan.incoming)) for id in failure)


def _call(plan: ir.Plan, number: int, part: Part, called: Workflow) -> Call:
    assert isinstance(called.triggers, Interface)
    after_cancel = (ir.Status.ALWAYS, ir.Status.ROLLBACK)
    always = any(plan.nodes[id].status in after_cancel for id in part.nodes)
    inputs = {"skip": expr.value(expr.output(SELECT, "skip"))}
    if "failed" in called.triggers.inputs:
        inputs["failed"] = expr.value(expr.ANY_FAILED)
    return Call(
        id=_job_id(number),
        name=f"part {number + 1}",
        needs=(SELECT, *(_job_id(other) for other in part.after)),
        if_=expr.both([expr.ALWAYS if always else expr.NOT_CANCELLED, expr.succeeded(SELECT)]),
        permissions=_permissions(called.jobs),
        uses=f"./{part_path(plan, number)}",
        inputs=inputs,
        secrets=called.triggers.secrets,
    )


def _permissions(jobs: Sequence[Job]) -> tuple[Permission, ...]:
    """Return what any of the jobs asks for: a called workflow can't have more than its caller grants."""
    found: dict[str, Permission] = {}
    for permission in (permission for job in jobs for permission in job.permissions):
        if permission.scope not in found or permission.access == "write":
            found[permission.scope] = permission
    return tuple(found.values())


def secrets_of(plan: ir.Plan, nodes: Sequence[str], overlay: Overlay) -> tuple[str, ...]:
    """Return the names of the secrets that these nodes and their overlays use, sorted."""
    found: set[str] = set()
    for id in nodes:
        found.update(plan.nodes[id].secrets)
        if id in overlay.jobs:
            found.update(_SECRET.findall(json.dumps(overlay.jobs[id], default=str)))
    found.update(_SECRET.findall(json.dumps(overlay.workflow.get("env", {}), default=str)))
    return tuple(sorted(found - {_ALWAYS_THERE}))
