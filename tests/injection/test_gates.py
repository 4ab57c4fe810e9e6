"""Gates on data whose columns and cells are hostile: SQL, logs, tables of Markdown and XML take them for text."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from mlcc.gates._report import markdown
from mlcc.runtime.final import cell
from mlcc.runtime.log import one_line
from tests.gates.conftest import Outcome, Project, project
from tests.injection.corpus import canaries, corpus
from tests.injection.gate_fields import _sql
from tests.injection.leaves import takes
from tests.injection.platforms import PLATFORMS, platform

__all__ = ["project"]
duckdb = pytest.importorskip("duckdb")
Count = Callable[[int], None]
FORMATS = ("csv", "tsv", "jsonl")
BATCH = 350
COMMANDS = [platform(name).commands for name in sorted(PLATFORMS)]


def texts() -> list[str]:
    return [h.text for h in corpus() if takes("Contract.denied[]", h.text)]


def batches() -> list[tuple[str, int]]:
    return [(FORMATS[turn % len(FORMATS)], turn) for turn in range(-(-len(texts()) // BATCH))]


def table(format: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """Return a table of text as the bytes of a file."""
    if format == "jsonl":
        return "".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows).encode()
    out = io.StringIO()
    writer = csv.writer(
        out, delimiter="\t" if format == "tsv" else ",", quoting=csv.QUOTE_ALL, lineterminator="\n"
    )
    writer.writerows([names, *rows])
    return out.getvalue().encode()


def write_table(project: Project, format: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    path = f"data.{format}"
    project.write(path, table(format, names, rows))
    return path


def check_reports(outcome: Outcome, root: Path) -> None:
    """Check what people and CI systems read of a gate."""
    folder = root / "_mlcc" / "s--g"
    for commands in COMMANDS:
        assert commands(outcome.log) == []
    summary = (folder / "summary.md").read_text("utf-8")
    rows = [line for line in summary.splitlines() if line.startswith("|")]
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 4 for row in rows)
    assert not re.search(r"<(?!/?details|/?summary)|(?<!\\)[\[`]", summary)
    cases = ElementTree.fromstring((folder / "junit.xml").read_text("utf-8")).findall("testcase")
    assert cases
    assert canaries(root) == []


@pytest.mark.parametrize(("format", "turn"), batches())
def test_columns_and_cells_of_a_table(format: str, turn: int, project: Project, executed: Count) -> None:
    names = texts()[turn * BATCH : (turn + 1) * BATCH]
    cells = texts()[-len(names) :]
    path = write_table(project, format, names, [cells])
    columns = {
        n: {"type": "string", "values": [c], "max_length": 9000} for n, c in zip(names, cells, strict=True)
    }
    params = {
        "columns": columns,
        "unique": names[:20],
        "extra_columns": "deny",
        "denied": ["x"],
    }
    project.gate("contract", params, {"raw": path})
    outcome = project.run_script("contract")
    assert outcome.verdict == "pass", outcome.log
    check_reports(outcome, project.root)
    executed(2 * len(names))


@pytest.mark.parametrize("turn", range(3))
def test_columns_of_a_parquet_file(turn: int, project: Project, executed: Count) -> None:
    names = texts()[turn::40]
    quoted = ", ".join(f"""1 AS "{name.replace('"', '""')}\"""" for name in names)
    duckdb.sql(f"COPY (SELECT {quoted}) TO 'data.parquet'")
    project.gate(
        "contract", {"columns": {n: {"type": "integer", "min": 1} for n in names}}, {"raw": "data.parquet"}
    )
    outcome = project.run_script("contract")
    assert outcome.verdict == "pass", outcome.log
    check_reports(outcome, project.root)
    executed(len(names))


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_a_table_that_fails(format: str, project: Project, executed: Count) -> None:
    names = texts()[::5]
    path = write_table(project, format, ["id", *names], [["x", *reversed(names)]])
    wrong = {
        name: {"type": "string", "values": ["other"], "pattern": re.escape(name[:40])} for name in names[::2]
    }
    params = {
        "columns": {**wrong, "gone ##[error]": {"type": "date"}},
        "extra_columns": "deny",
        "denied": names[1::2],
    }
    project.gate("contract", params, {"raw": path})
    outcome = project.run_script("contract")
    assert (outcome.verdict, outcome.code) == ("fail", 1)
    check_reports(outcome, project.root)
    executed(2 * len(names))


