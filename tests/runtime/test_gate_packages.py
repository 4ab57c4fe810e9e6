"""A gate's pinned packages are installed into an environment of its own."""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mlcc.runtime import node as runtime_node
from mlcc.runtime.records import RunError


@pytest.fixture
def leg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A leg of a gate whose packages are one wheel, `tiny`."""
    monkeypatch.chdir(tmp_path)
    wheel = tmp_path / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny.py", "SIZE = 1\n")
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    pins = tmp_path / ".mlcc/gates/contract.txt"
    pins.parent.mkdir(parents=True)
    pins.write_text(f"tiny @ {wheel.as_uri()} --hash=sha256:{digest}\n")
    return SimpleNamespace(node={"packages": "contract"}, deadline=time.monotonic() + 120)


def has_tiny(python: str) -> bool:
    done = subprocess.run(
        [python, "-I", "-c", "import tiny; print(tiny.SIZE)"], capture_output=True, text=True
    )
    return done.stdout == "1\n"


def test_they_are_there_and_nowhere_else(leg: Any) -> None:
    python = runtime_node._gate_python(leg, dict(os.environ))
    assert python == "_mlcc/venv/contract/bin/python"
    assert has_tiny(python)
    assert not has_tiny("python3")


def test_an_old_pip_fills_an_environment_that_has_its_own(leg: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    really_run = runtime_node.run
    monkeypatch.setattr(
        runtime_node, "run", lambda command, *rest: 2 if "--python" in command else really_run(command, *rest)
    )
    assert has_tiny(runtime_node._gate_python(leg, dict(os.environ)))


def test_another_file_than_the_pinned_one_is_refused(leg: Any) -> None:
    pins = Path(".mlcc/gates/contract.txt")
    pins.write_text(pins.read_text()[:-65] + "0" * 64 + "\n")
    with pytest.raises(RunError, match="can't be installed"):
        runtime_node._gate_python(leg, dict(os.environ))
