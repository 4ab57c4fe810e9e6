"""Runs of compiled workflows on a model of GitHub, with the real runtime, real files and no commands."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from mlcc.backends.github.lower import lower
from mlcc.backends.github.model import Call, Job, UsesStep, Workflow
from mlcc.backends.github.overlay import Overlay
from mlcc.backends.github.partition import partition
from mlcc.backends.github.parts import lower_parts
from mlcc.plan import Gate, Plan
from mlcc.plan_json import to_runtime
from mlcc.runtime import node as runtime_node
from mlcc.runtime import records
from mlcc.runtime.decide import Ending, settle
from mlcc.runtime.final import final_main
from mlcc.runtime.platform import Facts
from mlcc.runtime.select import select
from mlcc.semantics import Event, Outcome, opens
from tests.equivalence.github_model import of_called, starts, value_of
from tests.runtime.project import FakePlatform

COMMIT = "c" * 40
FACTS = Facts("push", COMMIT, run_id="1")
STATUS = {Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.ERROR: 2, Outcome.INCONCLUSIVE: 3, Outcome.TIMEOUT: 5}


class Faults(NamedTuple):
    """What may go wrong on the platform's side.

    `cancel_at`: the run is cancelled before that job is looked at. `eager`: every job starts, whatever its condition
    says, which is how far a platform may err.
    """

    lost: frozenset[str] = frozenset()  # runners that die and leave no state
    masked: frozenset[str] = frozenset()  # jobs whose outputs don't arrive
    cancel_at: str | None = None
    eager: bool = False


class Run(NamedTuple):
    """How a modelled run ended. `started` are the nodes that got a runner, `executed` those that did their work."""

    selection: dict[str, Any]
    started: frozenset[str]
    executed: frozenset[str]
    results: dict[str, str]
    endings: dict[str, Ending]
    green: bool


def event_json(event: Event) -> dict[str, Any]:
    """Return an event as the runtime's selecting node tells it."""
    changed = None if event.changed is None else sorted(event.changed)
    return {
        "kind": event.kind, "branch": event.branch or "", "tag": event.tag or "", "trigger": event.trigger or "",
        "inputs": dict(event.inputs), "fork": event.fork, "changed": changed,
    }  # fmt: skip


def workflows(plan: Plan, most: int | None) -> tuple[Workflow, ...]:
    """Return the main workflow of a plan, and the called ones when only so many nodes may stand in one."""
    if most is None:
        return (lower(plan),)
    return lower_parts(plan, partition(plan, dict.fromkeys(plan.nodes, 1), most), Overlay())


