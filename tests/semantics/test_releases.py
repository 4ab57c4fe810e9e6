"""S11: one release at a time, of what passed, and undone where it doesn't pass."""

from __future__ import annotations

from itertools import pairwise

import pytest

from mlcc.diagnostics import SpecError
from mlcc.semantics import Event, Outcome, run, select
from tests.plans import HEAD, plan_of

F, T = Outcome.FAIL, Outcome.TIMEOUT
PUSH = Event("push", branch="main", changed=frozenset({"src/a.py"}))
RELEASED = (
    HEAD
    + """artifacts:
  code: {kind: code, path: src/}
  model: {kind: model, path: build/model.bin}
environments: {stage: {}, live: {}}
jobs:
  build: {run: t, reads: [code], writes: [model]}
gates:
  ok: {guards: model, command: {run: check}}
releases:
  stage: {deploys: [model], run: deploy, rollback: {run: undo}}
  live: {deploys: [model], needs: [stage], run: deploy, rollback: {run: undo}}
"""
)


@pytest.mark.parametrize(
    ("outcomes", "ends"),
    [
        ({}, "passed passed passed skipped passed skipped"),
        ({"build": F}, "failed skipped skipped skipped skipped skipped"),
        ({"ok": F}, "passed failed skipped skipped skipped skipped"),
        ({"stage": F}, "passed passed failed passed skipped skipped"),
        ({"stage": T}, "passed passed failed passed skipped skipped"),
        ({"live": F}, "passed passed passed skipped failed passed"),
        ({"live": T, "live-rollback": F}, "passed passed passed skipped failed failed"),
    ],
    ids=str,
)
def test_s11_what_began_and_did_not_pass_is_rolled_back(outcomes: dict[str, Outcome], ends: str) -> None:
    plan = plan_of(RELEASED)
    found = run(plan, select(plan, PUSH), outcomes)
    order = ("build", "ok", "stage", "stage-rollback", "live", "live-rollback")
    assert [found.ends[id].value for id in order] == ends.split()
    assert found.green is (not outcomes)


def test_s11_a_release_never_runs_for_pull_requests_nor_does_its_rollback() -> None:
    plan = plan_of(
        RELEASED.replace(
            "{push: {branches: [main]}}", "{push: {branches: [main]}, pull_request: {branches: [main]}}"
        )
    )
    found = select(plan, Event("pull_request", branch="main", changed=frozenset({"src/a.py"})))
    assert found.selected == {"build", "ok"}
    assert found.reasons["live"] == found.reasons["live-rollback"] == "releases never run for pull requests"


def test_s11_a_release_takes_what_passed_and_its_rollback_takes_nothing() -> None:
    plan = plan_of(RELEASED)
    edges = {(e.source, e.kind.value) for e in plan.incoming["live"]}
    assert edges == {("build", "data"), ("ok", "guard"), ("stage", "order")}
    assert {(e.source, e.kind.value) for e in plan.incoming["live-rollback"]} == {("live", "order")}
    assert not plan.nodes["live-rollback"].takes


OWN = "{push: {branches: [main]}, schedule: {hourly: '13 * * * *'}, manual: {undo: {}}}"
TRIGGERED = (
    RELEASED.replace("{push: {branches: [main]}}", OWN)
    .replace("live: {deploys: [model], needs: [stage], run: deploy, rollback: {run: undo}}",
             "live: {deploys: [model], needs: [stage], adapter: {command: x}, rollback: {reconcile: hourly, manual: undo}}")
)  # fmt: skip


