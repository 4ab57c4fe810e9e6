"""What a compile says of gates that it makes easier to pass."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlcc.compiler import analyse, compile_files
from mlcc.gates.strictness import looser
from mlcc.writing.loosening import compare, limits, loosened

SPEC = """version: 1
name: demo
triggers: {push: {branches: [main]}}
artifacts:
  code: {kind: code, path: [src/]}
  raw: {kind: data, path: raw.csv}
  scored: {kind: data, path: scored.csv}
  metrics: {kind: file, path: m.json}
jobs: {train: {run: python a.py, reads: [code], writes: [metrics, scored]}}
gates:
  unit: {guards: code, tests: {run: pytest, junit: j.xml, min_passed: 20, coverage: {path: c.xml, min: 0.8}}}
  table:
    guards: raw
    contract:
      columns:
        income: {type: number, min: 0, max: 100, max_nulls: 0.1}
        region: {type: string, values: [SE, FI], pattern: "[A-Z]+", max_length: 2, max_mixed: 0.1}
        day: {type: date, min: "2024-01-31"}
      references: {region: {artifact: scored, column: code}}
      rows: {min: 100, max: 1000}
      extra_columns: deny
      unique: [income, region]
      denied: [ssn]
      freshness: {column: day, max_age: 36h}
      checks: {sane: {sql: SELECT 1 FROM data WHERE income = 7}}
  rows:
    guards: scored
    evaluate:
      predictions: scored
      label: y
      score: p
      min_n: 500
      confidence: 0.99
      metrics: {roc_auc: {min: 0.73}, log_loss: {max: 0.4}, judge: {mean: j, min: 3}}
  numbers:
    guards: metrics
    evaluate: {metrics_from: metrics, metrics: {acc: {min: 0.8, stderr: se}}}
  own: {guards: code, command: {run: python own.py}}
