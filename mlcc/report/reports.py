"""Reads the reports that nodes leave for people, without trust, and says what they say in a sentence.

The node's machine reads the files, in a process of its own; its record travels with the node's state. What is missing,
too large or no such report is said to be that. Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

from math import floor
from pathlib import Path
from typing import Any, NamedTuple

from mlcc.gates._records import GateError, counted, visible
from mlcc.gates._strict import read_bytes, read_json
from mlcc.gates.tests.xml_reports import read_coverage, read_junit
from mlcc.runtime.records import RunError, legs_of, read_record, report_folder, state_folder, write_record

MOST_BYTES = 16 << 20
MOST_ITEMS = 20
MOST_TEXT = 20_000  # characters that are shown of a text
MOST_ITEM = 300  # characters
LEVELS = ("error", "warning", "note")


class Said(NamedTuple):
    """What a report says: a sentence, its failed tests or findings, and its text where that is shown."""

    words: str
    items: tuple[str, ...] = ()
    text: str = ""


class Told(NamedTuple):
    """What one report of one leg of a node says. `node` has the leg in brackets.

    `items` are at most `MOST_ITEMS`, `more` how many there are beyond. `readable` False: `words` say why.
    """

    node: str
    id: str
    format: str
    words: str
    items: list[str]
    more: int
    text: str
    readable: bool


def record_reports(plan: dict[str, Any], node: str, leg: str) -> None:
    """Write what the reports of a leg say beside its state. Raises RunError for another leg than the plan's."""
    found = plan["nodes"].get(node)
    if found is None or leg not in legs_of(found):
        raise RunError("MLCC_NODE and MLCC_LEG name no leg of the plan")
    told = {
        id: _report_record(report, report_folder(node, leg) / id)
        for id, report in found.get("reports", {}).items()
    }
    write_record(
        state_folder(node, leg) / "reports.json", {"schema": "https://mlcc.dev/reports/1", "reports": told}
    )


def read_reports(plan: dict[str, Any], only: tuple[str, str] | None = None) -> list[Told]:
    """Return what the reports of a run say, or of `only` one leg (node, leg). Raises no error for what a run left."""
    legs = [(id, leg) for id, node in plan["nodes"].items() if node.get("reports") for leg in legs_of(node)]
    return [
        told
        for id, leg in legs
        if only in (None, (id, leg))
        for told in _told_of_leg(plan["nodes"][id], id, leg)
    ]


