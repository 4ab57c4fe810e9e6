from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pydantic
import pytest

from mlcc.gates import GATES, GateParamsError
from mlcc.gates._records import GateError
from mlcc.gates.tests.compile import compile
from mlcc.gates.tests.xml_reports import read_coverage, read_junit

_SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/verdict.schema.json").read_text())
_PASSED = '<testcase classname="t" name="a"/>'
_FAILED = '<testcase name="b"><failure message="no">text</failure></testcase>'
_ERROR = '<testcase name="c"><error message="no"/></testcase>'
_SKIPPED = '<testcase name="d"><skipped/></testcase>'


@pytest.fixture
def tests(project: Any) -> Any:
    """Return a function that runs a `tests` gate whose command writes the given reports."""
    project.write("d.csv", "a\n1\n")

    def run(code: int = 0, reports: dict[str, str] | None = None, **params: Any) -> Any:
        command = []
        for name, text in (reports or {}).items():
            project.write(f"{name}.txt", text)
            command.append(f"cp {name}.txt {name}")
        command.append(f"exit {code}")
        project.gate("tests", {"run": "\n".join(command), **params}, {"raw": "d.csv"})
        outcome = project.run("tests")
        jsonschema.validate(outcome.record, _SCHEMA)
        return outcome

    return run


def _suite(*cases: str, attributes: str = "") -> str:
    inner = "".join(cases)
    return f'<?xml version="1.0"?><testsuites><testsuite {attributes}>{inner}</testsuite></testsuites>'


@pytest.mark.parametrize(
    ("code", "verdict"),
    [(0, "pass"), (1, "fail"), (2, "fail"), (5, "fail"), (126, "error"), (127, "error"), (137, "error")],
)
def test_exit_code_alone(tests: Any, code: int, verdict: str) -> None:
    assert tests(code).verdict == verdict


@pytest.mark.parametrize(
    ("code", "report", "least", "verdict"),
    [
        (0, _suite(_PASSED), None, "pass"),
        (0, _suite(_PASSED, _SKIPPED), None, "pass"),
        (0, _suite(*[_PASSED] * 20), 20, "pass"),
        (0, _suite(*[_PASSED] * 19), 20, "fail"),
        (0, _suite(*[_PASSED] * 19, *[_SKIPPED] * 5), 20, "fail"),
        (0, _suite(_PASSED, _FAILED), None, "fail"),
        (0, _suite(_PASSED, _ERROR), None, "fail"),
        (1, _suite(_PASSED, _FAILED), None, "fail"),
        (1, _suite(_PASSED), None, "fail"),
        (0, _suite(), None, "fail"),
        (0, _suite(_SKIPPED), None, "fail"),
        (0, "<testsuites/>", None, "fail"),
        (0, "<testsuite/>", None, "fail"),
        (0, _suite(_PASSED, attributes='failures="1"'), None, "fail"),
        (0, _suite(_PASSED, attributes='errors="2"'), None, "fail"),
        (0, _suite(_PASSED, '<testcase name="x" status="notrun"/>'), 2, "fail"),
        (0, _suite(_PASSED, '<testcase name="x"><system-out>failure</system-out></testcase>'), 2, "pass"),
        (0, None, None, "error"),
        (1, None, None, "error"),
        (0, "", None, "error"),
        (0, "not xml", None, "error"),
        (0, "<html/>", None, "error"),
        (0, '<coverage line-rate="1"/>', None, "error"),
        (0, _suite(_PASSED)[:-5], None, "error"),
        (0, _suite(_PASSED) + "<more/>", None, "error"),
        (0, _suite(_PASSED, attributes='failures="none"'), None, "error"),
        (0, _suite(_PASSED, attributes='failures="-1"'), None, "error"),
        (0, _suite(_PASSED, attributes='failures=""'), None, "error"),
        (0, _suite(f'<testcase name="out">{_PASSED}</testcase>'), None, "error"),
        (0, '<!DOCTYPE testsuite SYSTEM "x.dtd">' + "<testsuite/>", None, "error"),
        (0, '<!DOCTYPE t [<!ENTITY a "b">]><testsuite>&a;</testsuite>', None, "error"),
        (0, "<a>" * 300 + "</a>" * 300, None, "error"),
    ],
)
def test_junit(tests: Any, code: int, report: str | None, least: int | None, verdict: str) -> None:
    reports = {} if report is None else {"junit.xml": report}
    floor = {} if least is None else {"min_passed": least}
    outcome = tests(code, reports, junit="junit.xml", **floor)
    assert outcome.verdict == verdict, outcome.log


