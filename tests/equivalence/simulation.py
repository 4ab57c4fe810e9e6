"""Runs of compiled pipelines on a model of a CI system, with the real runtime, real files and no commands."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mlcc.notify.outcome import due, ended_run, notices_of
from mlcc.plan import Gate, Plan
from mlcc.plan.document import to_runtime
from mlcc.runtime import final as runtime_final
from mlcc.runtime import node as runtime_node
from mlcc.runtime import records
from mlcc.runtime import steps as runtime_steps
from mlcc.runtime.decide import Ending, settle
from mlcc.runtime.platform import Facts
from mlcc.runtime.select import select
from mlcc.semantics import Event, Outcome, opens
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
    refused: frozenset[str] = frozenset()  # nodes that nobody lets start, where they are asked beforehand
    order: int = 0  # seeds the order in which jobs that may start do so


class Run(NamedTuple):
    """How a modelled run ended. `started` are the nodes that got a runner, `executed` those that did their work."""

    selection: dict[str, Any]
    started: frozenset[str]
    executed: frozenset[str]
    results: dict[str, str]
    endings: dict[str, Ending]
    green: bool
    told: frozenset[str]  # ids of the notices that were given


def event_json(event: Event) -> dict[str, Any]:
    """Return an event as the runtime's selecting node tells it."""
    changed = None if event.changed is None else sorted(event.changed)
    return {
        "kind": event.kind, "branch": event.branch or "", "tag": event.tag or "", "trigger": event.trigger or "",
        "inputs": dict(event.inputs), "fork": event.fork, "changed": changed,
    }  # fmt: skip


def facts_json(event: Event) -> dict[str, str]:
    """Return the facts of a run as the selecting node's record has them."""
    told = {
        "event": event.kind,
        "branch": event.branch or "",
        "tag": event.tag or "",
        "trigger": event.trigger or "",
    }
    return {**told, "fork": "true" if event.fork else "", "commit": COMMIT, "run_id": "1"}


def told_in(plan: dict[str, Any], platform: FakePlatform) -> frozenset[str]:
    """Return the ids of the notices that the emitted script gives, by what lies in the current folder."""
    run = ended_run(plan, platform)
    return frozenset(id for id, notice in notices_of(run).items() if due(run, notice))


class Simulation:
    """One run of the real runtime. A platform's model says which jobs start, and what each of them gets.

    Every job has a folder of its own: `receive` fills it, `upload` keeps what it leaves.
    """

    def __init__(
        self, plan: Plan, event: Event, outcomes: Mapping[str, Outcome], faults: Faults, folder: Path
    ) -> None:
        self.plan, self.outcomes, self.faults = plan, outcomes, faults
        self.json = to_runtime(plan)
        self.platform = FakePlatform(FACTS)
        self.store = folder / "store"
        self.work = folder / "work"
        self.results: dict[str, str] = {}
        self.started: set[str] = set()
        self.executed: set[str] = set()
        self.green = False
        self.told: frozenset[str] = frozenset()
        for path in (self.store, self.work / ".mlcc"):
            path.mkdir(parents=True)
        (self.work / ".mlcc/plan.json").write_text(json.dumps(self.json))
        os.chdir(self.work)
        self.selection = {
            **select(self.json, event_json(event)), "commit": COMMIT, "base_commit": "", "inputs": {}, "facts": facts_json(event),
        }  # fmt: skip

    def jobs(self) -> None:
        """Run the jobs as the platform would, and fill in `results` and `green`."""
        raise NotImplementedError

    def run(self) -> Run:
        """Run all jobs and return how they ended."""
        self.jobs()
        self.receive(lambda _: True)
        endings = settle(self.json["nodes"], self.json, self.selection)
        return Run(
            self.selection,
            frozenset(self.started),
            frozenset(self.executed),
            self.results,
            endings,
            self.green,
            self.told,
        )

    def node(self, id: str, leg: str) -> int:
        """Run one leg of a node in the current folder, keep its state, and return its exit status."""
        self.started.add(id)
        os.environ["MLCC_NODE"], os.environ["MLCC_LEG"] = id, leg
        status = runtime_node.node_main(self.platform)
        self.upload(f"s--{id}--{leg}" if leg else f"s--{id}")
        return status

    def receive(self, wanted: Callable[[str], bool]) -> None:
        """Fill `_mlcc/` with the kept folders whose names are wanted."""
        shutil.rmtree("_mlcc", ignore_errors=True)
        for kept in self.store.iterdir():
            if wanted(kept.name):
                shutil.copytree(kept, Path("_mlcc") / kept.name)

    def upload(self, name: str) -> None:
        """Keep a folder below `_mlcc/`."""
        shutil.copytree(Path("_mlcc") / name, self.store / name, dirs_exist_ok=True)

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
        if gate:
            found = {"gate": leg.id, "verdict": verdict, "summary": "told so"}
            records.write_record(records.state_folder(leg.id, leg.leg) / "verdict.json", found)
        leg.finish("passed" if opened else "failed", verdict, "" if opened else "told so")
        return 0 if opened else STATUS[outcome]


def without_commands(patch: Any) -> None:
    """Take out of the runtime what needs commands, bytes or time; deciding and telling stay as they are.

    `patch(target, name, value)` sets an attribute, as pytest's monkeypatch does.
    """
    patch(runtime_node, "watch_cancel", lambda: None)
    patch(runtime_node, "receive", lambda *_: "sha256:0")
    patch(runtime_node, "receive_images", lambda *_: {})
    patch(runtime_node, "receive_released", lambda *_: "sha256:0")
    patch(runtime_node, "check_guards", lambda *_: None)
    for module in (runtime_node, runtime_steps):
        patch(module, "environment_of", lambda *_: ({}, None))
    patch(runtime_steps, "take_tags_back", lambda *_: None)
    patch(runtime_node, "_teardown", lambda *_: None)
    patch(runtime_final, "report", lambda *_: None)  # neither decides anything, and both start programs
    patch(runtime_final, "keep_lineage", lambda *_: None)
    patch(records.os, "fsync", lambda _: None)


def simulate(
    model: type[Simulation],
    plan: Plan,
    event: Event,
    outcomes: Mapping[str, Outcome],
    folder: Path,
    patch: Any,
    faults: Faults = Faults(),  # noqa: B008 - a tuple
) -> Run:
    """Return how a run on a modelled CI system ends. `folder` must not exist yet."""
    simulation = model(plan, event, outcomes, faults, folder)
    patch(runtime_node, "_attempts", lambda leg, *_: simulation.attempt(leg))
    try:
        return simulation.run()
    finally:
        os.chdir(folder.parent)
        shutil.rmtree(folder)
