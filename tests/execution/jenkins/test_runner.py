"""Proofs of the runner itself: one small Jenkinsfile for each behaviour, as the plugins' sources define it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.execution.github.scratch import commit, git, scratch_repo
from tests.execution.jenkins.runner import (
    BuildRun,
    EndlessError,
    Fault,
    RefusedError,
    Scenario,
    run_build,
    run_builds,
)


def build(tmp_path: Path, text: str, files: dict[str, str] | None = None, **scenario: Any) -> BuildRun:
    return run_build(scenario_of(tmp_path, text, files, **scenario))


def scenario_of(tmp_path: Path, text: str, files: dict[str, str] | None = None, **scenario: Any) -> Scenario:
    name = f"repo-{len(list(tmp_path.iterdir()))}"
    repo = scratch_repo(tmp_path, {"Jenkinsfile": text, **(files or {})}, name)
    return Scenario(repo, **{"env": {"BRANCH_NAME": "main"}, **scenario})


def scripted(body: str) -> str:
    """A pipeline with one agent whose only stage runs this script."""
    return f"""
pipeline {{
  agent {{ label 'linux' }}
  options {{ skipDefaultCheckout() }}
  stages {{
    stage('only') {{ steps {{ script {{
{body}
    }} }} }}
  }}
}}
"""


def refusal(tmp_path: Path, text: str, **scenario: Any) -> str:
    with pytest.raises(RefusedError) as caught:
        build(tmp_path, text, **scenario)
    return str(caught.value)


# --- results -----------------------------------------------------------------------------------------------


def test_a_failing_stage_skips_the_later_ones_and_fails_the_build(tmp_path: Path) -> None:
    run = build(
        tmp_path,
        """
        pipeline {
          agent { label 'linux' }
          stages {
            stage('first') { steps { sh 'test -f Jenkinsfile' } }
            stage('second') { steps { sh 'exit 3' } }
            stage('third') { steps { echo 'never' } }
          }
        }""",
    )
    assert run.result == "FAILURE"
    assert run.stages == {
        "Declarative: Checkout SCM": "SUCCESS",
        "first": "SUCCESS",
        "second": "FAILURE",
        "third": "SKIPPED",
    }
    assert run.echoes() == []
    assert run.error == "hudson.AbortException: script returned exit code 3"


@pytest.mark.parametrize(
    ("options", "result", "stage"),
    [
        ("", "FAILURE", "SUCCESS"),  # the defaults are not symmetrical
        ("message: 'm'", "FAILURE", "SUCCESS"),
        ("buildResult: 'SUCCESS', stageResult: 'UNSTABLE'", "SUCCESS", "UNSTABLE"),
        ("buildResult: 'UNSTABLE', stageResult: 'FAILURE'", "UNSTABLE", "FAILURE"),
        ("buildResult: null, stageResult: null", "SUCCESS", "SUCCESS"),
    ],
)
def test_catch_error_sets_the_results_and_goes_on(
    tmp_path: Path, options: str, result: str, stage: str
) -> None:
    run = build(tmp_path, scripted(f"catchError({options}) {{ error('broken') }}\necho 'after'"))
    assert (run.result, run.stages["only"], run.echoes()) == (result, stage, ["after"])


def test_warn_error_and_unstable(tmp_path: Path) -> None:
    run = build(tmp_path, scripted("warnError('soft') { error('x') }\necho currentBuild.currentResult"))
    assert (run.result, run.stages["only"], run.echoes()) == ("UNSTABLE", "UNSTABLE", ["UNSTABLE"])
    run = build(tmp_path, scripted("unstable('so so')\necho 'after'"))
    assert (run.result, run.stages["only"], run.echoes()) == ("UNSTABLE", "UNSTABLE", ["after"])


def test_a_result_never_gets_better(tmp_path: Path) -> None:
    body = """
    echo "${currentBuild.result} ${currentBuild.currentResult}"
    currentBuild.result = 'UNSTABLE'
    currentBuild.result = 'SUCCESS'
    echo currentBuild.result
    currentBuild.result = 'ABORTED'
    currentBuild.result = 'FAILURE'
    """
    run = build(tmp_path, scripted(body))
    assert (run.result, run.echoes()) == ("ABORTED", ["null SUCCESS", "UNSTABLE"])


def test_post_conditions_run_in_jenkins_order(tmp_path: Path) -> None:
    every = [
        "cleanup",
        "failure",
        "unsuccessful",
        "success",
        "aborted",
        "unstable",
        "regression",
        "fixed",
        "changed",
        "always",
    ]
    post = "\n".join(f"{name} {{ echo '{name}' }}" for name in every)
    text = f"""
    pipeline {{
      agent none
      stages {{ stage('only') {{
        steps {{ error 'x' }}
        post {{
          always {{ echo "in stage ${{currentBuild.currentResult}}" }}
          success {{ echo 'no' }}
        }}
      }} }}
      post {{
        {post}
      }}
    }}"""
    before = [{"number": 1, "result": "SUCCESS"}]
    run = build(tmp_path, text, previous=before, number=2)
    order = ["always", "changed", "regression", "unsuccessful", "failure", "cleanup"]
    assert run.echoes() == ["in stage FAILURE", *order]
    fixed = text.replace("error 'x'", "echo 'fine'")
    run = build(tmp_path, fixed, previous=[{"number": 1, "result": "FAILURE"}], number=2)
    assert run.echoes() == [
        "fine",
        "in stage SUCCESS",
        "no",
        "always",
        "changed",
        "fixed",
        "success",
        "cleanup",
    ]


def test_an_error_in_post_fails_the_build_and_runs_the_rest(tmp_path: Path) -> None:
    run = build(
        tmp_path,
        """
        pipeline {
          agent none
          stages { stage('only') { steps { echo 'fine' } } }
          post {
            always { error 'broken' }
            success { echo 'not any more' }
            failure { echo 'since then' }
            cleanup { echo 'last' }
          }
        }""",
    )
    assert (run.result, run.echoes()) == ("FAILURE", ["fine", "since then", "last"])


# --- time --------------------------------------------------------------------------------------------------


def processes(marker: str) -> list[str]:
    return [
        path.parent.name
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if path.exists() and marker.encode() in _read(path)
    ]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_timeout_kills_what_the_shell_started_and_aborts_the_build(tmp_path: Path) -> None:
    marker = f"987{time.time_ns() % 100_000}"
    body = f"""
    timeout(time: 1, unit: 'SECONDS') {{
      sh 'sleep {marker} & setsid sleep {marker} & trap "" TERM; while true; do sleep 0.1; done'
    }}
    """
    run = build(tmp_path, scripted(body), kill_grace=0.5)
    assert (run.result, run.stages["only"]) == ("ABORTED", "ABORTED")
    assert run.of("sh-end")[0]["interrupted"] == "Timeout has been exceeded"
    assert processes(marker) == []


def test_the_end_of_a_node_kills_what_its_steps_left_running(tmp_path: Path) -> None:
    marker = f"986{time.time_ns() % 100_000}"
    run = build(tmp_path, scripted(f"sh 'sleep {marker} >/dev/null 2>&1 &'\necho 'quickly'"))
    assert (run.result, run.echoes(), processes(marker)) == ("SUCCESS", ["quickly"], [])


def test_a_caught_timeout_makes_the_build_aborted_whatever_catch_error_says(tmp_path: Path) -> None:
    # fie.getResult() replaces buildResult; the timeout block has made it no actual interruption.
    body = """
    catchError(buildResult: 'SUCCESS', stageResult: 'SUCCESS', catchInterruptions: false) {
      timeout(time: 1, unit: 'SECONDS') { sleep 30 }
    }
    echo 'after'
    """
    run = build(tmp_path, scripted(body), time_scale=0.3)
    assert (run.result, run.stages["only"], run.echoes()) == ("ABORTED", "ABORTED", ["after"])


def test_catch_error_inside_the_timeout_lets_the_interruption_through(tmp_path: Path) -> None:
    body = """
    timeout(time: 1, unit: 'SECONDS') {
      catchError(catchInterruptions: false) { sleep 30 }
      echo 'not reached'
    }
    """
    run = build(tmp_path, scripted(body), time_scale=0.3)
    assert (run.result, run.echoes()) == ("ABORTED", [])


def test_a_timeout_of_the_options_aborts_and_post_still_runs(tmp_path: Path) -> None:
    run = build(
        tmp_path,
        """
        pipeline {
          agent none
          options { timeout(time: 1, unit: 'SECONDS') }
          stages { stage('only') { steps { sleep 60 } } }
          post { aborted { echo 'aborted' } }
        }""",
        time_scale=0.3,
    )
    assert (run.result, run.echoes()) == ("ABORTED", ["aborted"])


def test_a_body_that_catches_the_interruption_goes_on_until_the_grace_period_ends(tmp_path: Path) -> None:
    body = """
    timeout(time: 1, unit: 'SECONDS') {
      try { sleep 60 } catch (error) { echo 'caught' }
      sh 'sleep 0.1'
      echo 'went on'
      sleep 600
    }
    """
    run = build(tmp_path, scripted(body), time_scale=0.5, grace_period=1)
    assert (run.result, run.echoes()) == ("ABORTED", ["caught", "went on"])


def test_retry_runs_again_until_it_succeeds(tmp_path: Path) -> None:
    run = build(tmp_path, scripted("int n = 0\nretry(3) { n++; if (n < 3) { error('again') }; echo n + '' }"))
    assert (run.result, run.echoes()) == ("SUCCESS", ["3"])
    run = build(tmp_path, scripted("retry(2) { echo 'try'; error('never') }"))
    assert (run.result, run.echoes()) == ("FAILURE", ["try", "try"])


def test_retry_takes_a_timeout_inside_it_for_a_failure(tmp_path: Path) -> None:
    inner = "int n = 0\nretry(2) { n++; timeout(time: 1, unit: 'SECONDS') { if (n == 1) { sleep 60 } }; echo 'done' }"
    run = build(tmp_path, scripted(inner), time_scale=0.2)
    assert (run.result, run.echoes()) == ("SUCCESS", ["done"])
    outer = "timeout(time: 1, unit: 'SECONDS') { retry(2) { echo 'try'; sleep 60 } }"
    run = build(tmp_path, scripted(outer), time_scale=0.2)
    assert (run.result, run.echoes()) == ("ABORTED", ["try"])


def test_wait_until_wants_a_boolean(tmp_path: Path) -> None:
    run = build(tmp_path, scripted("int n = 0\nwaitUntil(quiet: true) { n++; n == 3 }\necho n + ''"))
    assert (run.result, run.echoes()) == ("SUCCESS", ["3"])
    run = build(tmp_path, scripted("waitUntil { 1 }"))
    assert run.result == "FAILURE"
    assert run.error is not None
    assert "is not boolean" in run.error


# --- parallel ----------------------------------------------------------------------------------------------


def test_a_failed_branch_lets_the_others_end(tmp_path: Path) -> None:
    run = build(tmp_path, scripted("parallel(a: { error('a') }, b: { sleep 1; echo 'b ended' })"))
    assert (run.result, run.echoes(), run.error) == ("FAILURE", ["b ended"], "hudson.AbortException: a")


def test_fail_fast_interrupts_the_others(tmp_path: Path) -> None:
    body = "parallel(a: { sleep 1; error('a') }, b: { sleep 600; echo 'never' }, failFast: true)"
    run = build(tmp_path, scripted(body), time_scale=0.3)
    assert (run.result, run.echoes(), run.error) == ("FAILURE", [], "hudson.AbortException: a")


def test_the_worst_error_of_a_parallel_is_thrown(tmp_path: Path) -> None:
    # Without failFast: other exceptions before AbortException before interruptions (ThrowableComparator).
    body = """
    parallel(
      a: { timeout(time: 1, unit: 'MILLISECONDS') { sleep 600 } },
      b: { sleep 1; error('b') },
      c: { sleep 2; throw new Exception('c') })
    """
    run = build(tmp_path, scripted(body), time_scale=0.3)
    assert (run.result, run.error) == ("FAILURE", "java.lang.Exception: c")


def test_parallel_returns_what_branches_return_and_they_see_each_others_variables(tmp_path: Path) -> None:
    body = """
    List seen = []
    Map got = parallel(a: { seen << 'a'; sh(script: 'printf 1', returnStdout: true) }, b: { seen << 'b'; 2 })
    echo "${got.a} ${got.b} ${seen.sort()}"
    """
    assert build(tmp_path, scripted(body)).echoes() == ["1 2 [a, b]"]


def test_only_one_branch_at_a_time_runs_groovy_code(tmp_path: Path) -> None:
    # Without steps in between, a read and a write of a shared counter are never torn apart.
    body = """
    Map shared = [count: 0]
    Map branches = [:]
    for (int i = 0; i < 8; i++) { branches['b' + i] = { for (int j = 0; j < 500; j++) { int n = shared.count; shared.count = n + 1 } } }
    parallel(branches)
    echo shared.count + ''
    """
    assert build(tmp_path, scripted(body)).echoes() == ["4000"]


def test_declarative_parallel_runs_its_post_after_all_branches(tmp_path: Path) -> None:
    run = build(
        tmp_path,
        """
        pipeline {
          agent none
          stages {
            stage('both') {
              failFast false
              parallel {
                stage('left') { agent { label 'linux' }
                  steps { error 'left' } }
                stage('right') { agent { label 'linux' }
                  steps { sh 'sleep 0.3'; echo 'right' } }
              }
              post { failure { echo 'post' } }
            }
            stage('later') { steps { echo 'never' } }
          }
        }""",
    )
    assert (run.result, run.echoes()) == ("FAILURE", ["right", "post"])
    assert run.stages == {"both": "FAILURE", "left": "FAILURE", "right": "SUCCESS", "later": "SKIPPED"}


# --- agents and files --------------------------------------------------------------------------------------


def test_each_allocation_has_a_fresh_workspace_and_checkout_is_git(tmp_path: Path) -> None:
    text = """
    pipeline {
      agent none
      stages {
        stage('one') { agent { label 'linux' }
          steps { sh 'git log -1 --format=%H; touch left-behind; echo "$GIT_COMMIT" > seen; test "$(cat seen)" = "$(git rev-parse HEAD)"' } }
        stage('two') { agent any
          steps { sh 'test ! -e left-behind; test "$STAGE_NAME" = two; test "$GIT_PREVIOUS_SUCCESSFUL_COMMIT" = old' } }
      }
    }"""
    scenario = scenario_of(tmp_path, text, previous_successful_commit="old")
    run = run_build(scenario)
    assert run.result == "SUCCESS"
    assert git(scenario.repo, "rev-parse", "HEAD") in run.log
    assert [event["allocation"] for event in run.of("checkout")] == [1, 2]
    reused = run_build(scenario_of(tmp_path, text, reuse_workspaces=True))
    assert reused.result == "FAILURE"


def test_only_the_branches_of_the_refspecs_are_fetched(tmp_path: Path) -> None:
    text = scripted("""checkout scm
    sh 'git rev-parse --verify refs/remotes/origin/other'""")
    scenario = scenario_of(tmp_path, text)
    commit(scenario.repo, {"x": "1"}, branch="other")
    assert run_build(scenario).result == "SUCCESS"
    narrow = ("+refs/heads/main:refs/remotes/origin/main",)
    assert run_build(Scenario(scenario.repo, refspecs=narrow)).result == "FAILURE"


def test_executors_are_limited(tmp_path: Path) -> None:
    leaf = "node('linux') { sh 'sleep 0.2' }"
    text = f"""
    pipeline {{ agent none
      stages {{ stage('s') {{ steps {{ script {{ parallel(a: {{ {leaf} }}, b: {{ {leaf} }}, c: {{ {leaf} }}) }} }} }} }}
    }}"""
    run = build(tmp_path, text, agents={"linux": 1})
    order = [event["kind"] for event in run.events if event["kind"] in ("node", "node-end")]
    assert order == ["node", "node-end"] * 3


def test_an_unknown_label_fails_its_branch_or_is_waited_for(tmp_path: Path) -> None:
    text = """
    pipeline { agent none
      stages { stage('s') { steps { script {
        catchError(buildResult: 'FAILURE', stageResult: 'FAILURE') { node('gpu') { echo 'never' } }
        node('linux') { echo 'other' }
      } } } }
    }"""
    run = build(tmp_path, text)
    assert (run.result, run.echoes()) == ("ABORTED", ["other"])
    with pytest.raises(EndlessError):
        build(tmp_path, text, missing_agent="wait", time_limit=1)


def test_a_step_without_an_agent_fails(tmp_path: Path) -> None:
    run = build(tmp_path, "pipeline { agent none\n stages { stage('s') { steps { sh 'true' } } } }")
    assert run.result == "FAILURE"
    assert run.error is not None
    assert "requires a node context" in run.error


def test_files_and_folders(tmp_path: Path) -> None:
    body = """
    writeFile(file: 'a/b.txt', text: 'text')
    dir('a') { echo readFile('b.txt') + fileExists('b.txt') + fileExists('c.txt') + (pwd() == env.WORKSPACE + '/a') }
    withEnv(['X=1', 'PATH+MORE=/more']) { sh 'test "$X" = 1; case $PATH in /more:*) ;; *) exit 1;; esac' }
    echo sh(script: 'printf "out\\n"; echo err >&2', returnStdout: true).trim()
    deleteDir()
    writeFile(file: 'a/b.txt', text: '')
    echo sh(script: '#!/usr/bin/env python3\\nprint("python")', returnStdout: true).trim() + isUnix()
    try { readFile('none') } catch (error) { echo 'no file' }
    """
    run = build(tmp_path, scripted(body))
    assert run.echoes() == ["texttruefalsetrue", "out", "pythontrue", "no file"]
    assert "err" in run.log


def test_stash_and_unstash(tmp_path: Path) -> None:
    body = """
    sh 'mkdir -p d/.git e; echo 1 > d/one; echo 2 > d/two.log; echo 3 > d/.git/config; echo 4 > e/four'
    stash(name: 's', includes: 'd/**,e/', excludes: '**/*.log')
    stash(name: 'all', includes: 'd/**', useDefaultExcludes: false)
    node('linux') { unstash 's'; echo sh(script: 'find . -type f | sort', returnStdout: true).trim() }
    """
    run = build(tmp_path, scripted(body))
    assert run.echoes() == ["./d/one\n./e/four"]
    assert run.of("stash", name="all")[0]["files"] == ["d/.git/config", "d/one", "d/two.log"]


def test_misused_stashes_fail(tmp_path: Path) -> None:
    for body, message in {
        "unstash 'nothing'": "No such saved stash ‘nothing’",
        "stash(name: 'empty', includes: 'none/**')": "No files included in stash ‘empty’",
        "stash(name: 'a/b', includes: '**', allowEmpty: true)": "good name",
    }.items():
        run = build(tmp_path, scripted(body))
        assert run.result == "FAILURE"
        assert run.error is not None
        assert message in run.error
    run = build(tmp_path, scripted("stash(name: 'empty', allowEmpty: true)\nunstash 'empty'"))
    assert run.result == "SUCCESS"


def test_archived_files_and_test_reports(tmp_path: Path) -> None:
    report = '<testsuite><testcase name="a"/><testcase name="b"><failure/></testcase><testcase name="c"><skipped/></testcase></testsuite>'
    files = {"out/report.xml": report, "out/x.txt": "x"}
    body = (
        "checkout scm\narchiveArtifacts(artifacts: 'out/*.txt')\njunit 'out/*.xml'\necho currentBuild.result"
    )
    run = build(tmp_path, scripted(body), files)
    assert (run.result, run.stages["only"], run.echoes()) == ("UNSTABLE", "UNSTABLE", ["UNSTABLE"])
    assert (run.folder / "artifacts/out/x.txt").read_text() == "x"
    (counts,) = run.of("junit")
    assert (counts["totalCount"], counts["failCount"], counts["skipCount"]) == (3, 1, 1)
    soft = body.replace(
        "junit 'out/*.xml'", "junit(testResults: 'out/*.xml', skipMarkingBuildUnstable: true)"
    )
    run = build(tmp_path, scripted(soft), files)
    assert (run.result, run.stages["only"]) == ("SUCCESS", "UNSTABLE")
    assert build(tmp_path, scripted("junit 'none.xml'")).result == "FAILURE"
    assert build(tmp_path, scripted("archiveArtifacts 'none.txt'")).result == "FAILURE"


# --- secrets -----------------------------------------------------------------------------------------------

SECRETS = {
    "TOKEN": "s3cret-value",
    "FILE": {"file": "in-the-file"},
    "LOGIN": {"username": "ann", "password": "p4ssword"},
}


def test_secrets_are_bound_and_masked(tmp_path: Path) -> None:
    body = """
    withCredentials([string(credentialsId: 'TOKEN', variable: 'T'), file(credentialsId: 'FILE', variable: 'F')]) {
      sh 'echo "the token is $T"; cat "$F"; test "$T" = s3cret-"value"; echo "$F" > where'
      echo "groovy sees ${env.T}"
    }
    sh 'test -z "${T+x}"; test ! -e "$(cat where)"'
    """
    run = build(tmp_path, scripted(body), credentials=SECRETS)
    assert (run.result, run.echoes()) == ("SUCCESS", ["groovy sees ****"])
    assert "the token is ****" in run.log
    assert "s3cret-value" not in run.log
    assert "in-the-file" in run.log
    assert "s3cret-value" not in str(run.events)


def test_credentials_of_the_environment_directive(tmp_path: Path) -> None:
    run = build(
        tmp_path,
        """
        pipeline {
          agent { label 'linux' }
          environment {
            LOGIN = credentials('LOGIN')
            WHO = "${env.BRANCH_NAME}-x"
          }
          stages { stage('s') { steps { sh 'test "$LOGIN" = ann:p4ssword; test "$LOGIN_USR" = ann; echo "is $LOGIN_PSW $WHO"' } } }
        }""",
        credentials=SECRETS,
    )
    assert run.result == "SUCCESS"
    assert "is **** main-x" in run.log


def test_missing_credentials_fail(tmp_path: Path) -> None:
    body = "withCredentials([string(credentialsId: 'NONE', variable: 'T')]) { echo 'never' }"
    run = build(tmp_path, scripted(body), credentials=SECRETS)
    assert (run.result, run.echoes()) == ("FAILURE", [])
    wrong = "withCredentials([string(credentialsId: 'FILE', variable: 'T')]) { echo 'never' }"
    assert build(tmp_path, scripted(wrong), credentials=SECRETS).result == "FAILURE"


# --- conditions, variables, parameters ---------------------------------------------------------------------


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
          options { buildDiscarder(logRotator(daysToKeepStr: '3')); disableConcurrentBuilds(abortPrevious: env.CHANGE_ID != null) }
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


# --- what happens from outside -----------------------------------------------------------------------------

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
      b: { sleep 1; catchError(buildResult: 'SUCCESS') { timeout(time: 10, unit: 'MILLISECONDS') { lock('x') { echo 'never' } } } })
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
    body = "docker.image('python:3').inside('--network n') { sh 'echo in $INSIDE' }\ndocker.image('db').withRun('-p 1') { c -> echo c.id }"
    path = f"{fake.parent}:/usr/local/bin:/usr/bin:/bin"
    run = build(tmp_path, scripted(body), agent_env={"PATH": path, "INSIDE": "here"})
    assert (run.result, run.echoes()) == ("SUCCESS", ["cid"])
    words = [line.split()[0] for line in calls.read_text().splitlines()]
    assert words == ["inspect", "pull", "run", "exec", "stop", "rm", "run", "stop", "rm"]
    assert "--network n -w " in calls.read_text()
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


# --- what is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "frobnicate('x')",
        "sh(script: 'true', quiet: true)",
        "echo 'a', 'b'",
        "echo('x') { }",
        "load 'other.groovy'",
        "evaluate('1')",
        "tool 'maven'",
        "lock(label: 'any') { echo 'x' }",
        "catchError { frobnicate() }",
        "try { frobnicate() } catch (Throwable any) { echo 'hidden' }",
        "checkout([$class: 'GitSCM', branches: [[name: 'other']]])",
        "stage('s', 'x') { echo 'x' }",
    ],
)
def test_unknown_steps_and_parameters_are_refused(tmp_path: Path, body: str) -> None:
    refusal(tmp_path, scripted(body))


@pytest.mark.parametrize(
    "body",
    [
        "new File('/etc/passwd').text",
        "new java.io.File('/etc')",
        "File f = ['/etc']",
        "def f = ['/etc'] as File",
        "Runtime.getRuntime().exec('id')",
        "Runtime.runtime",
        "System.getenv('PATH')",
        "System.exit(0)",
        "'id'.execute()",
        "\"${'id'}\".execute()",
        "['id'].execute()",
        "Thread.sleep(1)",
        "''.class",
        "''.getClass().forName('x')",
        "''.'getClass'()",
        "env.getClass()",
        "currentBuild.rawBuild",
        "jenkins.model.Jenkins.instance",
        "def c = String",
        "def m = ''.&execute",
        "this.binding",
        "binding.variables",
        "def c = { }\nc.delegate = 1",
        "[1].metaClass.x = 1",
        "Class.forName('java.lang.Runtime')",
        "new GroovyShell().evaluate('1')",
        "[3, 1].sort { it }",
        "[3, 1].toSorted { a, b -> a <=> b }",
        "['a'].unique { echo it }",
        "'a'.eachLine { echo it }",
        "def found = ('a' =~ 'a')",
        "[1]*.toString()",
        "params.X = 1\nnew Socket('localhost', 1)",
        "'x'.with { it }",
        "env.invokeMethod('x', 1)",
        "steps.sh 'true'",
    ],
)
def test_the_sandbox_refuses(tmp_path: Path, body: str) -> None:
    assert "refused" in refusal(tmp_path, scripted(body))


def test_the_sandbox_lets_plain_code_pass(tmp_path: Path) -> None:
    body = """
    List a = new ArrayList([3, 1]); a << 2; a.add(0, 9)
    Map m = [b: 1, 'c-d': [e: 2]]
    m['f'] = m.b + m['c-d'].e
    m.g = "x${m.f}".toUpperCase()
    for (e in m) { if (e.key == 'g') { echo e.value } }
    echo a.sort().join(',') + m.collect { k, v -> k }.findAll { it != 'b' } + m.keySet().contains('b')
    echo String.format('%s-%s', 'a', 'b') + Math.max(1, 2) + 'a b'.split(' ').size() + ('ab' ==~ 'a.') + Arrays.asList('a=b'.split('='))
    def twice = { n -> n * 2 }
    echo '' + twice(4) + twice.call(5) + a[0] + 'abc'[1] + (m?.none ?: 'none')
    try { error('caught') } catch (hudson.AbortException e) { echo e.message } finally { echo 'finally' }
    int i = 0
    while (i < 3) { i++ }
    switch (i) { case 3: echo 'three'; break; default: echo 'other' }
    def (x, y) = [1, 2]
    echo "${x + y}"
    """
    assert build(tmp_path, scripted(body)).echoes() == [
        "X3",
        "1,2,3,9[c-d, f, g]true",
        "a-b22true[a, b]",
        "8101bnone",
        "caught",
        "finally",
        "three",
        "3",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "@Grab('a:b:1')\nimport a.B\nnode('linux') { }",
        "import java.nio.file.Files\nnode('linux') { }",
        "class A { }\nnode('linux') { }",
        "@groovy.transform.CompileStatic int x() { 1 }\nnode('linux') { }",
        "node('linux') { pipeline { agent none\n stages { stage('s') { steps { echo 'x' } } } } }",
        "pipeline { stages { stage('s') { steps { echo 'x' } } } }",
        "pipeline { agent none }",
        "pipeline { agent none\n stages { } }",
        "pipeline { agent none\n stages { stage('s') { } } }",
        "pipeline { agent none\n stages { stage('s') { steps { } } } }",
        "pipeline { agent none\n stages { stage('s') { steps { echo 'x' }\n stages { stage('t') { steps { echo 'x' } } } } } }",
        "pipeline { agent none\n stages { stage('s') { steps { echo 'x' } }\n stage('s') { steps { echo 'x' } } } }",
        "pipeline { agent none\n stages { stage('s') { steps { if (true) { echo 'x' } } } } }",
        "pipeline { agent none\n stages { stage('s') { steps { def x = 1 } } } }",
        "pipeline { agent none\n stages { stage('s') { steps { stage('t') { echo 'x' } } } } }",
        "pipeline { agent none\n stages { stage('s') { steps { parallel(a: { echo 'x' }) } } } }",
        "pipeline { agent none\n tools { maven 'x' }\n stages { stage('s') { steps { echo 'x' } } } }",
        "pipeline { agent none\n options { unknown() }\n stages { stage('s') { steps { echo 'x' } } } }",
        "pipeline { agent none\n post { whenever { echo 'x' } }\n stages { stage('s') { steps { echo 'x' } } } }",
        "pipeline { agent none\n environment { A = 1 }\n stages { stage('s') { steps { echo 'x' } } } }",
        "pipeline { agent none\n stages { stage('s') { when { moon 'full' }\n steps { echo 'x' } } } }",
        "pipeline { agent { docker 'x' }\n stages { stage('s') { steps { echo 'x' } } } }",
        "pipeline { agent none\n stages { stage('s') { agent any\n parallel { stage('t') { steps { echo 'x' } } } } } }",
        "pipeline { agent none\n stages { stage('s') { matrix { } } } }",
        "pipeline { agent none\n stages { stage('s') { steps { echo 'x' } } }",
    ],
)
def test_pipelines_that_jenkins_would_not_start_are_refused(tmp_path: Path, text: str) -> None:
    refusal(tmp_path, text)


def test_a_literal_of_more_entries_than_the_sandbox_can_take_is_refused(tmp_path: Path) -> None:
    entries = ", ".join(f"k{n}: {n}" for n in range(126))
    assert "literal" in refusal(tmp_path, scripted(f"Map m = [{entries}]"))
