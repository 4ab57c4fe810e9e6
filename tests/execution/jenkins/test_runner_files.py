"""The runner: agents, files and secrets, as the plugins' sources define them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.execution.github.scratch import commit, git
from tests.execution.jenkins.builds import build, processes, scenario_of, scripted
from tests.execution.jenkins.runner import (
    EndlessError,
    Scenario,
    run_build,
)

# --- agents and files ------------------------------------------------------------------------------------


def test_each_allocation_has_a_fresh_workspace_and_checkout_is_git(tmp_path: Path) -> None:
    text = """
    pipeline {
      agent none
      stages {
        stage('one') { agent { label 'linux' }
          steps { sh '''git log -1 --format=%H; touch left-behind
          echo "$GIT_COMMIT" > seen; test "$(cat seen)" = "$(git rev-parse HEAD)"''' } }
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


def test_a_build_without_an_end_leaves_no_process(tmp_path: Path) -> None:
    marker = f"985{time.time_ns() % 100_000}"
    with pytest.raises(EndlessError):
        build(tmp_path, scripted(f"sh 'sleep {marker}'"), time_limit=2)
    assert processes(marker) == []


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


def test_steps_in_a_folder_keep_their_files_beside_it(tmp_path: Path) -> None:
    # WorkspaceList.tempDir of the current folder: dir('a') makes a@tmp in the workspace.
    body = "dir('a') { sh 'true' }\ndir('.') { sh 'true' }\necho sh(script: 'ls', returnStdout: true).trim()"
    assert build(tmp_path, scripted(body)).echoes() == ["a\na@tmp"]


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
    report = '<testsuite><testcase name="a"/><testcase name="b"><failure/></testcase>'
    report += '<testcase name="c"><skipped/></testcase></testsuite>'
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


# --- secrets ---------------------------------------------------------------------------------------------

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
          stages { stage('s') {
            steps { sh 'test "$LOGIN" = ann:p4ssword; test "$LOGIN_USR" = ann; echo "is $LOGIN_PSW $WHO"' } } }
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
