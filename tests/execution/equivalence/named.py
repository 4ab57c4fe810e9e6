"""Cases picked by hand, each rule of S1 to S12 at least once, with what must come of them written by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import yaml

from mlcc.semantics import Event
from tests.execution.equivalence.case import Case, Words
from tests.execution.equivalence.draw import spec_of

MAIN = Event("push", branch="main")
FORK = Event("pull_request", branch="main", fork=True, changed=frozenset({"src/a.py"}))
NIGHT = Event("schedule", branch="main", trigger="weekly")


@dataclass(frozen=True, slots=True)
class Named:
    """A case; `ends`: node -> how it ends, ``failed error`` with the verdict of a gate; the others aren't selected."""

    case: Case
    ends: Mapping[str, str]
    green: bool


def case(
    name: str,
    parts: str,
    ends: str,
    *,
    green: bool,
    event: Event = MAIN,
    words: Mapping[str, Words] | None = None,
) -> Named:
    """Return a named case. `parts` are a spec's artifacts, jobs, gates and releases; `ends` has a ``NODE: END`` for each node."""
    found = yaml.safe_load(parts)
    jobs = {id: _job(id, node) for id, node in found.get("jobs", {}).items()}
    gates = {id: _gate(id, node) for id, node in found.get("gates", {}).items()}
    releases = {id: _release(id, node) for id, node in found.get("releases", {}).items()}
    spec = spec_of(found.get("artifacts", {}), jobs, gates, releases)
    return Named(Case(name, spec, event, words or {}), yaml.safe_load(f"{{{ends}}}"), green)


def _job(id: str, node: dict[str, object]) -> dict[str, object]:
    return node if "remote" in node else {"run": f"python3 work.py {id}", **node}


def _gate(id: str, node: dict[str, object]) -> dict[str, object]:
    return node if "evaluate" in node else {"command": {"run": f"python3 work.py {id}"}, **node}


def _release(id: str, node: dict[str, object]) -> dict[str, object]:
    undone = {"run": f"python3 work.py {id}-rollback"}
    return {"run": f"python3 work.py {id}", "environment": "stage", "rollback": undone, **node}


def changed(*paths: str, kind: str = "push") -> Event:
    """Return a push to main, or a pull request, that changes these paths since the newest green commit."""
    return Event(kind, branch="main", changed=frozenset(paths))


