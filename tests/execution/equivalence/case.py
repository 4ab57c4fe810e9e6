"""A case: a spec, an event, and how each of its nodes turns out; and the real repository that it becomes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from mlcc.backends import BACKENDS
from mlcc.compiler import analyse, compile_files
from mlcc.ledger import REFUSED, uses
from mlcc.plan import Node, NodeKind, Plan, Waived
from mlcc.record import replace
from mlcc.semantics import Event, Outcome
from tests.execution.github.scratch import commit, git, scratch_repo

WORK = Path(__file__).with_name("work.py")
SECRET = "hush-hush-9f2c"
FILES = {
    "src/a.py": "a = 1\n",
    "docs/a.md": "Words.\n",
    "conf.yml": "a: 1\n",
    "tests/t.py": "def test(): pass\n",
    "README.md": "Words.\n",
    ".gitignore": "/_mlcc/\n",
    "work.py": WORK.read_text(encoding="utf-8"),
}
# What a gate on numbers says of those that the job before it wrote.
NUMBERS: Mapping[str, Mapping[str, float]] = {
    "pass": {"auc": 0.9, "se": 0.01},
    "fail": {"auc": 0.1, "se": 0.01},
    "inconclusive": {"auc": 0.51, "se": 0.05},
    "error": {"se": 0.01},
}
OUTCOMES = {
    "pass": Outcome.PASS, "fail": Outcome.FAIL, "lost": Outcome.FAIL, "hang": Outcome.TIMEOUT, "error": Outcome.ERROR,
    "inconclusive": Outcome.INCONCLUSIVE, "contradict": Outcome.ERROR,
}  # fmt: skip
Data = dict[str, Any]
Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One run to compare.

    `words`: node -> what each of its attempts does (the last one is repeated): pass, fail, hang; of a job also lost (no
    output file); of a gate also inconclusive, error, contradict (verdict file and exit status differ). Of a matrix, leg
    'a' does it and the others pass. Nodes that aren't named pass. The event's `changed` paths are committed one by one.
    `files` are committed beside those of every case.
    """

    name: str
    spec: Data
    event: Event
    words: Mapping[str, Words] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """Return the case as a person reads it."""
        words = "".join(f"\n#   {id}: {', '.join(words)}" for id, words in self.words.items())
        return f"# {self.name}: {self.event}{words}\n{spec_text(self.spec)}"


def spec_text(spec: Data) -> str:
    """Return a spec as YAML."""
    return str(yaml.dump(spec, Dumper=_Plain, sort_keys=False, default_flow_style=None, width=110))


class _Plain(yaml.SafeDumper):
    """YAML without anchors, which a spec may not have."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def reached(node: Node, words: Words) -> int:
    """Return how many attempts a node makes (S7, S8)."""
    for number in range(node.retry + 1):
        if words[min(number, len(words) - 1)] in ("pass", "hang"):
            return number + 1
    return node.retry + 1


def outcome(node: Node, words: Words) -> Outcome:
    """Return how a node turns out that runs: as its last attempt does."""
    return OUTCOMES[words[min(reached(node, words), len(words)) - 1]]


# --- the repository -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scratch:
    """A case as a repository: what a CI system that runs `event` finds.

    `branch` is where the changes are: the pushed one, or a pull request's own. `base` is the newest green commit of the
    pushed branch; None: there is none. `trace` has what `work.py` noted.
    """

    case: Case
    plan: Plan
    repo: Path
    branch: str
    base: str | None
    trace: Path

    @property
    def event(self) -> Event:
        """Return what starts the run."""
        return self.case.event

    def noted(self) -> list[Data]:
        """Return the trace: one entry for each attempt that really began."""
        if not self.trace.exists():
            return []
        return [json.loads(line) for line in self.trace.read_text(encoding="utf-8").splitlines()]


def scratch(case: Case, folder: Path, targets: Sequence[str]) -> Scratch:
    """Write a case's repository below `folder`, compiled for `targets` by the real passes. Raises SpecError."""
    project, trace = folder / "project", folder / "trace"
    _write(project, {**FILES, **case.files, "told.json": "{}", "mlcc.yaml": spec_text(case.spec)})
    analysis = analyse(project / "mlcc.yaml", project)
    analysis = replace(analysis, plan=_with_waivers(analysis.plan, targets))
    told = {"trace": str(trace), "secret": SECRET, "nodes": _told(case, analysis.plan)}
    compiled = {file.path: file.text for file in compile_files(analysis, targets)}
    own = {"mlcc.yaml": spec_text(case.spec), "told.json": json.dumps(told, indent=1)}
    files = {**FILES, **case.files, **own, **compiled}
    repo = scratch_repo(folder, files)
    base = git(repo, "rev-parse", "HEAD")
    branch = _changes(repo, case.event, files)
    known = case.event.kind == "push" and case.event.changed is not None
    return Scratch(case, analysis.plan, repo, branch, base if known else None, trace)


def _changes(repo: Path, event: Event, files: Mapping[str, str]) -> str:
    """Commit what the event says has changed, and return the branch that has it."""
    branch = "change" if event.kind == "pull_request" else event.branch or "main"
    if branch != "main":
        git(repo, "checkout", "-q", "-b", branch)
    for path in sorted(event.changed or ()):
        commit(repo, {path: files.get(path, "") + "# changed\n"}, branch=branch)
    if event.kind == "pull_request":  # the target has gone on since: no part of the change
        commit(repo, {"tests/later.py": "later = 1\n"}, branch="main")
    return branch


def _with_waivers(plan: Plan, targets: Iterable[str]) -> Plan:
    """Return the plan with a waiver of each loss of a CI system that the pipeline would meet."""
    used = {use.feature for use in uses(plan)}
    losses = {
        target: [c.feature for c in BACKENDS[target].capabilities if c.grade in REFUSED and c.feature in used]
        for target in targets
    }
    waiver = Waived("this is a test", "2999-12-31")
    return replace(
        plan, waivers={target: dict.fromkeys(lost, waiver) for target, lost in losses.items() if lost}
    )


def _told(case: Case, plan: Plan) -> Data:
    """Return for `work.py` what each node does."""
    numbers: Data = {}
    for id, node in case.spec.get("gates", {}).items():
        if "evaluate" in node:
            numbers[node["evaluate"]["metrics_from"]] = NUMBERS[case.words.get(id, ("pass",))[0]]
    return {
        id: {
            "gate": node.kind is NodeKind.GATE,
            "words": case.words.get(id, ("pass",)),
            "takes": [take.artifact for take in node.takes],
            "writes": list(node.writes),
            "outputs": list(node.outputs),
            "numbers": {artifact: numbers[artifact] for artifact in node.writes if artifact in numbers},
        }
        for id, node in plan.nodes.items()
    }


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