def test_counts(tmp_path: Path) -> None:
    path = tmp_path / "j.xml"
    path.write_text(_suite(_PASSED, _PASSED, _FAILED, _ERROR, _SKIPPED, attributes='failures="1" errors="1"'))
    counts = read_junit(str(path))
    assert (counts.passed, counts.failed, counts.skipped) == (2, 2, 1)


def test_messages(tests: Any) -> None:
    outcome = tests(1, {"junit.xml": _suite(_PASSED, _FAILED, _SKIPPED)}, junit="junit.xml", min_passed=2)
    assert [check["message"] for check in outcome.record["checks"]] == [
        "the tests ended with exit code 1",
        "1 of 3 tests failed",
        "1 tests passed (1 skipped); at least 2 must",
    ]
    assert outcome.check("min_passed")["margin"] == -1


def test_a_real_pytest_report(project: Any) -> None:
    project.write("d.csv", "a\n1\n")
    project.write("test_x.py", "def test_a(): pass\ndef test_b(): assert 0\n")
    command = f"'{sys.executable}' -m pytest -q -p no:cacheprovider --junitxml=junit.xml test_x.py >out.txt"
    for least, select, verdict in ((1, "-k test_a", "pass"), (2, "-k test_a", "fail"), (1, "", "fail")):
        params = {"run": f"{command} {select}", "junit": "junit.xml", "min_passed": least}
        project.gate("tests", params, {"raw": "d.csv"})
        assert project.run("tests").verdict == verdict
    project.gate("tests", {"run": f"{command} -k nothing", "junit": "junit.xml"}, {"raw": "d.csv"})
    assert project.run("tests").verdict == "fail"


def test_an_old_report_goes_first(tests: Any, project: Any) -> None:
    project.write("junit.xml", _suite(_PASSED))
    project.write("coverage.xml", '<coverage line-rate="1"/>')
    outcome = tests(0, junit="junit.xml", coverage={"path": "coverage.xml", "min": 0})
    assert outcome.checks == {"command": "pass", "junit": "error", "coverage": "error"}


def test_a_report_that_is_a_folder(tests: Any) -> None:
    Path("junit.xml").mkdir()
    assert tests(0, junit="junit.xml").verdict == "error"


_EXACT = '<coverage line-rate="0.6667" lines-valid="3" lines-covered="2"/>'


@pytest.mark.parametrize(
    ("report", "floor", "verdict"),
    [
        ('<coverage line-rate="0.8"/>', 0.8, "pass"),
        ('<coverage line-rate="0.8"/>', 0.81, "fail"),
        ('<coverage line-rate="0"/>', 0, "pass"),
        ('<coverage line-rate="1"/>', 1, "pass"),
        (_EXACT, 0.6666, "pass"),
        (_EXACT, 0.6667, "fail"),  # 2 of 3 lines are less than the rounded rate says
        ('<!DOCTYPE coverage SYSTEM "http://x/coverage-04.dtd"><coverage line-rate="1"/>', 0, "pass"),
        ('<!DOCTYPE c [<!ENTITY a "b">]><coverage line-rate="1"/>', 0, "error"),
        ('<coverage line-rate="nan"/>', 0, "error"),
        ('<coverage line-rate="inf"/>', 0, "error"),
        ('<coverage line-rate="80"/>', 0, "error"),
        ('<coverage line-rate="-0.1"/>', 0, "error"),
        ('<coverage line-rate=""/>', 0, "error"),
        ("<coverage/>", 0, "error"),
        ('<testsuite line-rate="1"/>', 0, "error"),
        ('<coverage line-rate="1" lines-valid="0" lines-covered="0"/>', 0, "error"),
        ('<coverage line-rate="0.9" lines-valid="10" lines-covered="5"/>', 0, "error"),
        ('<coverage line-rate="1" lines-valid="10" lines-covered="11"/>', 0, "error"),
        ("", 0, "error"),
    ],
)
def test_coverage(tests: Any, report: str, floor: float, verdict: str) -> None:
    outcome = tests(0, {"coverage.xml": report}, coverage={"path": "coverage.xml", "min": floor})
    assert outcome.verdict == verdict, outcome.log


