"""Runs of compiled Jenkinsfiles on the model of Jenkins, with the real runtime, real files and no commands."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlcc.backends.jenkins.lower import lower
from mlcc.plan import Plan
from mlcc.plan.document import to_runtime
from mlcc.runtime import node as runtime_node
from mlcc.runtime import records
from mlcc.runtime.decide import settle
from mlcc.runtime.final import final_main
from mlcc.runtime.select import select
from mlcc.semantics import Event, Outcome
from tests.equivalence.jenkins_model import Build
from tests.equivalence.simulation import (
    COMMIT,
    FACTS,
    Faults,
    Run,
    Simulation,
    event_json,
    facts_json,
    told_in,
)
from tests.runtime.project import FakePlatform


class JenkinsPlatform(FakePlatform):
    """Exit codes count, each by itself."""

    raw_exit = True
    skip_exit = 4


class JenkinsSimulation:
    """One build. Every instance has a folder of its own, and gets only what it unstashes."""

    attempt = Simulation.attempt

    def __init__(
        self,
        plan: Plan,
        event: Event,
        outcomes: Mapping[str, Outcome],
        faults: Faults,
        folder: Path,
        order: int,
    ) -> None:
        self.plan, self.outcomes, self.faults = plan, outcomes, faults
        self.json = to_runtime(plan)
        self.platform = JenkinsPlatform(FACTS)
        self.store, self.work = folder / "store", folder / "work"
        self.executed: set[str] = set()
        self.told: frozenset[str] = frozenset()
        self.foreign = event.fork
        self.build = Build(lower(plan), self._leaf, foreign=event.fork, order=order)
        for path in (self.store, self.work / ".mlcc"):
            path.mkdir(parents=True)
        (self.work / ".mlcc/plan.json").write_text(json.dumps(self.json))
        os.chdir(self.work)
        self.selection = {
            **select(self.json, event_json(event)), "commit": COMMIT, "base_commit": "", "inputs": {}, "facts": facts_json(event),
        }  # fmt: skip

    def run(self) -> Run:
        build, faults = self.build, self.faults
        self._select()
        if build.walk(faults.cancel_at):
            if faults.cancel_at == "final":
                build.worsen("ABORTED")
            else:
                self._final()
        endings = settle(self.json["nodes"], self.json, self.selection)
        green = build.result == "SUCCESS"
        return Run(
            self.selection,
            frozenset(build.started),
            frozenset(self.executed),
            build.results(),
            endings,
            green,
            self.told,
        )

    def _select(self) -> None:
        records.write_record(Path("_mlcc/s--select/selection.json"), self.selection)
        if "select" in self.faults.lost:
            self.build.worsen("ABORTED")
            return
        shutil.copytree("_mlcc/s--select", self.store / "s--select")
        self.build.stashed.append("s--select")
        skipped = [id for id in self.plan.nodes if id not in self.selection["selected"]]
        self.build.skip = "," if self.faults.eager else "," + "".join(id + "," for id in skipped)

    def _leaf(self, id: str, leg: str, folders: list[str]) -> int | None:
        if id in self.faults.lost:
            return None
        me = f"{id}--{leg}" if leg else id
        self._receive(folders)
        self.platform.outputs = {}
        os.environ["MLCC_NODE"], os.environ["MLCC_LEG"] = id, leg
        code = runtime_node.node_main(self.platform)
        shutil.copytree(Path("_mlcc") / f"s--{me}", self.store / f"s--{me}")
        if id not in self.faults.masked:
            self.build.deny += self.platform.outputs.get("deny", "")
        return code

    def _final(self) -> None:
        self._receive([name for name in self.build.stashed if name.startswith("s--")])
        self.platform.job_results = dict[str, Any](self.build.results())
        if final_main(self.platform) != 0:
            self.build.worsen("FAILURE")
        if self.plan.notices and not self.foreign:
            self.told = told_in(self.json, self.platform)

    def _receive(self, folders: list[str]) -> None:
        shutil.rmtree("_mlcc", ignore_errors=True)
        for name in folders:
            if (
                self.store / name
            ).is_dir():  # data has no folder here: the runtime's transfers are patched out
                shutil.copytree(self.store / name, Path("_mlcc") / name)


def simulate_jenkins(
    plan: Plan,
    event: Event,
    outcomes: Mapping[str, Outcome],
    folder: Path,
    patch: Any,
    faults: Faults = Faults(),  # noqa: B008 - a tuple
    order: int = 0,
) -> Run:
    """Return how a modelled build ends. `folder` must not exist yet."""
    simulation = JenkinsSimulation(plan, event, outcomes, faults, folder, order)
    patch(runtime_node, "_attempts", lambda leg, *_: simulation.attempt(leg))
    try:
        return simulation.run()
    finally:
        os.chdir(folder.parent)
        shutil.rmtree(folder)
