"""What independent checkers say about compiled files, each started once for many files.

`findings` takes any compiled files and asks the checkers of their system: four for GitHub workflows, two for GitLab
pipelines. Every other function takes files of one system. All return findings as ``PATH:LINE:COLUMN: [TOOL] MESSAGE`` (the schema
knows no positions). It raises `CheckError` when the tool did not really check every file: an empty list
always means "looked at, and clean". A tool that isn't installed skips the test, by name, and fails it where
``MLCC_TEST_ALL=1``.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "tests" / "tools"
WORKFLOW_SCHEMA = ROOT / "schemas" / "vendor" / "github-workflow.json"
GITLAB_FILES = (".gitlab-ci.yml", "gitlab.yml", "child.yml")
_TIMEOUT = 300
_ZIZMOR_FOUND = range(11, 15)  # exit status: something was found, by its highest severity


class CheckError(Exception):
    """The tool failed, so that nothing can be said about the files."""


def missing_tool(name: str, cure: str) -> None:
    """Skip the running test and name the tool; fail it where everything must be there."""
    message = f"{name} is not installed: {cure}"
    if os.environ.get("MLCC_TEST_ALL") == "1":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def tool(name: str, cure: str = "pip install -e .[dev]") -> str:
    """Path of a command, the one beside this Python first; skips or fails the test without it."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        missing_tool(name, cure)
        raise AssertionError("unreachable: the test was skipped or failed")
    return found


def workflow_findings(paths: Iterable[Path]) -> list[str]:
    """GitHub's own parser and language service; warnings count."""
    files = _files(paths)
    node = tool("node", "install Node.js 20 or newer")
    if not _npm_installed():
        missing_tool("@actions/languageservice", "npm ci --ignore-scripts --prefix tests/tools")
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder, "files.txt")
        listed.write_text("".join(f"{path}\n" for path in files), encoding="utf-8")
        done = _run([node, str(TOOLS / "check_workflow.mjs"), f"@{listed}"], ok=(0,))
    report = _json(done)
    if report["checked"] != [str(path) for path in files]:
        raise CheckError(f"check_workflow.mjs looked at {report['checked']}")
    return [
        f"{item['file']}:{item['line']}:{item['column']}: [{item['tool']}] {item['message']}"
        for item in report["findings"]
    ]


def actionlint_findings(paths: Iterable[Path], labels: Sequence[str] = ()) -> list[str]:
    """Actionlint; `labels` are self-hosted runner labels to accept.

    A file's own ``.github/actionlint.yaml`` (beside ``workflows``) is used, as actionlint would in the file's
    repository. ShellCheck and pyflakes are off: whether a machine has them must not change the answer.
    """
    lint = tool("actionlint")
    findings: list[str] = []
    by_config = sorted((str(_actionlint_config(path) or ""), path) for path in _files(paths))
    with tempfile.TemporaryDirectory() as folder:
        accepted = Path(folder, "actionlint.yaml")
        accepted.write_text(json.dumps({"self-hosted-runner": {"labels": list(labels)}}), encoding="utf-8")
        for config, group in groupby(by_config, key=lambda item: item[0]):
            command = [
                lint,
                "-shellcheck=",
                "-pyflakes=",
                "-format={{json .}}",
                f"-config-file={config or accepted}",
            ]
            done = _run([*command, *(str(path) for _, path in group)], ok=(0, 1))
            findings += [_actionlint_line(item) for item in _json(done)]
    return sorted(findings)


def zizmor_findings(paths: Iterable[Path]) -> list[str]:
    """Zizmor as its strictest persona, offline and without any configuration."""
    files = _files(paths)
    command = [tool("zizmor"), "--offline", "--persona=auditor", "--no-config", "--strict-collection"]
    done = _run(
        [*command, "--no-progress", "--color=never", "--format=json", *map(str, files)],
        ok=(0, *_ZIZMOR_FOUND),
    )
    audited = set(re.findall(r"completed (.+)$", done.stderr, flags=re.MULTILINE))
    if unseen := [str(path) for path in files if str(path) not in audited]:
        raise CheckError(f"zizmor did not audit {unseen}: {done.stderr}")
    return sorted(_zizmor_line(finding) for finding in _json(done))


def schema_findings(paths: Iterable[Path]) -> list[str]:
    """The vendored JSON Schema of workflows, and the rule that every job has a timeout."""
    files = [str(path) for path in _files(paths)]
    command = [tool("check-jsonschema"), "--output-format=json", "--verbose"]
    findings: list[str] = []
    for schema in (
        f"--schemafile={WORKFLOW_SCHEMA}",
        "--builtin-schema=custom.github-workflows-require-timeout",
    ):
        report = _json(_run([*command, schema, *files], ok=(0, 1)))
        if report["status"] == "ok" and report["checked_paths"] != files:
            raise CheckError(f"check-jsonschema looked at {report['checked_paths']}")
        findings += [_schema_line(item) for item in [*report["errors"], *report.get("parse_errors", ())]]
    return sorted(findings)


