"""HTML that all pages share: the document around them, tables, and plots with their data.

Texts are escaped and bounded. A page's own policy lets it load nothing and run nothing (https://www.w3.org/TR/CSP3/).
Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from mlcc.gates._records import visible
from mlcc.report.plots import draw
from mlcc.report.style import stylesheet

MOST_SHOWN = 1000  # rows of any table
BROKEN = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError)


def document(title: str, body: Iterable[str]) -> str:
    """Return a page that needs nothing else. `title` is a text, `body` HTML."""
    style = stylesheet()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n',
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n',
        f"<title>{escaped(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n",
    ]
    return "".join([*head, *body, "</body>\n</html>\n"])


def escaped(text: str, limit: int = 600) -> str:
    """Return a text as HTML, its odd characters made visible and what is over `limit` cut off."""
    return escape(visible(text, limit))


def html_table(columns: Sequence[str], rows: Iterable[Sequence[str]], name: str = "") -> str:
    """Return a table of cells that are HTML already, of the style class `name`.

    Its roles are said: a style that lays cells out one below the other would take them from it.
    """
    heads = "".join(f'<th role="columnheader" scope="col">{column}</th>' for column in columns)
    lines = [
        "<tr role='row'>" + "".join(f"<td role='cell'>{cell}</td>" for cell in row) + "</tr>\n"
        for row in rows
    ]
    body = f"<tbody role='rowgroup'>{''.join(lines[:MOST_SHOWN])}</tbody>"
    opening = f'<table role="table" class="{name}">' if name else '<table role="table">'
    return f"{opening}<thead role='rowgroup'><tr role='row'>{heads}</tr></thead>{body}</table>\n"


def text_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], label: str, *, numbers: bool = True
) -> str:
    """Return a table of texts that scrolls within itself where it is too wide.

    Its first column has names; `numbers`: the others have numbers.
    """
    marks = ["", *(" class=number" if numbers else "" for _ in columns[1:])]
    heads = "".join(
        f'<th scope="col"{mark}>{escaped(column, 80)}</th>'
        for mark, column in zip(marks, columns)  # noqa: B905
    )
    lines = [
        "".join(f"<td{mark}>{escaped(cell, 120)}</td>" for mark, cell in zip(marks, row))  # noqa: B905
        for row in rows[:MOST_SHOWN]
    ]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="wide" role="region" tabindex="0" aria-label="{escaped(label, 160)}">{table}</div>'


def figure(plot: Any, id: str) -> str:
    """Return a plot of mlcc.gates._plots as a picture, with its data as a table. One that isn't whole says so."""
    try:
        drawing = draw(plot, id)
    except BROKEN:
        return "<figure><figcaption>A plot</figcaption><p>It can't be drawn: its data isn't whole.</p></figure>\n"
    note = f'<p class="faint">{escaped(drawing.note)}</p>' if drawing.note else ""
    table = text_table(drawing.columns, drawing.rows, f"Data of {drawing.title}")
    return (
        f"<figure><figcaption>{escaped(drawing.title)}</figcaption>{drawing.picture}{note}"
        f"<details><summary>Data as a table</summary>{table}</details></figure>\n"
    )
