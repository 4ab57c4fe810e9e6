"""Copies of the examples in scratch repositories, compiled, so that nothing in the checkout is touched."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
_SCRIPTS = Path(sysconfig.get_path("scripts"))
# What is made there, which the measured repositories start without.
_LEFT_OUT = shutil.ignore_patterns(
    ".venv", "__pycache__", "build", "dist", "data", "_mlcc", ".mlcc", ".github"
)
OUTPUTS = (".mlcc", ".github", ".gitlab", ".gitlab-ci.yml", "Jenkinsfile")
"""Where compiled files are, of whatever back end."""


def script(name: str) -> str:
    """Return the path of an installed console script, as a user's shell finds it."""
    return str(_SCRIPTS / name)


def remove_outputs(folder: Path) -> None:
    """Remove what a compile wrote."""
    for name in OUTPUTS:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


@contextmanager
def compiled_example(name: str) -> Iterator[Path]:
    """Make a repository of an example, freshly compiled for every back end, and remove it at the end."""
    with TemporaryDirectory(prefix="mlcc-bench-") as scratch:
        folder = Path(scratch) / name
        shutil.copytree(EXAMPLES / name, folder, ignore=_LEFT_OUT)
        subprocess.run(["git", "init", "--quiet", "."], cwd=folder, check=True)
        subprocess.run(
            [sys.executable, "-m", "mlcc", "compile"], cwd=folder, check=True, stdout=subprocess.DEVNULL
        )
        yield folder