def test_values_in_checks_of_the_users_own(project: Project, executed: Count) -> None:
    cells = texts()[::8]
    path = write_table(project, "csv", ["id"], [[text] for text in cells])
    checks = {f"c{i}": {"sql": _sql(text)} for i, text in enumerate(cells) if "${{" not in text}
    project.gate("contract", {"columns": {"id": {"type": "string"}}, "checks": checks}, {"raw": path})
    outcome = project.run_script("contract")
    found = {id: verdict for id, verdict in outcome.checks.items() if id.startswith("checks.")}
    assert found == {f"checks.{id}": "fail" for id in checks}
    check_reports(outcome, project.root)
    executed(len(checks))


@pytest.mark.parametrize("turn", range(3))
def test_columns_of_predictions(turn: int, project: Project, executed: Count) -> None:
    names = texts()[turn * 700 : (turn + 1) * 700 : 5]
    format = ("csv", "jsonl", "tsv")[turn]
    path = write_table(project, format, names, [["1"] * len(names)] * 40)
    metrics = {f"m{i}": {"mean": name, "min": 0.9} for i, name in enumerate(names)}
    project.gate("evaluate", {"predictions": "raw", "metrics": metrics}, {"raw": path})
    outcome = project.run_script("evaluate")
    assert outcome.verdict == "pass", outcome.log
    check_reports(outcome, project.root)
    executed(len(names))


@pytest.mark.parametrize("number", range(6))
def test_label_and_score(number: int, project: Project, executed: Count) -> None:
    label, score, other = texts()[number * 301 : number * 301 + 3]
    path = write_table(project, "csv", [label, score, other], [["1", "0.9", "1"], ["0", "0.1", "0"]] * 30)
    params: dict[str, Any] = {"predictions": "raw", "label": label, "metrics": {"accuracy": {"min": 0.5}}}
    for key, name in (("score", score), ("prediction", other)):
        project.gate("evaluate", {**params, key: name}, {"raw": path})
        outcome = project.run_script("evaluate")
        assert outcome.verdict == "pass", outcome.log
        check_reports(outcome, project.root)
    executed(3)


def test_names_in_a_file_of_numbers(project: Project, executed: Count) -> None:
    names = [text for text in texts()[::3] if all(text.split("."))]
    tree: dict[str, Any] = {}
    for name in names:
        *way, last = name.split(".")
        inner = tree
        for step in way:
            inner = inner.setdefault(step, {})
        inner[last] = 1
    project.write("d.csv", "x\n1\n")
    project.write("m.json", json.dumps(tree))
    metrics = {f"m{i}": {"value": name, "min": 0.5} for i, name in enumerate(names)}
    project.gate("evaluate", {"metrics_from": "m", "metrics": metrics}, {"raw": "d.csv", "m": "m.json"})
    outcome = project.run_script("evaluate")
    assert outcome.verdict == "pass", outcome.log
    check_reports(outcome, project.root)
    executed(len(names))


def test_what_a_program_says_of_its_verdict(project: Project) -> None:
    """A verdict file isn't a spec: it may hold what the loader refuses, too."""
    checks = [{"id": h.text, "verdict": "fail", "message": h.text} for h in corpus()[::4]]
    project.write(
        "answer.json", json.dumps({"verdict": "fail", "summary": corpus()[7].text, "checks": checks})
    )
    project.write("d.csv", "x\n1\n")
    project.gate("command", {"run": "cp answer.json $MLCC_VERDICT; exit 1"}, {"raw": "d.csv"})
    outcome = project.run_script("command")
    assert (outcome.verdict, outcome.code) == ("fail", 1)
    check_reports(outcome, project.root)


def test_cells_of_summaries() -> None:
    for hostile in corpus():
        for shown in (cell(hostile.text), markdown(hostile.text)):
            assert shown.isprintable()
            assert not re.search(r"[|<`]", shown.replace("\\`", ""))


def test_lines_of_logs() -> None:
    for hostile in corpus():
        line = one_line(f"mlcc: {hostile.text}")
        assert line.isprintable()
        for commands in COMMANDS:
            assert commands(line) == []
