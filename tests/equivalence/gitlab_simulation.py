"""Runs of compiled child pipelines on the model of GitLab."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import yaml

from mlcc.backends.gitlab.lower import lower
from mlcc.backends.gitlab.overlay import Overlay
from mlcc.backends.gitlab.platform import (
    NOTIFY_JOB,
    child_pipeline,
    dropped_jobs,
    job_name,
    packed_selection,
    unpacked_selection,
)
from mlcc.backends.gitlab.render import render_child
from mlcc.runtime import records
from mlcc.runtime.final import final_main
from tests.equivalence.gitlab_model import Job, composite, created, decision
from tests.equivalence.simulation import FACTS, Simulation, told_in
from tests.runtime.project import FakePlatform

PROTECTED = {"CI_COMMIT_REF_PROTECTED": "true"}


class ChildPlatform(FakePlatform):
    """What a job of the child pipeline sees: exit codes count, and the selection is a variable."""

    raw_exit = True

    def deliver(self, plan: dict[str, Any]) -> None:
        record = unpacked_selection(os.environ["MLCC_SELECTION"])
        records.write_record(Path("_mlcc/s--select/selection.json"), record)


class GitlabSimulation(Simulation):
    """One run. Jobs that may start do so in a random order, and end at once; each sees what had ended before."""

    def jobs(self) -> None:
        self.platform = ChildPlatform(FACTS)
        self.names = {job_name(id): id for id in self.plan.nodes}
        text = render_child(lower(self.plan), Overlay())
        kept = set(self.plan.nodes) if self.faults.eager else set(self.selection["selected"])
        dropped = dropped_jobs(self.json, {**self.selection, "selected": kept})
        tree = yaml.load(child_pipeline(text, dropped, packed_selection(self.selection)), yaml.CSafeLoader)
        os.environ["MLCC_SELECTION"] = tree["variables"]["MLCC_SELECTION"]
        self.pipeline = created(tree, PROTECTED)
        if self.faults.eager:
            for job in self.pipeline:
                self._start(job)
        else:
            self._process()
        self.green = composite(self.pipeline, dag=False) == "success"
        self.results.update({job.name: job.status for job in self.pipeline})

    def _process(self) -> None:
        order = random.Random(self.faults.order)
        while True:
            waiting = [job for job in self.pipeline if job.status == "created"]
            ready = [job for job in waiting if decision(job, self.pipeline) != "wait"]
            if not ready:
                return
            job = order.choice(ready)
            if self.names.get(job.name, job.name) == self.faults.cancel_at:
                for other in waiting:
                    other.status = "canceled"
            elif decision(job, self.pipeline) == "start":
                self._start(job)
            else:
                job.status = "skipped"

    def _start(self, job: Job) -> None:
        if job.needs is not None:
            before = [other for other in self.pipeline if other.name in job.needs]
        else:
            before = [other for other in self.pipeline if other.stage < job.stage]
        before = [other for other in before if other.name in self.names]  # what only waits leaves nothing
        folders = {
            f"s--{self.names[o.name]}--{o.leg}" if o.leg else f"s--{self.names[o.name]}" for o in before
        }
        self.receive(lambda name: name in folders)
        if job.name == "final":
            self.platform.job_results = {"select": "success"}
            status = final_main(self.platform)
            self.upload("s--final")
        elif job.name == NOTIFY_JOB:
            self.receive(lambda name: name == "s--final")
            self.told = told_in(self.json, self.platform)
            status = 0
        elif job.name not in self.names:
            status = 0
        elif self.names[job.name] in self.faults.lost:
            self.started.add(self.names[job.name])
            status = 1
        else:
            status = self.node(self.names[job.name], job.leg)
        job.status = "failed" if status else "success"
