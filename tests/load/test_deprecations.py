"""Deprecated spellings: read as what they became, warned of at their place, and rewritten. The table is the tests' own."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcc.diagnostics import Severity, SpecError
from mlcc.load.deprecations import TABLE, Deprecation, modern
from mlcc.load.extends import merge
from mlcc.load.source import load, plain, read
from mlcc.migration import migrated
from mlcc.spec.validate import validate
from tests.cli.project import SPEC, Project, make

TESTS = (
    Deprecation("deprecated-script", "0.2", ("Job", "Gate"), None, "script", "run", "a job runs, it isn't a script"),
    Deprecation("deprecated-float", "0.3", ("FormInput",), "type", "float", "number", "whole numbers are meant, too"),
    Deprecation("deprecated-jobz", "0.2", ("Spec",), None, "jobz", "jobs", "it was misspelt"),
)  # fmt: skip
OLD = """\
version: 1   # the first
name: demo
requires: ">=0.1"
triggers: {push: {branches: [main]}, manual: {retrain: {inputs: {rate: {type: float, default: 1}, x: {type: "float"}}}}}
x-note: {script: stays, type: float}
jobz:        # here
  # about train
  train:
    'script': "python fit.py script"   # not script
    env: {script: float, type: float}
"""
NEW = """\
version: 1   # the first
name: demo
requires: ">=0.3"
triggers: {push: {branches: [main]}, manual: {retrain: {inputs: {rate: {type: number, default: 1}, x: {type: "number"}}}}}
x-note: {script: stays, type: float}
jobs:        # here
  # about train
  train:
    'run': "python fit.py script"   # not script
    env: {script: float, type: float}
