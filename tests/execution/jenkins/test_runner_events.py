"""The runner: conditions, parameters, and what happens to a build from outside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.execution.jenkins.builds import build, scenario_of, scripted
from tests.execution.jenkins.runner import (
    Fault,
    run_builds,
)

# --- conditions, variables, parameters -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "scenario", "runs"),
    [
        ("branch 'main'", {}, True),
        ("branch 'ma*'", {}, True),
        ("branch pattern: 'm.*n', comparator: 'REGEXP'", {}, True),
        ("branch 'other'", {}, False),
        ("not { branch 'other' }", {}, True),
        ("anyOf { branch 'other'\nbranch 'main' }", {}, True),
        ("allOf { branch 'other'\nbranch 'main' }", {}, False),
        ("branch 'main'\nexpression { 'false' }", {}, False),
        ("expression { return currentBuild.number == 1 }", {}, True),
        ("buildingTag()", {}, False),
        ("tag 'v*'", {"env": {"TAG_NAME": "v1", "BRANCH_NAME": "v1"}}, True),
        ("changeRequest()", {}, False),
        (
            "changeRequest target: 'main'",
            {"env": {"CHANGE_ID": "1", "CHANGE_TARGET": "main", "BRANCH_NAME": "PR-1"}},
            True,
        ),
        (
            "changeRequest target: 'other'",
            {"env": {"CHANGE_ID": "1", "CHANGE_TARGET": "main", "BRANCH_NAME": "PR-1"}},
            False,
        ),
        ("environment name: 'BRANCH_NAME', value: 'main'", {}, True),
        ("equals expected: 2, actual: currentBuild.number", {"number": 2}, True),
        (
            "triggeredBy 'TimerTrigger'",
            {"causes": [{"_class": "hudson.triggers.TimerTrigger$TimerTriggerCause"}]},
            True,
        ),
        ("triggeredBy 'TimerTrigger'", {"causes": [{"_class": "hudson.model.Cause$UserIdCause"}]}, False),
    ],
)
def test_when(tmp_path: Path, condition: str, scenario: dict[str, Any], runs: bool) -> None:
    text = f"""
    pipeline {{
      agent none
      stages {{ stage('s') {{ agent {{ label 'linux' }}
        when {{ beforeAgent true
          {condition}
        }}
        steps {{ echo 'ran' }} }} }}
    }}"""
    run = build(tmp_path, text, **scenario)
    assert (run.result, run.echoes()) == ("SUCCESS", ["ran"] if runs else [])
    assert run.stages["s"] == ("SUCCESS" if runs else "SKIPPED")
    assert bool(run.of("node")) is runs


def test_parameters_env_and_build_facts(tmp_path: Path) -> None:
    run = build(
        tmp_path,
        """
        pipeline {
          agent none
          options {
            buildDiscarder(logRotator(daysToKeepStr: '3'))
            disableConcurrentBuilds(abortPrevious: env.CHANGE_ID != null) }
          parameters {
            string(name: 'RATE', defaultValue: '0.1', description: '')
            booleanParam(name: 'DRY', defaultValue: false)
            choice(name: 'SIZE', choices: ['s', 'm'])
          }
          triggers { cron(env.BRANCH_IS_PRIMARY == 'true' ? '17 3 * * 1' : '')
            parameterizedCron('1 * * * * %RATE=2') }
          stages { stage('s') { steps { script {
            echo "${params.RATE} ${params.DRY} ${RATE} ${env.MISSING}"
            env.SET = 3
            withEnv(['SET=4']) { echo env.SET }
            echo SET + env.getProperty('SET') + currentBuild.getBuildCauses('a.B').size()
            echo '' + currentBuild.getPreviousSuccessfulBuild().getBuildVariables().get('GREEN')
          } } } }
        }""",
        params={"RATE": "0.5", "DRY": True},
        causes=[{"_class": "a.B", "shortDescription": "b"}],
        number=4,
        previous=[
            {"number": 3, "result": "FAILURE"},
            {"number": 1, "result": "SUCCESS", "variables": {"GREEN": "abc"}},
        ],
    )
    assert (run.result, run.echoes()) == ("SUCCESS", ["0.5 true 0.5 null", "4", "331", "abc"])
    assert [event["name"] for event in run.of("property")] == [
        "string",
        "booleanParam",
        "choice",
        "cron",
        "parameterizedCron",
    ]


# --- what happens from outside ---------------------------------------------------------------------------

# Nodes with what they wait for: a and c at once, b after a, d after b and c.
DAG = """
BEFORE = ['a': [], 'b': ['a'], 'c': [], 'd': ['b', 'c']]
OVER = []
ENDS = [:]