"""
WAIVER = 'waive: {reason: a known outage, until: "2027-01-31", issue: T-1}, '


def committed(folder: Path, text: str) -> None:
    """Lay a compile of a spec out in a folder."""
    (folder / "mlcc.yaml").write_text(text, "utf-8")
    for file in compile_files(analyse(folder / "mlcc.yaml", folder, assume_committed=True), ["github"]):
        place = folder / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(file.text, "utf-8")


def texts(folder: Path, text: str) -> list[str]:
    """Return what a compile of another spec says."""
    (folder / "mlcc.yaml").write_text(text, "utf-8")
    analysis = analyse(folder / "mlcc.yaml", folder, assume_committed=True)
    return [change.text for change in loosened(analysis.plan, analysis.root)]


CHANGES = [
    ("min: 0.73}", "min: 0.7}", ["threshold loosened: rows roc_auc.min 0.73 → 0.7"], []),
    ("max: 0.4}", "max: 0.5}", ["threshold loosened: rows log_loss.max 0.4 → 0.5"], []),
    ("min_n: 500", "min_n: 400", ["threshold loosened: rows min_n 500 → 400"], []),
    ("      min_n: 500\n", "", ["threshold loosened: rows min_n 500 → 30"], []),
    ("confidence: 0.99", "confidence: 0.9", ["threshold loosened: rows confidence 0.99 → 0.9"], []),
    (", log_loss: {max: 0.4}", "", ['threshold loosened: rows log_loss {"max": 0.4} → none'], []),
    ("mean: j, min: 3", "mean: j, min: 2", ["threshold loosened: rows judge.min 3 → 2"], []),
    ("mean: j,", "mean: k,", ['gate changed: rows columns ["j"] → ["k"]'], ['gate changed: rows columns ["k"] → ["j"]']),
    ("label: y", "label: z", ['gate changed: rows columns ["y"] → ["z"]'], ['gate changed: rows columns ["z"] → ["y"]']),
    (", stderr: se", "", ['threshold loosened: numbers acc.stderr ["se"] → none'], []),
    ("min_passed: 20", "min_passed: 19", ["threshold loosened: unit min_passed 20 → 19"], []),
    ("min: 0.8}}}\n  table", "min: 0.7}}}\n  table", ["threshold loosened: unit coverage.min 0.8 → 0.7"], []),
    (
        ", coverage: {path: c.xml, min: 0.8}", "",
        ['threshold loosened: unit coverage {"path": "c.xml", "min": 0.8} → none'], [],
    ),
    ("{run: pytest,", "{run: tox,", ["gate changed: unit run pytest → tox"], ["gate changed: unit run tox → pytest"]),
    ("min: 0, max: 100,", "min: -1, max: 100,", ["threshold loosened: table income.min 0 → -1"], []),
    ("min: 0, max: 100,", "max: 100,", ["threshold loosened: table income.min 0 → none"], []),
    ("max: 100,", "max: 100.5,", ["threshold loosened: table income.max 100 → 100.5"], []),
    ("max_nulls: 0.1", "max_nulls: 0.2", ["threshold loosened: table income.max_nulls 0.1 → 0.2"], []),
    ("[SE, FI]", "[SE, FI, DK]", ['threshold loosened: table region.values [] → ["DK"]'], []),
    (", max_length: 2", ", max_length: 3", ["threshold loosened: table region.max_length 2 → 3"], []),
    (", max_mixed: 0.1", ", max_mixed: 0.2", ["threshold loosened: table region.max_mixed 0.1 → 0.2"], []),
    (", max_mixed: 0.1", "", ["threshold loosened: table region.max_mixed 0.1 → none"], []),
    (
        "column: code}", "column: code, max_unmatched: 0.5}",
        ["threshold loosened: table region.references 0 → 0.5"], [],
    ),
    (
        "column: code}", "column: other}",
        ["gate changed: table parents.parent1.stored code → other"], ["gate changed: table parents.parent1.stored other → code"],
    ),
    (
        '"[A-Z]+"', '".*"', ["gate changed: table region.pattern [A-Z]+ → .*"],
        ["gate changed: table region.pattern .* → [A-Z]+"],
    ),
    ('"2024-01-31"', '"2023-12-31"', ["threshold loosened: table day.min 2024-01-31 → 2023-12-31"], []),
    ("rows: {min: 100,", "rows: {min: 99,", ["threshold loosened: table rows.min 100 → 99"], []),
    ("rows: {min: 100, max: 1000}", "rows: {min: 100}", ["threshold loosened: table rows.max 1000 → none"], []),
    ("extra_columns: deny", "extra_columns: allow", ["threshold loosened: table extra_columns deny → allow"], []),
    ("denied: [ssn]", "denied: [name]", ['threshold loosened: table denied ["ssn"] → ["name"]'],
     ['threshold loosened: table denied ["name"] → ["ssn"]']),
    ("max_age: 36h", "max_age: 2d", ["threshold loosened: table freshness.max_age 36h → 2d"], []),
    (
        "income = 7", "income = 8",
        ['gate changed: table sql.sane ["SELECT 1 FROM data WHERE income = 7"] → ["SELECT 1 FROM data WHERE income = 8"]'],
        ['gate changed: table sql.sane ["SELECT 1 FROM data WHERE income = 8"] → ["SELECT 1 FROM data WHERE income = 7"]'],
    ),
    ("own: {guards: code,", "own: {guards: code, blocking: false,", ["threshold loosened: own blocking true → false"], []),
    (
        "own: {guards: code,", "own: {guards: code, on_inconclusive: warn,",
        ["threshold loosened: own on_inconclusive fail → warn"], [],
    ),
    ("own: {guards: code,", f"own: {{guards: code, {WAIVER}", ["threshold loosened: own waive.until none → 2027-01-31"], []),
    ("  own: {guards: code, command: {run: python own.py}}\n", "", ["threshold loosened: own gate there → none"], []),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "there", "back"), CHANGES)
def test_a_change_and_its_way_back(
    tmp_path: Path, old: str, new: str, there: list[str], back: list[str]
) -> None:
    assert SPEC.count(old) == 1
    changed = SPEC.replace(old, new)
    committed(tmp_path, SPEC)
    assert texts(tmp_path, SPEC) == []
    assert texts(tmp_path, changed) == there
    if old.startswith("  own"):
        (tmp_path / ".mlcc/gates/own.json").unlink()  # as --prune does
    committed(tmp_path, changed)
    assert texts(tmp_path, SPEC) == back


def test_a_longer_waiver(tmp_path: Path) -> None:
    waived = SPEC.replace("own: {guards: code,", f"own: {{guards: code, {WAIVER}")
    committed(tmp_path, waived)
    assert texts(tmp_path, waived.replace("2027-01-31", "2027-02-28")) == [
        "threshold loosened: own waive.until 2027-01-31 → 2027-02-28"
    ]
    assert texts(tmp_path, waived.replace("2027-01-31", "2027-01-30")) == []


def test_a_gate_of_another_kind(tmp_path: Path) -> None:
    committed(tmp_path, SPEC)
    changed = SPEC.replace("command: {run: python own.py}", "tests: {run: python own.py}")
    assert texts(tmp_path, changed) == ["gate changed: own kind command → tests"]


def test_looser_changes_come_first_and_text_is_escaped(tmp_path: Path) -> None:
    committed(tmp_path, SPEC)
    changed = SPEC.replace("min_passed: 20", "min_passed: 1").replace('"[A-Z]+"', '"é[^;]+"')
    assert texts(tmp_path, changed) == [
        "threshold loosened: unit min_passed 20 → 1",
        "gate changed: table region.pattern [A-Z]+ → é[^;]+",
    ]
    long = SPEC.replace("python own.py", "python " + "x" * 200)
    (found,) = texts(tmp_path, long)
    assert found.endswith("x…")
    assert len(found) < 140


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"gate": "own", "params": 1}', None]
)
def test_what_is_no_committed_gate_is_left_alone(tmp_path: Path, content: bytes | None) -> None:
    committed(tmp_path, SPEC)
    place = tmp_path / ".mlcc/gates/own.json"
    marker = place.read_bytes().splitlines()[1]
    place.unlink()
    if content is None:
        place.mkdir()
    else:
        place.write_bytes(content.replace(b"{", b"{" + marker, 1) if b'"gate"' in content else content)
    assert texts(tmp_path, SPEC) == []


def test_nothing_is_committed(tmp_path: Path) -> None:
    assert texts(tmp_path, SPEC) == []
    (tmp_path / ".mlcc").symlink_to(tmp_path.parent)
    assert texts(tmp_path, SPEC) == []


@pytest.mark.parametrize(
    ("before", "after", "sort"),
    [
        ({"min": 1}, {"min": "1"}, "changed"),
        ({"min": True}, {"min": 1}, "changed"),
        ({"max_age": "24h"}, {"max_age": "1d"}, None),
        ({"max_age": "24h"}, {"max_age": "1441m"}, "loosened"),
        ({"max_age": "24h"}, {"max_age": "long"}, "changed"),
        ({"margin": 0.01}, {"margin": 0.02}, "loosened"),
        ({}, {"margin": 0.02}, "loosened"),
        ({"margin": 0.01}, {}, None),
        ({"max": 1}, {}, "loosened"),
        ({}, {"max": 1}, None),
        ({"tolerance": 1e-6}, {"tolerance": 1e-3}, "loosened"),
        ({"columns": {"a": {"psi": 0.2}}}, {"columns": {"a": {"psi": 0.3}}}, "loosened"),
        ({"columns": {"a": {"psi": 0.2}}}, {"columns": {}}, "loosened"),
        ({"columns": {"a": {"psi": 0.2}}}, {"columns": {"a": {"ks": 0.2}}}, "loosened"),
        ({"test": "superior"}, {"test": "non_inferior"}, "loosened"),
        ({"test": "non_inferior"}, {"test": "superior"}, None),
        ({"test": "superior"}, {"test": "other"}, "changed"),
        ({"identical": True}, {"identical": False}, "loosened"),
        ({"requires": ["a", "b"]}, {"requires": ["b"]}, "loosened"),
        ({"requires": ["b"]}, {"requires": ["b", "a"]}, None),
        ({"formats": ["onnx"]}, {"formats": ["onnx", "json"]}, "loosened"),
        ({"requests": 200}, {"requests": 20}, "loosened"),
        ({"unheard_of": 1}, {"unheard_of": 2}, "changed"),
        ({"unheard_of": 1}, {}, "loosened"),
        ({"query": ["a"]}, {"query": ["b"]}, None),
    ],
)
def test_by_the_name_of_a_key(before: Any, after: Any, sort: str | None) -> None:
    frame = {"gate": "g", "kind": "command", "on_inconclusive": "fail"}
    found = list(compare({**frame, "params": before}, {**frame, "params": after}))
    assert [change.sort for change in found][:1] == ([sort] if sort else [])


@pytest.mark.parametrize(
    ("kind", "before", "after", "sort"),
    [
        ("compare", {"alpha": 0.05, "z": 1.64}, {"alpha": 0.1, "z": 1.28}, "loosened"),
        ("slices", {"alpha": 0.05}, {"alpha": 0.01}, "loosened"),
        ("slices", {"alpha": 0.01}, {"alpha": 0.05}, None),
        (
            "slices",
            {"gaps": [{"id": "recall", "max": 0.1}]},
            {"gaps": [{"id": "recall", "max": 0.2}]},
            "loosened",
        ),
        ("drift", {"confidence": 0.999}, {"confidence": 0.9999}, "loosened"),
        (
            "drift",
            {"columns": [{"id": "a", "cells": {"text": "x"}}]},
            {"columns": [{"id": "a", "cells": {}}]},
            None,
        ),
        ("reproduce", {"outputs": ["a", "b"]}, {"outputs": ["a"]}, "loosened"),
        ("reproduce", {"runs": 3}, {"runs": 2}, "loosened"),
        ("serve", {"answer_within": 10}, {"answer_within": 20}, "loosened"),
        ("serve", {"max_latency": 50}, {"max_latency": 60}, "loosened"),
        ("answers", {"ready_within": 60}, {"ready_within": 600}, "loosened"),
        ("answers", {"answer_within": 10}, {"answer_within": 9}, None),
        ("canary", {"bake": 600}, {"bake": 60}, "loosened"),
        ("canary", {"min_bad": 3}, {"min_bad": 9}, "loosened"),
        ("canary", {"min_requests": 100}, {"min_requests": 10}, "loosened"),
        (
            "canary",
            {"rates": [{"id": "errors", "max": 0.1, "worse_than_control": 1.5}]},
            {"rates": [{"id": "errors", "max": 0.1, "worse_than_control": 2}]},
            "loosened",
        ),
        (
            "canary",
            {"histograms": [{"id": "s", "on_drift": "fail"}]},
            {"histograms": [{"id": "s", "on_drift": "hold"}]},
            "loosened",
        ),
        ("canary", {"alpha": 0.05}, {"alpha": 0.01}, None),
        ("evidence", {"sections": ["Use"], "max_days": 30}, {"sections": [], "max_days": 30}, "loosened"),
        ("leakage", {"max_auc": 0.9}, {"max_auc": 0.99}, "loosened"),
        ("leakage", {"queries": {"key": ["a"], "time": ["b"]}}, {"queries": {"key": ["a"]}}, "loosened"),
        ("feature_value", {"min_gain": 0.02}, {"min_gain": 0.01}, "loosened"),
        ("artifact", {"max_bytes": 10}, {"max_bytes": 9}, None),
        ("artifact", {"digest": "sha256:1"}, {}, "loosened"),
    ],
)
def test_by_the_table_of_a_kind(kind: str, before: Any, after: Any, sort: str | None) -> None:
    frame = {"gate": "g", "kind": kind, "on_inconclusive": "fail"}
    found = list(compare({**frame, "params": before}, {**frame, "params": after}))
    assert [change.sort for change in found] == ([sort] if sort else [])


def test_a_kind_that_is_gone_goes_by_names() -> None:
    assert looser("no-such-kind", ("min",)) == looser("command", ("min",)) == "floor"


def test_limits(tmp_path: Path) -> None:
    committed(tmp_path, SPEC)
    found = json.loads((tmp_path / ".mlcc/gates/rows.json").read_text("utf-8"))
    assert dict(limits(found)) == {
        "confidence": 0.99, "min_n": 500, "roc_auc.min": 0.73, "log_loss.max": 0.4, "judge.min": 3,
    }  # fmt: skip


def test_what_is_forgiven_is_a_limit_where_something_is() -> None:
    document = {"kind": "compare", "params": {"margin": 0.01, "tolerance": 0}}
    assert dict(limits(document)) == {"margin": 0.01}
