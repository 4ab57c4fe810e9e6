"""What waits before a node, on every CI system: a person once a release, and a time without a machine."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from mlcc.backends import BACKENDS
from mlcc.backends.github.lower import lower as github
from mlcc.backends.github.model import Job
from mlcc.backends.gitlab.lower import lower as gitlab
from mlcc.backends.gitlab.overlay import Overlay
from mlcc.backends.gitlab.platform import child_pipeline, jobs_of
from mlcc.backends.gitlab.render import render_child
from mlcc.backends.jenkins.lower import lower as jenkins
from mlcc.diagnostics import SpecError
from mlcc.plan import Pause, Plan, Release
from mlcc.runtime.platform import REFUSED
from tests.plans import plan_of

HEAD = """version: 1
name: shop
triggers: {push: {branches: [main]}}
environments: {prod: {branches: [main], approval: true}, stage: {approval: true}}
artifacts: {model: {kind: model, path: m.bin}, code: {kind: code, path: src/}}
jobs:
  seed: {run: ./seed.sh, reads: [code], environment: stage}
"""
RELEASE = """releases:
  prod:
    deploys: [model]
    adapter: {command: ./serve}
    canary:
      CANARY
      observations: {command: ./look}
      metrics: {errors: {rate: {max: 0.01}}}
    rollback: {lease: 30h}
