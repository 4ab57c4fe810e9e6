"""How much of each of GitLab's limits a lowered and rendered plan uses."""

from __future__ import annotations

from mlcc import plan as ir
from mlcc.backends import Usage
from mlcc.backends._checks import largest
from mlcc.backends.gitlab import limits
from mlcc.backends.gitlab.machine import is_matrix, legs_of
from mlcc.backends.gitlab.model import Pipelines
from mlcc.backends.gitlab.platform import job_name

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
    waits = [(_needed(plan, node), node.id) for node in nodes if jobs[node.id].needs is not None]
    caches = [(job.caches or (), job.id) for job in pipelines.jobs]
    deployments = sum(len(node.legs) for node in nodes if node.machine.environment is not None)
    return [
        largest(limits.NEEDS, waits),
        largest(limits.MATRIX, [(len(job.legs), job.id) for job in pipelines.jobs]),
        Usage(limits.PARENT, len(parent.encode()), "the file"),
        Usage(limits.CHILD, len(child.encode()), "the file"),
        Usage(limits.DEPLOYMENTS, deployments, "the whole pipeline"),
        largest(limits.CACHES, [(len(found), id) for found, id in caches]),
        largest(limits.KEY_FILES, [(len(cache.files), id) for found, id in caches for cache in found]),
        largest(limits.JOB_NAME, [(_name_length(plan, node), node.id) for node in nodes]),
    ]


def _needed(plan: ir.Plan, node: ir.Node) -> int:
    """Return how many jobs a node's `needs` mean: GitLab counts each leg (lib/gitlab/ci/config/normalizer.rb)."""
    return sum(len(plan.nodes[id].legs) for id in {edge.source for edge in plan.incoming[node.id]})


def _name_length(plan: ir.Plan, node: ir.Node) -> int:
    if not is_matrix(node):
        return len(job_name(node.id))
    return max(len(f"{job_name(node.id)}: [{', '.join(leg.values())}]") for leg in legs_of(plan, node))
