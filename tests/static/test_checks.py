"""Each checker finds what it is there for, is silent about a good file, and never passes by not looking."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.static import checks
from tests.static.checks import (
    CheckError,
    actionlint_findings,
    all_findings,
    schema_findings,
    workflow_findings,
    zizmor_findings,
)

CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"
CACHE = "actions/cache@27d5ce7f107fe9357f9df03efb73ab90386fccae # v5.0.5"
GOOD = f"""\
name: good
on:
  push: {{branches: [main]}}
permissions: {{}}
concurrency: {{group: 'good-${{{{ github.ref }}}}', cancel-in-progress: true}}
jobs:
  first:
    name: first
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    permissions: {{contents: read}}
    outputs: {{skip: '${{{{ steps.run.outputs.skip }}}}'}}
    steps:
      - uses: {CHECKOUT}
        with: {{persist-credentials: false}}
      - id: run
        run: python3 -I .mlcc/run.py select
  second:
    name: second
    needs: [first]
    if: ${{{{ !cancelled() && !contains(needs.first.outputs.skip, ',second,') }}}}
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    permissions: {{}}
    steps:
      - run: 'true'
"""
Check = Callable[[Iterable[Path]], list[str]]
CHECKS: list[Check] = [workflow_findings, actionlint_findings, zizmor_findings, schema_findings]


def write(tmp_path: Path, text: str, name: str = "ci.yml") -> Path:
    path = tmp_path / ".github" / "workflows" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def broken(tmp_path: Path, old: str, new: str) -> Path:
    assert GOOD.count(old) >= 1
    return write(tmp_path, GOOD.replace(old, new, 1))


def at(path: Path, line: int) -> str:
    return rf"^{re.escape(str(path))}:{line}:\d+: "


def test_a_good_workflow_has_no_findings(tmp_path: Path) -> None:
    assert all_findings([write(tmp_path, GOOD)]) == []


WORKFLOW_ERRORS = [
    (
        "unknown top-level key",
        "permissions: {}\n",
        "permissions: {}\nbogus: 1\n",
        5,
        "Unexpected value 'bogus'",
    ),
    ("unknown job key", "    needs: [first]\n", "    need: [first]\n", 20, "Unexpected value 'need'"),
    (
        "unknown context",
        "!cancelled() &&",
        "!cancelled() && secrets.X == '' &&",
        21,
        "Unrecognized named-value: 'secrets'",
    ),
    ("unknown function", "!contains(", "!contain(", 21, "Unrecognized function: 'contain'"),
    ("unknown needed job", "needs: [first]", "needs: [frist]", 20, "depends on unknown job 'frist'"),
    ("unknown step", "steps.run.", "steps.rum.", 12, "Context access might be invalid: rum"),
    (
        "unknown action input",
        "persist-credentials",
        "persist-credential",
        15,
        "Invalid action input 'persist-credential'",
    ),
    ("action not in the table", "actions/checkout@3d", "actions/checkout@4d", 14, "Unable to resolve action"),
    (
        "field of another event",
        "github.ref ",
        "github.event.pull_request.number ",
        5,
        "might be invalid: pull_request",
    ),
    ("wrong type", "timeout-minutes: 5", "timeout-minutes: soon", 10, "Unexpected value 'soon'"),
    ("not YAML", "permissions: {}\n", "permissions: {\n", 5, ""),
]


@pytest.fixture(scope="module")
def workflow_reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, list[str]]]:
    """One start of node for all the bad files: file and findings by what is wrong with it."""
    folder = tmp_path_factory.mktemp("workflows")
    paths = {
        name: broken(folder / str(number), old, new)
        for number, (name, old, new, _, _) in enumerate(WORKFLOW_ERRORS)
    }
    findings = workflow_findings(paths.values())
    return {
        name: (path, [found for found in findings if found.startswith(f"{path}:")])
        for name, path in paths.items()
    }


@pytest.mark.parametrize(
    ("name", "line", "message"), [(name, *rest) for name, _, _, *rest in WORKFLOW_ERRORS]
)
def test_the_workflow_check_finds(
    name: str, line: int, message: str, workflow_reports: dict[str, tuple[Path, list[str]]]
) -> None:
    path, findings = workflow_reports[name]
    assert any(re.search(at(path, line), found) and message in found for found in findings), findings


def test_a_cycle_of_needs_is_found(tmp_path: Path) -> None:
    path = broken(tmp_path, "    name: first\n", "    name: first\n    needs: [second]\n")
    assert workflow_findings([path]) != []


def test_actionlint_finds_an_unknown_property_and_an_unknown_label(tmp_path: Path) -> None:
    path = broken(tmp_path, "needs.first.outputs.skip", "needs.first.outputs.skips")
    assert any(
        re.search(at(path, 21) + r"\[actionlint expression\] property \"skips\"", item)
        for item in actionlint_findings([path])
    )
    path = broken(tmp_path, "runs-on: ubuntu-24.04", "runs-on: gpu-box")
    assert any(
        re.search(at(path, 9) + r"\[actionlint runner-label\]", item) for item in actionlint_findings([path])
    )


def test_actionlint_accepts_labels_given_or_configured_beside_the_workflow(tmp_path: Path) -> None:
    path = broken(tmp_path, "runs-on: ubuntu-24.04", "runs-on: gpu-box")
    assert actionlint_findings([path], labels=["gpu-box"]) == []
    config = path.parent.parent / "actionlint.yaml"
    config.write_text("self-hosted-runner: {labels: [gpu-box]}\n", encoding="utf-8")
    other = write(tmp_path / "other", path.read_text(encoding="utf-8"))
    findings = actionlint_findings([path, other])
    assert len(findings) == 1
    assert findings[0].startswith(f"{other}:9:")


ZIZMOR_ERRORS = [
    ("unpinned-uses", CHECKOUT, "actions/checkout@v7", 14),
    ("artipacked", "persist-credentials: false", "persist-credentials: true", 14),
    ("template-injection", "run: 'true'", "run: echo ${{ github.head_ref }}", 26),
    ("excessive-permissions", "permissions: {}\n", "", 1),
    ("secrets-outside-env", "run: 'true'", "run: 'true'\n        env: {A: '${{ secrets.A }}'}", 27),
    ("undocumented-permissions", "{contents: read}", "{id-token: write}", 11),
    ("dangerous-triggers", "push: {branches: [main]}", "pull_request_target: {}", 3),
    (
        "unpinned-images",
        "    permissions: {}\n    steps",
        "    container: python:3.12\n    permissions: {}\n    steps",
        24,
    ),
]


@pytest.mark.parametrize(
    ("audit", "old", "new", "line"), ZIZMOR_ERRORS, ids=[row[0] for row in ZIZMOR_ERRORS]
)
def test_zizmor_finds(tmp_path: Path, audit: str, old: str, new: str, line: int) -> None:
    path = broken(tmp_path, old, new)
    findings = zizmor_findings([path])
    assert any(re.search(at(path, line) + rf"\[zizmor {audit}\]", found) for found in findings), findings


def test_the_schema_check_finds_an_unknown_key_and_a_missing_timeout(tmp_path: Path) -> None:
    unknown = broken(tmp_path / "a", "permissions: {}\n", "permissions: {}\nbogus: 1\n")
    endless = broken(tmp_path / "b", "    timeout-minutes: 5\n", "")
    findings = schema_findings([unknown, endless])
    assert len(findings) == 2
    assert findings[0].startswith(f"{unknown}: [schema] $: ")
    assert "'bogus' was unexpected" in findings[0]
    assert findings[1] == f"{endless}: [schema] $.jobs.first: 'timeout-minutes' is a required property"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
class TestEveryCheck:
    def test_names_the_bad_file_among_good_ones(self, check: Check, tmp_path: Path) -> None:
        good = [write(tmp_path, GOOD, f"good{number}.yml") for number in range(3)]
        # No runner, no permission block, an unknown key: each tool minds at least one.
        bad = write(
            tmp_path, "name: bad\non: push\nbogus: 1\njobs:\n  a:\n    steps: [{run: 'true'}]\n", "bad.yml"
        )
        findings = self._findings(check, [*good, bad])
        assert findings
        assert all(str(bad) in found for found in findings)

    @staticmethod
    def _findings(check: Check, paths: list[Path]) -> list[str]:
        try:
            return check(paths)
        except CheckError as error:  # zizmor refuses the whole batch and names the file
            return [line for line in str(error).splitlines() if ".yml" in line and "good" not in line]

    def test_refuses_to_check_nothing(self, check: Check) -> None:
        with pytest.raises(CheckError, match="no files"):
            check([])

    def test_refuses_a_file_that_is_not_there(self, check: Check, tmp_path: Path) -> None:
        with pytest.raises(CheckError, match="not a file"):
            check([tmp_path / "absent.yml"])

    def test_is_not_silent_about_an_empty_file(self, check: Check, tmp_path: Path) -> None:
        assert self._findings(check, [write(tmp_path, "")]) != []


def test_a_missing_tool_skips_by_name_and_fails_where_all_is_demanded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_args, **_options: None)
    monkeypatch.delenv("MLCC_TEST_ALL", raising=False)
    with pytest.raises(pytest.skip.Exception, match="zizmor is not installed"):
        checks.tool("zizmor")
    monkeypatch.setenv("MLCC_TEST_ALL", "1")
    with pytest.raises(pytest.fail.Exception, match="zizmor is not installed"):
        checks.tool("zizmor")


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((checks.TOOLS / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert {
        "node_modules/@actions/workflow-parser",
        "node_modules/@actions/languageservice",
    } <= packages.keys()
    assert all("resolved" not in entry for entry in packages.values())
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())
    wanted = json.loads((checks.TOOLS / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    for name, version in wanted.items():
        assert packages[f"node_modules/{name}"]["version"] == version


def test_the_vendored_schemas_are_what_their_readme_says() -> None:
    folder = checks.WORKFLOW_SCHEMA.parent
    rows = re.findall(
        r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|$",
        (folder / "README.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert {name for name, _ in rows} == {path.name for path in folder.iterdir()} - {"README.md"}
    for name, digest in rows:
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
