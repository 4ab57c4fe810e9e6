"""Diagnostics as text for a terminal, JSON, SARIF for code scanning, and GitHub annotations.

Each rendering takes the diagnostics and the text of each file by display path, and orders them by file, line,
column and code, so that the same findings always read the same. Whatever comes from a spec is escaped: no
control character and no bidirectional one reaches a terminal or a log.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mlcc.diagnostics import Diagnostic, Related, Severity, Span
from mlcc.load.source import HIDDEN

WIDTH = 100
"""How many columns of a source line are shown; a longer one is cut around the place that matters."""
_CUT = "..."
_TAB = "    "

Texts = Mapping[str, str]


def to_text(diagnostics: Sequence[Diagnostic], texts: Texts) -> str:
    """Return `file:line:col: error[code]: message` with the source line, for each diagnostic."""
    lines = {file: text.split("\n") for file, text in texts.items()}
    return "".join(f"{line}\n" for diagnostic in _ordered(diagnostics) for line in _block(diagnostic, lines))


def to_json(diagnostics: Sequence[Diagnostic], texts: Texts) -> str:
    """Return `{"version": 1, "diagnostics": [...]}` with the fields of Diagnostic (null: none)."""
    del texts  # every rendering takes them
    return _dump({"version": 1, "diagnostics": [_plain(diagnostic) for diagnostic in _ordered(diagnostics)]})


def to_github(diagnostics: Sequence[Diagnostic], texts: Texts) -> str:
    """Return one workflow command a diagnostic, which GitHub Actions shows as an annotation of the line.

    Source: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
    """
    del texts  # every rendering takes them
    return "".join(f"{_command(diagnostic)}\n" for diagnostic in _ordered(diagnostics))


def to_sarif(diagnostics: Sequence[Diagnostic], texts: Texts) -> str:
    """Return a SARIF 2.1.0 log with one run.

    Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
    """
    del texts  # every rendering takes them
    from mlcc import __version__

    found = _ordered(diagnostics)
    codes = sorted({diagnostic.code for diagnostic in found})
    driver = {
        "name": "mlcc",
        "version": __version__,
        "informationUri": "https://github.com/mlcc-dev/mlcc",
        "rules": [_sarif_rule(code, found) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_sarif_result(diagnostic, codes) for diagnostic in found],
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return _dump(log)


def _ordered(diagnostics: Sequence[Diagnostic]) -> list[Diagnostic]:
    return sorted(diagnostics, key=_order)


def _order(diagnostic: Diagnostic) -> tuple[str, int, int, str, str]:
    span = diagnostic.span
    if span is None:
        return "", 0, 0, diagnostic.code, diagnostic.message
    return span.file, span.line, span.column, diagnostic.code, diagnostic.message


def _dump(value: object) -> str:
    import json  # 10 ms that a clean lint needn't pay

    return json.dumps(value, indent=2) + "\n"


# Text


def _block(diagnostic: Diagnostic, lines: Mapping[str, list[str]]) -> Iterator[str]:
    title = f"{diagnostic.severity.value}[{diagnostic.code}]: {escaped(diagnostic.message)}"
    places = [diagnostic.span, *(related.span for related in diagnostic.related)]
    gutter = max((len(str(span.line)) for span in places if span), default=1)
    yield from _place(title, diagnostic.span, lines, gutter)
    for related in diagnostic.related:
        yield from _place(f"note: {escaped(related.message)}", related.span, lines, gutter)
    if diagnostic.help:
        yield f"{' ' * gutter} = help: {escaped(diagnostic.help)}"


def _place(title: str, span: Span | None, lines: Mapping[str, list[str]], gutter: int) -> Iterator[str]:
    if span is None:
        yield title
        return
    yield f"{escaped(span.file)}:{span.line}:{span.column}: {title}"
    text = lines.get(span.file, [])
    if 1 <= span.line <= len(text):
        shown, carets = _snippet(text[span.line - 1], span)
        yield f"{' ' * gutter} |"
        yield f"{span.line:>{gutter}} | {shown}".rstrip()
        yield f"{' ' * gutter} | {carets}"


def _snippet(line: str, span: Span) -> tuple[str, str]:
    """Return the part of `line` that fits, and carets under what `span` covers of it."""
    first = min(span.column - 1, len(line))
    last = len(line) if span.end_line > span.line else min(span.end_column - 1, len(line))
    last = max(last, first)
    begin, end = _window(line, first, last)
    head = _CUT if begin else ""
    tail = _CUT if end < len(line) else ""
    shown = head + "".join(map(_cell, line[begin:end])) + tail
    indent = len(head) + _width(line[begin:first])
    return shown, " " * indent + "^" * max(1, _width(line[first : min(last, end)]))


def _window(line: str, first: int, last: int) -> tuple[int, int]:
    """Return which characters of `line` are shown: at most WIDTH columns, from a little before `first` on."""
    if _width(line[: 8 * WIDTH]) <= WIDTH and len(line) <= WIDTH:
        return 0, len(line)
    covered = min(last - first, WIDTH // 2)
    begin = max(0, min(first - (WIDTH - covered) // 2, len(line) - WIDTH))
    begin = begin if begin > len(_CUT) else 0
    end, room = begin, WIDTH
    while end < len(line) and (room := room - _width(line[end])) >= 0:
        end += 1
    return begin, max(end, first)


def _cell(character: str) -> str:
    return _TAB if character == "\t" else escaped(character)


def _width(text: str) -> int:
    """Return how many columns a terminal gives to `text` as it is shown."""
    if text.isascii() and text.isprintable():
        return len(text)
    import unicodedata  # only for the line of an error

    columns = 0
    for character in text:
        cell = _cell(character)
        if len(cell) > 1 or not unicodedata.combining(character):
            columns += 2 if unicodedata.east_asian_width(cell[0]) in "WF" else len(cell)
    return columns


def escaped(text: str) -> str:
    """Return `text` with everything escaped that a terminal could obey or hide, line breaks and tabs too."""
    if text.isascii() and text.isprintable():
        return text
    return HIDDEN.sub(lambda match: _escape(match.group()), text).replace("\n", "\\n").replace("\t", "\\t")


def _escape(character: str) -> str:
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


# JSON


def _plain(diagnostic: Diagnostic) -> dict[str, object]:
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": escaped(diagnostic.message),
        "span": _plain_span(diagnostic.span) if diagnostic.span else None,
        "related": [
            {"message": escaped(related.message), "span": _plain_span(related.span)}
            for related in diagnostic.related
        ],
        "help": escaped(diagnostic.help) if diagnostic.help else None,
    }


def _plain_span(span: Span) -> dict[str, object]:
    return {
        "file": escaped(span.file),
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


# SARIF

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def _sarif_rule(code: str, found: Sequence[Diagnostic]) -> dict[str, object]:
    """Describe a rule, of which a log may have many findings: nothing here is of one of them."""
    from mlcc.lint.document import describe  # only this format needs the pages

    first = next(diagnostic for diagnostic in found if diagnostic.code == code)
    summary, text = describe(code)
    return {
        "id": code,
        "shortDescription": {"text": summary},
        "help": {"text": text},
        "defaultConfiguration": {"level": _LEVELS[first.severity]},
    }


def _sarif_result(diagnostic: Diagnostic, codes: Sequence[str]) -> dict[str, object]:
    message = escaped(diagnostic.message) + (
        f" (help: {escaped(diagnostic.help)})" if diagnostic.help else ""
    )
    result: dict[str, object] = {
        "ruleId": diagnostic.code,
        "ruleIndex": codes.index(diagnostic.code),
        "level": _LEVELS[diagnostic.severity],
        "message": {"text": message},
    }
    if diagnostic.span:
        result["locations"] = [{"physicalLocation": _sarif_location(diagnostic.span)}]
    if diagnostic.related:
        result["relatedLocations"] = [
            _sarif_related(number, related) for number, related in enumerate(diagnostic.related, 1)
        ]
    return result


def _sarif_related(number: int, related: Related) -> dict[str, object]:
    return {
        "id": number,
        "message": {"text": escaped(related.message)},
        "physicalLocation": _sarif_location(related.span),
    }


def _sarif_location(span: Span) -> dict[str, object]:
    from urllib.parse import quote

    return {
        "artifactLocation": {"uri": quote(span.file, errors="replace"), "uriBaseId": "%SRCROOT%"},
        "region": {
            "startLine": span.line,
            "startColumn": span.column,
            "endLine": span.end_line,
            "endColumn": span.end_column,
        },
    }


# GitHub

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def _command(diagnostic: Diagnostic) -> str:
    properties = []
    span = diagnostic.span
    if span:
        properties = [f"file={_property(span.file)}", f"line={span.line}"]
        # GitHub takes columns only where the range lies on one line.
        if span.end_line == span.line:
            properties += [f"col={span.column}", f"endColumn={span.end_column}"]
        else:
            properties.append(f"endLine={span.end_line}")
    properties.append(f"title={_property(diagnostic.code)}")
    text = [diagnostic.message]
    text += [f"{r.span.file}:{r.span.line}:{r.span.column}: {r.message}" for r in diagnostic.related]
    text += [f"help: {diagnostic.help}"] if diagnostic.help else []
    message = "%0A".join(_data(part) for part in text)
    return f"::{_COMMANDS[diagnostic.severity]} {','.join(properties)}::{message}"


def _data(text: str) -> str:
    return escaped(text).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
