"""What a case must come to: the reference interpreter's word, and the bytes and values that follow from it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from mlcc.plan import Form, Input, Node, NodeKind, Output, Plan, RunFact
from mlcc.runtime.digest import file_digest, paths_digest, tree_digest
from mlcc.semantics import End, Outcome, Result, opens, run, select, verdict_of, waived_until
from tests.execution.equivalence.case import NUMBERS, Scratch, outcome, reached
from tests.execution.equivalence.work import content, taken_digest, value_of
from tests.execution.github.scratch import git

RAN = (End.PASSED, End.FAILED)
PASSES = ("pass",)


class Ended(NamedTuple):
    """How a node or one of its legs ends. A skipped one has no verdict."""

    end: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Did:
    """What one leg of a node that runs does. `attempts` None: the deadline decides how many there are.

    `inputs` and `outputs`: artifact -> digest. `seen`: the variables that its command finds; `secret`: whether it
    finds the secret. `judged`: what its verdict file says; None: it leaves none.
    """

    ended: Ended
    attempts: int | None
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    values: Mapping[str, str]
    seen: Mapping[str, str]
    secret: bool
    traced: bool  # a gate on numbers runs no command
    judged: str | None


@dataclass(frozen=True, slots=True)
class Expected:
    """A whole run. `nodes` has the selected ones; `did` the (node, leg) pairs that run."""

    selected: tuple[str, ...]
    nodes: Mapping[str, Ended]
    did: Mapping[tuple[str, str], Did]
    green: bool


def expected(scratch: Scratch) -> Expected:
    """Return what the reference interpreter says of a case."""
    plan = scratch.plan
    words = {id: scratch.case.words.get(id, PASSES) for id in plan.nodes}
    outcomes = {id: outcome(node, words[id]) for id, node in plan.nodes.items()}
    selection = select(plan, scratch.event)
    today = time.strftime("%Y-%m-%d", time.gmtime())
    result = run(plan, selection, outcomes, today)
    nodes = {
        id: _ended(plan.nodes[id], end, outcomes[id])
        for id, end in result.ends.items()
        if end is not End.UNSELECTED
    }
    did = _Bytes(scratch, result, outcomes, today).did()
    return Expected(tuple(id for id in plan.nodes if id in selection.selected), nodes, did, result.green)


def _ended(node: Node, end: End, outcome: Outcome) -> Ended:
    if end is End.SKIPPED:
        return Ended(end.value, "")
    if outcome in (Outcome.TIMEOUT, Outcome.INCONCLUSIVE) or node.kind is NodeKind.GATE:
        return Ended(end.value, verdict_of(outcome))
    return Ended(end.value, "pass" if outcome is Outcome.PASS else "fail")


class _Bytes:
    """Works out artifact after artifact, in a folder that looks like the project with all that was written."""

    def __init__(self, scratch: Scratch, result: Result, outcomes: Mapping[str, Outcome], today: str) -> None:
        self.scratch, self.result, self.outcomes, self.today = scratch, result, outcomes, today
        self.plan: Plan = scratch.plan
        self.top = scratch.repo.parent / "expected"
        git(scratch.repo, "worktree", "add", "-q", "--detach", str(self.top), scratch.branch)

    def did(self) -> dict[tuple[str, str], Did]:
        """Return what each leg does, node after node."""
        found: dict[tuple[str, str], Did] = {}
        here = Path.cwd()
        os.chdir(self.top)  # locations of artifacts are relative
        try:
            for id, node in self.plan.nodes.items():
                if self.result.ends[id] in RAN:
                    found.update({(id, leg.id): self._leg(node, leg.id) for leg in node.legs})
        finally:
            os.chdir(here)
        return found

    def _leg(self, node: Node, leg: str) -> Did:
        words = self.scratch.case.words.get(node.id, PASSES)
        told = leg in ("", "a")
        turned = self.outcomes[node.id] if told else Outcome.PASS
        opened = opens(node, turned) or waived_until(node, turned, self.today)
        end = End.PASSED if opened else End.FAILED
        passed = end is End.PASSED and node.kind is not NodeKind.GATE
        judged = turned.value if node.kind is NodeKind.GATE and turned is not Outcome.TIMEOUT else None
        attempts = reached(node, words) if told else 1
        inputs = {take.artifact: self._digest(take.artifact) for take in node.takes}
        return Did(
            ended=_ended(node, end, turned),
            attempts=None if turned is Outcome.TIMEOUT else attempts,
            inputs=inputs,
            outputs={id: self._write(node, leg, id) for id in node.writes} if passed else {},
            values={name: value_of(node.id, name) for name in node.outputs} if passed else {},
            seen=self._seen(node, leg),
            secret=bool(node.secrets),
            traced=self._runs_work(node),
            judged=judged,
        )

    def _digest(self, id: str) -> str:
        """Return the digest of an artifact as a reader finds it."""
        artifact = self.plan.artifacts[id]
        match artifact.form:
            case Form.PATHS:
                return paths_digest(artifact.paths, ".")
            case Form.FOLDER:
                return tree_digest(artifact.paths[0])
            case Form.FILE:
                return file_digest(artifact.paths[0])

    def _write(self, node: Node, leg: str, id: str) -> str:
        """Write what a leg writes to where readers find it, and return the digest that it tells."""
        artifact = self.plan.artifacts[id]
        path = Path(artifact.paths[0])
        taken = {take.artifact: taken_digest(self._location(take.artifact)) for take in node.takes}
        text = content(node.id, leg, taken, self._numbers(id))
        if artifact.form is Form.FILE:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return file_digest(path)
        folder = path / leg if artifact.from_legs else path
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "part.json").write_text(text, encoding="utf-8")
        return tree_digest(folder)

    def _location(self, id: str) -> str:
        return self.plan.artifacts[id].paths[0].rstrip("/")

    def _numbers(self, artifact: str) -> Mapping[str, float]:
        for id, gate in self.scratch.case.spec.get("gates", {}).items():
            if gate.get("evaluate", {}).get("metrics_from") == artifact:
                return NUMBERS[self.scratch.case.words.get(id, PASSES)[0]]
        return {}

    def _runs_work(self, node: Node) -> bool:
        gate = self.scratch.case.spec.get("gates", {}).get(node.id)
        return gate is None or "command" in gate

    def _seen(self, node: Node, leg: str) -> dict[str, str]:
        return {name: self._value(value, leg) for name, value in node.env if name != "TOKEN"}

    def _value(self, value: Any, leg: str) -> str:
        event = self.scratch.event
        match value:
            case RunFact(key, default):
                facts = {"event": event.kind, "branch": event.branch, "tag": event.tag}
                return str(facts[key] or default or "")
            case Input(name, default):
                return str(event.inputs.get(name) or default or "")
            case Output(source, name):
                return value_of(source, name)
            case _:
                return leg  # the only axis is the leg
