"""What a contract takes from the footers of Parquet files, and what it doesn't.

The files in footers/ were written by pyarrow 26, with 6 rows in groups of 2: with statistics (which leave NaN out), with those
of some columns, and without. Their columns: id 1 to 6; score 0.5, NaN, 0.25, null, 1, 0.75; count 1, 2, null, 4, 5, -6; day
2024-01-01 to 06; at 2024-01-01 00:00 to 05:00 UTC; big 1 to 5 and 2**63 + 5; name a, b, c, null, e, and 300 times f.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mlcc.gates import _table
from mlcc.gates._support import Gate
from mlcc.gates._table import close, footer_nulls, open_table
from mlcc.gates.contract import runtime

_FOLDER = Path(__file__).parent / "footers"
_FILES = ("statistics", "some", "none")
_COLUMNS: dict[str, Any] = {
    "id": {"type": "integer", "min": 1, "max": 6},
    "score": {"type": "number", "min": 0, "max": 1, "max_nulls": 0.5},
    "count": {"type": "integer", "min": -5, "max": 5, "max_nulls": 0.5},
    "day": {"type": "date", "min": "2024-01-02", "max": "2024-01-06"},
    "at": {"type": "timestamp", "min": "2024-01-01T01:00:00+01:00", "max": "2024-01-01T03:30:00Z"},
    "big": {"type": "integer", "min": 2, "max": 9},
    "name": {"type": "string", "max_nulls": 0.5},
}
_COUNTS = {
    "id.max_nulls": 0,
    "id.min": 0,
    "id.max": 0,
    "score.max_nulls": 2 / 6,
    "score.min": 1,
    "score.max": 1,
    "count.max_nulls": 1 / 6,
    "count.min": 1,
    "count.max": 0,
    "day.min": 1,
    "day.max": 0,
    "at.min": 0,
    "at.max": 2,
    "big.min": 1,
    "big.max": 1,
    "name.max_nulls": 1 / 6,
}


@pytest.mark.parametrize("name", _FILES)
def test_counts_do_not_depend_on_the_footers(project: Any, name: str) -> None:
    shutil.copy(_FOLDER / f"{name}.parquet", project.root / "d.parquet")
    project.gate("contract", {"columns": _COLUMNS, "unique": ["id"]}, {"raw": "d.parquet"})
    outcome = project.run("contract")
    assert {id: outcome.check(id)["estimate"] for id in _COUNTS} == pytest.approx(_COUNTS)


def test_counts_over_several_files(project: Any) -> None:
    """Twice the rows, and one file of two that tells nothing."""
    for name in ("statistics", "none"):
        project.write(f"d/{name}.parquet", (_FOLDER / f"{name}.parquet").read_bytes())
    project.gate("contract", {"columns": _COLUMNS}, {"raw": "d/"})
    outcome = project.run("contract")
    expected = {id: count if id.endswith("nulls") else 2 * count for id, count in _COUNTS.items()}
    assert {id: outcome.check(id)["estimate"] for id in _COUNTS} == pytest.approx(expected)


def _nulls(name: str) -> dict[str, int]:
    document = {
        "kind": "contract",
        "guards": "raw",
        "artifacts": {"raw": {"path": f"{name}.parquet"}},
        "on_inconclusive": "fail",
        "params": {},
    }
    gate = Gate("g", "_mlcc/s--g", document)
    table = open_table(gate, "raw", "parquet")
    try:
        return footer_nulls(table)
    finally:
        close(table, gate)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("statistics", {"id": 0, "score": 1, "count": 1, "day": 0, "at": 0, "big": 0, "name": 1}),
        ("some", {"id": 0, "score": 1, "day": 0}),
        ("none", {}),
        # A field of a nested column and a plain column go by the same path there.
        ("nested", {}),
    ],
)
def test_nulls_of_the_footers(monkeypatch: pytest.MonkeyPatch, name: str, expected: dict[str, int]) -> None:
    monkeypatch.chdir(_FOLDER)
    assert _nulls(name) == expected


def test_the_footers_leave_out_nan() -> None:
    """What the file says its largest number is: the reason why ranges of numbers are not taken from there."""
    ((largest, nan),) = duckdb.sql(
        f"SELECT MAX(score), SUM(CASE WHEN isnan(score) THEN 1 ELSE 0 END) FROM '{_FOLDER}/statistics.parquet'"
    ).fetchall()
    ((told,),) = duckdb.sql(f"SELECT MAX(score) FROM '{_FOLDER}/statistics.parquet'").fetchall()
    assert (nan, told) == (1, 1.0)
    assert largest != 1.0


def _scanned(
    project: Any, monkeypatch: pytest.MonkeyPatch, columns: dict[str, Any], **params: Any
) -> list[str]:
    """Return the queries over `data` that a contract asks, which look at rows."""
    asked: list[str] = []
    query = _table.query

    def listen(connection: Any, files: Any, sql: str, **options: Any) -> Any:
        asked.append(sql)
        return query(connection, files, sql, **options)

    monkeypatch.setattr(_table, "query", listen)
    project.gate("contract", {"columns": columns, **params}, {"raw": "d.parquet"})
    assert project.run("contract").verdict == "pass"
    return [sql for sql in asked if sql.endswith("FROM data")]


def test_what_the_footers_tell_is_not_scanned(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(_FOLDER / "statistics.parquet", project.root / "d.parquet")
    columns = {
        "id": {"type": "integer", "min": 1, "max": 6},
        "day": {"type": "date", "max": "2024-01-06"},
        "name": {"type": "string", "max_nulls": 0.2},
    }
    freshness = {"column": "day", "max_age": "99999d"}
    assert _scanned(project, monkeypatch, columns, freshness=freshness) == []
    score = {"score": {"type": "number", "max_nulls": 0.5}}
    (query,) = _scanned(project, monkeypatch, {**columns, **score}, freshness=freshness)
    assert '"score"' in query
    assert '"id"' not in query


def test_unsigned_integers_are_scanned(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(_FOLDER / "statistics.parquet", project.root / "d.parquet")
    (query,) = _scanned(project, monkeypatch, {"big": {"type": "integer", "min": 1}})
    assert '"big" < 1' in query


def test_a_query_gets_more_memory_when_it_fails(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bit string that doesn't fit in the first limit, and does in the second."""
    duckdb.sql(f"COPY (SELECT i * 15 AS id FROM range({runtime._MOST_BITS // 16}) t(i)) TO 'd.parquet'")
    monkeypatch.setattr(_table, "MEMORY_LIMIT", "24MB")
    project.gate("contract", {"columns": {"id": {"type": "integer", "unique": True}}}, {"raw": "d.parquet"})
    outcome = project.run("contract")
    assert outcome.check("id.unique")["estimate"] == 0
    monkeypatch.setattr(_table, "MOST_MEMORY", "24MB")
    assert project.run("contract").summary == "d.parquet: it needs more memory than the gate may take."


def test_a_key_larger_than_memory(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written to disk in parts; 400,000 strings of 40 characters are 16 MB before any overhead."""
    duckdb.sql(
        "COPY (SELECT md5(CAST(i % 399999 AS VARCHAR)) || 'abcdefgh' AS id FROM range(400000) t(i)) TO 'd.parquet'"
    )
    monkeypatch.setattr(_table, "MEMORY_LIMIT", "32MB")
    columns = {"id": {"type": "string", "unique": True}}
    project.gate("contract", {"columns": columns}, {"raw": "d.parquet"})
    outcome = project.run("contract")
    assert outcome.check("id.unique")["estimate"] == 1
    assert not (project.root / "_mlcc/s--g/spill").exists()
