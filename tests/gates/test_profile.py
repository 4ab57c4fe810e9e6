"""Profiles against numpy and Python's own counting, for every format."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from mlcc.diagnostics import MlccError, OutputError, SpecError
from mlcc.gates._profile import LEAST_ROWS, MOST_CATEGORIES
from mlcc.profiling import profile, profile_text, save_profile

ROWS = 5000


@pytest.fixture(scope="module")
def values() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    return {
        "normal": rng.normal(50, 9, ROWS),
        "cauchy": rng.standard_cauchy(ROWS) * 1e6,
        "zeros": np.where(rng.random(ROWS) < 0.6, 0.0, rng.exponential(5, ROWS)),
        "small": rng.integers(-2, 3, ROWS).astype(float),
        "huge": rng.choice([-1.7e308, 0.0, 1.7e308], ROWS),
        "constant": np.full(ROWS, 5.0),
    }


def _write(folder: Path, name: str, sql: str) -> str:
    """Write the rows of a query as the format that the name's suffix says."""
    path = str(folder / name)
    options = {
        "parquet": "FORMAT parquet",
        "csv": "FORMAT csv, HEADER",
        "tsv": "FORMAT csv, HEADER, DELIMITER '\t'",
        "jsonl": "FORMAT json",
    }[name.rpartition(".")[2]]
    duckdb.sql(f"COPY ({sql}) TO '{path}' ({options})")
    return path


