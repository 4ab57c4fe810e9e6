"""The wheel works where there is no checkout: templates, schemas and gate scripts come from the package alone."""

from __future__ import annotations

import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from tests.packaging.environments import ROOT, fresh, install, missing, run
from tests.sources import copy_sources

EXAMPLE = ROOT / "examples" / "minimal"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of the sources, so that nothing is left behind in the checkout."""
    checkout = copy_sources(tmp_path_factory.mktemp("checkout"))
    built = run([sys.executable, "-m", "build", "--wheel", "--outdir", str(checkout / "dist")], cwd=checkout)
    if built.returncode != 0:
        missing(f"the wheel can't be built here: {built.stderr.strip()[-2000:]}")
    (found,) = (checkout / "dist").glob("*.whl")
    return found


def test_what_the_wheel_holds(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for part in ("templates", "schemas"):
        committed = {p.relative_to(ROOT / part).as_posix() for p in (ROOT / part).rglob("*") if p.is_file()}
        packed = {name.partition(f"_data/{part}/")[2] for name in names if f"_data/{part}/" in name}
        assert committed == packed
    assert not [name for name in names if name.startswith(("tests/", "examples/", "benchmarks/"))]


def test_an_installed_wheel_does_the_whole_work(wheel: Path, tmp_path: Path) -> None:
    python = fresh(tmp_path / "environment")
    installed = install(python, "--no-deps", str(wheel))
    assert installed.returncode == 0, installed.stderr
    mlcc = python.parent / "mlcc"
    project = tmp_path / "project"
    shutil.copytree(
        EXAMPLE, project, ignore=shutil.ignore_patterns(".mlcc", ".github", "build", "_mlcc", "__pycache__")
    )
    env = {"PATH": f"{python.parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    for command in (
        ["lint"],
        ["compile"],
        ["compile", "--check"],
        ["explain"],
        ["graph"],
        ["schema"],
        ["targets"],
    ):
        done = run([str(mlcc), *command], cwd=project, env=env)
        assert done.returncode == 0, (command, done.stdout + done.stderr)
    for path in EXAMPLE.rglob("*"):
        where = path.relative_to(EXAMPLE)
        if path.is_file() and {".mlcc", ".github"} & set(where.parts) and "__pycache__" not in where.parts:
            assert (project / where).read_bytes() == path.read_bytes(), where
    empty = tmp_path / "new"
    (empty / "src").mkdir(parents=True)
    (empty / "src" / "train.py").write_text("print('trained')\n", "utf-8")
    done = run([str(mlcc), "init"], cwd=empty, env=env)
    assert done.returncode == 0, done.stderr
    assert (empty / "mlcc.yaml").is_file()
