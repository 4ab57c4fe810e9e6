"""A small repository to run commands in, and what a command did there."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from mlcc.cli import cli

SPEC = """version: 1
name: demo
triggers:
  push: {branches: [main]}
  pull_request: {branches: [main]}
  schedule: {weekly: "17 3 * * 1"}
  manual: {retrain: {inputs: {rate: {type: number, default: 0.1, min: 0.01, max: 1}}}}
artifacts:
  code: {kind: code, path: [fit.py]}
  stops: {kind: data, path: stops.csv}
  model: {kind: model, path: build/model.json}
  metrics: {kind: file, path: build/metrics.json}
jobs:
  train: {run: python fit.py, reads: [code, stops], writes: [model, metrics], env: {RATE: {input: rate}}}
  ship: {run: python ship.py, reads: [model], when: [{event: push}, {trigger: retrain}]}
gates:
  good: {guards: model, evaluate: {metrics_from: metrics, metrics: {r2: {min: 0.6}}}}
  unit: {guards: code, path: [test_fit.py], tests: {run: python -m unittest}}
"""
SOURCES = {"fit.py": "", "ship.py": "", "test_fit.py": "", "stops.csv": "a\n"}
OUTPUTS = (
    ".github/workflows/demo.yml",
    ".mlcc/gates/evaluate.file.py",
    ".mlcc/gates/good.json",
    ".mlcc/gates/tests.py",
    ".mlcc/gates/unit.json",
    ".mlcc/plan.json",
    ".mlcc/report.py",
    ".mlcc/run.py",
)


@dataclass(frozen=True)
class Done:
    """How a command ended, with what it printed."""

    code: int
    out: str
    err: str

    @property
    def both(self) -> str:
        return self.out + self.err


@dataclass(frozen=True)
class Project:
    """A git repository with one spec, or with what a test makes of it."""

    root: Path

    def write(self, path: str, text: str | bytes) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def spec(self, old: str, new: str, path: str = "mlcc.yaml") -> None:
        """Change the one place of the spec that reads `old`."""
        text = (self.root / path).read_text()
        assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
        self.write(path, text.replace(old, new))

    def run(self, *args: str) -> Done:
        """Run a command in this process, in whatever folder is the current one."""
        done = CliRunner().invoke(cli, args, prog_name="mlcc")
        return Done(done.exit_code, done.stdout, done.stderr)

    def shell(self, command: str) -> Done:
        """Run a command line as a user would, in the current folder."""
        beside = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", "-c", command], capture_output=True, text=True, env=beside, check=False
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def tree(self) -> dict[str, tuple[object, ...]]:
        """Return everything below the root but git's own: links by where they lead, files by bytes and identity.

        A file that was written again, even with the same bytes, has another identity.
        """
        return {
            path.relative_to(self.root).as_posix(): _state(path) for path in sorted(self._paths(self.root))
        }

    def files(self) -> set[str]:
        """Return the paths of all files that git doesn't keep for itself."""
        return {path for path, (kind, *_) in self.tree().items() if kind != "folder"}

    def _paths(self, folder: Path) -> list[Path]:
        found: list[Path] = []
        for path in folder.iterdir():
            if path.name != ".git":
                found.append(path)
                if path.is_dir() and not path.is_symlink():
                    found += self._paths(path)
        return found


def _state(path: Path) -> tuple[object, ...]:
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return "link", str(path.readlink())
    if stat.S_ISDIR(status.st_mode):
        return "folder", stat.S_IMODE(status.st_mode)
    return "file", stat.S_IMODE(status.st_mode), path.read_bytes(), status.st_ino, status.st_mtime_ns


def make(root: Path) -> Project:
    """Return a new repository with the spec and the sources that it names."""
    root.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    project = Project(root)
    for path, text in {"mlcc.yaml": SPEC, **SOURCES}.items():
        project.write(path, text)
    return project