RELEASES = """
artifacts: {model: {kind: model, path: out/model.json}}
jobs:
  build: {reads: [code], writes: [model]}
  told: {needs: [live, try], when: {status: always}}
gates:
  ok: {guards: model}
releases:
  try: {deploys: [model], retry: 1}
  live: {deploys: [model], needs: [try], environment: prod, env: {TOKEN: {secret: TOKEN}}, timeout: 1s}
"""
TRAIN = """
artifacts: {model: {kind: model, path: out/model.json}, numbers: {kind: data, path: out/numbers.json}}
jobs:
  train: {reads: [code], writes: [model]}
  measure: {evaluates: [model], reads: [conf], writes: [numbers]}
  ship: {reads: [model]}
  docs-page: {reads: [docs]}
gates:
  unit: {guards: code}
  good: {guards: model, evaluate: {metrics_from: numbers, metrics: {auc: {min: 0.5, stderr: se}}}}
"""
FAR = """
artifacts: {model: {kind: model, path: out/model.json}}
jobs:
  far:
    remote: {submit: 'echo 7 > "$MLCC_HANDLE_FILE"', poll: python3 work.py far, cancel: 'true', every: 1s, resume: false}
    reads: [code]
    writes: [model]
    retry: 1
    timeout: 5s
  use: {reads: [model]}
gates: {ok: {guards: model}}
"""
DRIFT = """
jobs:
  retrain: {reads: [code], when: {gate: drift, verdict: fail}}
  after: {needs: [retrain]}
gates:
  drift: {guards: conf, blocking: false}
"""
SKIPPED_GATE = """
artifacts: {stats: {kind: data, path: out/stats.json}}
jobs:
  profile: {reads: [conf], writes: [stats], blocking: false}
  either: {reads: [conf], when: [{gate: drift, verdict: fail}, {event: schedule}]}
gates: {drift: {guards: stats, blocking: false}}
"""
STATUS = """
artifacts: {rows: {kind: data, path: out/rows.json}}
jobs:
  load: {reads: [conf], writes: [rows]}
  use: {reads: [rows]}
  apart: {reads: [docs]}
  teardown: {needs: [use], when: {status: always}}
  alert: {needs: [teardown], when: {status: failure}}
  calm: {needs: [apart], when: {status: failure}}
"""
SOFT = """
artifacts: {stats: {kind: data, path: out/stats.json}}
jobs:
  profile: {reads: [conf], writes: [stats], blocking: false}
  show: {reads: [stats]}
  later: {reads: [code], needs: [profile]}
"""
LEGS = """
artifacts: {models: {kind: model, path: out/models/}}
jobs:
  train:
    reads: [code]
    writes: [models]
    matrix: {axes: {seed: [a, b]}}
    env: {LEG: {matrix: seed}}
    retry: 1
  pick: {reads: [models]}
gates: {small: {guards: models}}
"""
VALUES = """
artifacts: {rows: {kind: data, path: out/rows.json}}
jobs:
  count: {reads: [conf], outputs: [N]}
  use: {env: {VALUE: {output: count.N}, MODE: {input: mode, default: plain}}, writes: [rows]}
  deep: {reads: [rows], when: {input: {mode: full}}}
"""
SECRETS = """
artifacts: {rows: {kind: data, path: out/rows.json, from: {command: python3 work.py fetch-rows, env: {TOKEN: {secret: TOKEN}}}}}
jobs:
  train: {reads: [rows, code]}
  test: {reads: [code]}
  deploy: {reads: [code], environment: prod}
"""
WAIVED = """
jobs:
  use: {reads: [code]}
  stop: {reads: [conf]}
gates:
  borne: {guards: code, waive: {reason: it is being mended, until: "2999-12-31", issue: "https://acme.example/1"}}
  over: {guards: conf, waive: {reason: it was forgotten, until: "2020-01-31", issue: "https://acme.example/2"}}
"""

