"""Writes a run as the Markdown of one comment. No text of the run's data becomes markup, a mention, a link or a command.

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.report.findings import Ended, Finding, Run
from mlcc.report.markup import page_link, plain
from mlcc.report.shown import fitted, reports_shown
from mlcc.runtime.web import url_quoted

SIGNS = {"pass": "✅", "fail": "❌", "inconclusive": "❓", "error": "❗"}
ENDED_SIGNS = {"passed": "✅", "failed": "❌", "skipped": "⏭️", "lost": "❗"}
MOST_FAILING = 20
MOST_CAUSES = 20


def marker(name: str) -> str:
    """Return how the first line of a pipeline's comments begins; nobody sees it."""
    return f"<!-- mlcc:{url_quoted(name)} "


def marked_run(body: str, name: str) -> int | None:
    """Return the number of the run that a comment of the pipeline tells of; None: it isn't one."""
    first = body.split("\n", 1)[0].rstrip("\r")
    start, end = marker(name) + "run ", " -->"
    number = first[len(start) : -len(end)]
    if not first.startswith(start) or not first.endswith(end) or not (number.isascii() and number.isdigit()):
        return None
    return int(number[:18])


def run_number(run: Run) -> int:
    """Return the number of the run, which grows from run to run; 0: it isn't known."""
    number = run.fact("run_number")
    return int(number[:18]) if number.isascii() and number.isdigit() else 0


def comment(run: Run, name: str, most: int) -> str:
    """Return the comment, of at most so many bytes: parts that don't fit are left out whole, and it says so."""
    return fitted(f"{marker(name)}run {run_number(run)} -->\n", _parts(run), most)


def _parts(run: Run) -> Iterator[str]:
    yield f"## {'✅' if run.green else '❌'} {plain(run.name)}\n\n{_line(run)}\n"
    if run.causes:
        yield "\n" + "".join(f"- {plain(cause)}\n" for cause in run.causes[:MOST_CAUSES])
    if run.findings:
        yield "\n| | gate | decides about | verdict | finding |\n|---|---|---|---|---|\n"
        yield from map(_row, run.findings)
    failing = [_check_row(finding, check) for finding in run.findings for check in _failing(finding)]
    if failing:
        more = len(failing) - MOST_FAILING
        rows = "".join(failing[:MOST_FAILING])
        note = f"\nand {more} more\n" if more > 0 else ""
        yield _folded(
            f"{len(failing)} checks did not pass", f"| gate | check | finding |\n|---|---|---|\n{rows}{note}"
        )
    yield from reports_shown(run.reports)
    others = [node for node in run.nodes if node.kind != "gate"]
    if others:
        rows = "".join(map(_node_row, others))
        yield _folded(f"{len(others)} other nodes", f"| | node | ended | why |\n|---|---|---|---|\n{rows}")
    if run.unselected:
        rows = "".join(f"- {plain(id)}: {plain(why)}\n" for id, why in run.unselected)
        yield _folded(f"{len(run.unselected)} not selected", rows)
    yield "\nThe page with plots is `report.html` among the files of the run.\n"


def _line(run: Run) -> str:
    closed = sum(finding.closes for finding in run.findings)
    words = [f"{closed} of {len(run.findings)} gates closed" if run.findings else "no gate ran"]
    if run.fact("commit"):
        words.append(f"commit {plain(run.fact('commit')[:12])}")
    words += page_link(run.fact("run_url"), run_number(run))
    return " · ".join(words)


def _row(finding: Finding) -> str:
    verdict = f"{finding.verdict}, {finding.effect}" if finding.effect else finding.verdict
    cells = [finding.name, finding.guards, verdict, finding.summary]
    return f"| {SIGNS[finding.verdict]} | " + " | ".join(map(plain, cells)) + " |\n"


def _failing(finding: Finding) -> Iterator[dict[str, object]]:
    return (check for check in finding.checks if check.get("verdict") != "pass")


def _check_row(finding: Finding, check: dict[str, object]) -> str:
    cells = [finding.name, str(check.get("id", "")), str(check.get("message", ""))]
    return "| " + " | ".join(map(plain, cells)) + " |\n"


def _node_row(node: Ended) -> str:
    sign = ENDED_SIGNS.get(node.end, "❗")
    return f"| {sign} | {plain(node.name)} | {plain(node.end)} | {plain(node.cause)} |\n"


def _folded(summary: str, content: str) -> str:
    return f"\n<details><summary>{summary}</summary>\n\n{content}\n</details>\n"
