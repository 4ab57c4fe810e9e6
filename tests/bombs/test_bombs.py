"""No hostile spec gets through, none gets a traceback, and none takes 256 MiB."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from mlcc.diagnostics import SpecError
from mlcc.load.source import MAX_DIAGNOSTICS, read

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def _corpus() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bombs_corpus", HERE / "corpus.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CASES = _corpus().corpus()


def test_the_corpus_is_large() -> None:
    assert len(CASES) >= 250


@pytest.mark.parametrize("name", [name for name, (data, _) in CASES.items() if len(data) < 20_000])
def test_it_is_refused_with_a_code_and_a_place(name: str) -> None:
    data, code = CASES[name]
    with pytest.raises(SpecError) as caught:
        read(data, "mlcc.yaml")
    diagnostics = caught.value.diagnostics
    assert 1 <= len(diagnostics) <= MAX_DIAGNOSTICS
    assert not code or code in {diagnostic.code for diagnostic in diagnostics}
    lines = data.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    for diagnostic in diagnostics:
        span = diagnostic.span
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", diagnostic.code)
        assert diagnostic.message
        assert span is not None
        assert span.file == "mlcc.yaml"
        assert 1 <= span.line <= span.end_line <= len(lines)
        assert 1 <= span.column <= len(lines[span.line - 1]) + 1
        assert (span.end_line, span.end_column) >= (span.line, span.column)


def test_all_of_them_in_a_small_process() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(HERE / "run.py")],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
        check=False,
    )
    assert done.stderr == ""
    found = {row["name"]: row["codes"] for row in map(json.loads, done.stdout.splitlines())}
    assert found.keys() == CASES.keys()
    wrong = {
        name: found[name]
        for name, (_, code) in CASES.items()
        if not found[name] or (code and code not in found[name])
    }
    assert wrong == {}
