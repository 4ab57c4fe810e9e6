"""Annotations: what reviewers see beside the spec, and that no text of a run becomes a command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlcc.gates._records import Check, Verdict, verdict_of
from mlcc.report.findings import read_run
from mlcc.report.notes import annotate
from mlcc.runtime.platform import Facts
from tests.report.sample import PLAN, gate, write_run
from tests.runtime.project import FakePlatform, report_script


def annotations(plan: dict[str, Any] = PLAN) -> list[tuple[str, str, str, str]]:
    platform = FakePlatform(Facts("push", "c"))
    annotate(read_run(plan), platform, plan["spec_files"][0])
    return platform.annotations


def test_errors_first_and_only_what_closes_is_one(root: Path) -> None:
    write_run(root)
    drift = "PSI of tenure is 0.34 (bounds 0.31 and 0.37, n 20,000); at most 0.2: missed by 0.14"
    candidate = (
        "The candidate is 0.004 better, at least -0.013 with 95 % confidence (n 800); "
        "at least -0.01: 1,546 rows would decide"
    )
    assert annotations() == [
        ("error", "raw-drift: psi.tenure", drift, "mlcc.yaml"),
        (
            "warning",
            "by-slice: country=PL (waived)",
            "Recall of country=PL is 0.71; at least 0.78",
            "mlcc.yaml",
        ),
        ("warning", "champion: difference (not blocking)", candidate, "mlcc.yaml"),
    ]


@pytest.mark.parametrize(("lenient", "level"), [("warn", "warning"), (None, "error")])
def test_inconclusive_is_what_the_spec_makes_of_it(root: Path, lenient: str | None, level: str) -> None:
    more = {} if lenient is None else {"on_inconclusive": lenient}
    plan = {**PLAN, "nodes": {"g": gate("command", "model", **more)}}
    write_run(root, plan, {"g": Verdict("inconclusive", "Too few rows.")})
    effect = " (only a warning)" if lenient else ""
    assert annotations(plan) == [(level, f"g{effect}", "Too few rows.", "mlcc.yaml")]
    (found,) = read_run(plan).findings
    assert found.closes is (lenient is None)


@pytest.mark.parametrize(("checks", "shown"), [(10, 10), (11, 10), (500, 10)])
def test_at_most_ten(root: Path, checks: int, shown: int) -> None:
    plan = {**PLAN, "nodes": {"g": gate("command", "model")}}
    write_run(root, plan, {"g": verdict_of([Check(f"c{i}", "fail", "x") for i in range(checks)])})
    found = annotations(plan)
    assert len(found) == shown
    if checks > shown:
        assert found[-1] == (
            "error",
            "mlcc",
            f"{checks - 9} more findings stand on the page of the run",
            "mlcc.yaml",
        )


def printed(root: Path, platform: str) -> str:
    script = root / ".mlcc" / "report.py"
    script.write_text(report_script(), "utf-8")
    env = {"PATH": os.environ["PATH"], "MLCC_PLATFORM": platform}
    command = [sys.executable, "-I", str(script), "notes"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_github_takes_each_as_one_command(root: Path) -> None:
    hostile = "100 %0A::set-output name=x::y\n::error::x, file=a:b\r##[error]"
    plan = {**PLAN, "home": "a,b", "spec_files": ["a,b/c:d.yaml"], "nodes": {"g": gate("command", "model")}}
    write_run(root, plan, {"g": Verdict("fail", hostile, [Check(hostile, "fail", hostile)])})
    (line,) = printed(root, "github").splitlines()
    properties, _, message = line.removeprefix("::error ").partition("::")
    file, title = properties.split(",")
    assert file == "file=a%2Cb/c%3Ad.yaml"
    assert title.startswith("title=g%3A 100 %250A%3A%3Aset-output")
    assert message.startswith("100 %250A::set-output name=x::y\\n::error::x, file=a:b\\r# #[error]")


@pytest.mark.parametrize("platform", ["gitlab", "jenkins"])
def test_elsewhere_junit_tells_it(root: Path, platform: str) -> None:
    write_run(root)
    assert printed(root, platform) == ""
