"""The final node: green only when nothing speaks against it (S6), and a summary that nothing can break out of."""

from __future__ import annotations

import json

import pytest

from mlcc.runtime.decide import Ending
from mlcc.runtime.final import cell, red_causes
from tests.plans import HEAD
from tests.runtime.conftest import Make
from tests.runtime.project import Project

SPEC = (
    HEAD
    + "jobs:\n  a: {run: 'true'}\n  soft: {run: 'false', blocking: false}\n  b: {run: 'true', needs: [a]}\n"
)


@pytest.fixture
def project(make: Make) -> Project:
    made = make(SPEC)
    made.select()
    for id in ("a", "soft", "b"):
        made.node(id)
    return made


def causes(project: Project) -> list[str]:
    found = project.record("s--final/result.json")["causes"]
    assert isinstance(found, list)
    return found


def test_green(project: Project) -> None:
    assert project.final(a="success", soft="success", b="success") == 0
    assert causes(project) == []
    (summary,) = project.platform.summaries
    assert summary.startswith("## ✅ p\n")
    assert "| ✅ | a | passed |" in summary
    assert "| ⚠️ | soft | failed | its command ended with 1 |" in summary


@pytest.mark.parametrize(
    ("results", "cause"),
    [
        ({"a": "failure"}, "'a' ended with failure in the CI system"),
        ({"a": "cancelled"}, "'a' ended with cancelled in the CI system"),
        ({"soft": "cancelled"}, "'soft' ended with cancelled in the CI system"),
        ({"select": "failure"}, "the selecting node ended with failure"),
        ({"select": "skipped"}, "the selecting node ended with skipped"),
        ({"other": "cancelled"}, "the run was cancelled at 'other'"),
        ({"part--1": "cancelled"}, "the run was cancelled at 'part--1'"),
        ({"part--1": "failure"}, "'part--1' ended with failure in the CI system, and no node shows why"),
    ],
)
def test_s6_what_the_ci_system_says_counts_too(project: Project, results: dict[str, str], cause: str) -> None:
    assert project.final(**results) == 1
    assert causes(project) == [cause]


def test_where_the_system_shows_no_refusal_a_lost_node_that_asks_says_so(make: Make) -> None:
    head = HEAD + "environments: {live: {approval: true}}\n"
    made = make(head + "jobs:\n  ask: {run: 'true', environment: live}\n")
    made.select()
    assert made.final(**{"part--1": "failure"}) == 1
    assert causes(made) == ["'ask' was lost: it left no state, as where nobody approved it"]


def test_what_nobody_approved_is_skipped_with_all_after_it_and_red(make: Make) -> None:
    steps = "  ask: {run: 'true'}\n  go: {run: 'true', needs: [ask]}\n"
    made = make(SPEC.replace("  a: {run", steps + "  a: {run"))
    made.select()
    for id in ("a", "soft", "b"):
        made.node(id)
    assert made.final(ask="refused", go="skipped") == 1
    why = "nobody approved it: it was refused, or its time to wait was over"
    assert causes(made) == [f"'ask' didn't start: {why}"]
    nodes = made.record("s--final/result.json")["nodes"]
    assert (nodes["ask"]["end"], nodes["ask"]["cause"]) == ("skipped", why)
    assert (nodes["go"]["end"], nodes["go"]["cause"]) == ("skipped", "'ask' was skipped")


def test_s6_jobs_that_run_several_nodes_fail_with_one_of_them(make: Make) -> None:
    made = make(SPEC.replace("a: {run: 'true'}", "a: {run: 'false'}"))
    made.select()
    for id in ("a", "soft"):
        made.node(id)
    assert made.final(**{"part--1": "failure"}) == 1
    assert causes(made) == ["'a' failed: its command ended with 1"]


def test_s6_a_skipped_job_that_runs_several_nodes_is_not_red(project: Project) -> None:
    assert project.final(**{"part--1": "success", "part--2": "skipped"}) == 0


def test_s6_without_a_word_about_selecting_it_is_red() -> None:
    assert red_causes({"nodes": {}}, {}, {}) == ["the selecting node ended with nothing"]
    assert red_causes({"nodes": {}}, {}, {"select": "success"}) == []


@pytest.mark.parametrize("blocking", [True, False])
def test_s6_a_lost_node_is_red_blocking_or_not(blocking: bool) -> None:
    plan = {"nodes": {"a": {"blocking": blocking}}}
    found = {"a": Ending("lost", cause="it left no state")}
    assert red_causes(plan, found, {"select": "success"}) == ["'a' was lost: it left no state"]


