"""What the benchmark of data gates rests on: what is planted in its tables is there, and mlcc's gates find it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from benchmarks import people
from benchmarks.data import WrongFactsError, compare, report
from benchmarks.measure import Sample
from benchmarks.peers import FLOOR, GREAT_EXPECTATIONS
from benchmarks.people_project import GATES, TABLE, make, recorded

ROWS = 10_000
# Of the rows 1 to 10,000: 7, 207, ... are clean ones' nulls. Of 1 to 9,990: 7, 32, ... are dirty ones', and the rows
# 2, 1002, ... to 9002 have a fault; so have 3, 1003, ...
CLEAN = {"rows": 10_000, "nulls": 50, "faults": 0}
DIRTY = {"rows": 9_990, "nulls": 400, "faults": 10}


@pytest.mark.parametrize(("dirty", "there"), [(False, CLEAN), (True, DIRTY)], ids=["clean", "dirty"])
def test_what_is_planted_is_there(tmp_path: Path, dirty: bool, there: dict[str, int]) -> None:
    table = tmp_path / "people.parquet"
    people.write_table(table, ROWS, dirty=dirty)
    counts = {
        "rows": "count(*)",
        **{name: f"count_if({name} IS NULL)" for name in ("customer", "city", "score")},
        "unique": "count(id) - count(DISTINCT id)",
        "age": "count_if(age NOT BETWEEN 0 AND 120)",
        "income": "count_if(income < 0)",
        "status": "count_if(status = 'unknown')",
        "code": "count_if(NOT regexp_matches(code, '^[A-Z][A-Z]-[0-9]{6}$'))",
    }
    (found,) = duckdb.sql(f"SELECT {', '.join(counts.values())} FROM '{table}'").fetchall()
    expected = dict.fromkeys(counts, there["faults"])
    expected.update(rows=there["rows"], customer=there["nulls"], city=there["nulls"], score=there["nulls"])
    assert dict(zip(counts, found, strict=True)) == expected
    assert people.planted(ROWS, dirty=dirty) == expected


def test_the_same_rows_give_the_same_table(tmp_path: Path) -> None:
    one, two = tmp_path / "one.parquet", tmp_path / "two.parquet"
    for path in (one, two):
        people.write_table(path, 1_000)
    assert duckdb.sql(f"FROM '{one}' EXCEPT ALL FROM '{two}'").fetchall() == []
    assert len(duckdb.sql(f"FROM '{one}'").columns) == 20


@pytest.mark.parametrize("dirty", [False, True], ids=["clean", "dirty"])
def test_the_gates_find_what_is_planted(tmp_path: Path, dirty: bool) -> None:
    make(tmp_path, ROWS, dirty=dirty)
    for id, checks in GATES.items():
        done = subprocess.run(
            [sys.executable, "-I", f".mlcc/gates/{id}.py", id], cwd=tmp_path, capture_output=True, check=False
        )
        assert done.returncode == int(dirty), done.stdout.decode()
        compare(id, checks, *recorded(tmp_path, id), ROWS, dirty=dirty)
    assert (tmp_path / TABLE).exists()


def test_a_tool_that_is_wrong_is_not_measured() -> None:
    counts = {**people.planted(ROWS), "age": 1}
    with pytest.raises(WrongFactsError, match=r"some tool, 10,000 rows: counted \{'age': 1\}"):
        compare("some tool", ("age",), (), counts, ROWS, dirty=False)
    with pytest.raises(WrongFactsError, match=r"some tool, 10,000 dirty rows: failed \[\]"):
        compare("some tool", ("age",), (), {}, ROWS, dirty=True)


def test_gates_count_one_after_the_other() -> None:
    found = {f"mlcc, {id}": Sample(1.0, 2.0, 100_000_000) for id in GATES}
    found |= {FLOOR: Sample(1.0, 4.0, 50_000_000), GREAT_EXPECTATIONS: Sample(9.0, 40.0, 900_000_000)}
    first = report(found).splitlines()[2].split()
    cpu = 2.0 * len(GATES)
    assert first == ["mlcc", f"{cpu / 2:.2f}", f"{cpu:.2f}", "100", "1.00", "1.0", f"{cpu / 4:.2f}"]
