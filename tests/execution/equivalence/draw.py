"""Cases drawn from a number: small specs dense in what S1 to S12 are about, and those of many that differ most.

The same number gives the same case everywhere. Pipelines look like those of `tests.equivalence.pipelines`, which are
compared by the thousand on models; here every node has real work to do.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from mlcc.diagnostics import SpecError
from mlcc.plan import Plan, Remote
from mlcc.semantics import End, Event, run, select
from tests.equivalence.pipelines import CONDITIONS, EVENTS, TRIGGERS, VERDICTS, plan_of_data
from tests.execution.equivalence.case import Case, Data, Words, outcome

# Cases that really run, two for each kind of event; one where a case takes three times as long as elsewhere.
DRAWN = {"github": 14, "gitlab": 7, "jenkins": 14}
MOST_DRAWN = max(DRAWN.values())
# Undoing by hand is run in tests/execution/releases: no release here names its form.
STARTED_BY = {**TRIGGERS, "manual": {"retrain": TRIGGERS["manual"]["retrain"]}}
STARTS = tuple(event for event in EVENTS if event.trigger != "undo")
CANDIDATES = 1000  # cases drawn for each choice
NODES = range(4, 13)
MOST_LEGS = 9  # that really run, so that a case takes a few seconds
ARTIFACTS = {"code": "src/", "docs": "docs/*.md", "conf": "conf.yml"}
CHANGES = ("src/a.py", "docs/a.md", "docs/x/a.md", "conf.yml", "tests/t.py", "README.md")
TO_ALL = ("mlcc.yaml", ".mlcc/run.py")  # belong to every node's sources
DEFAULT_ENV = {
    "KIND": {"context": "event"},
    "BRANCH": {"context": "branch", "default": "none"},
    "TAG": {"context": "tag", "default": "none"},
}


def spec_of(artifacts: Data, jobs: Data, gates: Data, releases: Data) -> Data:
    """Return a whole spec of these parts."""
    committed = {id: {"kind": "file", "path": path} for id, path in ARTIFACTS.items()}
    return {
        "version": 1, "name": "p", "triggers": STARTED_BY, "environments": {"prod": {"branches": ["main"]}, "stage": {}},
        "defaults": {"env": DEFAULT_ENV, "timeout": "5m"}, "artifacts": {**committed, **artifacts}, "jobs": jobs, "gates": gates,
        "releases": releases,
    }  # fmt: skip


class Builder:
    """One draw of a spec and of how its nodes turn out. Each node refers to what is there already."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.elsewhere = Random(f"elsewhere {seed}")  # of its own, so that all else is drawn as without it
        self.artifacts: Data = {}
        self.jobs: Data = {}
        self.gates: Data = {}
        self.releases: Data = {}
        self.words: dict[str, Words] = {}
        self.readable = list(ARTIFACTS)
        self.measured: list[tuple[str, str]] = []  # (what was measured, the numbers), each for one gate
        self.ordinary: list[str] = []
        self.soft: list[str] = []  # non-blocking gates
        self.outputs: list[str] = []

    def one_in(self, number: int) -> bool:
        return self.random.randrange(number) == 0

    def some(self, of: Sequence[str], most: int) -> list[str]:
        return sorted(self.random.sample(list(of), min(len(of), self.random.randint(1, most))))

    def case(self, name: str) -> Case:
        kinds = ("job", "job", "job", "gate", "gate", "gate", "measured", "status", "fetch", "release")
        for number in range(self.random.choice(NODES)):
            getattr(self, "_" + self.random.choice(kinds))(f"n{number}")
        return Case(
            name, spec_of(self.artifacts, self.jobs, self.gates, self.releases), self._event(), self.words
        )

    def _event(self) -> Event:
        event = self.random.choice(STARTS)
        if event.kind == "pull_request":
            return Event(event.kind, branch=event.branch, fork=event.fork, changed=self._changed())
        if event.kind == "push" and not self.one_in(4):
            return Event(event.kind, branch=event.branch, fork=event.fork, changed=self._changed())
        return event

    def _changed(self) -> frozenset[str]:
        if self.one_in(6):
            return frozenset({self.random.choice(TO_ALL)})
        return frozenset(self.some(CHANGES, 2))

    def _common(self, node: Data, id: str) -> None:
        if self.ordinary and self.one_in(2):
            node["needs"] = self.some(self.ordinary, 2)
        when = self._when()
        if when:
            node["when"] = when
        if self.one_in(6):
            node["path"] = ["tests/"]
        env: Data = {}
        if self.one_in(7):
            env["TOKEN"] = {"secret": "TOKEN"}
        if self.outputs and self.one_in(2):
            env["VALUE"] = {"output": self.random.choice(self.outputs) + ".N"}
        if self.one_in(6):
            env["MODE"] = {"input": "mode", "default": "plain"}
        if self.one_in(12):
            node["environment"] = "prod"
        if self.one_in(5):
            node["matrix"] = {"axes": {"seed": ["a", "b"]}}
            env["LEG"] = {"matrix": "seed"}
        if env:
            node["env"] = env
        self.ordinary.append(id)

    def _when(self) -> list[Data]:
        gate = self.random.choice(self.soft) if self.soft else None
        if not self.one_in(2 if gate else 5):
            return []
        found = []
        for _ in range(self.random.randint(1, 2)):
            condition = dict(self.random.choice(CONDITIONS)) if gate is None or self.one_in(3) else {}
            if gate is not None and (not condition or self.one_in(2)):
                condition.update(gate=gate, verdict=self.random.choice(VERDICTS))
            found.append(condition)
        return found

    def _turns_out(self, node: Data, id: str, *bad: str, retry: bool = False) -> None:
        """Choose what the attempts do: most nodes pass, some at the second attempt."""
        if retry and self.one_in(3):
            node["retry"] = 1
            self.words[id] = self.random.choice(
                (("fail", "pass"), ("lost", "pass"), ("fail", "lost"), ("lost",), ("pass",))
            )
        elif self.one_in(5):
            self.words[id] = (self.random.choice(bad),)
        if "lost" in self.words.get(id, ()) and not (node.get("writes") or node.get("outputs")):
            self.words[id] = tuple(word.replace("lost", "fail") for word in self.words[id])
        if "hang" in self.words.get(id, ()):
            node["timeout"] = "1s"

    def _release(self, id: str) -> None:
        undone = {"run": f"python3 work.py {id}-rollback"}
        node: Data = {
            "run": f"python3 work.py {id}",
            "deploys": self.some(self.readable, 2),
            "rollback": "none" if self.one_in(4) else undone,
        }
        self._common(node, id)
        node["environment"] = "prod" if self.one_in(3) else "stage"
        if node.pop("matrix", None):
            del node["env"]["LEG"]
        self._turns_out(node, id, "fail", "hang", retry=True)
        self.releases[id] = node

    def _job(self, id: str) -> None:
        node: Data = {"run": f"python3 work.py {id}", "blocking": not self.one_in(4)}
        if not self.one_in(6):
            node["reads"] = self.some(self.readable, 3)
        self._common(node, id)
        if self.one_in(2):
            self._writes(node, id)
            self.readable.append(f"w-{id}")
        elif "matrix" not in node and self.one_in(3):
            node["outputs"] = ["N"]
            self.outputs.append(id)
        self._turns_out(node, id, "fail", "fail", "hang", "lost", retry=True)
        self.jobs[id] = self._far(node, id) if self.elsewhere.randrange(5) == 0 else node

    def _far(self, node: Data, id: str) -> Data:
        """Return a job whose work runs somewhere else: a poll turns out as the command would have."""
        remote = {"submit": f'echo {id} > "$MLCC_HANDLE_FILE"', "poll": node["run"], "cancel": "true"}
        late = {"timeout": "5s"} if "timeout" in node else {}  # it is submitted within that, too
        rest = {key: value for key, value in node.items() if key != "run"}
        return {"remote": {**remote, "every": "1s", "resume": False}, **rest, **late}

    def _writes(self, node: Data, id: str) -> None:
        path = f"out/{id}/" if "matrix" in node else f"out/{id}.json"
        self.artifacts[f"w-{id}"] = {"kind": "data", "path": path}
        node["writes"] = [f"w-{id}"]

    def _measured(self, id: str) -> None:
        written = [name for name in self.readable if name.startswith("w-")]
        if not written:
            return self._job(id)
        measures = self.random.choice(written)
        node: Data = {"run": f"python3 work.py {id}", "evaluates": [measures]}
        self._common(node, id)
        if node.pop("matrix", None):  # its gate reads one file
            node["env"].pop("LEG")
        self._writes(node, id)
        self._turns_out(node, id, "fail", "lost", retry=True)
        self.measured.append((measures, f"w-{id}"))
        self.jobs[id] = node
        return None

    def _gate(self, id: str) -> None:
        node: Data = {"blocking": not self.one_in(2), "on_inconclusive": "warn" if self.one_in(2) else "fail"}
        if self.measured:
            node["guards"], numbers = self.measured.pop()
            node["evaluate"] = {"metrics_from": numbers, "metrics": {"auc": {"min": 0.5, "stderr": "se"}}}
            bad: Words = ("fail", "inconclusive", "error")
        else:
            node["guards"] = self.random.choice(self.readable)
            node["command"] = {"run": f"python3 work.py {id}"}
            bad = ("fail", "fail", "inconclusive", "error", "contradict", "hang")
        self._common(node, id)
        if "evaluate" in node and node.pop("matrix", None):  # every leg would say the same
            node["env"].pop("LEG")
        self._turns_out(node, id, *bad)
        if not node["blocking"]:
            self.soft.append(id)
        self.gates[id] = node

    def _status(self, id: str) -> None:
        before = list(self.jobs) + list(self.gates)
        if not before:
            return self._job(id)
        condition: Data = {"status": self.random.choice(("always", "failure"))}
        if self.one_in(5):
            condition["event"] = ["push", "schedule"]
        node: Data = {
            "run": f"python3 work.py {id}",
            "needs": self.some(before, 3),
            "when": condition,
            "blocking": not self.one_in(4),
        }
        self._turns_out(node, id, "fail")
        self.jobs[id] = node
        return None

    def _fetch(self, id: str) -> None:
        node: Data = {"command": f"python3 work.py fetch-w-{id}"}
        if self.one_in(4):
            node["env"] = {"TOKEN": {"secret": "TOKEN"}}
        self._turns_out(node, f"fetch-w-{id}", "fail", "lost")
        self.artifacts[f"w-{id}"] = {"kind": "data", "path": f"out/{id}.json", "from": node}
        self.readable.append(f"w-{id}")


