"""The examples' committed outputs are what their specs compile to, byte for byte, and nothing more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mlcc.writing.files import is_generated

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
SPECS = sorted(EXAMPLES.glob("**/mlcc.yaml"))


def root_of(spec: Path) -> Path:
    """Return the folder that stands for the repository: the spec's own, but of the one with several specs."""
    first = spec.relative_to(EXAMPLES).parts[0]
    return EXAMPLES / first if first == "monorepo" else spec.parent


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: str(spec.parent.relative_to(EXAMPLES)))
def test_committed_outputs_are_fresh(spec: Path) -> None:
    command = [sys.executable, "-m", "mlcc", "compile", "--check", "--root", str(root_of(spec)), str(spec)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=EXAMPLES.parent)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: str(spec.parent.relative_to(EXAMPLES)))
def test_every_output_is_committed(spec: Path) -> None:
    beside = [
        *spec.parent.rglob(".gitlab-ci.yml"),
        *spec.parent.rglob("Jenkinsfile"),
        *(path for folder in spec.parent.rglob(".mlcc") for path in folder.rglob("*")),
    ]
    found = [*beside, *(root_of(spec) / ".github/workflows").iterdir()]
    files = [path for path in found if path.is_file() and "__pycache__" not in path.parts]
    outputs = [path for path in files if is_generated(path.read_text("utf-8"))]
    listed = subprocess.run(
        ["git", "ls-files", "--error-unmatch", *map(str, outputs)], capture_output=True, text=True, check=False, cwd=EXAMPLES
    )  # fmt: skip
    assert len(outputs) > (12 if "targets" in spec.read_text("utf-8") else 3)
    assert listed.returncode == 0, listed.stderr


def test_every_spec_is_laid_out() -> None:
    command = [sys.executable, "-m", "mlcc", "fmt", "--check", *map(str, SPECS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=EXAMPLES.parent)
    assert done.returncode == 0, done.stdout + done.stderr
