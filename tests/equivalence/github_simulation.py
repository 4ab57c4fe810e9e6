"""Runs of compiled workflows on the model of GitHub."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from mlcc.backends.github.lower import lower
from mlcc.backends.github.model import Call, Job, UsesStep, Workflow
from mlcc.backends.github.notify import NOTIFY
from mlcc.backends.github.overlay import Overlay
from mlcc.backends.github.partition import partition
from mlcc.backends.github.parts import lower_parts
from mlcc.plan import Plan
from mlcc.runtime import records
from mlcc.runtime.final import final_main
from mlcc.semantics import Event, Outcome
from tests.equivalence.github_model import of_called, starts, value_of
from tests.equivalence.simulation import Faults, Simulation, told_in


def workflows(plan: Plan, most: int | None) -> tuple[Workflow, ...]:
    """Return the main workflow of a plan, and the called ones when only so many nodes may stand in one."""
    if most is None:
        return (lower(plan),)
    return lower_parts(plan, partition(plan, dict.fromkeys(plan.nodes, 1), most), Overlay())


class GithubSimulation(Simulation):
    """One run. A job gets only the artifacts that its `receive` step names.

    `most`: so many nodes stand in one called workflow; None: all stand in the main one.
    """

    most: int | None = None

    def __init__(
        self, plan: Plan, event: Event, outcomes: Mapping[str, Outcome], faults: Faults, folder: Path
    ) -> None:
        super().__init__(plan, event, outcomes, faults, folder)
        self.workflow, *self.called = workflows(plan, self.most)
        self.outputs: dict[str, dict[str, str]] = {}
        jobs = [job for one in (self.workflow, *self.called) for job in (*one.jobs, *one.calls)]
        self.needs: dict[str, tuple[str, ...]] = {job.id: job.needs for job in jobs}
        self.cancelled = False

    def jobs(self) -> None:
        first, *others = self.workflow.jobs
        self._start(first)
        for call, called in zip(self.workflow.calls, self.called, strict=True):
            self._call(call, called)
        for job in others:
            self._start(job)

    def _start(self, job: Job, inputs: Mapping[str, Any] | None = None) -> None:
        """Run a job if its condition holds; `inputs` are those of its workflow when that is a called one."""
        self.cancelled = self.cancelled or job.id == self.faults.cancel_at
        self.outputs[job.id] = {}
        if not self._starts(job, inputs):
            self.results[job.id] = "cancelled" if self.cancelled else "skipped"
        elif job.id == "select":
            self._select()
        elif job.id == "final":
            self.green = self._final(job)
        elif job.id == NOTIFY:
            self._receive(job)
            self.told = told_in(self.json, self.platform)
            self.results[job.id] = "success"
        elif "--" in job.id:  # it only waits: no node's id has two hyphens
            node, _, what = job.id.partition("--")
            refused = what == "approval" and node in self.faults.refused
            self.results[job.id] = "failure" if refused else "success"
        else:
            self._job(job)
        if job.id in self.faults.masked:
            self.outputs[job.id] = {}

    def _call(self, call: Call, called: Workflow) -> None:
        """Run the jobs of a called workflow if the calling job's condition holds."""
        self.outputs[call.id] = {}
        if not self._starts(call, None):
            self.results[call.id] = "cancelled" if self.cancelled else "skipped"
            return
        needs = self._needs(call)
        inputs = {name: value_of(value.interpolation(), needs) for name, value in call.inputs.items()}
        for job in called.jobs:
            self._start(job, inputs)
        self.results[call.id] = of_called([self.results[job.id] for job in called.jobs])

    def _starts(self, job: Job | Call, inputs: Mapping[str, Any] | None) -> bool:
        condition = job.if_.interpolation() if job.if_ is not None else None
        before = [self.results[id] for id in self._before(job.id)]
        return self.faults.eager or starts(condition, self._needs(job), before, self.cancelled, inputs)

    def _needs(self, job: Job | Call) -> dict[str, Any]:
        return {id: {"result": self.results[id], "outputs": self.outputs[id]} for id in job.needs}

    def _before(self, id: str) -> set[str]:
        found: set[str] = set()
        todo = [id]
        while todo:
            new = set(self.needs[todo.pop()]) - found
            found |= new
            todo += new
        return found

    def _select(self) -> None:
        records.write_record(Path("_mlcc/s--select/selection.json"), self.selection)
        self.upload("s--select")
        selected = self.selection["selected"]
        self.outputs["select"]["skip"] = "," + "".join(
            id + "," for id in self.plan.nodes if id not in selected
        )
        self.results["select"] = "success"

    def _job(self, job: Job) -> None:
        if job.id in self.faults.lost:
            self.started.add(job.id)
            self.results[job.id] = "failure"
            return
        self.platform.outputs = {}
        codes = []
        for leg in [str(values["leg"]) for values in job.legs] or [""]:
            self._receive(job)
            codes.append(self.node(job.id, leg))
        self.outputs[job.id] = {name: self.platform.outputs.get(name, "") for name in job.outputs}
        self.results[job.id] = "failure" if any(codes) else "success"

    def _final(self, job: Job) -> bool:
        self._receive(job)
        self.platform.job_results = {id: self.results[id] for id in job.needs}
        green = final_main(self.platform) == 0
        self.upload("s--final")
        self.results[job.id] = "success" if green else "failure"
        return green

    def _receive(self, job: Job) -> None:
        """Get the artifacts that the job's download step matches."""
        step = next(step for step in job.steps if isinstance(step, UsesStep) and step.id == "receive")
        pattern = str(step.with_["pattern"])
        patterns = pattern[1:-1].split(",") if pattern.startswith("{") else [pattern]
        self.receive(lambda name: any(fnmatchcase(name, one) for one in patterns))


def in_parts(most: int) -> type[GithubSimulation]:
    """Return the simulation of pipelines with at most so many nodes in a workflow."""
    return type("InParts", (GithubSimulation,), {"most": most})
