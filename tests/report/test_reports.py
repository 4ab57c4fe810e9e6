"""Reports of nodes: what is said of them, in the summary, on the page and in the comment, whatever they hold."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlcc.report.comment import comment
from mlcc.report.findings import read_run
from mlcc.report.main import write_reports
from mlcc.report.page import page
from mlcc.report.reports import MOST_ITEMS, MOST_TEXT, Told, read_reports, record_reports
from mlcc.report.shown import markdown_shown, reports_shown, text_shown
from tests.report.sample import node, write_run
from tests.runtime.project import report_script

JUNIT = """<?xml version="1.0"?>
<testsuites>
  <testsuite name="a" tests="4" failures="1" errors="1">
    <testcase classname="t.A" name="one"/>
    <testcase classname="t.A" name="two"><failure message="1 != 2&#10;at x">trace</failure></testcase>
    <testcase name="three"><error message="boom"/></testcase>
    <testcase name="four"><skipped/></testcase>
  </testsuite>
</testsuites>
"""
COBERTURA = '<coverage line-rate="0.8749" lines-valid="1000" lines-covered="875"><packages/></coverage>'


def plan(format: str, path: str = "out/it.x") -> dict[str, Any]:
    return {
        "format": 1, "name": "p", "home": "", "spec_files": ["mlcc.yaml"],
        "nodes": {"a": node(reports={"it": {"path": path, "format": format}})},
    }  # fmt: skip


def told(root: Path, format: str, content: str | bytes | None) -> Told:
    """Return what is said of a report with this content; None: there is no file."""
    target = root / "_mlcc/r--a/it/it.x"
    target.parent.mkdir(parents=True, exist_ok=True)
    if content is not None:
        target.write_bytes(content.encode() if isinstance(content, str) else content)
    record_reports(plan(format), "a", "")
    (one,) = read_reports(plan(format))
    return one


def sarif(*results: dict[str, Any], rules: list[dict[str, Any]] | None = None) -> str:
    run = {"tool": {"driver": {"name": "x", "rules": rules or []}}, "results": list(results)}
    return json.dumps({"version": "2.1.0", "runs": [run]})


def test_junit_is_counted_and_names_what_failed(root: Path) -> None:
    one = told(root, "junit", JUNIT)
    assert one.readable
    assert one.words == "4 tests: 1 passed, 2 failed, 1 skipped"
    assert one.items == ["t.A.two: 1 != 2\\nat x", "three: boom"]


def test_a_suite_without_tests_is_no_success(root: Path) -> None:
    assert told(root, "junit", "<testsuite/>").words == "no test ran"


def test_many_failures_are_counted_and_some_are_named(root: Path) -> None:
    cases = "".join(f'<testcase name="t{n}"><failure/></testcase>' for n in range(50))
    one = told(root, "junit", f"<testsuite>{cases}</testsuite>")
    assert one.words == "50 tests: 0 passed, 50 failed, 0 skipped"
    assert (len(one.items), one.more) == (MOST_ITEMS, 50 - MOST_ITEMS)


@pytest.mark.parametrize(
    ("rate", "covered", "words"),
    [("0.8749", 875, "87.5 %"), ("1", 1000, "100.0 %"), ("0.9999", 999, "99.9 %")],
)
def test_cobertura_is_a_share_of_lines(root: Path, rate: str, covered: int, words: str) -> None:
    text = COBERTURA.replace("0.8749", rate).replace("875", str(covered))
    assert told(root, "cobertura", text).words == f"{words} of lines are covered"


def test_sarif_is_counted_by_level(root: Path) -> None:
    rules = [{"id": "R1", "defaultConfiguration": {"level": "error"}}, {"id": "R2"}]
    place = {"physicalLocation": {"artifactLocation": {"uri": "a.py"}, "region": {"startLine": 3}}}
    text = sarif(
        {"ruleId": "R2", "message": {"text": "two"}},
        {"ruleId": "R1", "message": {"text": "one"}, "locations": [place]},
        {"ruleId": "R1", "level": "note"},
        {"ruleId": "R1", "kind": "pass"},
        {"ruleId": "R1", "suppressions": [{"kind": "inSource"}]},
        {"ruleId": "R1", "suppressions": [{"kind": "external", "status": "rejected"}]},
        rules=rules,
    )
    one = told(root, "sarif", text)
    assert one.words == "2 errors, 1 warning, 1 note, 1 suppressed"
    assert one.items == ["error: R1: one (a.py:3)", "error: R1: ", "warning: R2: two", "note: R1: "]
    assert told(root, "sarif", sarif()).words == "no findings"


def test_texts_are_shown_as_far_as_there_is_room(root: Path) -> None:
    one = told(root, "text", "a\r\nb\n")
    assert (one.words, one.text) == ("2 lines", "a\nb")
    one = told(root, "markdown", "0123456789\n" * 10_000)
    assert one.words == "10000 lines, of which 1818 lines are shown"
    assert len(one.text) <= MOST_TEXT
    assert told(root, "text", "\n").words == "it is empty"


def test_a_page_is_named_where_it_is_kept(root: Path) -> None:
    assert told(root, "html", "<p>").words == "a page of 3 bytes, kept as _mlcc/r--a/it/it.x"
    assert told(root, "html", "").words == "it is empty"


BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><testsuite><testcase name="&b;"/></testsuite>'
)
EXTERNAL = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><coverage line-rate="1">&a;</coverage>'
BROKEN = ("", "{", "<a", "<html/>", b"\xff\xfe\x00", "[]", "null")
UNREADABLE = [
    *((format, None) for format in ("junit", "cobertura", "sarif", "text", "markdown", "html")),
    *((format, content) for format in ("junit", "cobertura", "sarif") for content in BROKEN),
    ("junit", BOMB), ("junit", "<!DOCTYPE x><testsuite/>"), ("cobertura", EXTERNAL), ("cobertura", BOMB),
    ("junit", "<testsuite>" * 500), ("junit", COBERTURA), ("cobertura", JUNIT),
    *(("cobertura", f'<coverage line-rate="{rate}"/>') for rate in ("nan", "inf", "1.1", "-0.1", "x", "")),
    ("cobertura", '<coverage line-rate="0" lines-valid="0" lines-covered="0"/>'),
    ("sarif", '{"version": "1.0", "runs": []}'), ("sarif", '{"version": "2.1.0", "runs": [1]}'),
    ("sarif", '{"version": "2.1.0", "runs": [{"results": {}}]}'), ("sarif", sarif({"level": "fatal"})),
    ("sarif", '{"version": "2.1.0", "runs": [], "runs": []}'), ("sarif", "[" * 100_000),
    ("text", b"\xff\xfe"), ("markdown", b"a\xc3"),
]  # fmt: skip


@pytest.mark.parametrize(("format", "content"), UNREADABLE)
def test_what_cannot_be_read_is_said_to_be_that(root: Path, format: str, content: str | bytes | None) -> None:
    one = told(root, format, content)
    assert not one.readable
    assert one.words
    assert (one.items, one.text) == ([], "")
    shown = "".join(reports_shown([one]))
    assert "| ❗ | a | it | " in shown


def test_a_report_that_is_too_large_is_not_read(root: Path) -> None:
    target = root / "_mlcc/r--a/it/it.x"
    target.parent.mkdir(parents=True)
    with target.open("wb") as file:
        file.truncate(200 << 20)
    for format in ("junit", "cobertura", "sarif", "text", "markdown", "html"):
        assert not told(root, format, None).readable


HOSTILE = [
    "@acme/owners", "see #12 and !34 and $56", "GH-1 https://evil.example/x", "www.evil.example", "[a](javascript:x)", "![](x)",
    "<img src=x onerror=y>", "</details><script>", "</pre>", "/close\n  /merge", "&#64;acme", "%milestone ~label ^alert", "\\@x",
    "<!-- mlcc:p run 99 -->", "::error::x", "##[error]x", "a@b.example", "```\nswallowed", "~~~~", "[x]: http://a", "~\"a b\"",
    "$$x$$", "\x1b[31mred", "\u202eevil",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("format", ["text", "markdown"])
def test_nothing_of_a_text_is_obeyed(root: Path, format: str, text: str) -> None:
    shown = (markdown_shown if format == "markdown" else text_shown)(f"before\n{text}\nafter")
    inner = shown.removeprefix("<pre>").removesuffix("</pre>")
    assert "<" not in inner
    assert "@" not in inner
    assert "://" not in inner
    assert not re.search(r"[\[\]]|www\.\w|GH-\d", inner)
    assert not re.search(r"^\s*(/|::|```|~~~)", inner, re.MULTILINE)
    bare = re.sub(r"&#[0-9]+;", "", inner)
    assert not re.search(r"[#!$%~^&](?=\w)", bare)
    assert all(c.isprintable() or c == "\n" for c in shown)


def test_harmless_markdown_stays() -> None:
    text = "# Quality\n\n| a | b |\n|---|---|\n| **1** | `x` |\n\n- one\n  - two\n\n> so"
    assert markdown_shown(text) == text


def test_a_text_stays_as_it_is_when_it_is_rendered() -> None:
    import html

    text = "a <b> & 'c'\n\n  - d\t|\n/e"
    rendered = html.unescape(text_shown(text).removeprefix("<pre>").removesuffix("</pre>"))
    assert rendered == text.replace("\t", "    ")


def test_the_comment_and_the_page_say_the_same(root: Path) -> None:
    target = root / "_mlcc/r--a/it/it.x"
    target.parent.mkdir(parents=True)
    target.write_text(JUNIT)
    write_run(root, plan("junit"), {})
    record_reports(plan("junit"), "a", "")
    run = read_run(plan("junit"))
    written = comment(run, "p", 65_536)
    assert "|  | a | it | 4 tests: 1 passed, 2 failed, 1 skipped |" in written
    assert "- three: boom" in written
    shown = page(run)
    assert "4 tests: 1 passed, 2 failed, 1 skipped" in shown
    assert "three: boom" in shown


@pytest.mark.parametrize(
    "record", ["{", "[]", '{"reports": 1}', '{"reports": {"it": 1}}', '{"reports": {"it": {"words": 1, "readable": true}}}']
)  # fmt: skip
def test_a_forged_record_is_not_believed(root: Path, record: str) -> None:
    path = root / "_mlcc/s--a/reports.json"
    path.parent.mkdir(parents=True)
    path.write_text(record)
    (one,) = read_reports(plan("junit"))
    assert (one.readable, one.words) == (False, "what it says is not known")


def test_a_node_that_did_not_run_has_none(root: Path) -> None:
    assert read_reports(plan("junit")) == []


def test_a_summary_has_room_for_only_so_much(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = plan("text")
    made["nodes"]["a"]["reports"] = {f"it{n}": {"path": "out/it.x", "format": "text"} for n in range(20)}
    for id in made["nodes"]["a"]["reports"]:
        target = root / f"_mlcc/r--a/{id}/it.x"
        target.parent.mkdir(parents=True)
        target.write_text("@" * MOST_TEXT)
    write_run(root, made, {})
    monkeypatch.setenv("MLCC_NODE", "a")
    monkeypatch.setenv("MLCC_LEG", "")
    assert write_reports() == 0
    shown = (root / "_mlcc/s--a/reports.md").read_text("utf-8")
    assert len(shown.encode()) <= 500_000
    assert "|  | a | it19 | 1 line |" in shown
    assert "it0</summary>" in shown
    assert "it19</summary>" not in shown
    assert shown.endswith("_There is more than fits here: see the page of the run._\n")


def test_the_script_records_a_leg_and_sums_up_the_run(root: Path) -> None:
    made = plan("text", "out/it.x")
    made["nodes"]["a"]["legs"] = {"1": {}, "2": {}}
    write_run(root, made, {})
    script = root / ".mlcc/report.py"
    script.write_text(report_script(), "utf-8")

    def run(what: str, leg: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "MLCC_NODE": "a", "MLCC_LEG": leg}
        command = [sys.executable, "-I", str(script), what]
        return subprocess.run(command, cwd="/", env=env, capture_output=True, text=True, check=False)

    for leg in ("1", "2"):
        target = root / f"_mlcc/r--a--{leg}/it/it.x"
        target.parent.mkdir(parents=True)
        target.write_text(f"leg {leg}")
        assert run("reports", leg).returncode == 0
    shown = (root / "_mlcc/s--a--1/reports.md").read_text("utf-8")
    assert "|  | a (1) | it | 1 line |" in shown
    assert "a (2)" not in shown
    assert run("summary", "").returncode == 0
    shown = (root / "_mlcc/s--final/reports.md").read_text("utf-8")
    assert "|  | a (1) | it | 1 line |\n|  | a (2) | it | 1 line |\n" in shown
    done = run("reports", "3")
    assert done.returncode == 2
    assert "MLCC_NODE and MLCC_LEG name no leg of the plan" in done.stdout
