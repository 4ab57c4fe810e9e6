"""Compiled pipelines really tell how they ended, in act, in gitlab-ci-local and in the runner of Jenkinsfiles.

Each tells those whom the reference interpreter names, and no command of a node sees an address.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlcc.compiler import analyse, compile_files
from mlcc.semantics import Event, Outcome, run, select
from mlcc.told import told
from tests.execution.github.act import run_workflow
from tests.execution.github.scratch import push_payload, scratch_repo
from tests.execution.gitlab.local import run_pipeline
from tests.execution.jenkins.runner import Scenario, run_build
from tests.plans import plan_of
from tests.runtime.loopback import Server, serve

WHO = ("red", "well", "drift", "other")
SPEC = """\
version: 1
name: small
triggers: {push: {branches: [main]}}
artifacts: {table: {kind: data, path: table.csv}}
jobs: {use: {run: '! env | grep -i services', reads: [table]}}
gates:
  good: {guards: table, command: {run: 'grep -q good table.csv'}}
  drifted: {guards: table, blocking: false, command: {run: 'grep -q same table.csv'}}
notify:
  red: {when: {status: failure, branch: main}, slack: {secret: RED}}
  well: {when: {status: success}, webhook: {secret: WELL}}
  drift: {when: {gate: drifted, verdict: [fail, error]}, webhook: {secret: DRIFT}}
  other: {when: {status: [failure, success], branch: dev}, slack: {secret: OTHER}}
"""


@pytest.fixture
def hook() -> Iterator[Server]:
    with serve(lambda _: (200, b"ok")) as server:
        yield server


def project(tmp_path: Path, target: str, table: str) -> Path:
    """Return a repository with the compiled pipeline and a table."""
    path = tmp_path / "mlcc.yaml"
    path.write_text(SPEC, "utf-8")
    analysis = analyse(path, tmp_path, assume_committed=True)
    files = {file.path: file.text for file in compile_files(analysis, [target])}
    return scratch_repo(tmp_path, {**files, "mlcc.yaml": SPEC, "table.csv": table, ".gitignore": "_mlcc/\n"})


def addresses(hook: Server) -> dict[str, str]:
    return {name.upper(): f"{hook.url}/services/{name}" for name in WHO}


def expected(table: str) -> set[str]:
    """Return whom the reference interpreter names."""
    plan, event = plan_of(SPEC), Event("push", branch="main")
    outcomes = {id: Outcome.FAIL for id, word in (("good", "good"), ("drifted", "same")) if word not in table}
    return set(told(plan, event, run(plan, select(plan, event), outcomes), outcomes))


def asked(hook: Server) -> set[str]:
    assert all(json.loads(one.body)["text"] for one in hook.asked)
    names = [one.path.rpartition("/")[2] for one in hook.asked]
    assert len(set(names)) == len(names)
    return set(names)


@pytest.mark.parametrize(("table", "names"), [("good, same\n", {"well"}), ("bad\n", {"red", "drift"})])
def test_the_interpreter_names_them(table: str, names: set[str]) -> None:
    assert expected(table) == names


@pytest.mark.parametrize("table", ["good, same\n", "bad\n"])
def test_github(tmp_path: Path, hook: Server, table: str) -> None:
    repo = project(tmp_path, "github", table)
    run = run_workflow(
        repo, ".github/workflows/small.yml", "push", push_payload(repo), secrets=addresses(hook)
    )
    assert run.jobs["final"] == ("success" if "good" in table else "failure")
    assert run.jobs["final--notify"] == "success"
    assert asked(hook) == expected(table)


@pytest.mark.parametrize("table", ["good, same\n", "bad\n"])
def test_gitlab(tmp_path: Path, hook: Server, table: str) -> None:
    repo = project(tmp_path, "gitlab", table)
    run = run_pipeline(repo, settings=addresses(hook))
    assert run.green is ("good" in table)
    assert run.jobs["final notify"] == "passed"
    assert asked(hook) == expected(table)


@pytest.mark.parametrize("table", ["good, same\n", "bad\n"])
def test_jenkins(tmp_path: Path, hook: Server, table: str) -> None:
    repo = project(tmp_path, "jenkins", table)
    scenario = Scenario(repo, env={"BRANCH_NAME": "main"}, credentials=addresses(hook), time_limit=120)
    build = run_build(scenario)
    assert build.result == ("SUCCESS" if "good" in table else "FAILURE"), build.log[-3000:]
    assert asked(hook) == expected(table)


def test_jenkins_without_the_credentials_ends_as_it_does(tmp_path: Path, hook: Server) -> None:
    repo = project(tmp_path, "jenkins", "good, same\n")
    build = run_build(Scenario(repo, env={"BRANCH_NAME": "main"}, time_limit=120))
    assert build.result == "SUCCESS", build.log[-3000:]
    assert hook.asked == []
