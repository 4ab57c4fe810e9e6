"""What a compiled Jenkinsfile does with its table of nodes, and Jenkins' documented semantics of the steps it uses.

https://www.jenkins.io/doc/pipeline/steps/workflow-basic-steps/: `catchError` turns a failure of its block into a
result of the build and goes on; an interruption that aborts the build goes through it (`catchInterruptions: false`), one
by a lost agent or a timeout doesn't (workflow-basic-steps: CatchErrorStep, FlowInterruptedException.isActualInterruption).
A build's result only ever gets worse: SUCCESS, UNSTABLE, FAILURE, NOT_BUILT, ABORTED (jenkins: hudson.model.Result).
`parallel` runs all of its branches; `walk.groovy` proves that this reads the emitted Groovy rightly.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from mlcc.backends.jenkins.model import NODES, Jenkinsfile

RESULTS = ("SUCCESS", "UNSTABLE", "FAILURE", "NOT_BUILT", "ABORTED")
Table = dict[str, dict[str, Any]]
Leaf = Callable[[str, str, list[str]], int | None]


class Build:
    """One build. `leaf` runs one instance with the folders that it gets, and returns its status; None: its agent is lost."""

    def __init__(self, file: Jenkinsfile, leaf: Leaf, *, foreign: bool = False, order: int = 0) -> None:
        self.nodes: Table = {row.key: dict(row.fields) for row in file.rows if row.table == NODES}
        self.leaf, self.foreign = leaf, foreign
        self.random = random.Random(order)
        self.skip: str | None = None
        self.deny = ","
        self.codes: dict[str, int] = {}
        self.ends: dict[str, str] = {}
        self.stashed: list[str] = []
        self.result = "SUCCESS"
        self.started: list[str] = []

    def worsen(self, result: str) -> None:
        """Set the build's result, which gets no better."""
        self.result = max(self.result, result, key=RESULTS.index)

    def words(self, id: str, field: str) -> list[str]:
        return str(self.nodes[id].get(field, "")).split()

    def before(self, id: str) -> list[str]:
        return self.words(id, "data") + self.words(id, "order") + self.words(id, "verdict")

    def all_before(self, id: str) -> list[str]:
        found = self.before(id)
        for other in found:  # grows while it is walked
            found += [id for id in self.before(other) if id not in found]
        return found

    def instances(self, id: str) -> list[str]:
        return [f"{id}--{leg}" for leg in self.words(id, "legs")] or [id]

    def starts(self, id: str) -> bool:
        node = self.nodes[id]
        self.ends[id] = "skip"
        if self.skip is None:
            return False
        if f",{id}," in self.skip:
            self.ends[id] = "unselected"
            return False
        if node.get("trusted") and self.foreign:
            return False
        if node.get("status") == "always":
            return True
        if node.get("status") == "failure":
            return any(self.ends.get(other) == "fail" for other in self.all_before(id))
        if node.get("status") == "rollback":
            ends = {self.ends[other] for other in self.words(id, "order")}
            return bool(ends & {"pass", "fail"}) and ends != {"pass"}
        data = all(self.ends[other] in ("pass", "unselected") for other in self.words(id, "data"))
        order = all(self.ends[other] in ("pass", "warn", "unselected") for other in self.words(id, "order"))
        return data and order and f",{id}," not in self.deny

    def walk(self, cancel_at: str | None = None) -> bool:
        """Run the nodes in a random order that the graph allows. Return False when the build is aborted on the way."""
        left = {id: len(self.before(id)) for id in self.nodes}
        todo = [id for id in self.nodes if not left[id]]
        ready: list[str] = []
        while True:
            while todo:
                id = todo.pop(0)
                if self.starts(id):
                    ready.append(id)
                else:
                    todo += self._released(id, left)
            if not ready:
                return True
            id = ready.pop(self.random.randrange(len(ready)))
            if id == cancel_at:
                self.worsen("ABORTED")
                if "wait" in self.nodes[id]:  # what is aborted then is the wait
                    self._visit(str(self.nodes[id]["rollback"]))
                return False
            self._visit(id)
            todo = self._released(id, left)

    def _released(self, id: str, left: dict[str, int]) -> list[str]:
        found = []
        for other in self.nodes:
            for _ in [one for one in self.before(other) if one == id]:
                left[other] -= 1
                if not left[other]:
                    found.append(other)
        return found

    def _visit(self, id: str) -> None:
        node = self.nodes[id]
        self.started.append(id)
        for me in self.instances(id):
            code = self.leaf(id, me.removeprefix(id).removeprefix("--"), self.wanted(id))
            if code is None:
                self.worsen("ABORTED")
                continue
            self.stashed += [f"s--{me}"] + ([f"d--{me}"] if code == 0 and node.get("writes") else [])
            self.codes[me] = code
            if code not in (0, 4) and not node.get("soft"):
                self.worsen("FAILURE")
        codes = {self.codes.get(me, 2) for me in self.instances(id)}
        bad = "warn" if node.get("soft") else "fail"
        self.ends[id] = "pass" if codes == {0} else "skip" if codes == {4} else bad

    def wanted(self, id: str) -> list[str]:
        """Return the folders that an instance gets."""
        looks_back = self.nodes[id].get("status") in ("failure", "rollback")
        others = self.all_before(id) if looks_back else self.before(id)
        names = ["s--select", *(f"s--{me}" for other in others for me in self.instances(other))]
        names += [f"d--{me}" for other in self.words(id, "data") for me in self.instances(other)]
        return [name for name in names if name in self.stashed]

    def results(self) -> dict[str, str]:
        """Return node -> result, as the last stage writes them down."""
        names = {
            "pass": "success",
            "warn": "success",
            "fail": "failure",
            "skip": "skipped",
            "unselected": "skipped",
        }
        found = {id: names.get(self.ends.get(id, ""), "cancelled") for id in self.nodes}
        return {"select": "failure" if self.skip is None else "success", **found}
