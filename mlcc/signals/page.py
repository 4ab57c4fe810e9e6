"""Signals as one HTML page that loads nothing, in the style of a run's page."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from mlcc.gates._plots import curves, intervals
from mlcc.gates._records import visible
from mlcc.report.plots import draw
from mlcc.report.style import stylesheet
from mlcc.signals import show
from mlcc.signals.tables import Signals

MOST_BARS = 60  # gates in one plot; the table has all


def page(found: Signals) -> str:
    """Return the page. The same signals give the same bytes."""
    style = stylesheet()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n',
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
        '<meta name="color-scheme" content="light dark">\n<title>Signals</title>\n',
        f"<style>{style}</style>\n</head>\n<body>\n<header><h1>Signals</h1>\n",
        f"<p>{_e(show.run_sentence(found.runs))}</p></header>\n<main>\n",
        _section("Gates", show.GATE_COLUMNS, show.gate_rows(found)),
    ]
    if found.releases:
        parts.append(_section("Releases", show.RELEASE_COLUMNS, show.release_rows(found)))
    figures = "".join(_figure(plot, f"p{number}") for number, plot in enumerate(_plots(found)))
    parts += [f'<div class="plots">{figures}</div>\n', _left_out(found), "</main>\n</body>\n</html>\n"]
    return "".join(parts)


def _e(text: str) -> str:
    return escape(visible(text, 600))


def _section(title: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return f'<section class="plain"><h2>{title}</h2>{_table(names, rows, title)}</section>\n'


def _table(names: Sequence[str], rows: Sequence[Sequence[str]], label: str) -> str:
    heads = "".join(f'<th scope="col">{_e(name)}</th>' for name in names)
    lines = ["<tr>" + "".join(f"<td>{_e(cell)}</td>" for cell in row) + "</tr>\n" for row in rows]
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    return f'<div class="wide" role="region" tabindex="0" aria-label="{_e(label)}">{table}</div>'


def _plots(found: Signals) -> Iterator[dict[str, Any]]:
    rates = [
        (
            show.gate_name(found, row),
            row["blocked_rate"],
            *row["blocked_interval"],
            "fail" if row["note"] else "pass",
        )
        for row in found.gates[:MOST_BARS]
    ]
    if rates:
        note = "With Wilson's 95 % interval. A cross: the gate never or always fires, or is waived whenever it does."
        yield intervals("How often each gate closes", "share of its runs", rates, note=note)
    timed = [row for row in found.gates if row["median_seconds"] is not None][:MOST_BARS]
    if timed:
        times = [
            (
                show.gate_name(found, row),
                row["median_seconds"],
                row["median_seconds"],
                row["p95_seconds"],
                "pass",
            )
            for row in timed
        ]
        yield intervals(
            "What each gate takes", "seconds", times, note="From the median to the 95th percentile."
        )
    if len(found.weeks) > 1:
        share = {"green": [(number, week["green_share"]) for number, week in enumerate(found.weeks)]}
        note = f"Week 0 begins on {found.weeks[0]['week']}; weeks without a run are left out."
        yield curves("Runs that end green", ("week", "share"), share, note=note)


def _figure(plot: dict[str, Any], id: str) -> str:
    drawing = draw(plot, id)
    note = f'<p class="faint">{_e(drawing.note)}</p>' if drawing.note else ""
    table = _table(drawing.columns, drawing.rows, f"Data of {drawing.title}")
    return (
        f"<figure><figcaption>{_e(drawing.title)}</figcaption>{drawing.picture}{note}"
        f"<details><summary>Data as a table</summary>{table}</details></figure>\n"
    )


def _left_out(found: Signals) -> str:
    if not found.problems:
        return ""
    items = "".join(f"<li>{_e(problem)}</li>" for problem in found.problems[:100])
    return f'<section class="plain"><h2>Left out ({len(found.problems)})</h2><ul class="causes">{items}</ul></section>\n'
