"""`mlcc init --data`: a contract from all rows of a table, which the table keeps to."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mlcc.compiler import analyse, compile_files
from mlcc.diagnostics import MlccError, OutputError, SpecError
from mlcc.init import propose, save
from mlcc.init.contract import _range
from tests.gates.conftest import Project, project

__all__ = ["project"]

_SQL = """SELECT i AS id, 20 + i % 50 AS age, (i % 100) / 3.0 - 5 AS delta, ['no', 'yes', 'a b'][1 + i % 3] AS answer,
  CASE WHEN i % 10 = 0 THEN NULL ELSE 0.001 * (i % 7) END AS rate, 'u' || i AS "user name", i % 2 = 0 AS paid,
  DATE '2024-01-01' + CAST(i % 30 AS INTEGER) AS day, 7 AS seven, 'x' || (i % 50) AS many
FROM range(1, 401) AS t(i)"""
_OPTIONS = {"csv": "FORMAT csv, HEADER", "parquet": "FORMAT parquet", "jsonl": "FORMAT json"}


def columns(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text)["gates"]["t-contract"]["contract"]
    assert found["rows"] == {"min": 360}
    return found["columns"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("format", _OPTIONS)
def test_a_contract_from_all_rows(project: Project, format: str) -> None:
    duckdb.sql(f"COPY ({_SQL}) TO 't.{format}' ({_OPTIONS[format]})")
    path = save(propose(project.root, [project.root / f"t.{format}"]), project.root)
    assert columns(path.read_text()) == {
        "id": {"type": "integer", "unique": True},
        "age": {"type": "integer", "min": 15, "max": 74},
        "delta": {"type": "number", "min": -8.3, "max": 31.3},
        "answer": {"type": "string", "values": ["a b", "no", "yes"]},
        "rate": {"type": "number", "max_nulls": 0.12, "min": 0, "max": 0.0066},
        "user_name": {"name": "user name", "type": "string", "unique": True},
        "paid": {"type": "boolean"},
        "day": {"type": "date"},
        "seven": {"type": "integer", "min": 7, "max": 7},
        "many": {"type": "string"},
    }
    analysis = analyse(path, project.root, assume_committed=True)
    for file in compile_files(analysis, ["github"]):
        if file.path.endswith("t-contract.json"):
            document = json.loads(file.text)
    project.write(".mlcc/gates/g.json", json.dumps({**document, "gate": "g"}))
    assert project.run("contract").verdict == "pass"


def test_a_file_that_is_known_already(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/t.csv").write_text("a,b\n" + "".join(f"{i},x\n" for i in range(100)))
    (tmp_path / "u.csv").write_text("a\n1\n")
    spec = yaml.safe_load(propose(tmp_path, [tmp_path / "data/t.csv"]).text)
    assert list(spec["artifacts"]) == ["t", "u"]
    assert spec["gates"]["t-contract"]["contract"]["columns"]["b"] == {"type": "string", "values": ["x"]}


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [("a,b\n1\n", OutputError, "line 2"), ("a\n", OutputError, "no rows"), ("", OutputError, "header")],
)
def test_a_table_that_cannot_be_read(tmp_path: Path, text: str, kind: type[MlccError], said: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(kind, match=said):
        propose(tmp_path, [tmp_path / "t.csv"])


def test_a_file_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "repository").mkdir()
    (tmp_path / "t.csv").write_text("a\n1\n")
    with pytest.raises(SpecError, match="is not a file that the spec of this folder can name"):
        propose(tmp_path / "repository", [tmp_path / "t.csv"])


@given(st.floats(-1e14, 1e14), st.floats(0, 1e6), st.sampled_from(["integer", "number"]))
def test_a_range_holds_todays_values(low: float, way: float, type: str) -> None:
    low, high = (math.floor(low), math.ceil(low + way)) if type == "integer" else (low, low + way)
    least, most = _range({"type": type, "min": low, "max": high, "counts": [0, 5, 0]})
    assert float(least.removeprefix("min: ")) <= low
    assert float(most.removeprefix("max: ")) >= high
    assert "e" not in least.removeprefix("min: ") + most.removeprefix("max: ")


def test_no_range_of_infinities_and_of_the_largest_numbers() -> None:
    assert _range({"type": "number", "min": 0, "max": 1, "counts": [0, 5, 1]}) == ()
    assert _range({"type": "number", "min": -1.7e308, "max": 1.7e308, "counts": [0, 5, 0]}) == ()
    assert _range({"type": "number", "min": 0, "max": 1e20, "counts": [0, 5, 0]}) == ()
