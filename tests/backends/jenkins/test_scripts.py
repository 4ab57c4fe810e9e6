"""The constant shell scripts of a Jenkinsfile, run in the shells that Jenkins may find as `sh`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mlcc.backends.jenkins.lower import lower
from mlcc.backends.jenkins.render import render
from tests.plans import HEAD, plan_of
from tests.runtime.project import GIT_ENV

SPEC = (
    HEAD
    + """\
artifacts: {code: {kind: code, path: [src/]}}
jobs: {j: {run: t, reads: [code], python: "3.12", services: {db: {image: x, port: 1, env: {A: b}}}}}
"""
)
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
shells = pytest.mark.parametrize("shell", ["bash", "dash"])


def script(name: str) -> str:
    """Return one script as Groovy reads it: it has no escapes."""
    found = re.search(rf"^{name} = '''(.*?)'''", render(lower(plan_of(SPEC))), re.DOTALL | re.MULTILINE)
    assert found is not None
    assert "\\" not in found[1]
    return found[1]


def run(shell: str, text: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    # Jenkins starts `sh -xe` (durable-task: BourneShellScript).
    whole = {**GIT_ENV, "HOME": str(cwd), "PATH": f"{cwd}/bin:{os.environ['PATH']}", **env}
    return subprocess.run(
        [shell, "-xe", "-c", text], cwd=cwd, env=whole, capture_output=True, text=True, check=False
    )


def command(folder: Path, name: str, text: str) -> None:
    path = folder / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".mlcc").mkdir()
    (tmp_path / ".mlcc/run.py").write_text(
        "import sys, os\nprint(sys.argv[1], sys.prefix, os.environ['PATH'].split(':')[0])\nsys.exit(3)\n"
    )
    return tmp_path


@shells
def test_a_node_gets_the_python_that_it_asks_for(shell: str, folder: Path) -> None:
    command(folder, f"python{VERSION}", f'exec "{sys.executable}" "$@"')
    done = run(shell, script("RUN_NODE"), folder, MLCC_PYTHON=VERSION, WORKSPACE_TMP=str(folder / "w p"))
    assert done.returncode == 3, done.stderr
    made = str(folder / "w p" / "mlcc-python")
    assert done.stdout.split("\n")[0] == f"node {made} {made}/bin"


@shells
def test_without_a_version_the_agent_s_own_python_is_used(shell: str, folder: Path) -> None:
    done = run(shell, script("RUN_NODE"), folder, MLCC_PYTHON="", WORKSPACE_TMP=str(folder))
    assert done.returncode == 3
    assert "mlcc-python" not in done.stdout


@shells
@pytest.mark.parametrize("wanted", ["3.99", "3.1", f"{VERSION}.999"])
def test_an_agent_without_that_python_fails_the_node(shell: str, wanted: str, folder: Path) -> None:
    command(folder, f"python{VERSION}", f'exec "{sys.executable}" "$@"')
    done = run(shell, script("RUN_NODE"), folder, MLCC_PYTHON=wanted, WORKSPACE_TMP=str(folder))
    assert done.returncode == 2
    assert f"mlcc: Python {wanted} must be on this agent's PATH" in done.stdout


@shells
def test_a_service_starts_with_its_variables_by_name(shell: str, folder: Path) -> None:
    command(folder, "docker", 'for word in "$@"; do echo "[$word]"; done')
    values = {
        "MLCC_IMAGE": "db:1 $(touch canary)",
        "MLCC_PORT": "5432",
        "MLCC_ALIAS": "db",
        "MLCC_NETWORK": "",
    }
    done = run(shell, script("RUN_SERVICE"), folder, **values, MLCC_NAMES="A B", A="secret")
    assert done.stdout.split("\n")[:-1] == [
        "[run]", "[--detach]", "[--publish]", "[127.0.0.1::5432]", "[--env]", "[A]", "[--env]", "[B]", "[--]",
        "[db:1 $(touch canary)]",
    ]  # fmt: skip
    values["MLCC_NETWORK"] = "n1"
    done = run(shell, script("RUN_SERVICE"), folder, **values, MLCC_NAMES="")
    assert done.stdout.split("\n")[:6] == [
        "[run]", "[--detach]", "[--network]", "[n1]", "[--network-alias]", "[db]",
    ]  # fmt: skip
    assert not (folder / "canary").exists()
    assert "secret" not in done.stderr


@shells
def test_the_base_is_the_target_as_fetched(shell: str, tmp_path: Path) -> None:
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    git = lambda *words: subprocess.run(  # noqa: E731
        ["git", *words], check=True, capture_output=True, text=True, env={**os.environ, **GIT_ENV}
    ).stdout.strip()
    git("init", "-q", "-b", "main", str(origin))
    git("-C", str(origin), "commit", "-q", "--allow-empty", "-m", "one")
    git("clone", "-q", str(origin), str(clone))
    git("-C", str(origin), "commit", "-q", "--allow-empty", "-m", "two")
    new = git("-C", str(origin), "rev-parse", "HEAD")
    assert run(shell, script("FIND_BASE"), clone, CHANGE_TARGET="main").stdout.strip() == new
    assert run(shell, script("FIND_BASE"), clone, CHANGE_TARGET="gone").stdout == ""
    old = git("-C", str(clone), "rev-parse", "origin/main")
    git("-C", str(clone), "remote", "set-url", "origin", str(tmp_path / "away"))
    assert run(shell, script("FIND_BASE"), clone, CHANGE_TARGET="main").stdout.strip() == old