NAMED: Sequence[Named] = (
    case(
        "S2 S3 everything passes and every artifact arrives",
        TRAIN,
        "unit: passed, train: passed, measure: passed, good: passed, ship: passed, docs-page: passed",
        green=True,
    ),
    case(
        "S1 S2 S4 a failed gate stops who reads what it guards and nobody else",
        TRAIN,
        "unit: failed, train: skipped, measure: skipped, good: skipped, ship: skipped, docs-page: passed",
        green=False,
        words={"unit": ("fail",)},
    ),
    case(
        "S2 what measures runs before the gate that its numbers close",
        TRAIN,
        "unit: passed, train: passed, measure: passed, good: failed inconclusive, ship: skipped, docs-page: passed",
        green=False,
        words={"good": ("inconclusive",)},
    ),
    case("S3 S6 nothing selected is green", TRAIN, "", green=True, event=changed("README.md")),
    case(
        "S3 a change selects what depends on it, with the writers and gates that it can't do without",
        TRAIN,
        "unit: passed, train: passed, measure: passed, good: passed, ship: passed",
        green=True,
        event=changed("conf.yml", "README.md", kind="pull_request"),
    ),
    case(
        "S3 a changed spec selects everything",
        TRAIN,
        "unit: passed, train: passed, measure: passed, good: passed, ship: passed, docs-page: passed",
        green=True,
        event=changed("mlcc.yaml"),
    ),
    case(
        "S4 status nodes run by how others ended, however far before",
        STATUS,
        "load: failed, use: skipped, apart: passed, teardown: passed, alert: passed, calm: skipped",
        green=False,
        words={"load": ("fail",)},
    ),
    case(
        "S4 S6 a non-blocking failure is green, stops its readers and not what only comes after it",
        SOFT,
        "profile: failed, show: skipped, later: passed",
        green=True,
        words={"profile": ("fail",)},
    ),
    case(
        "S5 a verdict file that contradicts the exit status is an error",
        TRAIN,
        "unit: failed error, train: skipped, measure: skipped, good: skipped, ship: skipped, docs-page: passed",
        green=False,
        words={"unit": ("contradict",)},
    ),
    case(
        "S5 S7 a gate that times out has judged nothing",
        "jobs: {use: {reads: [code]}}\ngates: {unit: {guards: code, timeout: 1s}, warn: {guards: conf, on_inconclusive: warn}}",
        "unit: failed error, use: skipped, warn: passed inconclusive",
        green=False,
        words={"unit": ("hang",), "warn": ("inconclusive",)},
    ),
    case(
        "S5 a failing gate is open until the last day of its waiver, and no longer",
        WAIVED,
        "borne: passed fail, over: failed fail, use: passed, stop: skipped",
        green=False,
        words={"borne": ("fail",), "over": ("fail",)},
    ),
    case(
        "S7 a node that runs out of time isn't retried",
        "jobs: {slow: {reads: [code], timeout: 1s, retry: 3, blocking: false}, other: {reads: [conf]}}",
        "slow: failed, other: passed",
        green=True,
        words={"slow": ("hang", "pass")},
    ),
    case(
        "S8 S9 a leg that leaves no output is run again, in a clean folder",
        LEGS,
        "train: passed, small: passed, pick: passed",
        green=True,
        words={"train": ("fail", "pass")},
    ),
    case(
        "S8 S9 one failed leg fails the node and the other finishes",
        LEGS,
        "train: failed, small: skipped, pick: skipped",
        green=False,
        words={"train": ("fail", "lost")},
    ),
    case(
        "S3 values and inputs arrive, and a condition on an input selects",
        VALUES,
        "count: passed, use: passed, deep: passed",
        green=True,
        event=Event("manual", branch="main", trigger="retrain", inputs={"mode": "full"}),
        words={"count": ("pass",)},
    ),
    case(
        "S8 work that runs somewhere else is a job: it is tried again",
        FAR,
        "far: passed, ok: passed, use: passed",
        green=True,
        words={"far": ("fail", "pass")},
    ),
    case(
        "S7 work that runs somewhere else is a job: its time ends",
        FAR,
        "far: failed, ok: skipped, use: skipped",
        green=False,
        words={"far": ("hang",)},
    ),
    case(
        "S10 a fork gets no secret, and nothing that needs one",
        SECRETS,
        "test: passed",
        green=True,
        event=FORK,
    ),
    case(
        "S10 S11 secrets and the environment of a branch",
        SECRETS,
        "fetch-rows: passed, train: passed, test: passed, deploy: passed",
        green=True,
    ),
    case(
        "S11 what failed is rolled back once, and what follows doesn't run",
        RELEASES,
        "build: passed, ok: passed, try: failed, try-rollback: passed, live: skipped, live-rollback: skipped, told: passed",
        green=False,
        words={"try": ("fail",)},
    ),
    case(
        "S11 what passed stays, and what ran out of time is rolled back",
        RELEASES,
        "build: passed, ok: passed, try: passed, try-rollback: skipped, live: failed, live-rollback: passed, told: passed",
        green=False,
        words={"try": ("fail", "pass"), "live": ("hang",)},
    ),
    case(
        "S11 what didn't pass its gate is never released",
        RELEASES,
        "build: passed, ok: failed fail, try: skipped, live: skipped, try-rollback: skipped, live-rollback: skipped, "
        "told: passed",
        green=False,
        words={"ok": ("fail",)},
    ),
    case(
        "S12 a verdict starts what waits for it",
        DRIFT,
        "drift: failed, retrain: passed, after: passed",
        green=True,
        words={"drift": ("fail",)},
    ),
    case(
        "S12 an erring gate isn't a failing one",
        DRIFT,
        "drift: failed error, retrain: skipped, after: skipped",
        green=True,
        words={"drift": ("error",)},
    ),
    case(
        "S12 an alternative without the gate holds where the gate was skipped",
        SKIPPED_GATE,
        "profile: failed, drift: skipped, either: passed",
        green=True,
        event=NIGHT,
        words={"profile": ("fail",)},
    ),
)
