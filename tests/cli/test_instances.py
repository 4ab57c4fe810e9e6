"""The commands on a spec with instances: each alone, all at once, and only what changed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

import mlcc.compiler
from mlcc.writing.fingerprints import FILE
from tests.cli.project import Project

SPEC = """version: 1
name: demo
triggers: {push: {branches: [main]}, pull_request: {branches: [main]}}
defaults: {python: "3.12"}
params: {rate: {type: number}, floor: {type: number, default: 0.7, min: 0.5, max: 1}}
instances:
  north: {root: north, params: {rate: 1}}
  south: {root: south, params: {rate: 2}}
artifacts:
  code: {kind: code, path: [src/]}
  model: {kind: model, path: m.json}
  metrics: {kind: file, path: metrics.json}
jobs:
  train: {run: python src/fit.py, reads: [code], writes: [model, metrics], env: {RATE: {param: rate}}}
gates:
  good: {guards: model, evaluate: {metrics_from: metrics, metrics: {r2: {min: {param: floor}}}}}
"""


@pytest.fixture
def many(project: Project) -> Project:
    """A repository whose spec has two instances."""
    for name in ("north", "south"):
        (project.root / name / "src").mkdir(parents=True)
        (project.root / name / "src/fit.py").write_text("")
    (project.root / "mlcc.yaml").write_text(SPEC)
    return project


@pytest.fixture
def analysed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The instances that were planned since the test began."""
    seen: list[str] = []
    original = mlcc.compiler._analysed

    def watched(source, *rest, **more):  # type: ignore[no-untyped-def]
        seen.append(source.instance)
        return original(source, *rest, **more)

    monkeypatch.setattr("mlcc.compiler._analysed", watched)
    return seen


def change(project: Project, old: str, new: str) -> None:
    spec = project.root / "mlcc.yaml"
    assert old in spec.read_text()
    spec.write_text(spec.read_text().replace(old, new))


def compile_(project: Project, *words: str) -> dict[str, list[str]]:
    done = project.run("compile", *words, "--format", "json")
    assert done.code == 0, done.both
    (spec,) = json.loads(done.out)["specs"]
    return {key: spec[key] for key in ("written", "unchanged", "removed", "orphans")}


# All, and one


def test_commands_answer_for_all_instances_or_for_one(many: Project) -> None:
    asked = ("--event", "push", "--changed", "north/src/fit.py")
    everything = many.run("explain", *asked)
    assert everything.out.count("mlcc.yaml#") == 2
    assert "2 of 2 nodes selected" in everything.out
    assert "0 of 2 nodes selected" in everything.out
    assert "2 of 2 nodes selected" in many.run("explain", "--instance", "north", *asked).out
    assert "0 of 2 nodes selected" in many.run("explain", "--instance", "south", *asked).out
    assert many.run("graph").out.count("accTitle") == 2
    assert "accTitle: demo-south" in many.run("graph", "--instance", "south").out
    rows = json.loads(many.run("obligations", "--format", "json").out)["obligations"]
    assert {row["pipeline"] for row in rows} == {"demo-north", "demo-south"}
    rows = json.loads(many.run("obligations", "--instance", "north", "--format", "json").out)["obligations"]
    assert {row["pipeline"] for row in rows} == {"demo-north"}


def test_lint_says_once_what_all_have(many: Project) -> None:
    done = many.run("lint")
    assert done.both.count("warning[code-without-tests]") == 1
    assert "(in all 2 instances)" in done.both
    assert "(in the instance north)" in many.run("lint", "--instance", "north").both


def test_lint_says_once_what_specs_have_from_one_base(many: Project) -> None:
    (many.root / "base.yaml").write_text(
        "version: 1\nname: base\ngates: {ok: {guards: code, tests: {run: python test.py}}}\n"
    )
    for name in ("north", "south"):
        own = SPEC.partition("params:")[0].replace("demo", name)
        own += "extends: [../base.yaml]\nartifacts: {code: {kind: code, path: [src/]}}\njobs: {a: {run: make, reads: [code]}}\n"
        (many.root / name / "mlcc.yaml").write_text(own)
    done = many.run("lint", "north/mlcc.yaml", "south/mlcc.yaml")
    assert done.both.count("note[uncounted-tests]") == 1
    assert "base.yaml:3:" in done.both


@pytest.mark.parametrize("command", ["lint", "explain", "graph", "obligations", "gates", "score", "doctor"])
def test_an_instance_that_is_not_there(many: Project, command: str) -> None:
    done = many.run(command, "--instance", "noth")
    assert done.code == 2
    assert "error[unknown-instance]: there is no instance 'noth'" in done.both
    assert "did you mean 'north'?" in done.both


def test_doctor_takes_no_instance_for_stale_because_of_another(many: Project) -> None:
    assert many.run("compile").code == 0
    for words in ((), ("--instance", "south")):
        found = json.loads(many.run("doctor", *words, "--format", "json").out)
        states = [row["state"] for row in _rows(found) if row["id"] == "compiled"]
        assert states
        assert set(states) == {"done"}


@pytest.mark.parametrize("old", ["demo-south-run:", "demo-south-select]", "m.json"])
def test_doctor_looks_into_the_file_that_instances_share(many: Project, old: str) -> None:
    change(many, "gates:", "targets: {gitlab: {}}\ngates:")
    assert many.run("compile").code == 0
    shared = many.root / ".gitlab-ci.yml"
    shared.write_text(shared.read_text().replace(old, old.replace("s", "z")))
    stale = "south" in old
    for name in ("north", "south"):
        found = json.loads(many.run("doctor", "--instance", name, "--format", "json").out)
        states = [row["state"] for row in _rows(found) if row["id"] == "compiled"]
        assert states == ["missing" if stale and name == "south" else "done"]
    shared.unlink()
    assert ".gitlab-ci.yml (missing)" in many.run("doctor", "--instance", "north").both