@pytest.mark.parametrize(
    ("event", "selected"),
    [
        (Event("schedule", branch="main", trigger="hourly"), {"live-reconcile"}),
        (Event("manual", branch="main", trigger="undo"), {"live-restore"}),
        (
            Event("push", branch="main"),
            {"build", "ok", "stage", "stage-rollback", "live-deploy", "live", "live-rollback"},
        ),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_s11_what_undoes_releases_has_triggers_of_its_own(event: Event, selected: set[str]) -> None:
    assert select(plan_of(TRIGGERED), event).selected == selected


def test_s11_what_names_such_a_trigger_runs_and_brings_what_it_needs() -> None:
    plan = plan_of(
        TRIGGERED
        + "  other: {deploys: [model], environment: stage, run: x, rollback: none, when: {trigger: hourly}}\n"
    )
    found = select(plan, Event("schedule", branch="main", trigger="hourly"))
    assert found.selected == {"live-reconcile", "other", "build", "ok"}
    assert found.reasons["stage"] == "the trigger 'hourly' starts only what names it"


def test_s11_a_node_that_only_such_a_trigger_could_start_never_runs() -> None:
    spec = TRIGGERED.replace("push: {branches: [main]}, ", "")
    with pytest.raises(SpecError) as caught:
        plan_of(spec)
    never = [found.message for found in caught.value.diagnostics if found.code == "never-runs"]
    assert never == [
        f"no trigger of this spec can run '{id}'"
        for id in ("build", "ok", "stage", "stage-rollback", "live-deploy", "live", "live-rollback")
    ]


VERIFIED = RELEASED.replace(
    "{push: {branches: [main]}}", "{push: {branches: [main]}, pull_request: {branches: [main]}}"
).replace(
    "stage: {deploys: [model], run: deploy, rollback: {run: undo}}",
    "stage: {deploys: [model], run: deploy, rollback: {run: undo}, verify: {command: {run: ask}}, preview: {run: plan}}",
)
STAGE = ("stage", "stage-rollback", "live")


@pytest.mark.parametrize(
    ("outcomes", "ends"),
    [
        ({}, "passed skipped passed"),
        ({"stage": F}, "failed passed skipped"),
        ({"stage": Outcome.INCONCLUSIVE}, "failed passed skipped"),
        ({"stage": T, "stage-rollback": F}, "failed failed skipped"),
    ],
    ids=str,
)
def test_s11_nothing_follows_a_release_that_was_not_verified(outcomes: dict[str, Outcome], ends: str) -> None:
    plan = plan_of(VERIFIED)
    found = run(plan, select(plan, PUSH), outcomes)
    assert [found.ends[id].value for id in STAGE] == ends.split()


@pytest.mark.parametrize("fork", [False, True])
def test_s11_a_preview_is_for_pull_requests_and_never_for_forks(fork: bool) -> None:
    plan = plan_of(VERIFIED)
    found = select(plan, Event("pull_request", branch="main", changed=frozenset({"src/a.py"}), fork=fork))
    assert found.selected == ({"build", "ok"} if fork else {"build", "ok", "stage-preview"})
    assert (found.reasons["stage-preview"] == "what a release would do isn't shown to forks") is fork
    assert "stage-preview" not in select(plan, PUSH).selected
    assert plan.nodes["stage-preview"].machine.environment is None


STEPS = """live:
    deploys: [model]
    needs: [stage]
    adapter: {command: x}
    verify: {command: {run: ask}}
    after_promote: {watch: 1m}
    canary: {steps: [5, 25], observations: {command: y}, metrics: {errors: {rate: {max: 0.01}}}}
"""


def test_s11_the_steps_of_a_release_follow_one_another() -> None:
    plan = plan_of(RELEASED[: RELEASED.rindex("live:")] + STEPS)
    chain = ["stage", "live-deploy", "live-verify", "live-5", "live-25", "live", "live-live"]
    for before, after in pairwise(chain):
        assert [e.source for e in plan.incoming[after] if e.kind.value == "order"] == [before]
    assert plan.nodes["live-rollback"].needs == tuple(chain[1:])
    failed = run(plan, select(plan, PUSH), {"live-live": F})
    assert (failed.ends["live"].value, failed.ends["live-rollback"].value, failed.green) == (
        "passed",
        "passed",
        False,
    )


def test_s11_a_step_of_a_release_never_runs_without_the_others() -> None:
    steps = STEPS.replace("verify: {command: {run: ask}}", "verify: {answers: {golden: golden.json}}")
    plan = plan_of(RELEASED[: RELEASED.rindex("live:")] + steps)
    found = select(plan, Event("push", branch="main", changed=frozenset({"golden.json"})))
    assert {"live-deploy", "live-verify", "live-5", "live-25", "live", "live-live"} <= found.selected
