"""Small compiled pipelines really run in gitlab-ci-local, on the ways that they can end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlcc.compiler import analyse, compile_all, compile_files
from mlcc.writing.outputs import outputs_of
from tests.execution.github.scratch import commit, git, scratch_repo
from tests.execution.gitlab.local import LocalRun, run_pipeline

HEAD = """\
version: 1
name: small
triggers:
  push: {branches: [main]}
  pull_request: {branches: [main]}
  manual: {retrain: {inputs: {rate: {type: number, max: 1, default: 0.5}}}}
  schedule: {weekly: "1 2 * * 1"}
artifacts:
  code: {kind: code, path: src/}
  table: {kind: data, path: out/table.csv}
  models: {kind: model, path: out/models/}
"""
FAN = f"""\
{HEAD}\
targets: {{gitlab: {{waive: {{always-after-cancel: {{reason: nothing is left behind, until: "2099-12-31"}}}}}}}}
jobs:
  make: {{run: 'cp src/table.csv out/', reads: [code], writes: [table]}}
  train:
    run: 'cp out/table.csv "out/models/$MATRIX_SEED.txt"'
    reads: [table]
    writes: [models]
    matrix: {{axes: {{seed: [a, b]}}}}
  ship: {{run: 'cat out/models/a/a.txt out/models/b/b.txt', reads: [models], needs: [lint]}}
  lint: {{run: 'true', reads: [code]}}
  mop: {{run: 'echo mopped', needs: [ship], when: {{status: always}}}}
  alarm: {{run: 'echo alarmed', needs: [mop, ship], when: {{status: failure}}}}
gates:
  good: {{guards: table, command: {{run: 'grep -q good out/table.csv'}}}}
  drift: {{guards: table, blocking: false, command: {{run: 'grep -qv drifted out/table.csv'}}}}
"""
VERDICT = f"""\
{HEAD}\
jobs:
  make: {{run: 'cp src/table.csv out/', reads: [code], writes: [table]}}
  retrain: {{run: 'true', when: {{gate: drift, verdict: fail}}}}
  after: {{run: 'true', needs: [retrain]}}
gates:
  drift: {{guards: table, blocking: false, command: {{run: 'grep -qv drifted out/table.csv'}}}}
"""
INSTANCES = """\
version: 1
name: many
triggers: {push: {branches: [main]}}
instances: {good: {root: good}, bad: {root: bad}}
artifacts:
  code: {kind: code, path: src/}
  table: {kind: data, path: out/table.csv}
jobs:
  make: {run: 'cp src/table.csv out/', reads: [code], writes: [table]}
  ship: {run: 'cat out/table.csv', reads: [table]}
gates:
  check: {guards: table, command: {run: 'grep -q good out/table.csv'}}
"""
SECRET = f"""\
{HEAD}\
jobs:
  named:
    run: 'test "$TOKEN" = s3cret && test "$RATE" = 0.5 && ! env | grep -E "^(API_KEY|CI_JOB_TOKEN|MLCC_S)"'
    env: {{TOKEN: {{secret: API_KEY}}, RATE: {{input: rate}}}}
  other: {{run: 'test "$PLACE" = here && ! env | grep s3cret', env: {{PLACE: {{var: WHERE, default: there}}}}}}
