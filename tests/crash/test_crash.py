"""A compile killed at any point: the next one finds or makes a tree that is all old or all new."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Every kill of the driver, and every sixth one followed by kills at every call of recovery."""
    ended = subprocess.run(
        [
            sys.executable,
            str(Path(__file__).with_name("driver.py")),
            str(tmp_path_factory.mktemp("crash")),
            "6",
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found: list[dict[str, Any]] = json.loads(ended.stdout)
    return found


def test_recovery_leaves_no_mixed_tree(results: list[dict[str, Any]]) -> None:
    assert {result["after"] for result in results} == {"old", "new"}
    assert len(results) > 200


def test_the_next_compile_arrives(results: list[dict[str, Any]]) -> None:
    assert {result["then"] for result in results if "then" in result} == {"new"}


def test_no_file_is_ever_torn(results: list[dict[str, Any]]) -> None:
    assert [result for result in results if result["torn"]] == []


def test_check_never_trusts_what_a_crash_left(results: list[dict[str, Any]]) -> None:
    said = Counter((result["left_behind"], result["check"]) for result in results if "check" in result)
    assert set(said) == {(True, "interrupted"), (False, "checked")}


def test_the_kills_do_reach_the_moment_between_two_renames(results: list[dict[str, Any]]) -> None:
    once = [result for result in results if "before" in result]
    assert {result["scenario"] for result in once if result["before"] == "mixed"} == {"first", "change"}
    assert {result["after"] for result in once if result["before"] == "mixed"} == {"new"}