"""


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlcc.load.deprecations.TABLE", TESTS)
    monkeypatch.setattr("mlcc.spec.validate.__version__", "0.3.0")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = make(tmp_path / "repository")
    monkeypatch.chdir(made.root)
    return made


def test_the_language_has_none_yet() -> None:
    assert TABLE == ()


def test_without_an_entry_a_source_stays_the_very_same() -> None:
    source = read(SPEC.encode(), "mlcc.yaml")
    assert modern(source) is source


@pytest.mark.usefixtures("table")
def test_old_spellings_are_read_as_the_new_ones() -> None:
    old, new = (modern(read(text.encode(), "mlcc.yaml")) for text in (OLD.replace("0.1", "0.3"), NEW))
    assert plain(old.root) == plain(new.root)
    assert not new.deprecated
    assert validate(old) == validate(new)


@pytest.mark.usefixtures("table")
def test_each_is_a_warning_at_its_place() -> None:
    found = modern(read(OLD.encode(), "mlcc.yaml")).deprecated
    assert all(one.severity is Severity.WARNING and one.help == "`mlcc migrate` rewrites it" for one in found)
    assert sorted((one.span.line, one.span.column, one.code, one.message) for one in found if one.span) == [
        (4, 79, "deprecated-float", "`type: float` is `number` since mlcc 0.3: whole numbers are meant, too"),
        (
            4,
            109,
            "deprecated-float",
            "`type: float` is `number` since mlcc 0.3: whole numbers are meant, too",
        ),
        (6, 1, "deprecated-jobz", "`jobz` is `jobs` since mlcc 0.2: it was misspelt"),
        (9, 5, "deprecated-script", "`script` is `run` since mlcc 0.2: a job runs, it isn't a script"),
    ]


@pytest.mark.usefixtures("table")
def test_the_text_is_rewritten_and_nothing_else_changes() -> None:
    assert migrated(OLD, "mlcc.yaml") == NEW
    assert migrated(NEW, "mlcc.yaml") == NEW
    assert migrated(OLD.replace("\n", "\r\n"), "mlcc.yaml") == NEW.replace("\n", "\r\n")


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    ("stated", "left"),
    [('requires: ">=0.1"\n', 'requires: ">=0.2"\n'), ('requires: ">=0.10"\n', 'requires: ">=0.10"\n'),
     ("requires: '>=0.2'\n", "requires: '>=0.2'\n"), ("requires: soon\n", "requires: soon\n"), ("", "")],
)  # fmt: skip
def test_requires_is_raised_only_as_far_as_needed(stated: str, left: str) -> None:
    assert (
        migrated(f"{stated}jobs: {{a: {{script: x}}}}\n", "mlcc.yaml") == f"{left}jobs: {{a: {{run: x}}}}\n"
    )


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("word", ['"flo\\x61t"', "|-\n            float", ">-\n            float"])
def test_a_word_in_another_spelling_is_quoted(word: str) -> None:
    text = "triggers:\n  manual:\n    a:\n      inputs:\n        x:\n          type: "
    assert migrated(f"{text}{word}\n", "mlcc.yaml") == f'{text}"number"\n'


@pytest.mark.usefixtures("table")
def test_both_spellings_at_once_are_an_error_at_the_old_one() -> None:
    text = "jobs:\n  a:\n    run: x\n    script: y\n"
    for reading in (lambda: modern(read(text.encode(), "mlcc.yaml")), lambda: migrated(text, "mlcc.yaml")):
        with pytest.raises(SpecError) as problem:
            reading()
        (found,) = problem.value.diagnostics
        assert (found.code, found.message) == (
            "both-spellings",
            "`script` is the old spelling of `run`, and both are here",
        )
        assert found.span is not None
        assert (found.span.line, found.related[0].span.line) == (4, 3)


@pytest.mark.usefixtures("table")
def test_an_old_base_and_a_new_overlay_merge(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("jobz: {a: {script: old, retry: 1}}\n")
    path = tmp_path / "mlcc.yaml"
    path.write_text("version: 1\nname: x\nextends: [base.yaml]\njobs: {a: {run: new}}\n")
    merged = merge(load(path, "mlcc.yaml"), tmp_path)
    assert plain(merged.root) == {"version": 1, "name": "x", "jobs": {"a": {"run": "new", "retry": 1}}}
    assert [(one.code, one.span and one.span.file) for one in merged.deprecated] == [
        ("deprecated-jobz", "base.yaml"), ("deprecated-script", "base.yaml")
    ]  # fmt: skip


@pytest.mark.usefixtures("table")
def test_lint_warns_migrate_mends_and_the_pipeline_stays(project: Project) -> None:
    assert project.run("compile").code == 0
    project.spec("  train: {run: python fit.py", "  train: {script: python fit.py")
    done = project.run("lint")
    assert done.code == 1
    assert "mlcc.yaml:14:11: warning[deprecated-script]" in done.err
    before = project.tree()
    done = project.run("migrate", "--check")
    assert (done.code, done.out.splitlines()[-1]) == (1, "1 of 1 file to change")
    assert "-  train: {script: python fit.py" in done.out
    assert "+  train: {run: python fit.py" in done.out
    assert project.tree() == before
    done = project.run("migrate")
    assert (done.code, done.out.splitlines()[-1]) == (0, "1 of 1 file changed")
    assert (project.root / "mlcc.yaml").read_text() == SPEC
    assert project.run("compile", "--check").code == 0
    assert project.run("lint").code == 0


def test_nothing_to_migrate(project: Project) -> None:
    before = project.tree()
    done = project.run("migrate", "--all")
    assert (done.code, done.out, done.err) == (0, "0 of 1 file changed\n", "")
    assert project.tree() == before


@pytest.mark.usefixtures("table")
def test_what_a_spec_extends_is_migrated_with_it(project: Project) -> None:
    project.write("base.yaml", "jobz: {}\n")
    project.write("mlcc.yaml", "extends: [base.yaml]\n" + SPEC)
    assert project.run("migrate").code == 0
    assert (project.root / "base.yaml").read_text() == "jobs: {}\n"


def test_a_requirement_that_is_not_met_is_the_only_error(project: Project) -> None:
    project.write("mlcc.yaml", 'requires: ">=7.2"\nnew_key: 1\n' + SPEC)
    done = project.run("lint")
    assert done.code == 2
    assert done.err.count("error[") == 1
    assert "mlcc.yaml:1:11: error[unsupported-version]: the spec requires mlcc >=7.2" in done.err