def findings(paths: Sequence[Path], labels: Sequence[str] = ()) -> list[str]:
    """The findings of all checkers of each file's system. `labels` are self-hosted runners of GitHub."""
    files = _files(paths)
    workflows = [path for path in files if path.parent.name == "workflows"]
    pipelines = [path for path in files if path.name in GITLAB_FILES]
    if other := [str(path) for path in files if path not in workflows and path not in pipelines]:
        raise CheckError(f"no checker knows {other}")
    found = all_findings(workflows, labels) if workflows else []
    return found + (gitlab_findings(pipelines) if pipelines else [])


def gitlab_schema_findings(paths: Iterable[Path]) -> list[str]:
    """GitLab's own JSON Schema of pipelines, as check-jsonschema has it."""
    files = [str(path) for path in _files(paths)]
    command = [
        tool("check-jsonschema"),
        "--output-format=json",
        "--verbose",
        "--builtin-schema=vendor.gitlab-ci",
    ]
    report = _json(_run([*command, *files], ok=(0, 1)))
    if report["status"] == "ok" and report["checked_paths"] != files:
        raise CheckError(f"check-jsonschema looked at {report['checked_paths']}")
    return sorted(_schema_line(item) for item in [*report["errors"], *report.get("parse_errors", ())])


def gitlab_verify_findings(paths: Iterable[Path]) -> list[str]:
    """gitlab-ci-verify without GitLab's interface: ShellCheck over every script, and its own rules."""
    verify = tool("gitlab-ci-verify")
    tool("shellcheck")
    found: list[str] = []
    for path in _files(paths):
        # In the file's own folder, which the includes of a repository's root are relative to.
        command = [verify, "--no-lint-api", "--format=json", f"--gitlab-ci-file={path.name}"]
        done = _run(command, ok=(0, 1), folder=path.parent)
        found += [
            f"{path}:{item['line']}:1: [gitlab-ci-verify {item['code']}] {item['message']}"
            for item in _json(done)
        ]
    return sorted(found)


def gitlab_findings(paths: Sequence[Path]) -> list[str]:
    """The findings of both."""
    return [*gitlab_schema_findings(paths), *gitlab_verify_findings(paths)]


def all_findings(paths: Sequence[Path], labels: Sequence[str] = ()) -> list[str]:
    """The findings of all four."""
    return [
        *workflow_findings(paths),
        *actionlint_findings(paths, labels),
        *zizmor_findings(paths),
        *schema_findings(paths),
    ]


def _files(paths: Iterable[Path]) -> list[Path]:
    files = [Path(path).resolve() for path in paths]
    if not files:
        raise CheckError("no files to check")
    if absent := [str(path) for path in files if not path.is_file()]:
        raise CheckError(f"not a file: {absent}")
    return files


def _actionlint_config(path: Path) -> Path | None:
    config = path.parent.parent / "actionlint.yaml"
    return config if path.parent.name == "workflows" and config.is_file() else None


def _actionlint_line(item: Mapping[str, Any]) -> str:
    path = (ROOT / item["filepath"]).resolve()  # printed relative to the current folder
    return f"{path}:{item['line']}:{item['column']}: [actionlint {item['kind']}] {item['message']}"


def _zizmor_line(finding: Mapping[str, Any]) -> str:
    primary = next(place for place in finding["locations"] if place["symbolic"]["kind"] == "Primary")
    local = primary["symbolic"]["key"]["Local"]
    start = primary["concrete"]["location"]["start_point"]
    place = f"{local['verbatim_path']}:{start['row'] + 1}:{start['column'] + 1}"
    return f"{place}: [zizmor {finding['ident']}] {primary['symbolic']['annotation']}"


def _schema_line(error: Mapping[str, Any]) -> str:
    # A failed union repeats the whole value; the deepest failed branch names the key.
    best = error.get("best_deep_match", error)
    return f"{error['filename']}: [schema] {best.get('path', '$')}: {best['message']}"


@functools.cache
def _npm_installed() -> bool:
    return (TOOLS / "node_modules" / "@actions" / "languageservice").is_dir()


def _run(command: Sequence[str], ok: Iterable[int], folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=False, cwd=folder)
    if done.returncode not in ok:
        raise CheckError(f"{Path(command[0]).name} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done


def _json(done: subprocess.CompletedProcess[str]) -> Any:
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise CheckError(f"{done.args[0]} printed no JSON: {done.stdout[:500]}{done.stderr[:500]}") from error