"""


def project(tmp_path: Path, spec: str, table: str = "good\n", home: str = "") -> Path:
    """A repository with a spec (in the folder `home`, ending in a slash) and what it compiles to."""
    path = tmp_path / home / "mlcc.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(spec, "utf-8")
    analysis = analyse(path, tmp_path, assume_committed=True)
    files = {file.path: file.text for file in compile_files(analysis, ["gitlab"])}
    files |= {f"{home}mlcc.yaml": spec, f"{home}src/table.csv": table, ".gitignore": "_mlcc/\nout/\n"}
    if home:
        files[".gitlab-ci.yml"] = "stages: [select, run]\ninclude: [{local: 'models/*/.gitlab-ci.yml'}]\n"
    return scratch_repo(tmp_path, files)


def passed(run: LocalRun) -> set[str]:
    return {name for name, result in run.jobs.items() if result == "passed"}


def test_a_fan_out_whose_gates_pass_is_green(tmp_path: Path) -> None:
    run = run_pipeline(project(tmp_path, FAN))
    assert run.green
    assert passed(run) == {
        "make", "good", "drift", "train: [a]", "train: [b]", "lint", "ship", "mop", "alarm", "final",
    }  # fmt: skip
    assert run.ends == {**dict.fromkeys(run.ends, "passed"), "alarm": "skipped"}
    digest = run.record("s--make/state.json")["outputs"]["table"]
    assert run.record("s--train--a/state.json")["inputs"]["table"] == digest
    assert run.record("s--good/verdict.json")["inputs"]["table"]["digest"] == digest
    text = (run.artifacts / "s--final/lineage.jsonl").read_text("utf-8")
    names = {one["name"] for line in text.splitlines() for one in json.loads(line)["subject"]}
    assert {name.split("/")[0] for name in names} == {"models"}


def test_a_gate_that_fails_stops_what_reads_its_artifact(tmp_path: Path) -> None:
    run = run_pipeline(project(tmp_path, FAN, "bad\n"))
    assert not run.green
    assert run.jobs["good"] == "failed"
    assert not {"train: [a]", "train: [b]", "ship"} & set(run.jobs)
    assert run.ends == {
        "make": "passed", "lint": "passed", "good": "failed", "drift": "passed", "train": "skipped", "ship": "skipped",
        "mop": "passed", "alarm": "passed",
    }  # fmt: skip


def test_a_gate_that_blocks_nothing_warns(tmp_path: Path) -> None:
    run = run_pipeline(project(tmp_path, FAN, "good, drifted\n"))
    assert run.green
    assert run.jobs["drift"] == "warned"
    assert run.ends["drift"] == "failed"
    assert run.ends["ship"] == "passed"


@pytest.mark.parametrize(
    ("table", "end"), [("drifted\n", "passed"), ("same\n", "skipped")], ids=["drift", "no drift"]
)
def test_a_verdict_starts_retraining(tmp_path: Path, table: str, end: str) -> None:
    run = run_pipeline(project(tmp_path, VERDICT, table))
    assert run.green
    assert (run.ends["retrain"], run.ends["after"]) == (end, end)
    assert run.jobs["retrain"] == run.jobs["after"] == "passed"  # a skip is green


def test_nothing_that_matters_has_changed(tmp_path: Path) -> None:
    repo = project(tmp_path, FAN)
    base = git(repo, "rev-parse", "HEAD")
    commit(repo, {"README.md": "Words.\n"}, branch="words")
    run = run_pipeline(repo, merge_request(base), ref="words")
    assert run.green
    assert run.selected == []
    assert set(run.jobs) == {"final"}


def test_a_merge_request_selects_by_its_merge_base(tmp_path: Path) -> None:
    spec = FAN.replace("lint: {run: 'true', reads: [code]}", "lint: {run: 'true', path: [style.cfg]}")
    repo = project(tmp_path, spec)
    base = git(repo, "rev-parse", "HEAD")
    commit(repo, {"style.cfg": "x\n"}, branch="style")
    run = run_pipeline(repo, merge_request(base), ref="style")
    assert run.green
    assert "lint" in run.selected
    assert run.record("s--select/selection.json")["event"]["changed"] == ["style.cfg"]


def merge_request(base: str, *, fork: bool = False) -> dict[str, str]:
    return {
        "CI_PIPELINE_SOURCE": "merge_request_event",
        "CI_MERGE_REQUEST_IID": "5",
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": base,
        "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "4" if fork else "3",
        "CI_MERGE_REQUEST_PROJECT_ID": "3",
        "CI_PROJECT_ID": "3",
    }


def test_an_input_that_its_form_refuses_starts_nothing(tmp_path: Path) -> None:
    started = {"CI_PIPELINE_SOURCE": "web", "MLCC_TRIGGER": "retrain", "MLCC_INPUT_RATE": "7"}
    run = run_pipeline(project(tmp_path, FAN), started)
    assert run.select == "failed"
    assert "the input rate is refused: it is above 1" in run.log
    assert run.jobs == {}


def test_a_schedule_says_which_one_it_is(tmp_path: Path) -> None:
    run = run_pipeline(project(tmp_path, FAN), {"CI_PIPELINE_SOURCE": "schedule", "MLCC_TRIGGER": "weekly"})
    assert run.green
    assert run.record("s--select/selection.json")["event"]["trigger"] == "weekly"


def test_s10_a_secret_reaches_only_the_node_that_names_it(tmp_path: Path) -> None:
    settings = {"API_KEY": "s3cret", "WHERE": "here", "CI_JOB_TOKEN": "t0ken"}
    run = run_pipeline(project(tmp_path, SECRET), settings=settings)
    assert run.ends == {"named": "passed", "other": "passed"}
    assert run.green


def test_s10_a_fork_s_merge_request_runs_nothing_with_secrets(tmp_path: Path) -> None:
    repo = project(tmp_path, SECRET)
    run = run_pipeline(
        repo, merge_request(git(repo, "rev-parse", "HEAD"), fork=True), settings={"WHERE": "here"}
    )
    assert run.selected == ["other"]
    assert run.green


def test_one_file_starts_the_instances_of_a_spec_each_by_itself(tmp_path: Path) -> None:
    spec = tmp_path / "mlcc.yaml"
    spec.write_text(INSTANCES, "utf-8")
    files = {"mlcc.yaml": INSTANCES, ".gitignore": "_mlcc/\nout/\n"}
    for name, table in (("good", "good\n"), ("bad", "bad\n")):
        files[f"{name}/src/table.csv"] = table
        (tmp_path / name / "src").mkdir(parents=True)
        (tmp_path / name / "src/table.csv").write_text(table)
    (output,) = outputs_of(compile_all([spec], tmp_path, ("gitlab",)))
    repo = scratch_repo(tmp_path, {**files, **{file.path: file.text for file in output.files}})
    good = run_pipeline(repo, select="many-good-select")
    assert good.ends == {"make": "passed", "check": "passed", "ship": "passed"}
    bad = run_pipeline(repo, select="many-bad-select")
    assert bad.ends == {"make": "passed", "check": "failed", "ship": "skipped"}
    assert (good.green, bad.green) == (True, False)


@pytest.mark.parametrize(("table", "green"), [("good\n", True), ("bad\n", False)], ids=["good", "bad"])
def test_a_project_of_a_monorepo(tmp_path: Path, table: str, green: bool) -> None:
    run = run_pipeline(project(tmp_path, FAN, table, home="models/small/"), select="small-select")
    assert run.green is green
    assert run.ends["ship"] == ("passed" if green else "skipped")
