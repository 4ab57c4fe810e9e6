"""Shows reports of nodes as Markdown, for summaries and the comment: the same words on every CI system.

A report's own text keeps its headings, lists, tables and emphasis, and nothing else: it becomes no HTML, link, image,
mention, reference, quick action (https://docs.gitlab.com/user/project/quick_actions/) or workflow command.
Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from mlcc.report.markup import plain
from mlcc.report.reports import Told

BREAK = "&#8288;"  # a sign of no width: behind it nothing is a reference
_LEFT_OUT = "\n_There is more than fits here: see the page of the run._\n"
_ALWAYS = frozenset("<&[]@$")
_REFERRING = re.compile(r"[#!%~^](?=[\w\"'{*])")
_OPENING = re.compile(r"( *)(`{3,}|~{3,}|/|::|##\[)")


def fitted(text: str, parts: Iterable[str], most: int) -> str:
    """Return a text and what is to follow it, at most so many bytes: parts that don't fit are left out whole."""
    left_out = False
    for part in parts:
        if len((text + part + _LEFT_OUT).encode()) <= most:
            text += part
        else:
            left_out = True
    return text + _LEFT_OUT if left_out else text


def reports_shown(told: Sequence[Told]) -> Iterator[str]:
    """Yield the parts that show reports: a table, then what is folded below it."""
    if not told:
        return
    rows = "".join(_told_row(one) for one in told)
    yield f"\n| | node | report | says |\n|---|---|---|---|\n{rows}"
    for one in told:
        title = f"{plain(one.node)}: {plain(one.id)}"
        if one.items:
            more = f"\nand {one.more} more\n" if one.more else ""
            listed = "".join(f"- {plain(item)}\n" for item in one.items)
            yield f"\n<details><summary>{title}: {len(one.items) + one.more}</summary>\n\n{listed}{more}\n</details>\n"
        if one.text:
            text = markdown_shown(one.text) if one.format == "markdown" else text_shown(one.text)
            yield f"\n<details><summary>{title}</summary>\n\n{text}\n\n</details>\n"


def _told_row(one: Told) -> str:
    sign = "" if one.readable else "❗"
    return f"| {sign} | {plain(one.node)} | {plain(one.id)} | {plain(one.words)} |\n"


def markdown_shown(text: str) -> str:
    """Return untrusted Markdown with its harmless part in force."""
    return "\n".join(map(_markdown_line, _lines(text)))


def text_shown(text: str) -> str:
    """Return an untrusted text as it is, as an HTML element that Markdown isn't looked for in."""
    lines = (
        "".join(c if c.isalnum() or c in " ,=()+" else f"&#{ord(c)};" for c in line) for line in _lines(text)
    )
    return "<pre>" + "&#10;".join(lines) + "</pre>"


def _lines(text: str) -> list[str]:
    """Return lines without what nobody sees."""
    found = text.replace("\t", "    ").split("\n")
    return ["".join(c if c.isprintable() else " " for c in line).rstrip() for line in found]


def _markdown_line(line: str) -> str:
    opening = _OPENING.match(line)
    start = ""
    if opening:  # what would be obeyed, or take all that follows for code
        start = opening[1] + "".join(f"&#{ord(c)};" for c in opening[2])
        line = line[opening.end() :]
    line = _REFERRING.sub(lambda match: f"\0{ord(match[0])}\0", line)
    line = "".join(f"&#{ord(c)};{BREAK if c in '@$' else ''}" if c in _ALWAYS else c for c in line)
    line = re.sub("\0([0-9]+)\0", rf"&#\1;{BREAK}", line)
    for word, broken in (("://", f":{BREAK}//"), ("www.", f"www.{BREAK}"), ("GH-", f"GH-{BREAK}")):
        line = line.replace(word, broken)
    return start + line