# --- the choice -----------------------------------------------------------------------------------


def situations(case: Case, plan: Plan) -> Iterator[str]:
    """Yield what a case is about: the same words for the same kind of thing."""
    words = {id: case.words.get(id, ("pass",)) for id in plan.nodes}
    selection = select(plan, case.event)
    result = run(plan, selection, {id: outcome(node, words[id]) for id, node in plan.nodes.items()})
    ran = {id for id, end in result.ends.items() if end in (End.PASSED, End.FAILED)}
    changed = "no base" if case.event.changed is None else " ".join(sorted(case.event.changed))
    yield f"{kind_of(case.event)}, {'green' if result.green else 'red'}"
    yield f"{case.event.kind} {changed}"
    for id, node in plan.nodes.items():
        end = result.ends[id].value
        blocking = "" if node.blocking else "non-blocking "
        if id in ran:
            yield f"{blocking}{node.kind.value} {' then '.join(words[id])}{' of a leg' * (len(node.legs) > 1)}"
            yield from (
                f"{end} with {key}" for key in ("secrets", "outputs", "branches") if getattr(node, key)
            )
        if id in ran and isinstance(node.work, Remote):
            yield f"elsewhere {end}"
        if node.status:
            yield f"{blocking}status {node.status.value} {end}"
        if result.ends[id] is End.UNSELECTED:
            yield "unselected: " + selection.reasons[id].partition("'")[0].partition(":")[0]
        for edge in plan.incoming[id] if id in selection.selected else ():
            before = plan.nodes[edge.source]
            soft = "" if before.blocking else "non-blocking "
            waits = " waiting" * (id in selection.by_verdict)
            yield f"{edge.kind.value}: {soft}{result.ends[edge.source].value} -> {end}{waits}{' status' * bool(node.status)}"