"""
HOUR = "steps: [5, {weight: 50, bake: 1h}]\n      bake: 15m"
PROTECTED = '$CI_COMMIT_REF_PROTECTED == "true"'


def planned(canary: str = HOUR, more: str = "") -> Plan:
    return plan_of(HEAD + more + RELEASE.replace("CANARY", canary))


def pauses(plan: Plan) -> dict[str, Pause]:
    return {id: node.pause for id, node in plan.nodes.items() if node.pause is not None}


def jobs(plan: Plan) -> dict[str, Job]:
    return {job.id: job for job in github(plan).jobs}


def child(plan: Plan) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(render_child(gitlab(plan), Overlay()))
    return found


# --- what waits for what --------------------------------------------------------------------------


def test_only_the_first_step_of_a_release_asks_and_a_long_step_waits() -> None:
    # 60 minutes, without the first 5 and the last three looks of half a minute.
    assert pauses(planned()) == {
        "seed": Pause(approval=True), "prod-deploy": Pause(approval=True), "prod-50": Pause(seconds=3210),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("canary", "waits"),
    [
        ("steps: [5]\n      bake: 30m", {}),
        ("steps: [5]\n      bake: 31m", {"prod-5": 31 * 60 - 300 - 90}),
        ("steps: [5]\n      bake: 10m\n      watch_first: 2m", {"prod-5": 600 - 120 - 90}),
        ("steps: [5]\n      bake: 2h\n      watch_first: 2h", {}),
        ("steps: [5]\n      bake: 10m\n      watch_first: 9m", {}),  # the last looks take the rest
        ("steps: [5]\n      bake: 2h\n      every: 10m\n      fail_after: 3", {"prod-5": 7200 - 600 - 2400}),
    ],
)
def test_which_steps_are_divided(canary: str, waits: dict[str, int]) -> None:
    plan = planned(canary)
    assert {id: pause.seconds for id, pause in pauses(plan).items() if pause.seconds} == waits
    assert ("prod-5-watch" in plan.nodes) is bool(waits)


def test_the_second_look_has_time_to_make_good_a_wait_and_no_more_than_a_hosted_runner_has() -> None:
    plan = planned("steps: [5, {weight: 50, bake: 1d}]\n      bake: 1h")
    seconds = {id: node.timeout_seconds for id, node in plan.nodes.items() if id.startswith("prod-")}
    assert seconds["prod-5-watch"] == 300 + 600
    assert seconds["prod-5"] == 3600 + 600
    assert seconds["prod-50"] == 5 * 3600 + 600
    judges = {id: node.gate.parameters for id, node in plan.nodes.items() if node.releases and node.gate}
    assert {key: judges["prod-50"][key] for key in ("bake", "continues", "made_good")} == {
        "bake": 86400, "continues": "prod-50-watch", "made_good": 5 * 3600,
    }  # fmt: skip
    assert (judges["prod-50-watch"]["bake"], judges["prod-50-watch"]["first_look"]) == (300, True)


def test_the_driver_has_a_step_for_each_look() -> None:
    plan = planned()
    work = plan.nodes["prod"].work
    assert isinstance(work, Release)
    assert work.drive is not None
    assert work.drive["steps"] == [
        {"weight": 5, "gate": "prod-5"}, {"weight": 50, "gate": "prod-50-watch"}, {"weight": 50, "gate": "prod-50"},
    ]  # fmt: skip


def test_what_traffic_can_not_show_in_the_first_look_it_may_show_in_the_whole_bake() -> None:
    # 50 % of 1 request a second: 150 in 5 minutes, 1,800 in an hour, where 1 % needs 455.
    assert "prod-50" in planned("steps: [50]\n      bake: 1h\n      traffic: {expected_rps: 1}").nodes


def test_only_what_goes_live_is_deployed() -> None:
    plan = planned()
    assert [id for id, node in plan.nodes.items() if node.deploys] == ["seed", "prod"]


# --- GitHub ---------------------------------------------------------------------------------------


def test_github_waits_in_jobs_of_their_own() -> None:
    found = jobs(planned())
    approval, wait = found["prod-deploy--approval"], found["prod-50--wait"]
    assert (approval.environment, approval.deployment, approval.lock) == ("prod-approval", True, None)
    assert (wait.environment, wait.deployment, wait.needs) == ("wait-53m", True, ("select", "prod-50-watch"))
    node = found["prod-50"]
    assert node.needs == ("select", "prod-50-watch", "prod-50--wait")
    assert wait.if_ is not None
    assert node.if_ is not None
    assert node.if_.terms == (*wait.if_.terms, "needs.prod-50--wait.result == 'success'")
    assert {"prod-deploy--approval", "prod-50--wait"} < set(found["final"].needs)
    assert not {"prod-deploy--approval", "prod-50--wait"} & set(found["prod-rollback"].needs)
    assert sorted(id for id in found if "--" in id) == ["prod-50--wait", "prod-deploy--approval"]


def test_github_records_a_deployment_where_the_release_goes_live() -> None:
    recorded = [job.id for job in jobs(planned()).values() if job.environment is not None and job.deployment]
    assert [id for id in recorded if "--" not in id] == ["seed", "prod"]


def test_what_github_must_be_told() -> None:
    found = {one.id: one for one in BACKENDS["github"].obligations(planned())}
    rules = [
        found[f"environment.{id}"].sentence
        for id in ("prod.approval", "prod.branches", "stage.approval", "wait-53m.timer")
    ]
    assert rules == [
        "give the environment 'prod-approval' required reviewers, and 'prod' none: there they would be asked before each step of "
        "a release, and before its rollback",
        "restrict the environments 'prod' and 'prod-approval' to main: whoever may push to a branch that 'prod' is open to gets "
        "its secrets without a reviewer",
        "give the environment 'stage' required reviewers: without them its jobs start by themselves",
        "give the environment 'wait-53m' a wait timer of 53 minutes (private repositories need a paid plan for it): without it, "
        "prod-50 waits on a runner, for 5 hours at most",
    ]


def test_the_environments_of_waits_are_made_with_their_rules() -> None:
    found = {one.id: one for one in BACKENDS["github"].obligations(planned())}
    (timer,) = found["environment.wait-53m"].commands
    assert """printf %s '{"wait_timer": 53}' | gh api --silent -X PUT""" in timer
    (asking,), (released,) = found["environment.prod-approval"].commands, found["environment.prod"].commands
    assert '"reviewers"' in asking
    assert '"reviewers"' not in released
    assert all('"custom_branch_policies": true' in line for line in (asking, released))


def test_a_job_beside_a_release_asks_where_the_release_does() -> None:
    plan = planned(more="  check: {run: ./check.sh, reads: [code], environment: prod}\n")
    assert jobs(plan)["check"].needs == ("select", "check--approval")
    assert jobs(plan)["check--approval"].environment == "prod-approval"
    assert child(plan)["check approval"]["environment"] == {"name": "prod-approval", "action": "prepare"}


@pytest.mark.parametrize("target", ["github", "gitlab"])
def test_an_environment_that_waits_is_nobody_elses(target: str) -> None:
    spec = HEAD.replace("stage: {", "prod-approval: {}, stage: {") + RELEASE.replace("CANARY", HOUR)
    with pytest.raises(SpecError) as problem:
        BACKENDS[target].compile(plan_of(spec))
    assert [found.code for found in problem.value.diagnostics] == ["environment-taken"]


# --- GitLab ---------------------------------------------------------------------------------------


def test_gitlab_waits_in_jobs_of_their_own() -> None:
    found = child(planned())
    assert found["prod-deploy approval"]["rules"] == [
        {"if": PROTECTED, "when": "manual", "allow_failure": False}
    ]
    assert found["prod-deploy approval"]["environment"] == {"name": "prod-approval", "action": "prepare"}
    assert "resource_group" not in found["prod-deploy approval"]
    assert found["prod-deploy"]["rules"] == [{"if": PROTECTED}]
    wait = found["prod-50 wait"]
    assert wait["rules"] == [{"if": PROTECTED, "when": "delayed", "start_in": "3210 seconds"}]
    assert "start_in" not in wait
    assert [need["job"] for need in wait["needs"]] == ["prod-50-watch"]
    assert [need["job"] for need in found["prod-50"]["needs"]] == ["prod-50-watch", "prod-50 wait"]


def test_without_rules_the_delay_is_the_jobs_own() -> None:
    text = HEAD.replace("branches: [main], approval: true", "") + RELEASE.replace("CANARY", HOUR)
    wait = child(plan_of(text))["prod-50 wait"]
    assert (wait["when"], wait["start_in"], "rules" in wait) == ("delayed", "3210 seconds", False)


def test_gitlab_records_a_deployment_where_the_release_goes_live() -> None:
    found = {name: job["environment"] for name, job in child(planned()).items() if "environment" in job}
    assert [name for name, place in found.items() if place.get("action", "start") == "start"] == [
        "seed",
        "prod",
    ]
    assert child(planned())["prod-5"]["resource_group"] == "prod"


def test_a_child_without_a_node_has_not_its_waits_either() -> None:
    text = render_child(gitlab(planned()), Overlay())
    kept = yaml.safe_load(child_pipeline(text, jobs_of(["prod-deploy", "prod-50"]), "x"))
    gone = {"prod-deploy", "prod-deploy approval", "prod-50", "prod-50 wait"}
    assert set(child(planned())) - set(kept) == gone


# --- Jenkins --------------------------------------------------------------------------------------


def test_jenkins_asks_and_waits_before_it_takes_an_agent() -> None:
    file = jenkins(planned())
    rows = {row.key: row.fields for row in file.rows}
    assert [id for id, row in rows.items() if "approvers" in row] == ["seed", "prod-deploy"]
    assert (rows["prod-50"]["wait"], rows["prod-50"]["rollback"]) == (3210, "prod-rollback")
    assert [id for id, row in rows.items() if "wait" in row] == ["prod-50"]
    # Minutes: a week for the approval, 55 to deploy, 50 and 40 to look, 54 to wait, 95 to look, 55 to promote, 25 to undo.
    assert file.hours == -(-(7 * 24 * 60 + 55 + 50 + 40 + 54 + 95 + 55 + 25) // 60) + 24 + 1


# --- what the runtime tells -----------------------------------------------------------------------


def test_a_refused_approval_is_its_nodes_result(monkeypatch: pytest.MonkeyPatch) -> None:
    from mlcc.backends.github.platform import GitHub

    results = {"prod-deploy--approval": "failure", "prod-deploy": "skipped", "select": "success"}
    needs = json.dumps({id: {"result": result} for id, result in results.items()})
    monkeypatch.setenv("MLCC_NEEDS", needs)
    assert GitHub().results() == {"prod-deploy": REFUSED, "select": "success"}
    monkeypatch.setenv("MLCC_NEEDS", needs.replace("failure", "success"))
    assert GitHub().results()["prod-deploy"] == "skipped"
