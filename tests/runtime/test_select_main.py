"""Selecting, in real repositories: bases, shallow clones, renames, hostile names, forced pushes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mlcc.runtime.records import RunError
from tests.plans import HEAD
from tests.runtime.conftest import Make
from tests.runtime.project import Project

SPEC = (
    HEAD.replace(
        "{push: {branches: [main]}}",
        "{push: {branches: [main]}, pull_request: {branches: [main]}, tag: {patterns: [v*]}}",
    )
    + """artifacts:
  code: {kind: code, path: src/}
  data: {kind: data, path: [data/**]}
jobs:
  lint: {run: t, reads: [code]}
  load: {run: t, reads: [data]}
"""
)


@pytest.fixture
def project(make: Make) -> Project:
    return make(SPEC, files={"data/one.csv": "1\n", "README.md": "x\n"})


def selected(project: Project, **facts: Any) -> list[str]:
    found = project.select(**facts)["selected"]
    assert isinstance(found, list)
    return found


# --- push -----------------------------------------------------------------------------------------


def test_a_push_counts_from_the_last_green_commit_not_from_the_previous_push(project: Project) -> None:
    """A red run of `src/`, then a README change: the second run must not turn green."""
    project.platform.green = project.git("rev-parse", "HEAD")
    project.write({"src/a.py": "broken"})
    project.commit("red")
    project.write({"README.md": "y\n"})
    project.commit("harmless")
    assert selected(project) == ["lint"]
    record = project.record("s--select/selection.json")
    assert record["base_commit"] == project.platform.green
    assert record["event"]["changed"] == ["README.md", "src/a.py"]
    assert project.platform.outputs["skip"] == ",load,"


def test_a_change_that_was_taken_back_is_none(project: Project) -> None:
    project.platform.green = project.git("rev-parse", "HEAD")
    project.write({"src/a.py": "b = 2\n"})
    project.commit("there")
    project.write({"src/a.py": "a = 1\n"})
    project.commit("and back")
    assert selected(project) == []
    assert project.platform.outputs["skip"] == ",lint,load,"


@pytest.mark.parametrize("green", [None, "", "f" * 40, "HEAD", "--all", "main", "HEAD~1", "$(touch canary)"])
def test_without_a_known_green_commit_everything_counts_as_changed(
    project: Project, green: str | None
) -> None:
    project.platform.green = green
    project.write({"README.md": "y\n"})
    project.commit("harmless")
    assert selected(project) == ["lint", "load"]
    assert project.record("s--select/selection.json")["base_commit"] == ""
    assert not (project.root / "canary").exists()


def test_after_a_forced_push_the_old_commit_is_no_base(project: Project) -> None:
    project.write({"src/a.py": "b\n"})
    project.platform.green = project.commit("to be rewritten")
    project.git("reset", "-q", "--hard", "HEAD~1")
    project.write({"README.md": "y\n"})
    project.commit("instead")
    assert selected(project) == ["lint", "load"]


def test_the_first_commit_of_all(project: Project) -> None:
    assert selected(project) == ["lint", "load"]


def test_a_run_of_an_old_commit_is_judged_by_that_commit(project: Project) -> None:
    """The branch may have moved on when a run starts."""
    first = project.git("rev-parse", "HEAD")
    project.platform.green = first
    project.write({"data/one.csv": "2\n"})
    second = project.commit("second")
    project.write({"src/a.py": "b\n"})
    project.commit("third")
    assert selected(project, commit=second) == ["load"]


# --- pull requests --------------------------------------------------------------------------------


def test_a_pull_request_counts_from_the_merge_base(project: Project) -> None:
    project.git("checkout", "-q", "-b", "topic")
    project.write({"src/a.py": "b\n"})
    head = project.commit("topic")
    project.git("checkout", "-q", "main")
    merge_base = project.git("rev-parse", "HEAD")
    project.write({"data/one.csv": "2\n"})
    base = project.commit("main moves on")
    project.git("checkout", "-q", "-b", "merge")
    project.git("merge", "-q", "-m", "merge", "topic")
    assert selected(project, event="pull_request", base=base, head=head) == ["lint"]
    assert project.record("s--select/selection.json")["base_commit"] == merge_base


@pytest.mark.parametrize("base", ["", "f" * 40, "--all", "main"])
def test_a_pull_request_with_an_unknown_base_selects_everything(project: Project, base: str) -> None:
    head = project.git("rev-parse", "HEAD")
    assert selected(project, event="pull_request", base=base, head=head) == ["lint", "load"]


def test_a_head_that_is_no_commit_selects_everything_and_is_no_option(project: Project) -> None:
    base = project.git("rev-parse", "HEAD")
    assert selected(project, event="pull_request", base=base, head="--output=canary") == ["lint", "load"]
    assert not (project.root / "canary").exists()


def test_a_shallow_clone_selects_everything(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = project.git("rev-parse", "HEAD")
    project.write({"README.md": "y\n"})
    project.commit("second")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{project.root}", str(clone)], check=True)
    monkeypatch.chdir(clone)
    project.root = clone
    project.platform.green = first
    assert selected(project) == ["lint", "load"]
    assert selected(project, event="pull_request", base=first, head=project.git("rev-parse", "HEAD")) == [
        "lint",
        "load",
    ]


def test_outside_a_repository_everything_counts_as_changed(project: Project, tmp_path: Path) -> None:
    commit = project.git("rev-parse", "HEAD")
    (project.root / ".git").rename(tmp_path / "away")
    project.facts = lambda **more: project.platform.known._replace(**more)  # type: ignore[method-assign]
    project.platform.green = commit
    assert selected(project) == ["lint", "load"]


# --- names ----------------------------------------------------------------------------------------


def changed(project: Project, *paths: str) -> dict[str, Any]:
    project.platform.green = project.git("rev-parse", "HEAD")
    for path in paths:
        target = project.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"new\n")
    project.commit("names")
    return project.select()


def test_a_rename_counts_on_both_sides(project: Project) -> None:
    project.platform.green = project.git("rev-parse", "HEAD")
    (project.root / "data").mkdir(exist_ok=True)
    (project.root / "src/a.py").rename(project.root / "data/a.py")
    project.commit("move")
    found = project.select()
    assert found["selected"] == ["lint", "load"]
    assert found["event"]["changed"] == ["data/a.py", "src/a.py"]


def test_a_deletion_and_a_change_of_mode_count(project: Project) -> None:
    project.platform.green = project.git("rev-parse", "HEAD")
    (project.root / "data/one.csv").unlink()
    project.commit("delete")
    assert selected(project) == ["load"]
    project.platform.green = project.git("rev-parse", "HEAD")
    (project.root / "src/a.py").chmod(0o755)
    project.commit("mode")
    assert selected(project) == ["lint"]


HOSTILE = [
    "src/ünïcödé 漢字.py",
    "src/quo\"te's $(touch canary) `x`.py",
    "src/new\nline\t.py",
    "src/::error::x",
    "src/-rf",
    "src/\u202ex",
    os.fsdecode(b"src/\xff\xfe.py"),
    "src/" + "n" * 200,
]


@pytest.mark.parametrize("path", HOSTILE, ids=lambda path: ascii(path)[:30])
def test_hostile_names_of_changed_files(
    project: Project, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = changed(project, path)
    assert found["selected"] == ["lint"]
    assert found["event"]["changed"] == [path]
    assert project.platform.outputs == {"skip": ",load,"}
    printed = capsys.readouterr().out
    assert printed.count("\n") == 3  # a head line, and one for each node
    assert not any(line.startswith("::") for line in printed.splitlines())
    assert not (project.root / "canary").exists()
    assert project.node("load") == 0  # the record reads back


def test_a_name_that_begins_the_repository(project: Project) -> None:
    assert changed(project, "srcs/x", "src.py", "xsrc/y", "a/src/z")["selected"] == []


def test_a_configuration_of_git_hides_no_change(project: Project) -> None:
    for name, value in (("diff.relative", "true"), ("diff.noprefix", "true"), ("diff.ignoreSubmodules", "all"),
                        ("core.quotePath", "true"), ("diff.renames", "copies"), ("diff.external", "/bin/false")):  # fmt: skip
        project.git("config", name, value)
    (project.root / "src/.gitattributes").write_text("* -diff\n")
    assert changed(project, "src/ü.py")["selected"] == ["lint"]


def test_a_project_below_the_root_sees_paths_from_the_root(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The runtime stands in the project's folder; changed paths are relative to the repository."""
    project = make(SPEC, files={"data/one.csv": "1\n"})
    plan = project.root / ".mlcc/plan.json"
    plan.write_text(plan.read_text().replace('"home": ""', '"home": "models/a"'))
    below = project.root / "models/a"
    below.mkdir(parents=True)
    (project.root / ".mlcc").rename(below / ".mlcc")
    project.commit("below")
    monkeypatch.chdir(below)
    project.platform.green = project.git("rev-parse", "HEAD")
    project.write({"src/a.py": "not this project's\n", "models/a/src/a.py": "this one's\n"})
    project.commit("change")
    project.root = below
    found = project.select()
    assert found["event"]["changed"] == ["models/a/src/a.py", "src/a.py"]
    assert found["selected"] == ["lint"]
    assert found["reasons"]["lint"] == "models/a/src/a.py changed"


# --- the event ------------------------------------------------------------------------------------


def test_a_tag_selects_every_candidate(project: Project) -> None:
    project.platform.green = project.git("rev-parse", "HEAD")
    assert selected(project, event="tag", branch="", tag="v1") == ["lint", "load"]


def test_without_a_commit_nothing_is_selected(project: Project) -> None:
    with pytest.raises(RunError, match="doesn't say which commit"):
        project.select(commit="")


TRIGGERED = (
    "version: 1\nname: p\ntriggers: {schedule: {weekly: '17 3 * * 1'}, manual: {one: {}, two: {}}, dispatch: [data]}\n"
    "jobs:\n  a: {run: t}\n  b: {run: t, when: {trigger: [weekly, two, data]}}\n"
)


@pytest.mark.parametrize(
    ("event", "hint", "nodes"),
    [
        ("schedule", "17 3 * * 1", ["a", "b"]),
        ("manual", "one", ["a"]),
        ("manual", "two", ["a", "b"]),
        ("dispatch", "data", ["a", "b"]),
    ],
)
def test_triggers_of_one_kind_are_told_apart(make: Make, event: str, hint: str, nodes: list[str]) -> None:
    assert selected(make(TRIGGERED), event=event, hint=hint) == nodes


@pytest.mark.parametrize(
    ("event", "hint"),
    [
        ("schedule", "0 0 * * *"),
        ("schedule", ""),
        ("manual", ""),
        ("manual", "three"),
        ("dispatch", "weekly"),
        ("dispatch", "x\n::error::y"),
    ],
)
def test_a_trigger_that_the_spec_has_not_is_an_error(make: Make, event: str, hint: str) -> None:
    project = make(TRIGGERED)
    with pytest.raises(RunError, match="isn't among the triggers") as found:
        project.select(event=event, hint=hint)
    assert "\n" not in str(found.value)
    assert not (project.root / "_mlcc/s--select").exists()


def waiving(until: str) -> str:
    loss = f'{{reason: "the database expires by itself", until: "{until}"}}'
    return SPEC + f"targets: {{github: {{waive: {{services: {loss}}}}}}}\n"


def test_a_waiver_that_is_over_refuses_the_run(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLCC_PLATFORM", "github")
    project = make(waiving("2020-02-29"), {})
    with pytest.raises(RunError, match="the waiver of 'services' for github ended on 2020-02-29"):
        project.select()
    monkeypatch.setenv("MLCC_PLATFORM", "another")
    project.select()


def test_a_waiver_shows_in_the_summary(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLCC_PLATFORM", "github")
    project = make(waiving("2999-12-31"), {})
    project.select()
    project.final()
    assert (
        "Borne here until 2999-12-31: services (the database expires by itself)"
        in project.platform.summaries[-1]
    )


def test_the_facts_of_the_run_say_whether_it_is_a_forks(make: Make) -> None:
    project = make(HEAD + "jobs: {a: {run: 'true'}}\n")
    facts = [project.select(event="push", fork=fork)["facts"]["fork"] for fork in (True, False)]
    assert facts == ["true", ""]
