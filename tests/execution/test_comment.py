"""Compiled pipelines really comment on pull and merge requests, in act, in gitlab-ci-local and in the runner of Jenkinsfiles."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcc.compiler import analyse, compile_files
from tests.execution.github.act import TOKEN as JOB_TOKEN
from tests.execution.github.act import run_workflow
from tests.execution.github.scratch import REPOSITORY, commit, git, pull_request_payload, scratch_repo
from tests.execution.gitlab.local import run_pipeline
from tests.execution.gitlab.test_pipelines import merge_request
from tests.execution.jenkins.runner import Scenario, run_build
from tests.report.forge_server import TOKEN, Forge, serve

SPEC = """\
version: 1
name: small
triggers: {pull_request: {branches: [main]}}
comment: {token: {secret: REVIEW_TOKEN}}
artifacts: {table: {kind: data, path: table.csv}}
jobs:
  use: {run: '! env | grep -E "REVIEW_TOKEN|MLCC_TOKEN|t0ken"', reads: [table]}
  tell:
    run: |
      cat > junit.xml <<'END'
      <testsuite><testcase name="a"/><testcase name="b"><failure message="not @acme"/></testcase></testsuite>
      END
      printf '# Quality\\n\\n| auc |\\n|---|\\n| **0.9** |\\n\\n<img src=x>\\n/close\\n' > quality.md
    reports:
      tests: {path: junit.xml, format: junit}
      quality: {path: quality.md, format: markdown}
      gone: {path: gone.sarif, format: sarif}
gates: {good: {guards: table, command: {run: 'grep -q good table.csv'}}}
"""


def project(tmp_path: Path, target: str, table: str) -> Path:
    """Return a repository whose branch `change` has another table than `main`."""
    path = tmp_path / "mlcc.yaml"
    path.write_text(SPEC, "utf-8")
    analysis = analyse(path, tmp_path, assume_committed=True)
    files = {file.path: file.text for file in compile_files(analysis, [target])}
    repo = scratch_repo(
        tmp_path, {**files, "mlcc.yaml": SPEC, "table.csv": "good\n", ".gitignore": "_mlcc/\n"}
    )
    commit(repo, {"table.csv": table}, branch="change")
    return repo


def the_comment(forge: Forge, *, green: bool) -> None:
    """Assert that the forge has one comment, which tells how the run ended."""
    ((author, body),) = forge.comments.values()
    assert author == forge.me
    assert body.startswith("<!-- mlcc:small run ")
    assert f"## {'✅' if green else '❌'} small" in body
    assert (
        "|  | tell | tests | 2 tests: 1 passed, 1 failed, 0 skipped |\n"
        "|  | tell | quality | 8 lines |\n"
        "| ❗ | tell | gone | it was not left at gone.sarif |\n"
    ) in body
    assert "- b: not &#64;&#8288;acme\n" in body
    assert "# Quality\n\n| auc |\n|---|\n| **0.9** |\n\n&#60;img src=x>\n&#47;close\n" in body
    assert f"| {'✅' if green else '❌'} | good | table | {'pass' if green else 'fail'} |" in body


@pytest.mark.parametrize("green", [True, False])
def test_github(tmp_path: Path, green: bool) -> None:
    repo = project(tmp_path, "github", "good too\n" if green else "bad\n")
    payload = pull_request_payload(repo, "change", number=17)
    with serve(Forge("github", project=REPOSITORY, user=False, token=JOB_TOKEN)) as forge:
        run = run_workflow(
            repo, ".github/workflows/small.yml", "pull_request", payload, env={"GITHUB_API_URL": forge.api}
        )
        the_comment(forge, green=green)
    assert run.jobs["final"] == ("success" if green else "failure")


def test_github_for_a_fork(tmp_path: Path) -> None:
    repo = project(tmp_path, "github", "good too\n")
    payload = pull_request_payload(repo, "change", number=17, fork=True)
    with serve(Forge("github", project=REPOSITORY)) as forge:
        run = run_workflow(
            repo, ".github/workflows/small.yml", "pull_request", payload, env={"GITHUB_API_URL": forge.api}
        )
        assert forge.asked == []
    assert run.jobs["final"] == "success"


@pytest.mark.parametrize("green", [True, False])
def test_gitlab(tmp_path: Path, green: bool) -> None:
    repo = project(tmp_path, "gitlab", "good too\n" if green else "bad\n")
    with serve(Forge("gitlab", project="3", number=5, me="project_3_bot")) as forge:
        settings = {"REVIEW_TOKEN": TOKEN, "CI_API_V4_URL": forge.api, "CI_PROJECT_ID": "3"}
        run = run_pipeline(
            repo, merge_request(git(repo, "rev-parse", "main")), settings=settings, ref="change"
        )
        the_comment(forge, green=green)
    assert run.green is green
    assert run.ends["use"] == ("passed" if green else "skipped")
    assert (run.artifacts / "s--final/report.html").is_file()


@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_jenkins(tmp_path: Path, kind: str) -> None:
    repo = project(tmp_path, "jenkins", "good too\n")
    pull_request_payload(repo, "change", number=17)
    with serve(Forge(kind, me="jenkins-bot")) as forge:
        forge.api = forge.url + ("/api/v3" if kind == "github" else "/api/v4")
        page = f"{forge.url}/acme/churn/{'pull' if kind == 'github' else '-/merge_requests'}/17"
        change = {"CHANGE_ID": "17", "CHANGE_TARGET": "main", "CHANGE_BRANCH": "change", "CHANGE_URL": page}
        env = {"BRANCH_NAME": "PR-17", **change}
        run = run_build(
            Scenario(
                repo,
                env=env,
                commit="refs/pull/17/merge",
                credentials={"REVIEW_TOKEN": TOKEN},
                time_limit=120,
            )
        )
        assert run.result == "SUCCESS", run.log[-3000:]
        the_comment(forge, green=True)
    assert TOKEN not in run.log


def test_jenkins_without_the_credential_and_for_a_fork(tmp_path: Path) -> None:
    repo = project(tmp_path, "jenkins", "good too\n")
    pull_request_payload(repo, "change", number=17)
    with serve(Forge("github")) as forge:
        page = f"{forge.url}/acme/churn/pull/17"
        change = {"CHANGE_ID": "17", "CHANGE_TARGET": "main", "CHANGE_BRANCH": "change", "CHANGE_URL": page}
        for more, credentials in (({}, {}), ({"CHANGE_FORK": "somebody"}, {"REVIEW_TOKEN": TOKEN})):
            env = {"BRANCH_NAME": "PR-17", **change, **more}
            run = run_build(
                Scenario(repo, env=env, commit="refs/pull/17/merge", credentials=credentials, time_limit=120)
            )
            assert run.result == "SUCCESS", run.log[-3000:]
        assert forge.asked == []
