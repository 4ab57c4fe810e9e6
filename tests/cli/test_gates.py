"""`mlcc gates`: the list, and the self-test of what is committed; what a compile says of looser gates."""

from __future__ import annotations

import json

import pytest

from mlcc.gates import GATES
from tests.cli.project import OUTPUTS, Project


def test_the_list(project: Project) -> None:
    done = project.run("gates")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "gate  kind      guards          closes unless",
        f"unit  tests     code    blocks  {GATES['tests'].title}",
        "good  evaluate  model   blocks  confidence 0.95, r2.min 0.6",
    ]


def test_the_list_as_json(project: Project) -> None:
    project.spec("good: {guards: model,", "good: {guards: model, blocking: false,")
    done = project.run("gates", "--format", "json")
    assert done.code == 0
    assert json.loads(done.out)["gates"][1] == {
        "pipeline": "demo", "gate": "good", "kind": "evaluate", "guards": "model", "blocking": False,
        "waived": None, "closes": {"confidence": 0.95, "r2.min": 0.6},
    }  # fmt: skip


def test_the_committed_gates_close_on_what_is_bad(compiled: Project) -> None:
    before = compiled.tree()
    done = compiled.run("gates", "--selftest")
    assert (done.code, done.err) == (0, "")
    assert [line.split()[0] for line in done.out.splitlines()] == ["unit", "good"]
    assert all(line.endswith("  closes on all") for line in done.out.splitlines())
    assert compiled.tree() == before


def test_a_gate_that_opens_is_an_error(compiled: Project) -> None:
    script = compiled.root / ".mlcc/gates/evaluate.file.py"
    text = script.read_text("utf-8")
    assert text.count('verdict, note = "fail", ""') == 1
    script.write_text(text.replace('verdict, note = "fail", ""', 'verdict, note = "pass", ""'), "utf-8")
    done = compiled.run("gates", "--selftest")
    assert done.code == 1
    assert "r2 misses its min" in done.out
    assert "it opens" in done.out
    done = compiled.run("gates", "--selftest", "--format", "json")
    assert done.code == 1
    wrong = [row for row in json.loads(done.out)["selftests"] if row["problem"]]
    assert [(row["gate"], row["fixture"], row["verdict"]) for row in wrong] == [
        ("good", "r2 misses its min", "pass")
    ]


@pytest.mark.parametrize("lost", [".mlcc/gates/good.json", ".mlcc/gates/tests.py"])
def test_a_gate_that_is_not_compiled(compiled: Project, lost: str) -> None:
    (compiled.root / lost).unlink()
    done = compiled.run("gates", "--selftest")
    assert (done.code, done.out) == (3, "")
    assert "isn't what the spec compiles to" in done.err
    assert "run `mlcc compile` first" in done.err


def test_a_spec_that_has_changed_since(compiled: Project) -> None:
    compiled.spec("min: 0.6", "min: 0.7")
    assert compiled.run("gates", "--selftest").code == 3


def test_a_package_that_is_missing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    table = "raw: {guards: stops, contract: {columns: {a: {type: string}}}}"
    project.spec("gates:\n", f"gates:\n  {table}\n")
    assert project.run("compile").code == 0
    monkeypatch.setattr("mlcc.gate_list.find_spec", lambda name: None)
    done = project.run("gates", "--selftest")
    assert (done.code, done.out) == (3, "")
    assert "the gates of the kind 'contract' need duckdb" in done.err
    assert (
        "pip install --require-hashes --only-binary :all: --no-deps -r .mlcc/gates/contract.txt" in done.err
    )


# compile


def test_a_compile_says_what_it_loosens(compiled: Project) -> None:
    compiled.spec("min: 0.6", "min: 0.5")
    check = compiled.run("compile", "--check")
    assert check.code == 1
    assert "\n  threshold loosened: good r2.min 0.6 → 0.5\nto mend it: " in check.out
    done = compiled.run("compile")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[:3] == [
        "wrote   .mlcc/gates/good.json",
        f"demo: 4 nodes, 1 file written, {len(OUTPUTS) - 1} unchanged",
        "  threshold loosened: good r2.min 0.6 → 0.5",
    ]
    assert "loosened" not in compiled.run("compile").out


def test_a_compile_as_json(project: Project) -> None:
    done = project.run("compile", "--format", "json")
    assert (done.code, done.err) == (0, "")
    (first,) = json.loads(done.out)["specs"]
    assert first == {
        "spec": "mlcc.yaml", "written": list(OUTPUTS), "unchanged": [], "removed": [], "orphans": [], "loosened": [],
    }  # fmt: skip
    project.spec("min: 0.6", "min: 0.5")
    loosened = [{"gate": "good", "sort": "loosened", "place": "r2.min", "before": 0.6, "after": 0.5}]
    check = project.run("compile", "--check", "--format", "json")
    assert check.code == 1
    (found,) = json.loads(check.out)["specs"]
    assert found == {
        "spec": "mlcc.yaml", "differs": [{"path": ".mlcc/gates/good.json", "kind": "stale"}],
        "commands": ["mlcc compile"], "loosened": loosened,
    }  # fmt: skip
    (second,) = json.loads(project.run("compile", "--format", "json").out)["specs"]
    assert (second["written"], second["loosened"]) == ([".mlcc/gates/good.json"], loosened)


# score


def test_the_score(project: Project) -> None:
    done = project.run("score")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("ML Test Score of demo: 0 of 7, untested")
    assert "  D7  1    The code that makes features is tested.  [unit]\n" in done.out
    as_json = json.loads(project.run("score", "--format", "json").out)
    assert [spec["score"] for spec in as_json["specs"]] == [0]
