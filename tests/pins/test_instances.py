"""One lock for all instances of a spec: it pins for all of them, and approves what they do together."""

from __future__ import annotations

import pytest

from tests.cli.project import Project
from tests.pins.conftest import edit

SPEC = """version: 1
name: demo
targets: {github: {}}
triggers: {push: {branches: [main]}}
runners: {any: {github: ubuntu-24.04}}
defaults: {runner: any}
params: {region: {type: string}}
artifacts: {code: {kind: code, path: [fit.py]}}
jobs:
  train: {run: python fit.py, reads: [code], env: {REGION: {param: region}}}
instances:
  east: {root: east, params: {region: e}}
  west:
    root: west
    params: {region: w}
    overrides: {jobs: {train: {env: {TOKEN: {secret: WEST}}}}}
"""
OLD, NEW = "3d3c42e5aac5ba805825da76410c181273ba90b1", "a" * 40  # of actions/checkout


@pytest.fixture
def locked(project: Project) -> Project:
    project.write("mlcc.yaml", SPEC)
    for folder in ("east", "west"):
        project.write(f"{folder}/fit.py", "print(1)\n")
    for command in ("lock", "compile"):
        done = project.run(command)
        assert done.code == 0, done.both
    return project


def test_an_edit_in_one_instance_is_absorbed_for_all(locked: Project) -> None:
    edit(locked, ".github/workflows/demo-east.yml", f"{OLD} # v7.0.1", f"{NEW} # v7.1.0", 1)
    done = locked.run("absorb", "--date", "2026-12-01")
    assert (done.code, done.err) == (0, "")
    for instance in ("east", "west"):
        text = (locked.root / f".github/workflows/demo-{instance}.yml").read_text()
        assert NEW in text
        assert OLD not in text
    assert NEW in (locked.root / "mlcc.lock").read_text()
    assert locked.run("compile", "--check").code == 0
    assert not (locked.root / "east/mlcc.lock").exists()


def test_the_lock_approves_what_all_instances_do(locked: Project) -> None:
    assert "WEST" in (locked.root / "mlcc.lock").read_text()
    edit(
        locked,
        "mlcc.yaml",
        "{region: e}}",
        "{region: e}, overrides: {jobs: {train: {env: {T: {secret: EAST}}}}}}",
    )
    before = locked.tree()
    done = locked.run("compile")
    assert done.code == 2
    assert "error[unapproved]" in done.err
    assert "EAST" in done.err
    assert locked.tree() == before
    assert locked.run("compile", "--approve").code == 0
    assert "EAST" in (locked.root / "mlcc.lock").read_text()


def test_what_one_instance_still_needs_stays_approved(locked: Project) -> None:
    for _ in range(2):  # a second compile finds instances that are as they were
        assert locked.run("compile").code == 0
    assert "WEST" in (locked.root / "mlcc.lock").read_text()