def test_nothing_is_fetched_or_expanded(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("<testcase/>")
    path = tmp_path / "j.xml"
    for text in (
        f'<!DOCTYPE t [<!ENTITY x SYSTEM "file://{secret}">]><testsuite>&x;</testsuite>',
        f'<!DOCTYPE t SYSTEM "file://{secret}"><testsuite>&x;</testsuite>',
        "<testsuite>&x;</testsuite>",
    ):
        path.write_text(text)
        for read in (read_junit, read_coverage):
            with pytest.raises(GateError):
                read(str(path))


def _params(**changes: Any) -> SimpleNamespace:
    return SimpleNamespace(**{"run": "true", "junit": None, "min_passed": None, "coverage": None, **changes})


@pytest.mark.parametrize(
    ("changes", "loc"),
    [
        ({"min_passed": 3}, ("min_passed",)),
        ({"junit": "src/app.py"}, ("junit",)),
        ({"coverage": SimpleNamespace(path="src/app.py", min=0.5)}, ("coverage", "path")),
        ({"junit": "a.xml", "coverage": SimpleNamespace(path="a.xml", min=0.5)}, ("coverage", "path")),
    ],
)
def test_parameters_that_make_no_sense(changes: dict[str, Any], loc: tuple[str, ...]) -> None:
    with pytest.raises(GateParamsError) as caught:
        compile(_params(**changes), {}, "code")
    assert caught.value.loc == loc


def test_compiled() -> None:
    coverage = SimpleNamespace(path="c.xml", min=0.5)
    assert compile(_params(), {}, "code") == {"run": "true", "setup": []}
    assert compile(_params(junit="j.xml", coverage=coverage), {}, "code") == {
        "run": "true",
        "setup": [],
        "junit": "j.xml",
        "min_passed": 1,
        "coverage": {"path": "c.xml", "min": 0.5},
    }


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"run": ""},
        {"run": 1},
        {"run": "x", "min_passed": 0},
        {"run": "x", "min_passed": "3"},
        {"run": "x", "min_passed": True},
        {"run": "x", "coverage": {"path": "c.xml", "min": 1.5}},
        {"run": "x", "coverage": {"path": "c.xml"}},
        {"run": "x", "junit": "../j.xml"},
        {"run": "x", "junit": "/j.xml"},
        {"run": "x", "unknown": 1},
    ],
)
def test_the_model_refuses(params: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        GATES["tests"].params().model_validate(params)


@pytest.mark.parametrize(
    "change",
    [
        {"min_passed": 0},
        {"min_passed": None},
        {"min_passed": "1"},
        {"coverage": {}},
        {"coverage": {"path": "coverage.xml", "min": None}},
        {"coverage": {"path": "coverage.xml", "min": 2}},
    ],
)
def test_committed_parameters_that_were_edited_badly(project: Any, change: dict[str, Any]) -> None:
    project.write("d.csv", "a\n1\n")
    project.write("r.txt", _suite(_PASSED))
    params = {"run": "cp r.txt junit.xml", "junit": "junit.xml"}
    project.gate("tests", params, {"raw": "d.csv"}, change=change)
    assert project.run("tests").verdict == "error"
