"""Signals as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mlcc.gates._records import counted, rounded, visible
from mlcc.signals.tables import Signals

VERSION = 1
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def as_json(found: Signals) -> str:
    """Return the tables as JSON: {"version", "runs", "gates", "weeks", "releases", "unreadable"}."""
    content = {
        "version": VERSION,
        "runs": _plain(found.runs),
        "gates": [_plain(row) for row in found.gates],
        "weeks": [_plain(row) for row in found.weeks],
        "releases": [_plain(row) for row in found.releases],
        "unreadable": found.problems,
    }
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {key: rounded(value) if isinstance(value, float) else value for key, value in row.items()}


def as_text(found: Signals) -> str:
    """Return the tables as a report in plain text."""
    parts = [run_sentence(found.runs) + "\n", columns(GATE_COLUMNS, gate_rows(found))]
    if found.releases:
        parts.append(columns(RELEASE_COLUMNS, release_rows(found)))
    if found.problems:
        parts.append("".join(f"left out: {visible(problem)}\n" for problem in found.problems))
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def run_sentence(runs: dict[str, Any]) -> str:
    """Return how many runs there are, and how they ended."""
    if not runs["runs"]:
        rest = f"; {runs['without_record']} left states" if runs["without_record"] else ""
        return f"no run left a whole record (the final node writes it; a gate that runs by hand leaves none){rest}"
    text = f"{counted(runs['runs'], 'run')}, {percent(runs['green'] / runs['runs'])} green"
    if runs["first"]:
        text += f", from {runs['first'][:10]} to {runs['last'][:10]}"
    if runs["median_commit_to_green_seconds"] is not None:
        text += f"; from commit to green in {duration(runs['median_commit_to_green_seconds'])} (median)"
    rest = runs["without_record"]
    return text + (f"; {rest} more left only states" if rest else "")


GATE_COLUMNS = (
    "gate",
    "kind",
    "runs",
    "blocks",
    "95 % interval",
    "waived",
    "inconclusive",
    "median time",
    "p95 time",
    "note",
)


def gate_rows(found: Signals) -> list[list[str]]:
    """Return the table of gates as texts."""
    return [
        [
            gate_name(found, row),
            visible(str(row["kind"] or ""), 40),
            str(row["judged"]),
            percent(row["blocked_rate"]) + ("" if row["blocking"] else " (not blocking)"),
            f"{percent(row['blocked_interval'][0])} to {percent(row['blocked_interval'][1])}",
            percent(row["waived_rate"]),
            percent(row["inconclusive_rate"]),
            duration(row["median_seconds"]),
            duration(row["p95_seconds"]),
            row["note"],
        ]
        for row in found.gates
    ]


def gate_name(found: Signals, row: dict[str, Any]) -> str:
    """Return a gate's name, with its pipeline where there are several."""
    several = len({other["pipeline"] for other in found.gates}) > 1
    return visible(f"{row['pipeline'] or '?'}/{row['gate']}" if several else str(row["gate"]), 80)


RELEASE_COLUMNS = (
    "environment", "releases", "a week", "tried", "lead time", "rollbacks", "failed", "95 % interval", "time to restore", "note",
)  # fmt: skip


def release_rows(found: Signals) -> list[list[str]]:
    """Return the table of environments as texts."""
    return [
        [
            visible(str(row["environment"]), 80),
            str(row["releases"]),
            "" if row["releases_per_week"] is None else f"{row['releases_per_week']:.3g}",
            str(row["tried"]),
            duration(row["median_lead_seconds"]),
            str(row["rollbacks"]),
            percent(row["failure_rate"]),
            f"{percent(row['failure_interval'][0])} to {percent(row['failure_interval'][1])}",
            duration(row["median_restore_seconds"]),
            f"{row['not_restored']} not restored yet" if row["not_restored"] else "",
        ]
        for row in found.releases
    ]


def percent(share: float) -> str:
    """Return a share in percent, to a tenth."""
    return f"{100 * share:.1f} %"


def duration(seconds: float | None) -> str:
    """Return a time in the largest unit that it has at least one of."""
    if seconds is None:
        return "–"
    size, unit = next(((size, unit) for size, unit in _UNITS if abs(seconds) >= size), _UNITS[-1])
    return f"{seconds / size:.3g} {unit}"


def columns(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in aligned columns."""
    widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in (names, *rows)
    ]
    return "".join(line.rstrip() + "\n" for line in lines)