@pytest.fixture(scope="module")
def numbers(values: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    frame = {name: list(map(float, column)) for name, column in values.items()}
    listed = ", ".join(f"unnest($1['{name}']) AS \"{name}\"" for name in frame)
    path = str(tmp_path_factory.mktemp("numbers") / "t.parquet")
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t AS SELECT {listed}", [frame])
        connection.execute(f"COPY t TO '{path}' (FORMAT parquet)")
    return profile([path], [], 20)


@pytest.mark.parametrize("name", ["normal", "cauchy", "zeros", "small", "huge", "constant"])
def test_bins_hold_the_rows_that_numpy_counts(
    numbers: dict[str, Any], values: dict[str, np.ndarray], name: str
) -> None:
    column, data = numbers["columns"][name], values[name]
    edges = np.array(column["edges"])
    assert np.all(np.diff(edges) > 0)
    assert edges[0] == np.nextafter(data.min(), -np.inf)
    assert edges[-1] == data.max()
    expected = np.bincount(np.searchsorted(edges, data, side="left"), minlength=len(edges) + 1)
    assert column["counts"] == expected.tolist()
    assert (column["min"], column["max"]) == (data.min(), data.max())
    assert len(column["medians"]) == len(edges) - 1
    for low, median, high in zip(edges[:-1], column["medians"], edges[1:], strict=True):
        inside = data[(data > low) & (data <= high)]
        assert inside.min() <= median <= inside.max()
        assert np.mean(inside <= median) >= 0.25
        assert np.mean(inside >= median) >= 0.25


@pytest.mark.parametrize("name", ["normal", "cauchy"])
def test_bins_lie_at_the_quantiles(numbers: dict[str, Any], name: str) -> None:
    counts = numbers["columns"][name]["counts"][1:-1]
    assert len(counts) == 20
    assert min(counts) >= 0.5 * ROWS / 20
    assert max(counts) <= 1.5 * ROWS / 20


def test_a_frequent_value_has_a_bin_of_its_own(
    numbers: dict[str, Any], values: dict[str, np.ndarray]
) -> None:
    column = numbers["columns"]["zeros"]
    assert column["counts"][1] == int((values["zeros"] == 0).sum())
    assert numbers["columns"]["small"]["medians"] == [-2, -1, 0, 1, 2]
    assert numbers["columns"]["constant"]["counts"] == [0, ROWS, 0]


def test_moments(numbers: dict[str, Any], values: dict[str, np.ndarray]) -> None:
    for name in ("normal", "zeros", "small"):
        column = numbers["columns"][name]
        assert column["mean"] == pytest.approx(values[name].mean(), rel=1e-8)
        assert column["std"] == pytest.approx(values[name].std(ddof=1), rel=1e-8)


_MIXED = """
SELECT CASE WHEN i % 10 = 0 THEN NULL ELSE i / 8 END AS number, i AS integer,
  CASE WHEN i % 7 = 0 THEN NULL WHEN i % 2 = 0 THEN 'even' ELSE 'odd' END AS string,
  i % 3 = 0 AS boolean, DATE '2024-01-01' + CAST(i % 30 AS INTEGER) AS date, 'id' || i AS id
FROM range(1, 501) AS t(i)
"""


@pytest.mark.parametrize("format", ["parquet", "csv", "tsv", "jsonl"])
def test_every_format_gives_the_same_profile(tmp_path: Path, format: str) -> None:
    found = profile([_write(tmp_path, f"t.{format}", _MIXED)], [], 10)
    columns = found["columns"]
    assert found["rows"] == 500
    assert {name: column["type"] for name, column in columns.items()} == {
        "number": "number", "integer": "integer", "string": "string", "boolean": "boolean", "date": "date",
        "id": "string",
    }  # fmt: skip
    assert columns["number"]["nulls"] == 50
    assert sum(columns["number"]["counts"]) == 450
    strings = Counter("even" if i % 2 == 0 else "odd" for i in range(1, 501) if i % 7)
    assert columns["string"] == {
        "type": "string", "nulls": 71, "distinct": 2, "values": dict(strings), "other": 0,
    }  # fmt: skip
    assert columns["boolean"]["values"] == {"true": 166, "false": 334}
    assert columns["date"] == {"type": "date", "nulls": 0, "min": "2024-01-01", "max": "2024-01-30"}
    assert columns["id"] == {"type": "string", "nulls": 0, "distinct": 500, "values": {}, "other": 500}


def test_what_is_no_number(tmp_path: Path) -> None:
    sql = """SELECT CASE i WHEN 1 THEN 'nan'::DOUBLE
      WHEN 2 THEN 'infinity'::DOUBLE WHEN 3 THEN '-infinity'::DOUBLE ELSE i END AS x,
      'nan'::DOUBLE AS none, NULL::VARCHAR AS empty, [i] AS nested FROM range(1, 21) AS t(i)"""
    columns = profile([_write(tmp_path, "t.parquet", sql)], [], 4)["columns"]
    assert (columns["x"]["nan"], columns["x"]["min"], columns["x"]["max"]) == (1, 4, 20)
    assert (columns["x"]["counts"][0], columns["x"]["counts"][-1], sum(columns["x"]["counts"])) == (1, 1, 19)
    assert columns["none"] == {
        "type": "number", "nulls": 0, "nan": 20, "edges": [], "counts": [0], "medians": [],
    }  # fmt: skip
    assert columns["empty"]["nulls"] == 20
    assert columns["nested"] == {"type": "other", "nulls": 0}


def test_text_of_two_sorts_is_a_string(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n" + "1,true\nx,2024-01-01\n" * 9)
    columns = profile([str(tmp_path / "t.csv")], [], 4)["columns"]
    assert {column["type"] for column in columns.values()} == {"string"}
    (tmp_path / "t.jsonl").write_text('{"a": 1}\n{"a": "x"}\n' * 9)
    assert profile([str(tmp_path / "t.jsonl")], [], 4)["columns"]["a"] == {"type": "other", "nulls": 0}


def test_rare_long_and_odd_categories_are_not_named(tmp_path: Path) -> None:
    rows = [("rare", LEAST_ROWS - 1), ("kept", LEAST_ROWS), ("x" * 300, 50), ("a\tb", 50)]
    sql = " UNION ALL ".join(f"SELECT '{text}' AS c FROM range({n})" for text, n in rows)
    column = profile([_write(tmp_path, "t.parquet", sql)], [], 4)["columns"]["c"]
    assert column["values"] == {"kept": LEAST_ROWS}
    assert column["other"] == LEAST_ROWS - 1 + 100


def test_only_the_most_frequent_categories_are_named(tmp_path: Path) -> None:
    sql = "SELECT 'c' || (i // 10) AS c FROM range(1000) AS t(i) UNION ALL SELECT 'top' FROM range(11)"
    column = profile([_write(tmp_path, "t.parquet", sql)], [], 4)["columns"]["c"]
    assert (len(column["values"]), column["distinct"], column["values"]["top"]) == (MOST_CATEGORIES, 101, 11)
    assert column["other"] == 1011 - sum(column["values"].values())


def test_several_files_are_one_table(tmp_path: Path) -> None:
    whole = profile([_write(tmp_path, "t.csv", _MIXED)], [], 10)
    half = whole["rows"] // 2
    folders = {
        "p": {"type": "string", "nulls": 0, "distinct": 2, "values": {"0": half, "1": half}, "other": 0}
    }
    for part in range(2):
        folder = tmp_path / f"parts/p={part}"
        folder.mkdir(parents=True)
        for format in ("csv", "parquet"):
            _write(folder, f"x.{format}", f"SELECT * FROM ({_MIXED}) WHERE integer % 2 = {part}")
    (tmp_path / "parts/p=0/_SUCCESS").touch()
    for pattern in ("parts/*/x.csv", "parts/**/*.parquet"):
        found = profile([str(tmp_path / pattern)], [], 10)
        assert found["columns"] == {**whole["columns"], **(folders if "parquet" in pattern else {})}
        assert found["digest"] != whole["digest"]
    for path in (tmp_path / "parts").rglob("x.csv"):
        path.unlink()
    assert profile([str(tmp_path / "parts")], [], 10)["columns"] == {**whole["columns"], **folders}


def test_the_text_is_the_same_each_time_and_strict_json(tmp_path: Path) -> None:
    path = _write(tmp_path, "t.parquet", _MIXED)
    text = profile_text(profile([path], ["number", "string"], 10))
    assert text == profile_text(profile([path], ["string", "number"], 10))
    document = json.loads(text)
    assert document == profile([path], ["number", "string"], 10)
    assert all(math.isfinite(edge) for edge in document["columns"]["number"]["edges"])


@pytest.mark.parametrize(
    ("files", "paths", "kind", "said"),
    [
        ({}, ["no.csv"], OutputError, "no.csv names no file"),
        ({"t.txt": "a\n1\n"}, ["t.txt"], SpecError, "can't be read as one table"),
        ({"a.csv": "a\n1\n", "b.tsv": "a\n1\n"}, ["a.csv", "b.tsv"], SpecError, "several formats"),
        ({"a.csv": "a\n1\n", "b.csv": "b\n1\n"}, ["a.csv", "b.csv"], OutputError, "another header"),
        ({"t.csv": "a,b\n1\n"}, ["t.csv"], OutputError, "line 2"),
        ({"t.csv": "a,b\n"}, ["t.csv"], OutputError, "the table has no rows"),
        ({"t.csv": ""}, ["t.csv"], OutputError, "no header"),
        ({"t.parquet": "PAR1"}, ["t.parquet"], OutputError, "Parquet"),
        ({"t.jsonl": '{"a": 1}\n{"a"\n'}, ["t.jsonl"], OutputError, "not proper JSON"),
    ],
)
def test_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: Any, paths: Any, kind: type[MlccError], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(kind, match=said):
        profile(paths, [], 20)


def test_a_file_that_is_no_profile_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a/profile.json"
    text = profile_text(profile([_write(tmp_path, "t.parquet", _MIXED)], [], 10))
    save_profile(text, path)
    save_profile(text, path)
    assert path.read_text() == text
    path.write_text("{}")
    with pytest.raises(OutputError, match="is no profile"):
        save_profile(text, path)
    assert path.read_text() == "{}"
