"""Writes a run as one HTML page that needs nothing else: no script, no font, no link to anything that it loads.

Texts are escaped and bounded, and so is the page: what is beyond is named and left out. Its own policy lets it load
nothing and run nothing (https://www.w3.org/TR/CSP3/). The same files give the same bytes.
Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

from collections.abc import Iterable

from mlcc.gates._records import counted, visible
from mlcc.report.findings import Ended, Finding, Run
from mlcc.report.html import BROKEN, MOST_SHOWN, document, escaped, figure, html_table, text_table
from mlcc.report.margin import decision, drawn
from mlcc.report.svg import short

MARKS = {"pass": "✓ pass", "fail": "✗ fail", "inconclusive": "? inconclusive", "error": "! error"}
ENDS = {"passed": "pass", "failed": "fail", "lost": "error", "skipped": "skipped"}
MOST_PAGE = 6_000_000  # characters; gates beyond have their sentence only


def page(run: Run) -> str:
    """Return the page."""
    parts = [_header(run), "<main>\n", _overview(run)]
    used = sum(map(len, parts))
    for number, finding in enumerate(run.findings):
        section = _gate(finding, f"g{number}", whole=True)
        if used + len(section) > MOST_PAGE:
            section = _gate(finding, f"g{number}", whole=False)
        used += len(section)
        parts.append(section)
    parts += [_reports(run), _nodes(run), "</main>\n", _footer(run)]
    return document(f"{_colour(run)[1]}: {run.name}", parts)


def _colour(run: Run) -> tuple[str, str]:
    """Return the class and the words of the overall result."""
    if run.green is None:
        return "", "Not settled"
    return ("pass", "Green") if run.green else ("fail", "Red")


# --- the run --------------------------------------------------------------------------------------


def _header(run: Run) -> str:
    paint, words = _colour(run)
    sign = {"pass": "✓ ", "fail": "✗ "}.get(paint, "")
    closed = sum(finding.closes for finding in run.findings)
    gates = "no gate ran" if not run.findings else f"{closed} of {counted(len(run.findings), 'gate')} closed"
    lines = [
        f'<header>\n<div class="band {paint}">\n',
        f'<h1><span class="mark {paint}">{sign}{words}</span>: {escaped(run.name)}</h1>\n',
        f"<div>{gates}</div>\n",
    ]
    if run.green is None:
        lines.append(
            '<p class="faint">The final node has not settled this run: these are the gates as they are.</p>'
        )
    facts = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in _facts(run))
    lines.append(f'<dl class="facts">{facts}</dl>\n' if facts else "")
    if run.causes:
        causes = "".join(f"<li>{escaped(cause)}</li>" for cause in run.causes[:50])
        lines.append(f'<h2>Why it is red</h2>\n<ul class="causes">{causes}</ul>\n')
    return "".join([*lines, "</div>\n</header>\n"])


def _facts(run: Run) -> Iterable[tuple[str, str]]:
    for name, key in (
        ("Event", "event"),
        ("Branch", "branch"),
        ("Tag", "tag"),
        ("Pull request", "pull_request"),
    ):
        if run.fact(key):
            yield name, escaped(run.fact(key).replace("_", " ") if key == "event" else run.fact(key), 120)
    if run.fact("commit"):
        yield "Commit", f"<code>{escaped(run.fact('commit')[:12])}</code>"
    url, number = run.fact("run_url"), run.fact("run_number") or run.fact("run_id")
    if number:
        known = url.startswith(("https://", "http://"))
        yield (
            "Run",
            f'<a href="{escaped(url)}" rel="noreferrer">{escaped(number, 80)}</a>'
            if known
            else escaped(number, 80),
        )


def _overview(run: Run) -> str:
    if not run.findings:
        return ""
    rows = [
        [
            f'<a href="#g{number}">{escaped(finding.name, 120)}</a>',
            escaped(finding.guards, 120),
            _mark(finding.verdict) + (f"<br>{finding.effect}" if finding.effect else ""),
            escaped(finding.summary, 260),
        ]
        for number, finding in enumerate(run.findings[:MOST_SHOWN])
    ]
    found = html_table(["Gate", "Decides about", "Verdict", "Finding"], rows, "rows")
    return f'<section class="plain" aria-labelledby="gates"><h2 id="gates">Gates</h2>{found}</section>\n'


def _nodes(run: Run) -> str:
    parts = []
    others = [node for node in run.nodes if node.kind != "gate"]
    if others:
        parts.append(
            "<h2 id='nodes'>Other nodes</h2>"
            + html_table(["Node", "Ended", "Why"], map(_node, others), "rows")
        )
    if run.unselected:
        items = [[escaped(id, 120), escaped(why)] for id, why in run.unselected[:MOST_SHOWN]]
        count = counted(len(run.unselected), "node")
        parts.append(
            f"<details><summary>{count} not selected</summary>{html_table(['Node', 'Why'], items)}</details>"
        )
    return f'<section class="plain">{"".join(parts)}</section>\n' if parts else ""


def _reports(run: Run) -> str:
    """Return what the reports of nodes say; what is readable of them at length stands in the run's summary."""
    if not run.reports:
        return ""
    rows = []
    for one in run.reports[:MOST_SHOWN]:
        mark = "" if one.readable else '<span class="mark error">! </span>'
        more = [f"and {one.more} more"] if one.more else []
        said = "<br>".join(escaped(text) for text in (one.words, *one.items, *more))
        rows.append([escaped(one.node, 120), escaped(one.id, 120), f"{mark}{said}"])
    table = html_table(["Node", "Report", "Says"], rows, "rows")
    return (
        f'<section class="plain" aria-labelledby="reports"><h2 id="reports">Reports</h2>{table}</section>\n'
    )


