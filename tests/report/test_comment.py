"""The comment's text: what it says, and that nothing in it becomes markup, a mention or a command."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mlcc.gates._records import Check, Verdict, verdict_of
from mlcc.report.comment import comment, marked_run, marker
from mlcc.report.findings import read_run
from mlcc.report.markup import plain
from tests.report.sample import PLAN, gate, write_run

GITHUB = 65_536


def test_what_it_says(root: Path) -> None:
    write_run(root)
    text = comment(read_run(PLAN), "churn", GITHUB)
    lines = text.split("\n")
    assert lines[0] == "<!-- mlcc:churn run 42 -->"
    assert lines[1] == "## ❌ churn"
    assert (
        lines[3]
        == "1 of 5 gates closed · commit 0123456789ab · [run 42](https://ci.example/acme/churn/runs/99)"
    )
    assert "- 'raw-drift' failed: PSI of tenure is 0.34" in lines
    assert "| ❌ | by-slice | model | fail, waived | Recall of country=PL is 0.71; at least 0.78. |" in lines
    assert "| ✅ | unit | code | pass | 214 tests passed; at least 50. |" in lines
    assert any(line.startswith("| ❓ | champion | model | inconclusive, not blocking | ") for line in lines)
    assert "<details><summary>3 checks did not pass</summary>" in lines
    assert (
        "| raw-drift | psi.tenure | PSI of tenure is 0.34 (bounds 0.31 and 0.37, n 20,000); at most 0.2: missed by 0.14 |"
        in lines
    )
    assert "<details><summary>3 other nodes</summary>" in lines
    assert "- nightly: not started by this event" in lines
    assert "`report.html`" in text


def test_a_green_run(root: Path) -> None:
    plan = {**PLAN, "nodes": {"g": gate("command", "model")}}
    write_run(root, plan, {"g": Verdict("pass", "Fine.")}, green=True, causes=[])
    text = comment(read_run(plan), "churn", GITHUB)
    assert "## ✅ churn\n\n0 of 1 gates closed" in text
    assert "did not pass" not in text


@pytest.mark.parametrize(
    ("body", "run"),
    [
        ("<!-- mlcc:churn run 42 -->\nx", 42),
        ("<!-- mlcc:churn run 42 -->\r\nx", 42),  # as GitHub gives back what was edited in a browser
        ("<!-- mlcc:churn run 0 -->", 0),
        ("x\n<!-- mlcc:churn run 42 -->", None),
        ("> <!-- mlcc:churn run 42 -->", None),
        ("<!-- mlcc:churn run x -->", None),
        ("<!-- mlcc:churn run -->", None),
        ("<!-- mlcc:churn2 run 42 -->", None),
        ("<!-- mlcc:churn run ²  -->", None),
        ("", None),
    ],
)
def test_the_first_line_tells_whose_it_is(body: str, run: int | None) -> None:
    assert marked_run(body, "churn") == run


def test_a_name_cant_end_the_marker() -> None:
    assert marker("a --> b/c") == "<!-- mlcc:a%20--%3E%20b%2Fc "


HOSTILE = [
    "@acme/owners", "see #12 and !34 and $56", "GH-1 https://evil.example/x", "www.evil.example", "[a](b)", "![](x)",
    "<img src=x>", "`code`", "a | b", "*b* _i_ ~~s~~", "\n/close\n/merge", "&#64;acme", "%milestone ~label ^alert", "\\@x",
    "<!-- mlcc:churn run 99 -->", "::error::x", "a@b.example",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text(text: str) -> None:
    shown = plain(text)
    bare = re.sub(r"&#(?:\d+|8288);", "", shown)
    assert not set(bare) & set("|<>[]`*_\\@#!$%~^&")
    assert "\n" not in shown
    assert "://" not in shown
    assert not re.search(r"GH-\d", shown)
    assert not re.search(r"www\.\w", shown)
    # Behind whatever begins a mention or a reference stands a sign that ends it.
    for found in re.finditer(r"&#(\d+);", shown):
        if chr(int(found[1])) in "@#!$%~^&":
            assert shown[found.end() :].startswith("&#8288;")


def test_hostile_findings_keep_the_shape_of_the_table(root: Path) -> None:
    plan = {**PLAN, "nodes": {"g": gate("command", "model")}}
    for text in HOSTILE:
        found = Verdict("fail", text, [Check("c" + text, "fail", text)])
        write_run(root, plan, {"g": found}, causes=[text], facts={"run_url": f"https://ci.example/{text}"})
        lines = comment(read_run(plan), "churn", GITHUB).split("\n")
        assert [line for line in lines if line.startswith("| ❌ ") and line.count("|") == 6] != []
        assert [line for line in lines if line.startswith(("/", "::", "@"))] == []
        assert sum(line.startswith("<!-- mlcc") for line in lines) == 1


@pytest.mark.parametrize("most", [65_536, 3_000, 1_000])
def test_what_doesnt_fit_is_left_out_whole(root: Path, most: int) -> None:
    nodes = {f"g{i}": gate("command", "model") for i in range(400)}
    plan = {**PLAN, "nodes": nodes}
    wordy = verdict_of([Check("c", "fail", "ü" * 290)])
    write_run(root, plan, dict.fromkeys(nodes, wordy), causes=[])
    text = comment(read_run(plan), "churn", most)
    assert len(text.encode()) <= most
    assert text.endswith("_There is more than fits here: see the page of the run._\n")
    assert text.count("<details>") == text.count("</details>")
    assert all(line.endswith("|") for line in text.split("\n") if line.startswith("|"))
