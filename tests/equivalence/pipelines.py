"""Random pipelines, events and outcomes, dense in what S1 to S12 are about.

A spec is drawn node by node; each refers to what is there already, so that hardly any is refused. It becomes a plan
by the real passes, without going through YAML text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import reject
from hypothesis import strategies as st

from mlcc.diagnostics import Span, SpecError
from mlcc.load.source import Entry, Mapping, Node, Scalar, Sequence, Source
from mlcc.plan import Gate, Plan
from mlcc.planning.planner import plan
from mlcc.resolving.resolve import resolve
from mlcc.semantics import Event, Outcome
from mlcc.spec.validate import validate

Data = dict[str, Any]
Draw = Callable[..., Any]
NOWHERE = Span("mlcc.yaml", 1, 1, 1, 2)
REGISTRY = {"mlflow": "https://mlflow.example", "model": "credit"}
TRIGGERS = {
    "push": {"branches": ["main", "release/*"]},
    "pull_request": {"branches": ["main"]},
    "tag": {"patterns": ["v*"]},
    "schedule": {"weekly": "17 3 * * 1", "monitor": "41 4 * * *"},
    "manual": {
        "retrain": {"inputs": {"mode": {"type": "string"}}},
        "undo": {"inputs": {"release": {"type": "string"}}},
    },
    "dispatch": ["new-data"],
}
COMMITTED = {"code": "src/", "docs": "docs/*.md", "conf": "conf.yml"}
CONDITIONS: tuple[Data, ...] = (
    {"event": "push"}, {"event": ["push", "pull_request"]}, {"event": "schedule"}, {"trigger": "weekly"}, {"branch": "main"},
    {"branch": "release/*"}, {"tag": "v1*"}, {"input": {"mode": "full"}}, {"event": ["push", "schedule", "manual"]},
)  # fmt: skip
CANARY = {
    "steps": [5, 25],
    "observations": {"command": "t"},
    "metrics": {"errors": {"rate": {"max": 0.01}}},
}
FAR: Data = {"remote": {"submit": "t", "poll": "t", "cancel": "t", "resume": False}}
VERDICTS = ("pass", "fail", "inconclusive", "error", ["fail", "error"], ["pass", "fail"])
CHANGES = (
    "src/a.py",
    "docs/a.md",
    "docs/x/a.md",
    "conf.yml",
    "conf.yml.orig",
    "tests/t.py",
    "mlcc.yaml",
    ".mlcc/run.py",
    "README.md",
)
EVENTS: tuple[Event, ...] = (
    Event("push", branch="main"), Event("push", branch="release/1"), Event("pull_request", branch="main"),
    Event("pull_request", branch="main", fork=True), Event("tag", tag="v1.0"), Event("tag", tag="v2"),
    Event("schedule", branch="main", trigger="weekly"), Event("schedule", branch="main", trigger="monitor"),
    Event("manual", branch="main", trigger="retrain", inputs={"mode": "full"}), Event("manual", branch="main", trigger="retrain"),
    Event("manual", branch="main", trigger="undo"), Event("dispatch", branch="main", trigger="new-data"),
)  # fmt: skip


def plan_of_data(data: Data) -> Plan:
    """Return the plan of a spec given as plain data. Raises SpecError."""
    root = node_of(data)
    assert isinstance(root, Mapping)
    source = Source("mlcc.yaml", root, {})
    return plan(resolve(validate(source), source), compiled_files=(".github/workflows/p.yml",))


def node_of(value: Any) -> Node:
    """Return plain data as a tree that stands nowhere."""
    if isinstance(value, dict):
        return Mapping({key: Entry(key, NOWHERE, node_of(item)) for key, item in value.items()}, NOWHERE)
    if isinstance(value, list):
        return Sequence([node_of(item) for item in value], NOWHERE)
    return Scalar(value, NOWHERE, str(value), False)


TOLD_RUNS: tuple[Data, ...] = (
    {}, {"branch": "main"}, {"branch": "release/*"}, {"event": ["pull_request", "push"]}, {"trigger": "weekly"}, {"tag": "v1*"},
)  # fmt: skip
VERDICTS = ["pass", "fail", "inconclusive", "error"]


class Builder:
    """One draw of a spec."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.artifacts: Data = {id: {"kind": "file", "path": path} for id, path in COMMITTED.items()}
        self.jobs: Data = {}
        self.gates: Data = {}
        self.releases: Data = {}
        self.readable = list(COMMITTED)  # what jobs may read
        if self.chance(3):
            self.artifacts["old"] = {"kind": "file", "path": "conf.yml", "at": "base"}
            self.readable.append("old")
        self.measured: list[tuple[str, str]] = []  # (what an evaluating job measured, what it wrote)
        self.ordinary: list[str] = []
        self.soft: list[str] = []  # non-blocking gates
        self.outputs: list[str] = []

    def chance(self, of: int) -> bool:
        return bool(self.draw(st.integers(0, of)) == of)

    def some(self, of: list[str], most: int) -> list[str]:
        return (
            list(self.draw(st.lists(st.sampled_from(of), unique=True, min_size=1, max_size=most)))
            if of
            else []
        )

    def spec(self) -> Data:
        for number in range(self.draw(st.integers(2, 10))):
            id = f"n{number}"
            kind = self.draw(
                st.sampled_from(
                    ("job", "job", "job", "gate", "gate", "evaluate", "status", "fetch", "image", "release")
                )
            )
            getattr(self, "_" + kind)(id)
        if not self.jobs and not self.gates:
            self._job("last")
        return {
            "version": 1, "name": "p", "triggers": TRIGGERS,
            "store": {"uri": "stored/"},
            "environments": {"prod": {"branches": ["main"]}, "stage": {"approval": self.chance(1)}},
            "artifacts": self.artifacts, "jobs": self.jobs, "gates": self.gates, "releases": self.releases,
            "notify": self._notify(),
        }  # fmt: skip

    def _notify(self) -> Data:
        """Draw who is told of releases, and up to two who are told of runs, each in another way."""
        found: Data = {"team": {"webhook": {"secret": "HOOK"}}} if self.releases and self.chance(1) else {}
        ways = (
            ("chat", {"slack": {"secret": "CHAT"}}),
            ("ops", {"email": {"to": "a@b.se", "from": "c@b.se", "server": "mail"}}),
        )
        for id, way in ways:
            if self.chance(1):
                found[id] = {"when": [self._told() for _ in range(self.draw(st.integers(1, 2)))], **way}
        return found

    def _told(self) -> Data:
        """Draw one alternative of what is told of runs."""
        statuses = ["failure", "success", *(["rollback"] if self.releases else [])]
        condition: Data = {"status": self.some(statuses, 2)}
        if self.jobs and self.chance(2):
            condition = {
                "job": self.draw(st.sampled_from(list(self.jobs))),
                "status": self.some(statuses[:2], 2),
            }
        if self.gates and self.chance(1):
            condition |= {
                "gate": self.draw(st.sampled_from(list(self.gates))),
                "verdict": self.some(VERDICTS, 3),
            }
            if "job" not in condition and self.chance(1):
                del condition["status"]
        return {**condition, **self.draw(st.sampled_from(TOLD_RUNS))}

    def _common(self, node: Data, id: str) -> None:
        if self.ordinary and self.chance(1):
            node["needs"] = self.some(self.ordinary, 2)
        when = self._when()
        if when:
            node["when"] = when
        if self.chance(5):
            node["path"] = [self.draw(st.sampled_from(("tests/", "//tests/")))]
        if self.chance(7):
            node["env"] = {"TOKEN": {"secret": "TOKEN"}}
        elif self.outputs and self.chance(5):
            node["env"] = {"N": {"output": self.draw(st.sampled_from(self.outputs)) + ".N"}}
        if self.chance(11):
            node["environment"] = "prod"
        if self.chance(4):
            node["matrix"] = {"axes": {"seed": ["a", "b"]}}
        self.ordinary.append(id)

    def _when(self) -> list[Data]:
        gate = self.draw(st.sampled_from(self.soft)) if self.soft else None
        if not self.chance(1 if gate else 3):
            return []
        found = []
        for _ in range(self.draw(st.integers(1, 3))):
            condition = dict(self.draw(st.sampled_from(CONDITIONS))) if self.chance(1) or gate is None else {}
            if gate is not None and (not condition or self.chance(1)):
                condition.update(gate=gate, verdict=self.draw(st.sampled_from(VERDICTS)))
            found.append(condition)
        return found

    def _job(self, id: str) -> None:
        node: Data = {
            **(FAR if self.chance(4) else {"run": "t"}),
            "reads": self.some(self.readable, 3) if not self.chance(5) else [],
            "blocking": not self.chance(3),
        }
        self._common(node, id)
        if self.chance(1):
            self._writes(node, id)
            self.readable.append(f"w-{id}")
        elif "matrix" not in node and self.chance(2):
            node["outputs"] = ["N"]
            self.outputs.append(id)
        self.jobs[id] = node

    def _writes(self, node: Data, id: str) -> None:
        path = f"out/{id}/" if "matrix" in node else f"out/{id}.json"
        self.artifacts[f"w-{id}"] = {"kind": "data", "path": path, "store": self.chance(4)}
        if "matrix" not in node and self.chance(1):
            self.artifacts[f"w-{id}"] = {"kind": "model", "path": path, "registry": REGISTRY}
        node["writes"] = [f"w-{id}"]

    def _evaluate(self, id: str) -> None:
        written = [name for name in self.readable if name.startswith("w-")]
        if not written:
            return self._job(id)
        measures = self.draw(st.sampled_from(written))
        node: Data = {"run": "t", "evaluates": [measures]}
        self._common(node, id)
        node.pop("matrix", None)  # its gate reads one file
        self._writes(node, id)
        self.measured.append((measures, f"w-{id}"))
        self.jobs[id] = node
        return None

    def _gate(self, id: str) -> None:
        node: Data = {"blocking": not self.chance(1), "on_inconclusive": "warn" if self.chance(2) else "fail"}
        if self.measured and self.chance(1):
            node["guards"], numbers = self.draw(st.sampled_from(self.measured))
            node["evaluate"] = {"metrics_from": numbers, "metrics": {"auc": {"min": 0.5}}}
        else:
            node["guards"] = self.draw(st.sampled_from(self.readable))
            node["command"] = {"run": "t"}
        self._common(node, id)
        if not node["blocking"]:
            self.soft.append(id)
        self.gates[id] = node

    def _release(self, id: str) -> None:
        node: Data = {"deploys": self.some([name for name in self.readable if name[:2] != "c-"], 2)}
        self._common(node, id)
        node.pop("matrix", None)
        self._champion(id, node["deploys"])
        alone = "N" not in node.get("env", {})  # what only a trigger starts can't ask a job
        undone: Data = {"manual": "undo"} if alone and self.chance(2) else {}
        looks: Data = {"reconcile": ["monitor", "weekly"] if self.chance(2) else "monitor"} if alone else {}
        if self.chance(2):
            node |= {
                "adapter": {"command": "t"},
                "canary": {
                    **CANARY,
                    "bake": "1h" if self.chance(1) else "15m",
                    "on_inconclusive": "hold" if looks and self.chance(2) else "rollback",
                },
            }
            node["rollback"] = {**undone, **looks}
            node |= {"after_promote": {"watch": "2h" if self.chance(1) else "5m"}} if self.chance(2) else {}
        else:
            node |= {"run": "t", "rollback": "none" if self.chance(3) else {"run": "t", **undone}}
        node |= {"verify": {"command": {"run": "t"}}} if self.chance(2) else {}
        node |= {"preview": {"run": "t"}} if self.chance(3) and "when" not in node else {}
        node["environment"] = "prod" if self.chance(3) else "stage"
        self.releases[id] = node

    def _champion(self, id: str, deployed: list[str]) -> None:
        """Let what a release runs be an artifact, which what comes later may read."""
        source = self.draw(st.sampled_from(deployed)) if deployed else ""
        raw = self.artifacts.get(source, {})
        if isinstance(raw.get("path"), str) and "*" not in raw["path"] and self.chance(2):
            path = f"live/{id}/" if raw["path"].endswith("/") else f"live/{id}.json"
            origin = {"release": id, "artifact": source}
            self.artifacts[f"c-{id}"] = {"kind": raw["kind"], "path": path, "from": origin, "first": "none"}
            self.readable.append(f"c-{id}")

    def _status(self, id: str) -> None:
        before = [*self.ordinary, *(other for other, job in self.jobs.items() if other not in self.ordinary)]
        before += [
            f"{id}-rollback" for id, release in self.releases.items() if release.get("rollback") != "none"
        ]
        if not before:
            return self._job(id)
        needs = list(self.draw(st.lists(st.sampled_from(before), unique=True, min_size=1, max_size=3)))
        condition: Data = {"status": self.draw(st.sampled_from(("always", "failure")))}
        if self.chance(4):
            condition["event"] = ["push", "schedule"]
        self.jobs[id] = {"run": "t", "needs": needs, "when": condition, "blocking": not self.chance(4)}
        return None

    def _fetch(self, id: str) -> None:
        origin: Data = {"dvc": "conf.yml"} if self.chance(1) else {"command": "t"}
        if self.chance(3):
            origin["env"] = {"TOKEN": {"secret": "TOKEN"}}
        kind = "data"
        if self.chance(1):
            kind, origin = "model", {"registry": {**REGISTRY, "alias": "champion"}}
        self.artifacts[f"w-{id}"] = {"kind": kind, "path": f"out/{id}.json", "from": origin}
        self.readable.append(f"w-{id}")

    def _image(self, id: str) -> None:
        files = [name for name in self.readable if name.startswith("w-")]
        build: Data = {"context": self.draw(st.sampled_from((".", "src/"))), "includes": self.some(files, 2)}
        self.artifacts[f"i-{id}"] = {"kind": "image", "repository": "ghcr.io/acme/a", "build": build}
        self.readable.append(f"i-{id}")


