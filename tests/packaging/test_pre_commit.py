"""The hooks through pre-commit itself, in a scratch repository that takes them from this project's sources."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.environments import ROOT, missing, run
from tests.sources import copy_sources

IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *IDENTITY, *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def committed(folder: Path) -> str:
    """Commit everything in a folder and return the commit."""
    if not (folder / ".git").exists():
        git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--no-verify", "-m", "State")
    return git(folder, "rev-parse", "HEAD")


class Scratch:
    """A user's repository with the hooks."""

    def __init__(self, root: Path, home: Path) -> None:
        self.root = root
        self.env = {**os.environ, "PRE_COMMIT_HOME": str(home)}

    def run(self, hook: str) -> subprocess.CompletedProcess[str]:
        """Run a hook as a commit does."""
        git(self.root, "add", "-A")
        command = [sys.executable, "-m", "pre_commit", "run", hook, "--color", "never"]
        return run(command, cwd=self.root, env=self.env)

    def edit(self, path: str, old: str, new: str) -> None:
        text = (self.root / path).read_text("utf-8")
        assert old in text
        (self.root / path).write_text(text.replace(old, new), "utf-8")


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, Path]:
    """Return a repository of this project, its commit, and pre-commit's home with the installed hooks."""
    source = copy_sources(tmp_path_factory.mktemp("source"))
    return source, committed(source), tmp_path_factory.mktemp("home")


@pytest.fixture
def scratch(hooks: tuple[Path, str, Path], tmp_path: Path) -> Scratch:
    source, commit, home = hooks
    root = tmp_path / "user"
    shutil.copytree(
        ROOT / "examples" / "minimal", root, ignore=shutil.ignore_patterns("build", "_mlcc", "__pycache__")
    )
    (root / ".pre-commit-config.yaml").write_text(
        f"repos:\n- repo: {source}\n  rev: {commit}\n"
        "  hooks: [{id: mlcc-lint}, {id: mlcc-compile-check}, {id: mlcc-fmt}]\n", "utf-8"
    )  # fmt: skip
    committed(root)
    made = Scratch(root, home)
    installed = run([sys.executable, "-m", "pre_commit", "install-hooks"], cwd=root, env=made.env)
    if installed.returncode != 0:
        missing(f"the hooks can't be installed here: {(installed.stdout + installed.stderr).strip()[-2000:]}")
    return made


def test_a_clean_repository_passes(scratch: Scratch) -> None:
    scratch.edit("README.md", "\n", "\n\n")
    (scratch.root / "other.yaml").write_text("a: 1\n", "utf-8")
    for hook in ("mlcc-lint", "mlcc-compile-check", "mlcc-fmt"):
        done = scratch.run(hook)
        assert done.returncode == 0, done.stdout
        assert "Passed" in done.stdout


def test_a_bad_spec_fails_both_with_its_place(scratch: Scratch) -> None:
    scratch.edit("mlcc.yaml", "jobs:", "jobz:")
    for hook in ("mlcc-lint", "mlcc-compile-check"):
        done = scratch.run(hook)
        assert done.returncode == 1
        assert "error[unknown-key]" in done.stdout
        assert "mlcc.yaml:" in done.stdout


@pytest.mark.parametrize("path", [".github/workflows/minimal.yml", ".mlcc/run.py", ".mlcc/plan.json"])
def test_a_hand_edited_output_fails(scratch: Scratch, path: str) -> None:
    text = (scratch.root / path).read_text("utf-8")
    (scratch.root / path).write_text(text + "\n", "utf-8")
    assert scratch.run("mlcc-compile-check").returncode == 1


def test_a_changed_spec_without_a_compile_fails_and_says_what_mends_it(scratch: Scratch) -> None:
    scratch.edit("mlcc.yaml", "min: 0.6", "min: 0.65")
    assert scratch.run("mlcc-lint").returncode == 0
    done = scratch.run("mlcc-compile-check")
    assert done.returncode == 1
    assert "mlcc compile" in done.stdout


def test_a_spec_that_is_laid_out_otherwise_stops_the_commit_once(scratch: Scratch) -> None:
    tidy = (scratch.root / "mlcc.yaml").read_text("utf-8")
    scratch.edit("mlcc.yaml", "name: minimal", "name:   minimal")
    done = scratch.run("mlcc-fmt")
    assert done.returncode == 1
    assert "files were modified by this hook" in done.stdout
    assert (scratch.root / "mlcc.yaml").read_text("utf-8") == tidy
    assert scratch.run("mlcc-fmt").returncode == 0
