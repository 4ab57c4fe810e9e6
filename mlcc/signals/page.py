"""Signals as one HTML page that loads nothing, in the style of a run's page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mlcc.gates._plots import curves, intervals
from mlcc.report.html import document, escaped, figure, text_table
from mlcc.signals import show
from mlcc.signals.tables import Signals

MOST_BARS = 60  # gates in one plot; the table has all


def page(found: Signals) -> str:
    """Return the page. The same signals give the same bytes."""
    parts = [
        f"<header><h1>Signals</h1>\n<p>{escaped(show.run_sentence(found.runs))}</p></header>\n<main>\n",
        _section("Gates", show.GATE_COLUMNS, show.gate_rows(found)),
    ]
    if found.releases:
        parts.append(_section("Releases", show.RELEASE_COLUMNS, show.release_rows(found)))
    figures = "".join(figure(plot, f"p{number}") for number, plot in enumerate(_plots(found)))
    parts += [f'<div class="plots">{figures}</div>\n', _left_out(found), "</main>\n"]
    return document("Signals", parts)


def _section(title: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return (
        f'<section class="plain"><h2>{title}</h2>{text_table(names, rows, title, numbers=False)}</section>\n'
    )


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


def _left_out(found: Signals) -> str:
    if not found.problems:
        return ""
    items = "".join(f"<li>{escaped(problem)}</li>" for problem in found.problems[:100])
    return f'<section class="plain"><h2>Left out ({len(found.problems)})</h2><ul class="causes">{items}</ul></section>\n'