@st.composite
def plans(draw: Draw) -> Plan:
    """Draw a plan of up to nine nodes."""
    data = Builder(draw).spec()
    try:
        return plan_of_data(data)
    except SpecError as problem:
        # A gate that comes late can close a circle, and conditions can exclude each other: no other error may be.
        if not {found.code for found in problem.diagnostics} <= {"cycle", "never-runs"}:
            raise
    reject()


@st.composite
def events(draw: Draw) -> Event:
    """Draw an event; those with a diff base have one mostly."""
    event = draw(st.sampled_from(EVENTS))
    if event.kind not in ("push", "pull_request") or draw(st.integers(0, 4)) == 4:
        return event
    changed = frozenset(draw(st.lists(st.sampled_from(CHANGES), max_size=2)))
    return Event(event.kind, branch=event.branch, fork=event.fork, changed=changed)


@st.composite
def outcomes(draw: Draw, made: Plan) -> dict[str, Outcome]:
    """Draw how the nodes of a plan turn out; most pass."""
    found: dict[str, Outcome] = {}
    for id, node in made.nodes.items():
        bad = [Outcome.FAIL, Outcome.TIMEOUT]
        bad += [Outcome.ERROR, Outcome.INCONCLUSIVE] if isinstance(node.work, Gate) else []
        found[id] = draw(st.sampled_from([Outcome.PASS, Outcome.PASS, Outcome.PASS, *bad]))
    return found
