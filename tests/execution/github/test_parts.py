"""A pipeline in several called workflows really runs: states, skips and colour are those of the reference.

Only green runs: act stops at the first called workflow in which a job fails, and GitHub doesn't. What fails here is not
blocking, so that its job succeeds. Failures are covered by `tests/equivalence/test_parts.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcc.backends.github.build import Compiled, compiled
from mlcc.emitted import scripts
from mlcc.plan import Plan
from mlcc.semantics import Event, Outcome, select
from mlcc.semantics import run as reference
from mlcc.writing.files import seal
from tests.execution.github.act import run_workflow
from tests.execution.github.scratch import push_payload, scratch_repo
from tests.plans import plan_of

WORKFLOW = ".github/workflows/parts.yml"
MOST = 3_600  # bytes of a file: a node or two
SPEC = """\
version: 1
name: parts
triggers: {push: {branches: [main]}, schedule: {night: "17 3 * * *"}}
environments: {training: {}}  # act doesn't know an environment that only holds secrets
artifacts:
  code: {kind: code, path: src/}
  rows: {kind: data, path: build/rows.csv}
  model: {kind: model, path: build/model.json}
  stats: {kind: data, path: build/stats.json}
jobs:
  featurize: {run: "mkdir -p build && cp src/rows.csv build/rows.csv", reads: [code], writes: [rows]}
  train:
    run: "mkdir -p build && test \\"$PASSWORD\\" = open && wc -l < $ARTIFACT_ROWS > build/model.json"
    reads: [rows]
    writes: [model]
    environment: training
    env: {PASSWORD: {secret: TRAINING_PASSWORD}, TABLE: {var: TABLE, default: rows}}
  package: {run: "grep -q 3 build/model.json", reads: [model]}
  sweep: {run: "test -n \\"$SEED\\"", reads: [rows], matrix: {axes: {seed: [a, b]}}, env: {SEED: {matrix: seed}}}
  nightly: {run: "true", reads: [code], when: {event: schedule}}
  profile: {run: "false", reads: [rows], writes: [stats], blocking: false}
  show: {run: "true", reads: [stats]}
  retrain: {run: "true", reads: [code], when: {gate: drift, verdict: fail}}
  rejoice: {run: "true", reads: [code], when: {gate: drift, verdict: pass}}
  teardown: {run: "true", needs: [train, sweep], when: {status: always}}
  alert: {run: "true", needs: [package, sweep], when: {status: failure}}
gates:
  unit: {guards: code, command: {run: "test ! -e src/broken"}}
  rows-contract: {guards: rows, command: {run: "test $(wc -l < build/rows.csv) -gt 2"}}
  drift: {guards: rows, blocking: false, command: {run: "false"}}
"""


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(SPEC)


def project(tmp_path: Path, made: Compiled, plan: Plan) -> Path:
    assert len(made.files) > 4
    texts = {file.path: seal(file.text) for file in made.files}
    texts |= {file.path: seal(file.text) for file in scripts(plan)}
    return scratch_repo(tmp_path, {"mlcc.yaml": SPEC, "src/rows.csv": "a\n1\n2\n", **texts})


@pytest.mark.parametrize("event", ["push", "schedule"])
def test_states_are_those_of_the_reference(tmp_path: Path, plan: Plan, event: str) -> None:
    made = compiled(plan, MOST)
    repo = project(tmp_path, made, plan)
    payload = push_payload(repo) if event == "push" else {"schedule": "17 3 * * *"}
    run = run_workflow(repo, WORKFLOW, event, payload, secrets={"TRAINING_PASSWORD": "open"})
    outcomes = dict.fromkeys(plan.nodes, Outcome.PASS) | dict.fromkeys(("drift", "profile"), Outcome.FAIL)
    trigger = "night" if event == "schedule" else None
    wanted = reference(plan, select(plan, Event(event, branch="main", trigger=trigger)), outcomes)
    assert wanted.green
    result = run.record("s--final", "s--final/result.json")
    ends = {id: node["end"] for id, node in result["nodes"].items()}
    assert {id: ends.get(id, "unselected") for id in plan.nodes} == {
        id: end.value for id, end in wanted.ends.items()
    }
    assert result["green"]
    assert set(run.jobs) == {"select", "final", *plan.nodes}
    assert run.jobs["final"] == "success"
    assert (run.jobs["nightly"] == "skipped") is (event == "push")  # unselected: no runner
    assert run.jobs["alert"] == "skipped"  # nothing failed in the other parts: no runner
    assert {"sweep (a)", "sweep (b)"} <= set(run.legs)
    where = {id: number for number, part in enumerate(made.parts) for id in part.nodes}
    assert where["drift"] != where["rejoice"]
    assert run.jobs["rejoice"] == "success"  # a runner too many: what drift found it reads from a state
    assert ends["rejoice"] == "skipped"
    assert ends["retrain"] == "passed"
