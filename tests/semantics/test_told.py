"""Which notices a run gives, by hand: the run's status, a job's, a gate's verdict, and which runs are meant."""

from __future__ import annotations

import pytest

from mlcc.plan import Plan
from mlcc.semantics import Event, Outcome, run, select
from mlcc.told import told
from tests.plans import plan_of

SPEC = """version: 1
name: p
triggers: {push: {branches: [main, dev]}, pull_request: {branches: [main]}, schedule: {nightly: '7 3 * * *'}}
environments: {live: {}}
artifacts: {code: {kind: code, path: [src/]}, model: {kind: model, path: m.bin}}
jobs: {train: {run: make, reads: [code]}, later: {run: make, needs: [train]}}
gates: {drift: {guards: code, blocking: false, command: {run: look}}}
releases: {live: {deploys: [model], needs: [train], when: {branch: main}, run: make, rollback: {run: make back}}}
notify: {a: {when: WHEN, slack: {secret: CHAT}}}
"""
PUSH, DEV = Event("push", branch="main"), Event("push", branch="dev")
PULL, FORK = Event("pull_request", branch="main"), Event("pull_request", branch="main", fork=True)
NIGHT = Event("schedule", branch="main", trigger="nightly")
FAIL, ERROR = Outcome.FAIL, Outcome.ERROR


def plan_with(when: str) -> Plan:
    return plan_of(SPEC.replace("WHEN", when))


@pytest.mark.parametrize(
    ("when", "event", "outcomes", "why"),
    [
        ("{status: failure}", PUSH, {}, None),
        ("{status: failure}", PUSH, {"train": FAIL}, "the status of the run is failure"),
        ("{status: failure}", PUSH, {"drift": FAIL}, None),  # it doesn't block
        ("{status: success}", PUSH, {"drift": FAIL}, "the status of the run is success"),
        ("{status: failure}", PULL, {"train": FAIL}, None),
        ("{status: failure, event: pull_request}", PULL, {"train": FAIL}, "the status of the run is failure"),
        ("{status: failure, event: pull_request}", FORK, {"train": FAIL}, None),
        ("{status: failure, branch: main}", DEV, {"train": FAIL}, None),
        ("{status: failure, trigger: nightly}", NIGHT, {"train": FAIL}, "the status of the run is failure"),
        ("{status: failure, trigger: nightly}", PUSH, {"train": FAIL}, None),
        ("{job: later, status: failure}", PUSH, {"train": FAIL}, None),  # it was skipped
        ("{job: train, status: failure}", PUSH, {"train": Outcome.TIMEOUT}, "the status of 'train' is failure"),
        ("{job: later, status: success}", PUSH, {}, "the status of 'later' is success"),
        ("{gate: drift, verdict: [fail, error]}", PUSH, {"drift": FAIL}, "the verdict of 'drift' is fail"),
        ("{gate: drift, verdict: error}", PUSH, {"drift": Outcome.TIMEOUT}, "the verdict of 'drift' is error"),
        ("{gate: drift, verdict: fail}", PUSH, {"drift": ERROR}, None),
        ("{gate: drift, verdict: fail, status: success}", PUSH, {"drift": FAIL},
         "the status of the run is success and the verdict of 'drift' is fail"),
        ("{gate: drift, verdict: fail, status: failure}", PUSH, {"drift": FAIL}, None),
        ("{status: rollback}", PUSH, {"live": FAIL}, "the status of the run is rollback"),
        ("{status: rollback}", PUSH, {"live": FAIL, "live-rollback": FAIL}, None),
        ("{status: rollback}", PUSH, {}, None),
        ("[{status: rollback}, {job: train, status: success}]", PUSH, {}, "the status of 'train' is success"),
    ],
)  # fmt: skip
def test_who_is_told(when: str, event: Event, outcomes: dict[str, Outcome], why: str | None) -> None:
    plan = plan_with(when)
    ended = run(plan, select(plan, event), outcomes)
    assert told(plan, event, ended, outcomes) == ({} if why is None else {"a": (why,)})
