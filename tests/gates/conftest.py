"""A scratch project in which gates are compiled and run, in this process or as the emitted scripts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from mlcc.gates import GATES, ArtifactInfo
from mlcc.gates._support import run
from mlcc.gates.emit import scripts

_SCRIPTS = {
    file.path: file.text for file in scripts(name for kind in GATES.values() for name in kind.scripts)
}


@dataclass(frozen=True)
class Outcome:
    """How a gate ended: exit code, verdict record (None if there is none) and what it printed."""

    code: int
    record: dict[str, Any] | None
    log: str

    @property
    def verdict(self) -> str:
        assert self.record is not None, self.log
        return str(self.record["verdict"])

    @property
    def summary(self) -> str:
        assert self.record is not None, self.log
        return str(self.record["summary"])

    def check(self, id: str) -> dict[str, Any]:
        assert self.record is not None, self.log
        return next(check for check in self.record["checks"] if check["id"] == id)

    @property
    def checks(self) -> dict[str, str]:
        assert self.record is not None, self.log
        return {check["id"]: check["verdict"] for check in self.record["checks"]}


class Project:
    """The current folder, with one gate `g` and its artifacts."""

    def __init__(self, root: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self._capture = capture

    def write(self, path: str, content: str | bytes) -> Path:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
        return place

    def gate(
        self,
        kind: str,
        params: Mapping[str, Any],
        artifacts: Mapping[str, str | list[str]],
        *,
        artifact_kind: str = "data",
        engine: str | Mapping[str, str] = "duckdb",
        change: Mapping[str, Any] | None = None,
        **outer: Any,
    ) -> dict[str, Any]:
        """Compile a gate and write its parameters; `change` overrides compiled ones, `outer` the frame.

        `engine` reads all artifacts, or those that it is given for; DuckDB reads the others.
        """
        guards = next(iter(artifacts))
        paths = {id: [path] if isinstance(path, str) else path for id, path in artifacts.items()}
        engines = dict.fromkeys(paths, engine) if isinstance(engine, str) else engine
        infos = {
            id: ArtifactInfo(some[0], engines.get(id, "duckdb"), tuple(some[1:]))
            for id, some in paths.items()
        }
        model = GATES[kind].params().model_validate(dict(params))
        compiled = GATES[kind].compiler().compile(model, infos, guards)
        document = {
            "mlcc": "mlcc:generated sha256=" + "0" * 64,
            "kind": kind,
            "gate": "g",
            "guards": guards,
            "artifacts": {id: {"path": path, "kind": artifact_kind} for id, path in artifacts.items()},
            "on_inconclusive": "fail",
            "params": {**compiled, **(change or {})},
            **outer,
        }
        self.write(".mlcc/gates/g.json", json.dumps(document))
        return document

    def run(self, kind: str, *arguments: str) -> Outcome:
        """Run the gate in this process."""
        runtime = import_module(GATES[kind].runtime)
        assert runtime.__file__ is not None
        code = run(kind, runtime.judge, runtime.__file__, list(arguments or ("g",)))
        return self._outcome(code, self._capture.readouterr().out)

    def run_script(self, name: str, *arguments: str, env: Mapping[str, str] | None = None) -> Outcome:
        """Run an emitted script (`GateKind.scripts`) as a pipeline does."""
        path = f".mlcc/gates/{name}.py"
        self.write(path, _SCRIPTS[path])
        done = subprocess.run(
            [sys.executable, "-I", path, *(arguments or ("g",))],
            cwd=self.root,
            capture_output=True,
            check=False,
            env={**os.environ, **(env or {})},
        )
        assert done.stderr == b"", done.stderr
        return self._outcome(done.returncode, done.stdout.decode())

    def _outcome(self, code: int, log: str) -> Outcome:
        report = self.root / "_mlcc/s--g/verdict.json"
        record = json.loads(report.read_text()) if report.exists() else None
        return Outcome(code, record, log)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Project:
    """A scratch project that is the current folder."""
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path, capfd)