def _node(node: Ended) -> list[str]:
    mark = ENDS.get(node.end, "error")
    sign = MARKS[mark][0] if mark in MARKS else "–"
    return [
        escaped(node.name, 120),
        f'<span class="mark {mark}">{sign} {escaped(node.end, 40)}</span>',
        escaped(node.cause),
    ]


def _footer(run: Run) -> str:
    return (
        '<footer class="faint">Made by mlcc from <code>_mlcc/s--*/</code>; '
        "<code>python -I .mlcc/report.py page</code> makes it again. "
        f"{counted(len(run.findings), 'gate')}, {counted(len(run.nodes), 'node')}.</footer>\n"
    )


# --- one gate -------------------------------------------------------------------------------------


def _mark(verdict: str) -> str:
    paint = verdict if verdict in MARKS else "error"
    return f'<span class="mark {paint}">{MARKS[paint]}</span>'


def _gate(finding: Finding, id: str, *, whole: bool) -> str:
    """Return a gate's section; not `whole`: without its checks and plots."""
    about = f"{escaped(finding.kind, 60)} gate, decides about <strong>{escaped(finding.guards, 120)}</strong>"
    more = "" if finding.blocking else "; not blocking"
    parts = [
        f'<section class="{finding.verdict}" aria-labelledby="{id}">\n<div class="head">',
        f'<h2 id="{id}">{escaped(finding.name, 160)}</h2>{_mark(finding.verdict)}</div>\n',
        f'<div class="faint">{about}{more}</div>\n<p class="sentence">{escaped(finding.summary, 1500)}</p>\n',
        _waiver(finding),
    ]
    if whole:
        parts += [_checks(finding, id), _drawings(finding, id), _numbers(finding), _origin(finding)]
    else:
        parts.append(
            "<p>Its checks and plots are left out: this page is long enough. They are in its own files.</p>"
        )
    return "".join([*parts, "</section>\n"])


def _waiver(finding: Finding) -> str:
    if not finding.waived:
        return ""
    until, reason, issue = (finding.waived.get(key, "") for key in ("until", "reason", "issue"))
    return f'<p class="waiver"><strong>Waived until {escaped(until)}.</strong> {escaped(reason)} ({escaped(issue)})</p>\n'


def _checks(finding: Finding, id: str) -> str:
    rows = []
    ranked = sorted(finding.checks, key=lambda check: check.get("verdict") == "pass")
    for number, check in enumerate(ranked):
        name = escaped(str(check.get("id")), 120)
        picture = ""
        try:
            words = visible(str(check.get("id")), 120)
            picture = drawn(f"{id}m{number}", f"Decision of {words}", decision(check))
        except BROKEN:  # the sentence beside it says what was found
            pass
        said = f'<span class="id">{name}</span><br>{escaped(str(check.get("message")))}'
        rows.append([_mark(str(check.get("verdict"))), said, picture])
    if not rows:
        return ""
    return "<h3>Checks</h3>" + html_table(
        ["Verdict", "Check", "Estimate, bounds and what is allowed"], rows, "rows decisions"
    )


def _drawings(finding: Finding, id: str) -> str:
    figures = [figure(plot, f"{id}p{number}") for number, plot in enumerate(finding.plots)]
    return f'<div class="plots">{"".join(figures)}</div>\n' if figures else ""


def _numbers(finding: Finding) -> str:
    """Return what the small pictures of the checks show, as numbers."""
    rows = []
    for check in finding.checks:
        found = decision(check)
        numbers = [found.estimate, *(found.interval or (None, None)), found.confidence, found.n]
        limits = [found.threshold.get("min"), found.threshold.get("max"), found.margin]
        if any(value is not None for value in (*numbers, *limits)):
            shown = ["" if value is None else short(value) for value in (*numbers, *limits)]
            rows.append([visible(str(check.get("id")), 120), *shown])
    if not rows:
        return ""
    columns = ["check", "estimate", "lower", "upper", "confidence", "n", "at least", "at most", "margin"]
    table = text_table(columns, rows, f"Numbers of {finding.name}")
    return f"<details><summary>Numbers as a table</summary>{table}</details>\n"


def _origin(finding: Finding) -> str:
    rows = [
        [escaped(id, 120), f"<code>{escaped(digest, 100)}</code>"]
        for id, digest in sorted(finding.inputs.items())
    ]
    rows += [["the gate itself", f"<code>{escaped(finding.digest, 100)}</code>"]] if finding.digest else []
    call = f"python -I .mlcc/gates/{escaped(finding.script, 60)}.py {escaped(finding.gate, 80)}"
    again = f"<p>Run it again: <code>{call}</code></p>"
    table = html_table(["Judged", "Digest"], rows) if rows else ""
    return f"<details><summary>What was judged</summary>{table}{again}</details>\n"
