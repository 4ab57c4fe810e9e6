"""The repository that most tests of the commands run in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.project import Project, make


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A git repository with a spec, which is the current folder."""
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
        monkeypatch.delenv(name, raising=False)  # the tests may run in a commit hook
    made = make(tmp_path / "repository")
    monkeypatch.chdir(made.root)
    return made


@pytest.fixture
def compiled(project: Project) -> Project:
    """The same, compiled."""
    done = project.run("compile")
    assert done.code == 0, done.both
    return project