void leaf(String id) {
  ENDS[id] = 'fail'
  catchError(message: id, buildResult: 'FAILURE', stageResult: 'FAILURE', catchInterruptions: false) {
    node('linux') {
      checkout scm
      withEnv(['MLCC_NODE=' + id]) {
        int code = sh(script: 'sleep 0.1; test "$MLCC_NODE" != "$BREAK"', returnStatus: true)
        if (code == 0) { ENDS[id] = 'pass' } else { error(id + ' ended with ' + code) }
      }
    }
  }
}

void runAll() {
  Map branches = [:]
  for (entry in BEFORE) {
    String id = entry.key
    List before = entry.value
    branches[id] = {
      waitUntil(initialRecurrencePeriod: 250, quiet: true) { before.every { OVER.contains(it) } }
      try {
        stage(id) { if (before.every { ENDS[it] == 'pass' }) { leaf(id) } else { ENDS[id] = 'skip' } }
      } finally { OVER << id }
    }
  }
  parallel branches
}

pipeline {
  agent none
  stages {
    stage('run') { steps { script { runAll() } } }
    stage('final') { steps { echo ENDS.sort().toString() } }
  }
  post { aborted { echo 'aborted' } }
}
"""


def test_a_graph_without_barriers(tmp_path: Path) -> None:
    run = build(tmp_path, DAG, agent_env={"BREAK": "none"})
    assert (run.result, run.echoes()) == ("SUCCESS", ["[a:pass, b:pass, c:pass, d:pass]"])
    at = {event["stage"]: event["number"] for event in run.of("stage")}
    end = {event["stage"]: event["number"] for event in run.of("stage-end")}
    assert at["b"] > end["a"]
    assert at["d"] > max(end["b"], end["c"])
    assert at["c"] < end["a"]


def test_a_failed_node_of_the_graph_stops_what_needs_it(tmp_path: Path) -> None:
    run = build(tmp_path, DAG, agent_env={"BREAK": "a"})
    assert (run.result, run.echoes()) == ("FAILURE", ["[a:fail, b:skip, c:pass, d:skip]"])
    assert {event["node"] for event in run.of("sh")} == {"a", "c"}


@pytest.mark.parametrize(
    ("at", "env", "result"), [("checkout", {}, "FAILURE"), ("sh", {"MLCC_NODE": "a"}, "ABORTED")]
)
def test_a_lost_agent_fails_its_node_and_lets_the_others_go_on(
    tmp_path: Path, at: str, env: dict[str, str], result: str
) -> None:
    # A running sh is interrupted with ABORTED, which catchError takes over; other steps see a closed channel.
    fault = Fault(at, "lose", stage="a", env=env)
    run = build(tmp_path, DAG, agent_env={"BREAK": "none"}, faults=[fault])
    assert (run.result, run.echoes()[0]) == (result, "[a:fail, b:skip, c:pass, d:skip]")
    (lost,) = run.of("agent-lost")
    (where,) = run.of("node", allocation=lost["allocation"])
    assert not Path(where["workspace"]).exists()


def test_an_abort_ends_every_branch(tmp_path: Path) -> None:
    text = DAG.replace("sleep 0.1", "sleep 60")
    fault = Fault("sh", "abort", env={"MLCC_NODE": "c"}, after=0.3)
    run = build(tmp_path, text, agent_env={"BREAK": "none"}, faults=[fault])
    assert (run.result, run.echoes()) == ("ABORTED", ["aborted"])
    assert run.stages["final"] == "SKIPPED"
    assert {event["node"]: "interrupted" in event for event in run.of("sh-end")} == {"a": True, "c": True}


def test_an_abort_at_the_start_of_a_stage(tmp_path: Path) -> None:
    run = build(tmp_path, DAG, agent_env={"BREAK": "none"}, faults=[Fault("stage", "abort", stage="b")])
    assert (run.result, run.echoes()) == ("ABORTED", ["aborted"])
    assert "b" not in {event["node"] for event in run.of("sh")}


def test_locks_exclude_within_a_build_and_between_builds(tmp_path: Path) -> None:
    body = "parallel(a: { lock('x') { sh 'sleep 0.2' } }, b: { lock(resource: 'x') { sh 'sleep 0.2' } })"
    run = build(tmp_path, scripted(body))
    kinds = [event["kind"] for event in run.events if event["kind"] in ("lock", "unlock")]
    assert kinds == ["lock", "unlock"] * 2
    text = scripted("lock('deploy') { sh 'sleep 0.3' }")
    first, second = run_builds([scenario_of(tmp_path, text, controller="one") for _ in range(2)])
    times = sorted((run.of("lock")[0]["at"], run.of("unlock")[0]["at"]) for run in (first, second))
    assert times[0][1] <= times[1][0]


def test_an_interrupted_branch_gives_its_lock_back(tmp_path: Path) -> None:
    body = """
    parallel(
      a: { lock('x') { sleep 2 } },
      b: { sleep 1; catchError(buildResult: 'SUCCESS') {
        timeout(time: 10, unit: 'MILLISECONDS') { lock('x') { echo 'never' } } } })
    lock('x') { echo 'free' }
    """
    assert build(tmp_path, scripted(body), time_scale=0.2).echoes() == ["free"]


def test_input_is_answered_by_the_scenario(tmp_path: Path) -> None:
    body = "def got = input(message: 'Deploy?', parameters: [string(name: 'WHERE', defaultValue: 'here')])\necho got"
    run = build(tmp_path, scripted(body), inputs={"Deploy?": {"proceed": {"WHERE": "there"}}})
    assert (run.result, run.echoes()) == ("SUCCESS", ["there"])
    run = build(tmp_path, scripted(body), inputs={"Deploy?": {"abort": True}})
    assert (run.result, run.echoes()) == ("ABORTED", [])
    waiting = scripted("timeout(time: 1, unit: 'SECONDS') { input 'Deploy?' }")
    assert build(tmp_path, waiting, time_scale=0.3).result == "ABORTED"


def test_an_input_of_a_stage_holds_no_agent(tmp_path: Path) -> None:
    run = build(
        tmp_path,
        """
        pipeline { agent none
          stages { stage('deploy') {
            agent { label 'linux' }
            input { message 'Deploy?'
              parameters { string(name: 'WHERE', defaultValue: 'here') } }
            steps { sh 'test "$WHERE" = here' }
          } }
        }""",
        inputs={"Deploy?": {"proceed": {}}},
    )
    assert run.result == "SUCCESS"
    assert run.of("input")[0]["allocation"] is None
    assert run.of("input")[0]["number"] < run.of("node")[0]["number"]


def test_docker_is_called_as_the_plugin_calls_it(tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "docker"
    fake.parent.mkdir()
    calls = tmp_path / "calls"
    fake.write_text(
        f'#!/bin/bash\necho "$*" >> {calls}\ncase $1 in\n  run) echo cid;;\n  inspect) exit 1;;\n'
        '  exec) shift; while [ "$1" = --env ]; do shift 2; done; shift; exec "$@";;\nesac\n'
    )
    fake.chmod(0o755)
    body = "docker.image('python:3').inside('--network n') { sh 'echo in $INSIDE' }\n"
    body += "docker.image('db').withRun('-p 1') { c -> echo c.id }"
    path = f"{fake.parent}:/usr/local/bin:/usr/bin:/bin"
    run = build(tmp_path, scripted(body), agent_env={"PATH": path, "INSIDE": "here"})
    assert (run.result, run.echoes()) == ("SUCCESS", ["cid"])
    words = [line.split()[0] for line in calls.read_text().splitlines()]
    assert words == ["inspect", "pull", "run", "exec", "stop", "rm", "run", "stop", "rm"]
    assert "--network n -w " in calls.read_text()
    assert calls.read_text().count(":rw,z ") == 2
    assert "in here" in run.log


def test_a_cache_is_kept_from_build_to_build(tmp_path: Path) -> None:
    body = """
    checkout scm
    cache(maxCacheSize: 10, caches: [arbitraryFileCache(path: 'kept', cacheName: 'c', cacheValidityDecidingFile: 'key')]) {
      sh 'mkdir -p kept; ls kept; echo 1 > kept/one'
    }
    echo '' + fileExists('kept/one')
    """
    hits = []
    for key in ("1", "1", "2", "1"):
        run = build(tmp_path, scripted(body), {"key": key}, caches=tmp_path / "caches")
        assert run.result == "SUCCESS"
        hits.append(run.of("cache")[0]["hit"])
    assert hits == [False, True, False, False]  # there is one version only
