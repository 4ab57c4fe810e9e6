"""The runner: results, time and branches, one small Jenkinsfile for each behaviour, as the plugins' sources define it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.execution.jenkins import runner
from tests.execution.jenkins.builds import build, processes, scripted

# --- results ---------------------------------------------------------------------------------------------


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


# --- time ------------------------------------------------------------------------------------------------


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


# --- parallel --------------------------------------------------------------------------------------------


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
    for (int i = 0; i < 8; i++) { branches['b' + i] = {
      for (int j = 0; j < 500; j++) { int n = shared.count; shared.count = n + 1 } } }
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


# --- the process -----------------------------------------------------------------------------------------


def test_a_process_that_has_ended_is_replaced(tmp_path: Path) -> None:
    assert build(tmp_path, scripted("echo 'first'")).echoes() == ["first"]
    ended = runner._started()
    ended._process.kill()
    ended._process.wait()
    assert build(tmp_path, scripted("echo 'second'")).echoes() == ["second"]
    assert runner._started() is not ended
    ended.close()