def _report_record(report: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the record of one report, whose copy lies in `folder`."""
    path = folder / Path(report["path"]).name
    try:
        if path.is_symlink() or not path.is_file():
            raise GateError(f"it was not left at {visible(str(report['path']))}")
        said = READERS[report["format"]](str(path))
    except (GateError, OSError, ValueError, RecursionError) as problem:
        return {"words": visible(str(problem), 600), "readable": False}
    items = [visible(item, MOST_ITEM) for item in said.items[:MOST_ITEMS]]
    more = len(said.items) - len(items)
    return {"words": said.words, "readable": True, "items": items, "more": more, "text": said.text}


def _told_of_leg(node: dict[str, Any], id: str, leg: str) -> list[Told]:
    name = f"{id} ({leg})" if leg else id
    path = state_folder(id, leg) / "reports.json"
    try:
        record = read_record(path)
    except RunError:
        record = {}
    if record is None:
        return []  # it didn't run
    found = record.get("reports")
    return [_told_of(name, report, one, found) for one, report in node["reports"].items()]


def _told_of(node: str, report: dict[str, Any], id: str, found: object) -> Told:
    """Return a report's record as far as it is what this module writes."""
    one = found.get(id) if isinstance(found, dict) else None
    one = one if isinstance(one, dict) else {}
    words, items, more, text = (one.get(key) for key in ("words", "items", "more", "text"))
    return Told(
        node=node,
        id=id,
        format=str(report["format"]),
        words=visible(words, 600) if isinstance(words, str) else "what it says is not known",
        items=[visible(str(item), MOST_ITEM) for item in items[:MOST_ITEMS]]
        if isinstance(items, list)
        else [],
        more=more if type(more) is int and 0 < more < 10**9 else 0,
        text=text[:MOST_TEXT] if isinstance(text, str) else "",
        readable=one.get("readable") is True and isinstance(words, str),
    )


# --- formats --------------------------------------------------------------------------------------


def _junit_said(path: str) -> Said:
    counts = read_junit(path)
    total = counts.passed + counts.failed + counts.skipped
    if total == 0:
        return Said("no test ran")
    words = (
        f"{counted(total, 'test')}: {counts.passed} passed, {counts.failed} failed, {counts.skipped} skipped"
    )
    return Said(words, tuple(counts.failures))


def _cobertura_said(path: str) -> Said:
    # rounded down: 100 % is said of nothing less
    return Said(f"{floor(read_coverage(path) * 1000) / 10} % of lines are covered")


def _sarif_said(path: str) -> Said:
    log = read_json(path, MOST_BYTES, finite=False)
    if (
        not isinstance(log, dict)
        or not str(log.get("version")).startswith("2.")
        or not _is_objects(log.get("runs"))
    ):
        raise GateError("it is not a SARIF log of version 2")
    found: list[tuple[str, str]] = []
    suppressed = 0
    for run in log["runs"]:
        results = run.get("results")
        if not _is_objects([] if results is None else results):
            raise GateError("it is not a SARIF log: its results are no list of objects")
        rules = _rule_levels(run)
        for result in results or ():
            if _is_suppressed(result):
                suppressed += 1
            else:
                found.append(_finding_said(result, rules))
    counts = [counted(sum(level == one for level, _ in found), one) for one in LEVELS]
    words = ", ".join(counts) if any(level in LEVELS for level, _ in found) else "no findings"
    ranked = sorted((f for f in found if f[0] in LEVELS), key=lambda one: LEVELS.index(one[0]))
    more = f", {suppressed} suppressed" if suppressed else ""
    return Said(words + more, tuple(f"{level}: {text}" for level, text in ranked))


def _is_objects(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _rule_levels(run: dict[str, Any]) -> dict[str, str]:
    """Return rule -> the level of its findings that state none (SARIF 2.1.0, 3.27.10)."""
    driver = _inside(run, "tool", "driver")
    rules = driver.get("rules") if isinstance(driver, dict) else None
    levels = {}
    for rule in rules if isinstance(rules, list) else ():
        level = _inside(rule, "defaultConfiguration", "level")
        if isinstance(rule, dict) and isinstance(level, str):
            levels[str(rule.get("id"))] = level
    return levels


def _is_suppressed(result: dict[str, Any]) -> bool:
    """Whether somebody has accepted a finding (3.27.23, 3.35.3): no suppression of it is open or rejected."""
    found = result.get("suppressions")
    if not isinstance(found, list) or not found:
        return False
    return all(isinstance(one, dict) and one.get("status") in (None, "accepted") for one in found)


def _finding_said(result: dict[str, Any], rules: dict[str, str]) -> tuple[str, str]:
    """Return a finding's level and its text."""
    rule = str(result.get("ruleId") or _inside(result, "rule", "id") or "")
    level = result.get("level") or rules.get(rule, "warning")
    if result.get("kind") not in (None, "fail"):
        level = "none"
    if level not in (*LEVELS, "none"):
        raise GateError("it is not a SARIF log: a level is none of error, warning, note and none")
    locations = result.get("locations")
    place = _inside(locations[0] if isinstance(locations, list) and locations else None, "physicalLocation")
    uri, line = _inside(place, "artifactLocation", "uri"), _inside(place, "region", "startLine")
    where = f" ({uri}:{line})" if isinstance(uri, str) and type(line) is int else ""
    said = _inside(result, "message", "text")
    return str(level), f"{rule}: {said if isinstance(said, str) else ''}{where}"


def _inside(value: object, *keys: str) -> object:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _text_said(path: str) -> Said:
    text = read_bytes(path, MOST_BYTES).decode("utf-8").replace("\r\n", "\n").strip("\n")
    if not text.strip():
        return Said("it is empty")
    shown = text if len(text) <= MOST_TEXT else text[:MOST_TEXT].rpartition("\n")[0] or text[:MOST_TEXT]
    cut = (
        "" if len(shown) == len(text) else f", of which {counted(shown.count(chr(10)) + 1, 'line')} are shown"
    )
    return Said(f"{counted(text.count(chr(10)) + 1, 'line')}{cut}", text=shown)


def _html_said(path: str) -> Said:
    size = len(read_bytes(path, 10 * MOST_BYTES))
    return Said(f"a page of {size:,} bytes, kept as {visible(path)}" if size else "it is empty")


READERS = {
    "junit": _junit_said,
    "cobertura": _cobertura_said,
    "sarif": _sarif_said,
    "text": _text_said,
    "markdown": _text_said,
    "html": _html_said,
}
