"""The corpus has teeth: a careless use of its strings does make canaries."""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.injection.corpus import CANARY, FAMILIES, SHELL, Hostile, corpus

CARELESS = {
    "a command": "{0}",
    "a word": "echo {0}",
    "double quotes": 'echo "{0}"',
    "single quotes": "echo '{0}'",
    "a heredoc": "cat <<EOF\n{0}\nEOF",
    "an assignment": "x={0}",
    "eval": "eval {1}",
}
IN_A_SHELL = [family for family, (payloads, _) in FAMILIES.items() if payloads is SHELL]


def fires(hostile: Hostile, folder: Path) -> bool:
    """Tell whether some careless use of a string makes its canary."""
    for script in CARELESS.values():
        text = script.format(hostile.text.replace("\0", ""), shlex.quote(hostile.text.replace("\0", "")))
        subprocess.run(
            ["bash", "-c", text],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
            check=False,
        )
        found = list(folder.glob(f"{CANARY}*"))
        for path in found:
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        if any(path.name.startswith(f"{CANARY}{hostile.number:05}") for path in found):
            return True
    return False


@pytest.mark.parametrize("family", IN_A_SHELL)
def test_careless_shells_make_canaries(family: str, tmp_path: Path) -> None:
    tried = [hostile for hostile in corpus() if hostile.family == family][:16]
    least = 0.85 if family in ("shell", "argument") else 0.35  # others break out of their own language first
    assert sum(fires(hostile, tmp_path) for hostile in tried) >= least * len(tried)


def test_careless_sql_makes_canaries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    duckdb = pytest.importorskip("duckdb")
    monkeypatch.chdir(tmp_path)
    connection = duckdb.connect()
    connection.execute("CREATE TABLE data AS SELECT 1 AS x")
    tried = [hostile for hostile in corpus() if hostile.family == "sql"][::2]
    for hostile in tried:
        for careless in ("SELECT '{}'", 'SELECT 1 AS "{}"', "{}", "SELECT ({})", "SELECT $${}$$"):
            with contextlib.suppress(duckdb.Error):
                connection.execute(careless.format(hostile.text))
    assert len(list(tmp_path.glob(f"{CANARY}*"))) >= 0.2 * len(tried)


def test_careless_python_makes_canaries(tmp_path: Path) -> None:
    tried = [hostile for hostile in corpus() if hostile.family == "python"]
    script = tmp_path / "careless.py"
    script.write_text(CARELESS_PYTHON, "utf-8")
    command = [sys.executable, "-W", "ignore", str(script)]
    texts = json.dumps([hostile.text for hostile in tried])
    subprocess.run(command, cwd=tmp_path, input=texts, text=True, capture_output=True, check=True)
    assert len(list(tmp_path.glob(f"{CANARY}*"))) >= 0.4 * len(tried)


CARELESS_PYTHON = """\
import contextlib, json, sys
for text in json.load(sys.stdin):
    for careless in ("{0}", "x = '{0}'", 'x = "{0}"', "x = [{0}]", "x = f'{0}'"):
        with contextlib.suppress(BaseException):
            exec(careless.replace("{0}", text), {})
"""
