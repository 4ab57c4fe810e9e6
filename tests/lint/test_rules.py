"""Every rule finds its bad case, word for word, and nothing in its good one. `pytest --update` rewrites bad.out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from mlcc.diagnostics import Severity
from mlcc.lint import META, RULES, run
from mlcc.lint.document import SECTIONS, explain_rule, list_rules, page_of
from mlcc.load.extends import merge
from mlcc.load.source import load
from tests.lint.cases import HERE, ROOT, findings, subject_of

IDS = sorted(RULES)


@pytest.mark.parametrize("id", IDS)
def test_the_bad_case_is_found(id: str, request: pytest.FixtureRequest) -> None:
    found, text = findings(id, "bad.yaml")
    expected = HERE / id / "bad.out"
    if request.config.getoption("--update"):
        assert not os.environ.get("CI"), "expected files aren't rewritten under CI"
        expected.write_text(text, "utf-8")
    assert text == expected.read_text("utf-8")
    assert found
    assert {finding.code for finding in found} == {id}
    assert {finding.severity for finding in found} == {RULES[id].SEVERITY}
    assert all(finding.span is not None and finding.span.file == "bad.yaml" for finding in found)


@pytest.mark.parametrize("id", IDS)
def test_the_good_case_is_left_alone(id: str) -> None:
    assert findings(id, "ok.yaml") == ([], "")


def test_each_rule_has_its_cases_and_each_case_its_rule() -> None:
    folders = {path.name for path in HERE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(RULES)
    for id in RULES:
        assert {path.name for path in (HERE / id).iterdir()} == {"bad.yaml", "bad.out", "ok.yaml"}


def test_each_module_is_registered() -> None:
    modules = {path.stem for path in (ROOT / "mlcc/lint/rules").glob("*.py")} - {"__init__"}
    assert {id.replace("-", "_") for id in RULES} == modules
    assert list(RULES) == IDS


@pytest.mark.parametrize("id", IDS)
def test_the_docstring_is_a_page(id: str) -> None:
    page = page_of(id)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", id)
    assert page.summary.endswith(".")
    assert "\n" not in page.summary
    assert tuple(page.sections) == SECTIONS
    assert RULES[id].SEVERITY in (Severity.WARNING, Severity.NOTE)
    for title in ("Bad", "Good"):
        assert isinstance(yaml.safe_load(page.sections[title]), dict)


def test_the_list_has_a_line_for_each_rule() -> None:
    assert [line.split()[0] for line in list_rules().splitlines()] == IDS


def test_a_rule_is_explained() -> None:
    text = explain_rule("idle-gate")
    assert text.startswith(
        "idle-gate (warning)\n\nNothing follows from a gate's failure.\n\nWhat it does\n\n"
    )
    assert explain_rule("unknown-rule") == f"unknown-rule: {META['unknown-rule']}\n"


@pytest.mark.parametrize("example", sorted(p.parent.name for p in (ROOT / "examples").glob("*/mlcc.yaml")))
def test_the_examples_have_no_warning(example: str) -> None:
    path = ROOT / "examples" / example / "mlcc.yaml"
    found = run(subject_of(merge(load(path, "mlcc.yaml"), path.parent)))
    assert [f for f in found if f.severity is not Severity.NOTE] == []


def test_a_lint_imports_nothing_heavy() -> None:
    code = (
        "import sys, mlcc.lint, mlcc.lint.environment\n"
        "heavy = {'pydantic', 'pydantic_core', 'jinja2', 'jsonschema', 'click', 'shlex', 'json', 'difflib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(ROOT)
    )
    assert done.stdout == "[]\n"
