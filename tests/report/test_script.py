"""The emitted script, alone as it is committed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.report.sample import write_run
from tests.runtime.project import report_script


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (root / ".mlcc").mkdir(exist_ok=True)
    script = root / ".mlcc" / "report.py"
    script.write_text(report_script(), "utf-8")
    command = [sys.executable, "-I", str(script), *arguments]
    return subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)


def test_it_writes_the_page_in_the_folder_of_the_spec(root: Path) -> None:
    write_run(root)
    done = run(root, "page")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "mlcc: the page for reviewers is _mlcc/s--final/report.html\n"
    assert "<title>Red: churn</title>" in (root / "_mlcc/s--final/report.html").read_text("utf-8")


@pytest.mark.parametrize("arguments", [(), ("pages",), ("page", "x")])
def test_another_word_is_refused(root: Path, arguments: tuple[str, ...]) -> None:
    done = run(root, *arguments)
    assert done.returncode == 2
    assert done.stdout.startswith("usage: python3 -I .mlcc/report.py page | notes | comment")


def test_without_a_plan_it_says_so(root: Path) -> None:
    done = run(root, "page")
    assert done.returncode == 2
    assert "the page can't be written: there is no .mlcc/plan.json here" in done.stdout
