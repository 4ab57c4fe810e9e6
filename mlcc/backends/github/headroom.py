"""How much of each of GitHub's limits a lowered and rendered plan uses."""

from __future__ import annotations

from collections.abc import Sequence

from mlcc import plan as ir
from mlcc.backends import Usage
from mlcc.backends._checks import largest
from mlcc.backends.github import limits
from mlcc.backends.github.check import stated
from mlcc.backends.github.model import Rendered
from mlcc.backends.github.partition import Part, added_waits
from mlcc.diagnostics import Diagnostic, Severity


def usages(plan: ir.Plan, files: Sequence[Rendered]) -> list[Usage]:
    """Return how much of each limit the workflow files use; for parts, the largest."""
    jobs = [job for file in files for job in file.workflow.jobs]
    conditions = [(len(job.if_.interpolation()), job.id) for job in jobs if job.if_ is not None]
    return [
        largest(limits.EXPRESSION, conditions),
        largest(limits.WORKFLOW, [(len(file.text.encode()), _name(file, files)) for file in files]),
        Usage(limits.PARTS, len(files) - 1, "the pipeline"),
        Usage(limits.PARSED, sum(file.parsed for file in files), "all files together"),
        *stated(plan),
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
