"""Runs of compiled workflows on the model of GitHub."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from mlcc.backends.github.lower import lower
from mlcc.backends.github.model import Job, UsesStep, Workflow
from mlcc.plan import Plan
from mlcc.runtime import records
from mlcc.runtime.final import final_main
from mlcc.semantics import Event, Outcome
from tests.equivalence.github_model import starts
from tests.equivalence.simulation import Faults, Simulation


class GithubSimulation(Simulation):
    """One run. A job gets only the artifacts that its `receive` step names."""

    def __init__(
        self, plan: Plan, event: Event, outcomes: Mapping[str, Outcome], faults: Faults, folder: Path
    ) -> None:
        super().__init__(plan, event, outcomes, faults, folder)
        self.workflow: Workflow = lower(plan)
        self.outputs: dict[str, dict[str, str]] = {}
        self.needs: dict[str, tuple[str, ...]] = {job.id: job.needs for job in self.workflow.jobs}

    def jobs(self) -> None:
        cancelled = False
        for job in self.workflow.jobs:
            cancelled = cancelled or job.id == self.faults.cancel_at
            condition = job.if_.interpolation() if job.if_ is not None else None
            needs = {id: {"result": self.results[id], "outputs": self.outputs[id]} for id in job.needs}
            self.outputs[job.id] = {}
            before = [self.results[id] for id in self._before(job.id)]
            if not self.faults.eager and not starts(condition, needs, before, cancelled):
                self.results[job.id] = "cancelled" if cancelled else "skipped"
            elif job.id == "select":
                self._select()
            elif job.id == "final":
                self.green = self._final(job)
            else:
                self._job(job)
            if job.id in self.faults.masked:
                self.outputs[job.id] = {}

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
        return final_main(self.platform) == 0

    def _receive(self, job: Job) -> None:
        """Get the artifacts that the job's download step matches."""
        step = next(step for step in job.steps if isinstance(step, UsesStep) and step.id == "receive")
        pattern = str(step.with_["pattern"])
        patterns = pattern[1:-1].split(",") if pattern.startswith("{") else [pattern]
        self.receive(lambda name: any(fnmatchcase(name, one) for one in patterns))