def test_s6_no_selection_is_red(project: Project) -> None:
    (project.root / "_mlcc/s--select/selection.json").unlink()
    assert project.final() == 1
    assert project.platform.summaries[-1].startswith("## ❌ p")


def test_s6_nothing_selected_is_green(make: Make) -> None:
    project = make(
        HEAD + "artifacts:\n  code: {kind: code, path: src/}\njobs:\n  a: {run: t, reads: [code]}\n"
    )
    project.platform.green = project.git("rev-parse", "HEAD")
    project.select()
    assert project.final(a="skipped") == 0
    summary = project.platform.summaries[-1]
    assert "Nothing that the pipeline depends on has changed." in summary
    assert "- a: nothing that it depends on has changed" in summary


def test_the_sentence_of_a_gate_stands_in_the_summary(make: Make) -> None:
    program = 'echo "{\\"verdict\\": \\"fail\\", \\"summary\\": \\"<b>|x| [y](z) `q` @team\\"}" > $MLCC_VERDICT; exit 1'
    project = make(
        HEAD + "artifacts:\n  code: {kind: code, path: src/}\ngates:\n  g:\n    guards: code\n    command:\n      run: "
        + f"{program!r}\n".replace("\\\\", "\\")
    )  # fmt: skip
    project.select()
    assert project.node("g") == 1, project.ended("g")
    assert project.final() == 1
    (row,) = [line for line in project.platform.summaries[-1].splitlines() if "| g |" in line]
    assert row.startswith("| ❌ | g | failed (fail) | ")
    assert not any(
        sign in row.removeprefix("| ❌ | g | failed (fail) | ").removesuffix(" |") for sign in "|<>[]`@"
    )


@pytest.mark.parametrize(
    "text",
    ["| a | b |", "<img src=x>", "[x](http://y)", "@team", "![x](y)", "a\nb\r\nc", "`x` *y* _z_", "&lt;"],
)
def test_a_cell_is_one_line_without_markup(text: str) -> None:
    shown = cell(text)
    assert "\n" not in shown
    assert "\r" not in shown
    assert not any(sign in shown for sign in "|<>[]`*_@!")


GATED = (
    HEAD + "artifacts: {code: {kind: code, path: src/a.py}}\n"
    "gates: {g: {guards: code, blocking: BLOCKING, command: {run: 'COMMAND'}}}\n"
)
BROKEN = {
    "cut short": '{"gate": "g", "verdict": "pa',
    "empty": "",
    "no JSON": "<!DOCTYPE html>",
    "no object": "[]",
    "null": "null",
    "a key twice": '{"gate": "g", "gate": "g", "verdict": "pass"}',
    "NaN": '{"gate": "g", "verdict": "pass", "checks": [{"estimate": NaN}]}',
    "a number that overflows": '{"gate": "g", "verdict": "pass", "checks": [{"estimate": 1e999}]}',
    "brackets": "[" * 100_000,
    "deep": '{"gate": "g", "verdict": "pass", "checks": ' + "[" * 70 + "]" * 70 + "}",
    "an endless number": '{"gate": "g", "verdict": "pass", "n": ' + "9" * 5000 + "}",
    "another gate's": '{"gate": "other", "verdict": "pass", "summary": "x", "inputs": {}, "checks": []}',
    "nobody's": '{"verdict": "pass"}',
    "another verdict": '{"gate": "g", "verdict": "fail"}',
    "a verdict that is none": '{"gate": "g", "verdict": ["pass"]}',
}


@pytest.mark.parametrize("blocking", ["true", "false"])
@pytest.mark.parametrize("text", [*BROKEN.values(), None], ids=[*BROKEN, "missing"])
def test_s6_a_verdict_that_cant_be_believed_is_red_and_recorded(
    make: Make, text: str | None, blocking: str
) -> None:
    made = make(GATED.replace("BLOCKING", blocking).replace("COMMAND", "true"))
    made.select()
    assert made.node("g") == 0
    verdict = made.root / "_mlcc/s--g/verdict.json"
    verdict.unlink() if text is None else verdict.write_text(text)
    assert made.final(g="success") == 1
    (cause,) = causes(made)
    assert cause.startswith("the verdict of 'g' can't be believed: ")
    assert made.platform.summaries[-1].startswith("## ❌ p")
    lines = (made.root / "_mlcc/s--final/lineage.jsonl").read_text().splitlines()
    record = json.loads(lines[0])["predicate"]
    assert (record["green"], record["causes"]) == (False, [cause])


