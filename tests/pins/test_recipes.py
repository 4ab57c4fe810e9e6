"""The recipes of docs/pins.md, against compiled files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from mlcc.pins.read import read_lock
from tests.cli.project import Project

PAGE = Path(__file__).resolve().parents[2] / "docs/pins.md"


def renovate() -> dict[str, Any]:
    (block,) = re.findall(r"^```json\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    found: dict[str, Any] = json.loads(block)
    return found


def test_the_page_s_lock_can_be_read(tmp_path: Path) -> None:
    text = re.findall(r"^```yml\n(# mlcc:lock.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)[0]
    (tmp_path / "mlcc.lock").write_text(text)
    lock, _ = read_lock(tmp_path / "mlcc.yaml")
    assert [pin.name for pin in lock.pins] == ["actions/checkout", "postgres:16", "duckdb"]
    assert lock.approved == {"github": {"secrets": ("ship: DEPLOY",)}}


def as_python(pattern: str) -> str:
    """Return a regular expression of JavaScript, with its named groups, as Python spells it."""
    return pattern.strip("/").replace("(?<", "(?P<")


def test_the_expression_finds_the_images_of_a_jenkinsfile(locked: Project) -> None:
    (manager,) = renovate()["customManagers"]
    (pattern,) = manager["matchStrings"]
    text = (locked.root / "Jenkinsfile").read_text()
    found = [match.groupdict() for match in re.finditer(as_python(pattern), text)]
    assert found == [
        {"depName": "ghcr.io/acme/ship", "currentValue": "1", "currentDigest": None},
        {"depName": "postgres", "currentValue": "16", "currentDigest": None},
    ]
    digest = "sha256:" + "a" * 64
    pinned = re.search(as_python(pattern), f"image: 'postgres:16@{digest}'")
    assert pinned is not None
    assert pinned["currentDigest"] == digest


def test_the_patterns_find_the_outputs(locked: Project) -> None:
    config = renovate()
    files = locked.files()
    (gitlab,) = config["gitlabci"]["managerFilePatterns"]
    assert [path for path in sorted(files) if re.search(as_python(gitlab), path)] == [".mlcc/gitlab.yml"]
    (lists,) = config["pip_requirements"]["managerFilePatterns"]
    assert [path for path in sorted(files) if re.search(as_python(lists), path)] == [
        ".mlcc/gates/contract.txt"
    ]