def kind_of(event: Event) -> str:
    """Return what kind of event it is; a fork's pull request is one of its own."""
    return event.kind + " of a fork" * event.fork


@functools.cache
def chosen(number: int) -> tuple[Case, ...]:
    """Return so many of the candidates, as many for each kind of event; fewer are the first ones of more.

    Each is the one that adds most to what the ones before it are about.
    """
    candidates = [(case, set(situations(case, plan))) for case, plan in _candidates()]
    seen: Counter[str] = Counter()
    found: list[Case] = []
    while len(found) < number:
        gains = [
            (-seen[kind_of(case.event)], sum(0.2 ** seen[one] for one in about)) for case, about in candidates
        ]
        case, about = candidates.pop(gains.index(max(gains)))
        seen.update({*about, kind_of(case.event)})
        found.append(case)
    return tuple(found)


def _candidates() -> Iterator[tuple[Case, Plan]]:
    for seed in range(CANDIDATES):
        case = Builder(seed).case(f"seed {seed}")
        try:
            plan = plan_of_data(case.spec)
        except SpecError as problem:
            # A gate that comes late can close a circle, and conditions can exclude each other: no other error may be.
            if not {found.code for found in problem.diagnostics} <= {"cycle", "never-runs"}:
                raise
            continue
        if 0 < _legs(case, plan) <= MOST_LEGS:
            yield case, plan


def _legs(case: Case, plan: Plan) -> int:
    """Return how many legs really run."""
    words: Any = {id: outcome(node, case.words.get(id, ("pass",))) for id, node in plan.nodes.items()}
    result = run(plan, select(plan, case.event), words)
    ran = [plan.nodes[id] for id, end in result.ends.items() if end in (End.PASSED, End.FAILED)]
    return sum(len(node.legs) for node in ran)