def test_s6_a_broken_verdict_of_a_failed_gate_leaves_a_record_too(make: Make) -> None:
    made = make(GATED.replace("BLOCKING", "true").replace("COMMAND", "false"))
    made.select()
    assert made.node("g") == 1
    (made.root / "_mlcc/s--g/verdict.json").write_text("{")
    assert made.final(g="failure") == 1
    broken, failed = causes(made)
    assert broken.startswith("the verdict of 'g' can't be believed: ")
    assert failed.startswith("'g' failed: ")


HOSTILE_CAUSE = "x\n::add-path::/tmp ##[set-output name=skip],a,\u2028##vso[x] \x1b[2J"


def lines_of_commands(log: str) -> list[str]:
    """Return the lines that GitHub's runner takes for commands (actions/runner, ActionCommand.cs)."""
    return [line for line in log.splitlines() if line.lstrip().startswith("::") or "##[" in line]


def test_a_forged_cause_is_no_command_of_the_log(project: Project, capfd: pytest.CaptureFixture[str]) -> None:
    project.forge("s--a/state.json", end="failed", verdict="fail", cause=HOSTILE_CAUSE)
    project.final(a="failure", soft="success", b="success")
    log = capfd.readouterr().out
    assert "mlcc: red: 'a' failed: x ::add-path::/tmp # #[set-output name=skip],a, # #vso[x] [2J\n" in log
    assert lines_of_commands(log) == []


def test_what_a_gate_says_is_no_command_of_the_log(make: Make, capfd: pytest.CaptureFixture[str]) -> None:
    gate = "{guards: code, command: {run: 'cp answer.json $MLCC_VERDICT; exit 1'}}"
    made = make(
        f"{HEAD}artifacts: {{code: {{kind: code, path: src/a.py}}}}\ngates: {{g: {gate}}}\n",
        {"answer.json": '{"verdict": "fail", "summary": "##[add-mask]a"}'},
    )
    made.select()
    assert made.node("g") == 1
    assert made.ended("g") == ("failed", "fail", "# #[add-mask]a")
    made.final(g="failure")
    assert lines_of_commands(capfd.readouterr().out) == []


def test_a_condition_of_several_lines_is_no_command_of_the_log(
    make: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    spec = HEAD.replace("push:", "manual: {go: {inputs: {x: {type: string}}}}, push:")
    when = '[{trigger: go, input: {x: "1\\n::stop-commands::x"}}]'
    made = make(f"{spec}jobs: {{a: {{run: 'true'}}, b: {{run: 'true', when: {when}}}}}\n")
    made.select(event="manual", inputs={"x": "2"}, hint="go")
    log = capfd.readouterr().out
    assert "skip b: its `when` doesn't allow it: the input x isn't 1 ::stop-commands::x\n" in log
    assert lines_of_commands(log) == []


def test_the_page_is_made_beside_the_result(
    project: Project, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLCC_PLATFORM", "gitlab")
    assert project.final(a="success", soft="success", b="success") == 0
    page = (project.root / "_mlcc" / "s--final" / "report.html").read_text("utf-8")
    assert "<title>Green: p</title>" in page
    assert project.platform.warnings == ["soft is not blocking, and failed: its command ended with 1"]
    assert "the page for reviewers is _mlcc/s--final/report.html" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("raise SystemExit(7)", "it ended with 7"),
        ("import os; os.kill(os.getpid(), 9)", "it ended with -9"),
        ("import time; time.sleep(60)", "TimeoutExpired"),
    ],
)
def test_a_page_that_cant_be_made_is_a_warning(
    project: Project, script: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcc.runtime.collected.REPORT_SECONDS", 0.5)
    project.write({".mlcc/report.py": script})
    project.platform.warnings.clear()
    assert project.final(a="success", soft="success", b="success") == 0
    assert project.platform.warnings == [
        f"the {what} for reviewers can't be made: {problem}" for what in ("page", "notes")
    ]
    assert project.final(a="failure") == 1


def test_a_run_without_selection_has_a_page_that_says_so(project: Project) -> None:
    (project.root / "_mlcc" / "s--select" / "selection.json").unlink()
    assert project.final() == 1
    page = (project.root / "_mlcc" / "s--final" / "report.html").read_text("utf-8")
    assert "<title>Red: p</title>" in page
    assert "the selecting node left no selection" in page