def _rows(found: object) -> list[dict[str, str]]:
    if isinstance(found, dict):
        own = [found] if {"id", "state"} <= found.keys() else []
        return own + [row for value in found.values() for row in _rows(value)]
    return [row for value in found for row in _rows(value)] if isinstance(found, list) else []


# Only what changed


@pytest.mark.parametrize("changed", ["north", "south"])
def test_the_file_of_all_instances_holds_the_others_when_one_changes(
    many: Project, analysed: list[str], changed: str
) -> None:
    change(many, "gates:", "targets: {gitlab: {}}\ngates:")
    compile_(many)
    shared = many.root / ".gitlab-ci.yml"
    before = shared.read_text()
    change(many, f"root: {changed}", f"overrides: {{triggers: {{tag: {{patterns: [v1]}}}}}}, root: {changed}")
    analysed.clear()
    assert ".gitlab-ci.yml" in compile_(many)["written"]
    assert analysed == [changed]
    names = [line for line in before.splitlines() if line.startswith("demo-")]
    assert [line for line in shared.read_text().splitlines() if line.startswith("demo-")] == names
    assert shared.read_text().count('"v1"') == 2  # where it is selected, and where it runs
    assert many.run("compile", "--check").code == 0
    shared.unlink()
    assert compile_(many)["written"] == [".gitlab-ci.yml"]
    assert many.run("compile", "--check").code == 0


def test_only_a_changed_instance_is_compiled_again(many: Project, analysed: list[str]) -> None:
    first = compile_(many)
    assert analysed == ["north", "south"]
    again = compile_(many)
    assert (again["written"], again["orphans"]) == ([], [])
    assert sorted(again["unchanged"]) == sorted(first["written"])
    assert analysed == ["north", "south"]
    change(many, "rate: 2", "rate: 3")
    changed = compile_(many)
    assert analysed == ["north", "south", "south"]
    assert changed["written"] == ["south/.mlcc/plan.json"]
    assert changed["orphans"] == []
    assert many.run("compile", "--check").code == 0


def test_what_all_share_compiles_all(many: Project, analysed: list[str]) -> None:
    compile_(many)
    change(many, "default: 0.7", "default: 0.8")
    assert compile_(many)["written"] == ["north/.mlcc/gates/good.json", "south/.mlcc/gates/good.json"]
    assert analysed == ["north", "south"] * 2


def test_another_back_end_compiles_all(many: Project, analysed: list[str]) -> None:
    compile_(many)
    written = compile_(many, "--target", "jenkins", "--target", "github")["written"]
    assert {"north/Jenkinsfile", "south/Jenkinsfile"} <= set(written)
    assert analysed == ["north", "south"] * 2


def test_an_edited_output_is_never_taken_for_unchanged(many: Project) -> None:
    compile_(many)
    script = many.root / "south/.mlcc/run.py"
    before = script.stat()
    script.write_bytes(script.read_bytes()[:-1] + b"#")
    import os

    os.utime(script, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert many.run("compile").code == 3
    assert many.run("compile", "--check").code == 1
    assert compile_(many, "--force")["written"] == ["south/.mlcc/run.py"]


def test_a_lost_output_is_written_again(many: Project) -> None:
    compile_(many)
    (many.root / "south/.mlcc/plan.json").unlink()
    assert compile_(many)["written"] == ["south/.mlcc/plan.json"]


@pytest.mark.parametrize(
    "text", [None, "", "{", "[]", '{"version": 1}', '{"version": 1, "pipelines": {"mlcc.yaml#north": 3}}']
)
def test_a_broken_fingerprint_only_means_compiling(
    many: Project, analysed: list[str], text: str | None
) -> None:
    compile_(many)
    kept = many.root / ".git" / FILE
    kept.unlink() if text is None else kept.write_text(text)
    assert compile_(many)["written"] == []
    assert analysed == ["north", "south"] * 2


def test_a_check_compiles_everything(many: Project, analysed: list[str]) -> None:
    compile_(many)
    assert many.run("compile", "--check").code == 0
    assert analysed == ["north", "south"] * 2


def test_an_instance_that_is_taken_away_leaves_orphans(many: Project) -> None:
    first = compile_(many)
    subprocess.run(["git", "add", "-A"], cwd=many.root, check=True)
    change(many, "  south: {root: south, params: {rate: 2}}\n", "")
    gone = {path for path in first["written"] if "south" in path}
    assert set(compile_(many)["orphans"]) == gone
    assert set(compile_(many, "--prune")["removed"]) == gone
    assert compile_(many)["orphans"] == []


def test_fingerprints_are_kept_in_a_linked_work_tree(
    many: Project, analysed: list[str], tmp_path: Path
) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.example"]
    subprocess.run([*git, "add", "-A"], cwd=many.root, check=True)
    subprocess.run([*git, "commit", "-qm", "all"], cwd=many.root, check=True)
    linked = tmp_path / "linked"
    subprocess.run([*git, "worktree", "add", "-q", str(linked)], cwd=many.root, check=True)
    for _ in "ab":
        assert many.run("compile", str(linked / "mlcc.yaml")).code == 0
    assert analysed == ["north", "south"]
    assert not (many.root / ".git" / FILE).exists()
