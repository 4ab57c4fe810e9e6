"""A repository whose spec uses every kind of pin on all three systems, locked and compiled."""

from __future__ import annotations

import pytest

from tests.cli.conftest import compiled as compiled
from tests.cli.conftest import project as project
from tests.cli.project import Project

SPEC = """version: 1
name: demo
targets: {github: {}, gitlab: {}, jenkins: {}}
triggers:
  push: {branches: [main]}
runners: {any: {github: ubuntu-24.04, gitlab: [docker], jenkins: linux}}
defaults: {runner: any}
artifacts:
  code: {kind: code, path: [fit.py]}
  stops: {kind: data, path: stops.csv}
  model: {kind: model, path: build/model.json}
jobs:
  train:
    run: python fit.py
    reads: [code, stops]
    writes: [model]
    python: "3.12"
    cache: {pip: {path: [.cache/pip/], key: [fit.py]}}
  ship:
    run: python ship.py
    reads: [model]
    image: ghcr.io/acme/ship:1
    env: {TOKEN: {secret: DEPLOY}}
    services: {db: {image: "postgres:16", port: 5432}}
gates:
  clean: {guards: stops, contract: {columns: {a: {type: integer}}, rows: {min: 1}}}
"""


@pytest.fixture
def locked(project: Project) -> Project:
    """The repository with its lock, compiled."""
    project.write("mlcc.yaml", SPEC)
    for command in ("lock", "compile"):
        done = project.run(command)
        assert done.code == 0, done.both
    return project


def edit(project: Project, path: str, old: str, new: str, times: int = -1) -> None:
    """Do what a bot does: replace text in a file, at all places or the first `times`."""
    text = (project.root / path).read_text()
    assert old in text
    project.write(path, text.replace(old, new, times))