class Simulation:
    """One run. Every job has a folder of its own, and gets only the artifacts that its `receive` step names.

    `most`: so many nodes stand in one called workflow; None: all stand in the main one.
    """

    def __init__(
        self,
        plan: Plan,
        event: Event,
        outcomes: Mapping[str, Outcome],
        faults: Faults,
        folder: Path,
        most: int | None = None,
    ) -> None:
        self.plan, self.outcomes, self.faults = plan, outcomes, faults
        self.json = to_runtime(plan)
        self.workflow, *self.called = workflows(plan, most)
        self.platform = FakePlatform(FACTS)
        self.store = folder / "store"
        self.work = folder / "work"
        self.results: dict[str, str] = {}
        self.outputs: dict[str, dict[str, str]] = {}
        jobs = [
            job for workflow in (self.workflow, *self.called) for job in (*workflow.jobs, *workflow.calls)
        ]
        self.needs: dict[str, tuple[str, ...]] = {job.id: job.needs for job in jobs}
        self.cancelled = False
        self.started: set[str] = set()
        self.executed: set[str] = set()
        for path in (self.store, self.work / ".mlcc"):
            path.mkdir(parents=True)
        (self.work / ".mlcc/plan.json").write_text(json.dumps(self.json))
        os.chdir(self.work)
        self.selection = {
            **select(self.json, event_json(event)), "commit": COMMIT, "base_commit": "", "inputs": {}, "facts": {"run_id": "1"},
        }  # fmt: skip

    def run(self) -> Run:
        """Run every job in order and return how all ended."""
        first, *others = self.workflow.jobs
        self._start(first)
        for call, called in zip(self.workflow.calls, self.called, strict=True):
            self._call(call, called)
        for job in others:
            self._start(job)
        endings = settle(self.json["nodes"], self.json, self.selection)
        return Run(
            self.selection,
            frozenset(self.started),
            frozenset(self.executed),
            self.results,
            endings,
            self.green,
        )

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
        self._upload("s--select")
        selected = self.selection["selected"]
        self.outputs["select"]["skip"] = "," + "".join(
            id + "," for id in self.plan.nodes if id not in selected
        )
        self.results["select"] = "success"

    def _job(self, job: Job) -> None:
        self.started.add(job.id)
        if job.id in self.faults.lost:
            self.results[job.id] = "failure"
            return
        self.platform.outputs = {}
        codes = []
        for leg in [str(values["leg"]) for values in job.legs] or [""]:
            self._receive(job)
            os.environ["MLCC_NODE"], os.environ["MLCC_LEG"] = job.id, leg
            codes.append(runtime_node.node_main(self.platform))
            self._upload(f"s--{job.id}--{leg}" if leg else f"s--{job.id}")
        self.outputs[job.id] = {name: self.platform.outputs.get(name, "") for name in job.outputs}
        self.results[job.id] = "failure" if any(codes) else "success"

    def _final(self, job: Job) -> bool:
        self._receive(job)
        self.platform.job_results = {id: self.results[id] for id in job.needs}
        return final_main(self.platform) == 0

    def _receive(self, job: Job) -> None:
        """Fill `_mlcc/` with the artifacts that the job's download step matches."""
        shutil.rmtree("_mlcc", ignore_errors=True)
        step = next(step for step in job.steps if isinstance(step, UsesStep) and step.id == "receive")
        pattern = str(step.with_["pattern"])
        patterns = pattern[1:-1].split(",") if pattern.startswith("{") else [pattern]
        for artifact in self.store.iterdir():
            if any(fnmatchcase(artifact.name, one) for one in patterns):
                shutil.copytree(artifact, Path("_mlcc") / artifact.name)

    def _upload(self, name: str) -> None:
        shutil.copytree(Path("_mlcc") / name, self.store / name)

    def attempt(self, leg: runtime_node.Attempt) -> int:
        """Stand in for a node's work: one of its legs turns out as the case says, the others pass."""
        self.executed.add(leg.id)
        node = self.plan.nodes[leg.id]
        outcome = self.outcomes[leg.id] if leg.leg in ("", "a") else Outcome.PASS
        gate = isinstance(node.work, Gate)
        if outcome is Outcome.TIMEOUT:
            leg.finish("failed", "error", "time")
            return STATUS[outcome]
        opened = opens(node, outcome)
        verdict = outcome.value if gate else "pass" if opened else "fail"
        leg.finish("passed" if opened else "failed", verdict, "" if opened else "told so")
        return 0 if opened else STATUS[outcome]


def without_commands(patch: Any) -> None:
    """Take out of the runtime what needs commands, bytes or time; deciding and telling stay as they are.

    `patch(target, name, value)` sets an attribute, as pytest's monkeypatch does.
    """
    patch(runtime_node, "watch_cancel", lambda: None)
    patch(runtime_node, "receive", lambda *_: "sha256:0")
    patch(runtime_node, "check_guards", lambda *_: None)
    patch(runtime_node, "_environment", lambda *_: ({}, None))
    patch(runtime_node, "_teardown", lambda *_: None)
    patch(records.os, "fsync", lambda _: None)


def simulate(
    plan: Plan,
    event: Event,
    outcomes: Mapping[str, Outcome],
    folder: Path,
    patch: Any,
    faults: Faults = Faults(),  # noqa: B008 - a tuple
    most: int | None = None,
) -> Run:
    """Return how a modelled run ends. `folder` must not exist yet; `most` as for `Simulation`."""
    simulation = Simulation(plan, event, outcomes, faults, folder, most)
    patch(runtime_node, "_attempts", lambda leg, *_: simulation.attempt(leg))
    try:
        return simulation.run()
    finally:
        os.chdir(folder.parent)
        shutil.rmtree(folder)
