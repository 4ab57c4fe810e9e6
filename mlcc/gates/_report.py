"""The reports of a gate: verdict.json, junit.xml, summary.md, and plots.json where there is something to draw.

Each is written whole or not at all.

They hold no time, host or absolute path, so that the same inputs give the same bytes.
"""

from __future__ import annotations

# os.path is loaded at start-up anyway; pathlib would cost a gate that judges two numbers 10 ms.
# ruff: noqa: PTH103, PTH105, PTH108, PTH114, PTH118, PTH120, PTH123
import os

from mlcc.gates._records import GateError, Verdict, is_finite, visible

REPORTS = ("verdict.json", "junit.xml", "summary.md", "plots.json")
SCHEMA = "https://mlcc.dev/verdict/1"
_MARKDOWN = str.maketrans(
    {
        **{"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;", "|": "&#124;", "`": "&#96;"},
        **{sign: "\\" + sign for sign in "\\*_[]#~$!"},
    }
)
_SIGNS = {"pass": "✓", "inconclusive": "?", "fail": "✗", "error": "!"}


def prepare_folder(folder: str) -> None:
    """Make the report folder and remove the reports of an earlier run. Raises GateError."""
    try:
        if any(os.path.islink(part) for part in (folder, os.path.dirname(folder) or ".")):
            raise GateError(f"{visible(folder)} is a symlink")
        os.makedirs(folder, exist_ok=True)
        for name in REPORTS:
            remove_file(os.path.join(folder, name))
    except OSError as error:
        raise GateError(f"{visible(folder)} can't be written: {error.strerror}") from None


def remove_file(path: str) -> None:
    """Remove a file that an earlier run may have left. Raises GateError for a folder or where it can't."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise GateError(f"{visible(path)} can't be removed: {error.strerror}") from None


def write_reports(folder: str, record: dict[str, object], verdict: Verdict, opens: bool) -> None:
    """Write the reports; `opens` tells whether its readers may run. Raises OSError and GateError."""
    text = json_text(record)
    if verdict.plots:
        import json

        plots = json.dumps(verdict.plots, sort_keys=True, allow_nan=False, ensure_ascii=True)
        write_whole(os.path.join(folder, "plots.json"), plots + "\n")
    # The verdict comes last: where it is, the others are.
    write_whole(os.path.join(folder, "summary.md"), _summary(record, verdict))
    write_whole(os.path.join(folder, "junit.xml"), _junit(record, verdict, opens))
    write_whole(os.path.join(folder, "verdict.json"), text + "\n")


def json_text(value: object, margin: str = "\n") -> str:
    """Return `json.dumps(value, sort_keys=True, indent=2, allow_nan=False)`, without the time to import json.

    What isn't as plain as most of a report is left to json. Raises ValueError and TypeError as it does.
    """
    inner = margin + "  "
    if isinstance(value, dict) and value and all(_is_plain(key) for key in value):
        parts = [f'"{key}": {json_text(value[key], inner)}' for key in sorted(value)]
        return "{" + inner + ("," + inner).join(parts) + margin + "}"
    if isinstance(value, (list, tuple)) and value:
        parts = [json_text(item, inner) for item in value]
        return "[" + inner + ("," + inner).join(parts) + margin + "]"
    if _is_plain(value):
        return f'"{value}"'
    if is_finite(value):
        return repr(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    import json

    return json.dumps(value, sort_keys=True, indent=2, allow_nan=False).replace("\n", margin)


def _is_plain(value: object) -> bool:
    """Whether JSON shows a text as it is."""
    return type(value) is str and value.isascii() and value.isprintable() and not {'"', "\\"} & set(value)


def write_whole(path: str, text: str) -> None:
    """Replace a file's content in one step. Raises OSError and GateError."""
    temporary = path + ".part"
    remove_file(temporary)  # opened with "x": a symlink put there would be followed otherwise
    with open(temporary, "x", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def markdown(text: str, limit: int = 400) -> str:
    """Return text that Markdown shows as it is, on one line, in a table cell too."""
    shown = visible(text, limit).translate(_MARKDOWN)
    return "\\" + shown if shown[:1] in ("-", "+", "=") else shown


def _summary(record: dict[str, object], verdict: Verdict) -> str:
    title = f"### {_SIGNS[verdict.verdict]} {markdown(str(record['gate']))}: {verdict.verdict}"
    lines = [title, "", markdown(verdict.summary, 1000), ""]
    if verdict.checks:
        lines += ["| | check | finding |", "|---|---|---|"]
        lines += [
            f"| {_SIGNS[check.verdict]} | {markdown(check.id, 100)} | {markdown(check.message)} |"
            for check in verdict.checks
        ]
        lines.append("")
    return "\n".join(lines)


def _junit(record: dict[str, object], verdict: Verdict, opens: bool) -> str:
    cases = [(check.id, check.verdict, check.message) for check in verdict.checks]
    if verdict.verdict not in [case[1] for case in cases]:
        cases.append(("verdict", verdict.verdict, verdict.summary))
    kinds = ["pass" if v == "pass" else _junit_kind(v, opens) for _, v, _ in cases]
    name = _xml(str(record["gate"]))
    counts = " ".join(
        f'{plural}="{kinds.count(kind)}"'
        for plural, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
    )
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    lines.append(f'<testsuite name="{name}" tests="{len(cases)}" {counts}>')
    for (id, found, message), kind in zip(cases, kinds):  # noqa: B905 - strict= is newer than Python 3.8
        opening = f'  <testcase classname="{name}" name="{_xml(id)}"'
        if kind == "pass":
            lines.append(opening + "/>")
        else:
            lines.append(f'{opening}><{kind} type="{found}" message="{_xml(message)}"/></testcase>')
    return "\n".join([*lines, "</testsuite>", ""])


def _junit_kind(found: str, opens: bool) -> str:
    """A finding that doesn't close the gate (waived, or inconclusive with a warning) isn't red in JUnit."""
    if opens:
        return "skipped"
    return "error" if found == "error" else "failure"


def _xml(text: str) -> str:
    shown = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return shown.replace('"', "&quot;")
