"""How much of each of GitLab's limits a lowered and rendered plan uses."""

from __future__ import annotations

from mlcc import plan as ir
from mlcc.backends import Usage
from mlcc.backends._checks import largest
from mlcc.backends.gitlab import limits
from mlcc.backends.gitlab.machine import legs_of
from mlcc.backends.gitlab.model import Pipelines
from mlcc.backends.gitlab.platform import job_name, jobs_of

SYSTEM = "GitLab's"
KEYS = {
    limits.MATRIX.name: "matrix",
    limits.NEEDS.name: "needs",
    limits.CACHES.name: "cache",
    limits.KEY_FILES.name: "cache",
    limits.JOB_NAME.name: "matrix",
}


def usages(plan: ir.Plan, pipelines: Pipelines, parent: str, child: str) -> list[Usage]:
    """Return how much of each limit the pipelines use; for parts, the largest."""
    nodes = plan.nodes.values()
    jobs = {job.id: job for job in pipelines.jobs}
    # GitLab counts each leg of what a job needs (lib/gitlab/ci/config/normalizer.rb).
    legs = {job.name: max(1, len(job.legs)) for job in pipelines.jobs}
    needs = {node.id: jobs[node.id].needs for node in nodes}
    waits = [(sum(legs[name] for name in names), id) for id, names in needs.items() if names is not None]
    caches = [(job.caches or (), job.id) for job in pipelines.jobs]
    deploying = [job for job in pipelines.jobs if job.environment and job.environment.action != "access"]
    return [
        largest(limits.NEEDS, waits),
        largest(limits.MATRIX, [(len(job.legs), job.id) for job in pipelines.jobs]),
        Usage(limits.PARENT, len(parent.encode()), "the file"),
        Usage(limits.CHILD, len(child.encode()), "the file"),
        Usage(limits.DEPLOYMENTS, sum(legs[job.name] for job in deploying), "the whole pipeline"),
        largest(limits.CACHES, [(len(found), id) for found, id in caches]),
        largest(limits.KEY_FILES, [(len(cache.files), id) for found, id in caches for cache in found]),
        largest(limits.JOB_NAME, [(_name_length(plan, node), node.id) for node in nodes]),
    ]


def _name_length(plan: ir.Plan, node: ir.Node) -> int:
    if not node.is_matrix:
        return max(map(len, jobs_of([node.id])))
    return max(len(f"{job_name(node.id)}: [{', '.join(leg.values())}]") for leg in legs_of(plan, node))
