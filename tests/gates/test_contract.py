"""The gate `contract` on sound and corrupt tables, in every format. Expected counts are worked out by hand."""

from __future__ import annotations

import csv
import datetime
import json
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import pytest

_SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/verdict.schema.json").read_text())


def _parquet(path: str, select: str) -> None:
    duckdb.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")


def _values(columns: str, *rows: str) -> str:
    return f"SELECT * FROM (VALUES {', '.join(f'({row})' for row in rows)}) t({columns})"


@pytest.fixture
def contract(project: Any) -> Any:
    """Return a function that runs a contract over a file that was written before."""

    def run(path: str, columns: dict[str, Any], **params: Any) -> Any:
        change = params.pop("change", None)
        project.gate("contract", {"columns": columns, **params}, {"raw": path}, change=change)
        outcome = project.run("contract")
        assert outcome.record is not None
        jsonschema.validate(outcome.record, _SCHEMA)
        return outcome

    return run


def _write_table(project: Any, suffix: str, type: str, values: list[object]) -> str:
    """Write a table with one column x in a format, each value as that format holds it."""
    path = f"d.{suffix}"
    if suffix == "parquet":
        types = {"string": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN"}
        sql = types.get(type, type.upper())
        texts = ["NULL" if v is None else "'" + str(v).replace("'", "''") + "'" for v in values]
        rows = [f"CAST({text} AS {sql})" for text in texts]
        _parquet(path, _values("x", *rows))
    elif suffix == "jsonl":
        project.write(path, "".join(json.dumps({"x": v}) + "\n" for v in values))
    else:
        delimiter = "\t" if suffix == "tsv" else ","
        cells = ["" if v is None else str(v) for v in values]
        project.write(path, f"x{delimiter}y\n" + "".join(f"{c}{delimiter}1\n" for c in cells))
    return path


_FORMATS = ["parquet", "csv", "tsv", "jsonl"]


@pytest.mark.parametrize("suffix", _FORMATS)
@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ({"type": "integer", "min": 2}, [1, 2, 3], {"x.min": 1}),
        ({"type": "integer", "max": 2}, [1, 2, 3], {"x.max": 1}),
        ({"type": "integer", "values": [1, 2]}, [1, 2, 3, 4], {"x.values": 2}),
        ({"type": "integer", "unique": True}, [1, 2, 2, 3, 3, 3], {"x.unique": 3}),
        ({"type": "integer", "unique": True}, [-7, 10**12, 10**12, -7, 5], {"x.unique": 2}),
        ({"type": "integer", "unique": True}, [-(2**63), 2**63 - 1, 0], {"x.unique": 0}),
        ({"type": "integer", "unique": True, "max_nulls": 1}, [None, None], {"x.unique": 0}),
        ({"type": "number", "unique": True}, [0.5, 0.5, 1, 2], {"x.unique": 1}),
        ({"type": "integer", "min": -(2**63)}, [-(2**63), 2**63 - 1], {"x.min": 0}),
        (
            {"type": "number", "min": 0.1, "max": 0.3},
            [0.1, 0.3, 0.30000000000000004],
            {"x.min": 0, "x.max": 1},
        ),
        ({"type": "number", "min": 0}, [float("nan"), 1.5], {"x.min": 1}),
        (
            {"type": "number", "max": 9, "max_nulls": 0.5},
            [float("nan"), 1.5],
            {"x.max": 1, "x.max_nulls": 0.5},
        ),
        ({"type": "number", "values": [1, 2.5]}, [1, 2.5, 3], {"x.values": 1}),
        ({"type": "number", "max_nulls": 1}, [None, 1], {"x.max_nulls": 0.5}),
        ({"type": "string", "values": ["a'b", "NO"]}, ["a'b", "NO", "no"], {"x.values": 1}),
        ({"type": "string", "pattern": "[a-c]+"}, ["abc", "abcd", "xabc"], {"x.pattern": 2}),
        ({"type": "string", "max_length": 2}, ["ab", "äö", "abc"], {"x.max_length": 1}),
        ({"type": "string", "unique": True}, ["a", "b", "a"], {"x.unique": 1}),
        ({"type": "string"}, ["a", None, "b", None], {"x.max_nulls": 0.5}),
        ({"type": "date", "min": "2024-01-02"}, ["2024-01-01", "2024-01-02"], {"x.min": 1}),
        ({"type": "date", "values": ["2024-01-01"]}, ["2024-01-01", "2024-01-02"], {"x.values": 1}),
        (
            {"type": "timestamp", "max": "2024-01-01T01:00:00+01:00"},
            ["2024-01-01 00:00:00", "2024-01-01 00:00:01"],
            {"x.max": 1},
        ),
    ],
)
def test_counts(
    project: Any, contract: Any, suffix: str, column: Any, values: list[object], expected: Any
) -> None:
    path = _write_table(project, suffix, column["type"], values)
    outcome = contract(path, {"x": column})
    for id, count in expected.items():
        check = outcome.check(id)
        assert check["estimate"] == count, (id, outcome.log)
        allowed = column.get("max_nulls", 0) if id == "x.max_nulls" else 0
        assert check["verdict"] == ("pass" if count <= allowed else "fail")
    assert (outcome.verdict == "pass") == (set(outcome.checks.values()) == {"pass"})


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
def test_booleans(project: Any, contract: Any, suffix: str) -> None:
    path = _write_table(project, suffix, "boolean", [True, False, True])
    assert contract(path, {"x": {"type": "boolean"}}).verdict == "pass"
    outcome = contract(path, {"x": {"type": "boolean", "values": [True]}})
    assert outcome.check("x.values")["estimate"] == 1


@pytest.mark.parametrize(
    ("limit", "nulls", "rows", "verdict"),
    [
        (0, 0, 3, "pass"),
        (0, 1, 3, "fail"),
        (0.02, 2, 100, "pass"),
        (0.02, 3, 100, "fail"),
        (0.07, 7, 100, "pass"),
    ],
)
def test_null_share_is_exact(
    project: Any, contract: Any, limit: float, nulls: int, rows: int, verdict: str
) -> None:
    path = _write_table(project, "csv", "integer", [None] * nulls + [1] * (rows - nulls))
    outcome = contract(path, {"x": {"type": "integer", "max_nulls": limit}})
    assert outcome.check("x.max_nulls")["verdict"] == verdict


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"max_duplicates": 0.3}, {"duplicates": (2 / 7, "pass")}),
        ({"max_duplicates": 0.2}, {"duplicates": (2 / 7, "fail")}),
        ({"conflicts": {"label": "y"}}, {"conflicts": (4 / 7, "fail")}),
        ({"conflicts": {"label": "y", "max": 0.6}}, {"conflicts": (4 / 7, "pass")}),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_rows_that_repeat_or_contradict(
    project: Any, contract: Any, suffix: str, limits: dict[str, Any], expected: dict[str, tuple[float, str]]
) -> None:
    """Two of seven rows repeat (1, a, 0); four agree in x and z, of which one has another label; nulls are alike."""
    rows = [(1, "a", 0), (1, "a", 0), (1, "a", 0), (1, "a", 1), (2, "a", 0), (None, "b", 1), (None, "c", 0)]
    path = f"d.{suffix}"
    if suffix == "jsonl":
        lines = [json.dumps(dict(zip("xzy", row, strict=True))) for row in rows]
        project.write(path, "\n".join(lines) + "\n")
    elif suffix == "csv":
        lines = [",".join("" if cell is None else str(cell) for cell in row) for row in rows]
        project.write(path, "x,z,y\n" + "\n".join(lines) + "\n")
    else:
        cells = [", ".join("NULL" if c is None else repr(c) for c in row) for row in rows]
        _parquet(path, _values("x, z, y", *cells))
    columns = {"x": {"type": "integer", "max_nulls": 1}, "z": {"type": "string"}, "y": {"type": "integer"}}
    outcome = contract(path, columns, **limits)
    for id, (share, verdict) in expected.items():
        check = outcome.check(id)
        assert (check["verdict"], check["n"]) == (verdict, 7)
        assert check["estimate"] == pytest.approx(share)


_TEXT_CASES = [
    (
        "integer",
        ["1", "-2", "+3", "0", "007"],
        ["1.5", "1e3", " 1", "1 ", "1_0", "0x1", "one", "9" * 20, "١"],
    ),
    ("number", ["1", ".5", "1.", "-1e-5", "NaN", "inf"], ["1,5", "1_0", " 1", "0x1", "one", "--1", "1e"]),
    ("boolean", ["true", "False", "TRUE", "0", "1"], ["yes", "t", "2", "tRUE", ""]),
    ("date", ["2024-02-29"], ["2023-02-29", "2024-1-1", "01.02.2024", "2024-01-01 00:00:00", "today"]),
    (
        "timestamp",
        ["2024-01-01 00:00:00", "2024-01-01T00:00:00Z", "2024-01-01T00:00:00.5+01:00", "2024-01-01 10:00"],
        ["2024-01-01", "2024-13-01 00:00:00", "now", "1704067200"],
    ),
]


@pytest.mark.parametrize(("type", "good", "bad"), _TEXT_CASES)
def test_text_is_read_strictly(
    project: Any, contract: Any, type: str, good: list[str], bad: list[str]
) -> None:
    bad = [text for text in bad if text]
    project.write("d.csv", "x,y\n" + "".join(f'"{text}",1\n' for text in good + bad))
    outcome = contract("d.csv", {"x": {"type": type, "max_nulls": 1}})
    assert outcome.check("x.type")["estimate"] == len(bad)
    assert outcome.check("x.type")["verdict"] == "fail"


@pytest.mark.parametrize(
    ("type", "value"),
    [
        ("integer", 1.5),
        ("integer", "1"),
        ("integer", True),
        ("number", "1"),
        ("number", True),
        ("string", 1),
        ("string", True),
        ("string", ["a"]),
        ("string", {"a": 1}),
        ("boolean", 1),
        ("boolean", "true"),
        ("date", 20240101),
        ("timestamp", 1704067200),
    ],
)
def test_json_types_are_not_mixed(project: Any, contract: Any, type: str, value: object) -> None:
    project.write("d.jsonl", json.dumps({"x": value}) + "\n")
    outcome = contract("d.jsonl", {"x": {"type": type}})
    assert outcome.check("x.type")["estimate"] == 1
    assert outcome.verdict == "fail"


@pytest.mark.parametrize(
    ("type", "sql", "fits"),
    [
        ("integer", "TINYINT", True),
        ("integer", "UBIGINT", True),
        ("integer", "DOUBLE", False),
        ("integer", "VARCHAR", False),
        ("integer", "DECIMAL(10,0)", False),
        ("number", "FLOAT", True),
        ("number", "DECIMAL(10,2)", True),
        ("number", "INTEGER", True),
        ("number", "VARCHAR", False),
        ("number", "BOOLEAN", False),
        ("string", "VARCHAR", True),
        ("string", "BLOB", False),
        ("string", "INTEGER", False),
        ("string", "VARCHAR[]", False),
        ("boolean", "BOOLEAN", True),
        ("boolean", "INTEGER", False),
        ("date", "DATE", True),
        ("date", "TIMESTAMP", False),
        ("timestamp", "TIMESTAMP", True),
        ("timestamp", "TIMESTAMP_NS", True),
        ("timestamp", "TIMESTAMPTZ", True),
        ("timestamp", "DATE", False),
    ],
)
def test_parquet_types(contract: Any, type: str, sql: str, fits: bool) -> None:
    text = {"BLOB": "'a'::BLOB", "VARCHAR[]": "['a']", "BOOLEAN": "true"}
    text |= dict.fromkeys(("DATE", "TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMPTZ"), "'2024-01-01'")
    _parquet("d.parquet", f"SELECT CAST({text.get(sql, 1)} AS {sql}) AS x")
    outcome = contract("d.parquet", {"x": {"type": type}})
    assert outcome.checks["x.type"] == ("pass" if fits else "fail")
    assert outcome.verdict == ("pass" if fits else "fail")


def test_time_zones(project: Any, contract: Any) -> None:
    _parquet("d.parquet", "SELECT TIMESTAMPTZ '2024-01-01 00:30:00+01' AS x")
    for least, verdict in (("2023-12-31T23:30:00Z", "pass"), ("2023-12-31T23:30:01", "fail")):
        assert contract("d.parquet", {"x": {"type": "timestamp", "min": least}}).verdict == verdict
    project.write("d.csv", "x,y\n2024-01-01T00:30:00+01:00,1\n")
    for least, verdict in (("2023-12-31T23:30:00Z", "pass"), ("2023-12-31T23:30:01", "fail")):
        assert contract("d.csv", {"x": {"type": "timestamp", "min": least}}).verdict == verdict


# --- rows, keys, columns ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "limits", "verdict"),
    [
        (3, {"min": 3}, "pass"),
        (2, {"min": 3}, "fail"),
        (3, {"max": 3}, "pass"),
        (4, {"max": 3}, "fail"),
        (1, None, "pass"),
        (0, None, "fail"),
    ],
)
@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
def test_rows(project: Any, contract: Any, suffix: str, rows: int, limits: Any, verdict: str) -> None:
    if suffix == "parquet":
        _parquet("d.parquet", f"SELECT i AS x FROM range({rows}) t(i)")
    else:
        _write_table(project, suffix, "integer", list(range(rows)))
    columns = {"x": {"type": "integer", "required": bool(rows)}}
    outcome = contract(f"d.{suffix}", columns, **({"rows": limits} if limits else {}))
    assert outcome.verdict == verdict
    assert outcome.check("rows.min")["estimate"] == rows


@pytest.mark.parametrize(
    ("rows", "nulls", "twice"),
    [(["1,'a'", "1,'b'", "2,'a'"], 0, 0), (["1,'a'", "1,'a'"], 0, 1), (["1,NULL", "2,'a'"], 1, 0)],
)
def test_key(contract: Any, rows: list[str], nulls: int, twice: int) -> None:
    _parquet("d.parquet", _values("a, b", *rows))
    columns = {"a": {"type": "integer"}, "b": {"type": "string", "max_nulls": 1}}
    outcome = contract("d.parquet", columns, unique=["a", "b"])
    assert outcome.check("key.nulls")["estimate"] == nulls
    assert outcome.check("key.unique")["estimate"] == twice
    assert outcome.verdict == ("pass" if nulls == twice == 0 else "fail")


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_columns(project: Any, contract: Any, suffix: str) -> None:
    if suffix == "csv":
        project.write("d.csv", "a,Email\n1,x\n")
    elif suffix == "jsonl":
        project.write("d.jsonl", '{"a": 1, "Email": "x"}\n')
    else:
        _parquet("d.parquet", "SELECT 1 AS a, 'x' AS \"Email\"")
    path = f"d.{suffix}"
    integer = {"type": "integer"}
    assert contract(path, {"a": integer}).verdict == "pass"
    assert contract(path, {"a": integer}, extra_columns="deny").checks["extra_columns"] == "fail"
    assert contract(path, {"a": integer}, denied=["email"]).checks["denied"] == "fail"
    assert contract(path, {"a": integer}, denied=["phone"]).verdict == "pass"
    outcome = contract(path, {"a": integer, "b": {"type": "string"}})
    assert outcome.checks["b.present"] == "fail"
    outcome = contract(path, {"a": integer, "b": {"type": "string", "required": False}})
    assert (outcome.verdict, outcome.checks["b.present"]) == ("pass", "pass")
    outcome = contract(path, {"A": integer})
    assert (outcome.verdict, outcome.checks["A.present"]) == ("fail", "fail")
    outcome = contract(path, {"a": integer, "b": {"type": "string", "required": False}}, unique=["a", "b"])
    assert outcome.checks["key.nulls"] == "fail"


def test_missing_columns_do_not_stop_the_other_checks(project: Any, contract: Any) -> None:
    project.write("d.csv", "a\n-1\n")
    columns = {"a": {"type": "integer", "min": 0}, "b": {"type": "number", "min": 0}}
    outcome = contract("d.csv", columns, checks={"none": {"sql": "select * from data where b > 0"}})
    assert outcome.checks["a.min"] == outcome.checks["b.present"] == "fail"
    assert "b.min" not in outcome.checks


@pytest.mark.parametrize("sql", ["UBIGINT", "UTINYINT", "TINYINT", "INTEGER"])
@pytest.mark.parametrize("last", [4, 100])
def test_unique_integers_of_any_width(contract: Any, sql: str, last: int) -> None:
    _parquet("d.parquet", _values("x", *(f"CAST({value} AS {sql})" for value in (1, 2, 3, 3, last))))
    outcome = contract("d.parquet", {"x": {"type": "integer", "unique": True}})
    assert outcome.check("x.unique")["estimate"] == 1


def test_huge_unsigned_integers(contract: Any) -> None:
    _parquet("d.parquet", _values("x", *(f"{value}::UBIGINT" for value in (2**64 - 1, 2**64 - 2, 2**64 - 1))))
    assert (
        contract("d.parquet", {"x": {"type": "integer", "unique": True}}).check("x.unique")["estimate"] == 1
    )


def test_dense_and_sparse_uniqueness_agree(contract: Any) -> None:
    for step in (1, 1000):
        _parquet("d.parquet", f"SELECT {step} * (i % 900) - 50 AS x FROM range(1000) t(i)")
        outcome = contract("d.parquet", {"x": {"type": "integer", "unique": True}})
        assert outcome.check("x.unique")["estimate"] == 100


# --- freshness ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("hours", "verdict"),
    [(-1, "pass"), (-47, "pass"), (-49, "fail"), (12, "pass"), (36, "fail"), (99999, "fail")],
)
def test_freshness(project: Any, contract: Any, suffix: str, hours: int, verdict: str) -> None:
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None, microsecond=0)
    newest = now + datetime.timedelta(hours=hours)
    path = _write_table(project, suffix, "timestamp", [newest, now - datetime.timedelta(days=900)])
    freshness = {"column": "x", "max_age": "48h"}
    assert contract(path, {"x": {"type": "timestamp"}}, freshness=freshness).checks["freshness"] == verdict


def test_freshness_by_date(project: Any, contract: Any) -> None:
    today = datetime.datetime.now(datetime.timezone.utc).date()
    for days, verdict in ((0, "pass"), (-1, "pass"), (-4, "fail"), (3, "fail")):
        path = _write_table(project, "csv", "date", [today + datetime.timedelta(days=days)])
        freshness = {"column": "x", "max_age": "3d"}
        assert contract(path, {"x": {"type": "date"}}, freshness=freshness).checks["freshness"] == verdict


@pytest.mark.parametrize("text", ["x,y\n,1\n", "y\n1\n"])
def test_freshness_of_nothing(project: Any, contract: Any, text: str) -> None:
    project.write("d.csv", text)
    column = {"type": "date", "required": False, "max_nulls": 1}
    outcome = contract("d.csv", {"x": column}, freshness={"column": "x", "max_age": "3d"})
    assert (outcome.checks["freshness"], outcome.verdict) == ("fail", "fail")


# --- the user's SQL -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "verdict"),
    [
        ("select * from data where x > 5", "pass"),
        ("select * from data where x > 1", "fail"),
        ("SELECT 1 FROM data GROUP BY x HAVING count(*) > 1", "pass"),
        ("with a as (select * from data) select * from a where x < 0", "pass"),
        ("select * from data where x > 5 -- a comment", "pass"),
        ("select * from data -- where x > 5", "fail"),
        ("select ';' from data where x > 5", "pass"),
        ("select * from data where x > 5;", "pass"),
        ("select * from nothing", "error"),
        ("select nothing from data", "error"),
        ("select * from data where", "error"),
        ("select * from data where x = 'a'", "error"),
        ("select * from data where cast('a' as int) = x", "error"),
        ("select * from read_csv('/etc/passwd')", "error"),
        ("select * from read_text('other.csv')", "error"),
        ("select * from glob('*')", "error"),
        ("select * from duckdb_settings() where name = 'x'", "pass"),
    ],
)
def test_sql(project: Any, contract: Any, sql: str, verdict: str) -> None:
    project.write("other.csv", "a\n1\n")
    project.write("d.csv", "x,y\n1,1\n2,2\n")
    outcome = contract("d.csv", {"x": {"type": "integer"}}, checks={"mine": {"sql": sql}})
    assert outcome.checks["checks.mine"] == verdict, outcome.log


@pytest.mark.parametrize(
    "sql",
    [
        "select 1 where false; drop view data",
        "drop view data",
        "select 1 where false) ; select (1",
        "create table t as select 1",
        "copy (select 1) to 'out.csv'",
        "set threads = 1",
        "attach 'x.db'",
        "install httpfs",
        "pragma version",
        "",
        "-- nothing",
    ],
)
def test_committed_sql_that_is_no_select(project: Any, contract: Any, sql: str) -> None:
    project.write("d.csv", "x,y\n1,1\n")
    outcome = contract("d.csv", {"x": {"type": "integer"}}, change={"sql": {"mine": [sql]}})
    assert outcome.checks["checks.mine"] == "error", outcome.log
    assert sorted(path.name for path in Path().iterdir()) == [".mlcc", "_mlcc", "d.csv"]


def test_sql_sees_typed_columns(project: Any, contract: Any) -> None:
    project.write("d.csv", "n,t,s\n10,2024-01-01,a\n9,2024-01-02,b\n")
    columns = {"n": {"type": "integer"}, "t": {"type": "date"}, "s": {"type": "string"}}
    sql = "select * from data where n not in (9, 10) or t - date '2024-01-01' > 1 or upper(s) > 'B'"
    assert contract("d.csv", columns, checks={"typed": {"sql": sql}}).verdict == "pass"


# --- corrupt tables: none may pass ---------------------------------------------------------------------------


_GOOD_CSV = b"x,y\n1,2\n3,4\n"
_CORRUPT_CSV = {
    "empty": b"",
    "header only": b"x,y\n",
    "blank": b"\n\n",
    "too few": b"x,y\n1,2\n3\n",
    "too many": b"x,y\n1,2\n3,4,5\n",
    "unterminated": b'x,y\n1,2\n3,"4\n',
    "stray quote": b'x,y\n1,2\n3,"4"5\n',
    "latin-1": b"x,y\n1,\xe4\n",
    "latin-1 header": b"x,\xe4\n1,2\n",
    "utf-16": "x,y\n1,2\n".encode("utf-16"),
    "twin header": b"x,x\n1,2\n",
    "twin header in case": b"x,X\n1,2\n",
    "empty header": b"x,\n1,2\n",
    "no header": b"1,2\n3,4\n",
    "semicolons": b"x;y\n1;2\n",
    "gzip": b"\x1f\x8b\x08\x00" + b"\x00" * 30,
    "parquet": b"PAR1" + b"\x00" * 30 + b"PAR1",
    "unclosed header": b'"x,y\n1,2\n',
    "binary": bytes(range(256)),
    "wrong type": b"x,y\n1,2\nthree,4\n",
    "null": b"x,y\n,2\n3,4\n",
    "long header": b"x," + b"a" * 200_000 + b"\n1,2\n",
}


@pytest.mark.parametrize("name", _CORRUPT_CSV)
def test_corrupt_csv(project: Any, contract: Any, name: str) -> None:
    integer = {"type": "integer"}
    project.write("d.csv", _GOOD_CSV)
    assert contract("d.csv", {"x": integer, "y": {"type": "string"}}).verdict == "pass"
    project.write("d.csv", _CORRUPT_CSV[name])
    outcome = contract("d.csv", {"x": integer, "y": {"type": "string"}})
    assert outcome.verdict in ("fail", "error")
    assert outcome.code in (1, 2)


_CORRUPT_JSONL = {
    "empty": "",
    "blank": "\n\n",
    "cut": '{"x": 1}\n{"x": ',
    "list": "[1]\n",
    "number": "1\n",
    "null": "null\n",
    "some not objects": '{"x": 1}\n[1]\n',
    "twin key": '{"x": 1, "x": 1}\n',
    "null value": '{"x": null}\n',
    "missing key": '{"x": 1}\n{}\n',
    "key in other case": '{"X": 1}\n',
    "NaN": '{"x": NaN}\n',
    "text": '{"x": "1"}\n',
    "huge": '{"x": 1e999}\n',
    "beyond 64 bits": '{"x": 99999999999999999999}\n',
    "two on a line": '{"x": 1}{"x": 2}\n',
    "array of objects": '[{"x": 1}, {"x": 2}]\n',
    "latin-1": b'{"x": 1, "y": "\xe4"}\n',
    "single quotes": "{'x': 1}\n",
}


@pytest.mark.parametrize("name", _CORRUPT_JSONL)
def test_corrupt_json_lines(project: Any, contract: Any, name: str) -> None:
    project.write("d.jsonl", '{"x": 1}\n{"x": 2}\n')
    assert contract("d.jsonl", {"x": {"type": "integer"}}).verdict == "pass"
    project.write("d.jsonl", _CORRUPT_JSONL[name])
    outcome = contract("d.jsonl", {"x": {"type": "integer"}})
    assert outcome.verdict in ("fail", "error")


@pytest.mark.parametrize("cut", [0, 3, 4, 50, -1, -4, -9, -30])
def test_truncated_parquet(project: Any, contract: Any, cut: int) -> None:
    _parquet("d.parquet", "SELECT i AS x FROM range(1000) t(i)")
    assert contract("d.parquet", {"x": {"type": "integer"}}).verdict == "pass"
    data = Path("d.parquet").read_bytes()
    Path("d.parquet").write_bytes(data[:cut])
    assert contract("d.parquet", {"x": {"type": "integer"}}).verdict == "error"


@pytest.mark.parametrize("start", [4, 40, 200])
def test_overwritten_parquet(contract: Any, start: int) -> None:
    _parquet("d.parquet", "SELECT hash(i)::VARCHAR AS x FROM range(2000) t(i)")
    data = bytearray(Path("d.parquet").read_bytes())
    data[start : start + 60] = b"\xff" * 60
    Path("d.parquet").write_bytes(data)
    column = {"type": "string", "pattern": "[0-9]+", "unique": True}
    assert contract("d.parquet", {"x": column}).verdict in ("fail", "error")


@pytest.mark.parametrize("twin", [b"INCOME", b"income"])
def test_parquet_columns_that_sql_cannot_tell_apart(contract: Any, twin: bytes) -> None:
    _parquet("d.parquet", "SELECT 1 AS income, -1 AS placeh")
    column = {"type": "integer", "min": 0}
    assert contract("d.parquet", {"income": column}).verdict == "pass"
    Path("d.parquet").write_bytes(Path("d.parquet").read_bytes().replace(b"placeh", twin))
    outcome = contract("d.parquet", {"income": column})
    assert (outcome.verdict, "has the columns income and" in outcome.summary) == ("error", True)


def test_nested_parquet_columns(contract: Any) -> None:
    _parquet("d.parquet", "SELECT {'b': 1, 'c': {'d': [1]}} AS a, 2 AS b, [{'x': 1}] AS c, 3 AS d")
    columns = {"b": {"type": "integer", "min": 2}, "d": {"type": "integer", "min": 3}}
    outcome = contract("d.parquet", columns, extra_columns="deny")
    assert outcome.checks == {
        "extra_columns": "fail",
        "rows.min": "pass",
        "b.type": "pass",
        "b.max_nulls": "pass",
        "b.min": "pass",
        "d.type": "pass",
        "d.max_nulls": "pass",
        "d.min": "pass",
    }
    assert outcome.check("extra_columns")["message"] == "2 columns are not in the contract: a, c"


def test_folder_of_parquet(project: Any, contract: Any) -> None:
    for i in range(3):
        Path(f"data/p={i}").mkdir(parents=True)
        _parquet(f"data/p={i}/a.parquet", f"SELECT {i} AS x")
    columns = {"x": {"type": "integer", "unique": True}}
    outcome = contract("data/", columns, rows={"min": 3}, extra_columns="deny")
    assert outcome.check("extra_columns")["message"] == "1 columns are not in the contract: p"
    project.write("data/_SUCCESS", "")
    assert contract("data/", columns).verdict == "pass"
    _parquet("data/b.parquet", "SELECT 1 AS x")  # a file that lies in no folder of p
    assert contract("data/", columns).verdict == "error"
    for i in range(3):
        Path(f"data/p={i}").rename(f"data/p{i}")
    _parquet("data/b.parquet", "SELECT 1 AS x")
    assert contract("data/", columns).checks["x.unique"] == "fail"
    _parquet("data/b.parquet", "SELECT 1 AS x, 2 AS y")
    assert contract("data/", columns).verdict == "error"
    _parquet("data/b.parquet", "SELECT '9' AS x")
    assert contract("data/", columns).verdict == "error"
    Path("data/b.parquet").unlink()
    project.write("data/c.csv", "x\n1\n")
    assert contract("data/", columns).verdict == "error"


def test_files_with_wildcards_in_their_names(project: Any, contract: Any) -> None:
    Path("data").mkdir()
    _parquet("data/a.parquet", "SELECT 1 AS x")
    Path("data/[a].parquet").write_bytes(Path("data/a.parquet").read_bytes())
    assert contract("data/", {"x": {"type": "integer"}}).verdict == "error"


def test_a_bom_is_no_part_of_the_first_name(project: Any, contract: Any) -> None:
    project.write("d.csv", b"\xef\xbb\xbfx,y\n1,2\n")
    assert contract("d.csv", {"x": {"type": "integer"}}).verdict == "pass"


def test_quoted_csv(project: Any, contract: Any) -> None:
    project.write("d.csv", '"x","a ""b"", c"\r\n"1","line\nbreak, and ""quote"""\r\n')
    columns = {
        "x": {"type": "integer"},
        'a "b", c': {"type": "string", "values": ['line\nbreak, and "quote"']},
    }
    assert contract("d.csv", columns).verdict == "pass"


# --- what is shown ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
@pytest.mark.parametrize("broken", [False, True])
def test_row_values_are_not_shown(project: Any, contract: Any, suffix: str, broken: bool) -> None:
    if suffix == "csv":
        project.write("d.csv", "x,y\nSECRET,1\nSECRET,1\n" + ("SECRET\n" if broken else ""))
    else:
        project.write("d.jsonl", '{"x": "SECRET"}\n' * 2 + ('{"x": "SECRET"\n' if broken else ""))
    column = {"type": "string", "values": ["a"], "pattern": "b", "unique": True, "max_length": 1}
    sql = {"sql": "select * from data where cast(x as int) > 0"}
    outcome = contract(f"d.{suffix}", {"x": column}, checks={"c": sql})
    assert outcome.verdict == "error"
    reports = "".join(path.read_text() for path in Path("_mlcc/s--g").iterdir())
    assert "SECRET" not in outcome.log + reports


def test_messages(project: Any, contract: Any) -> None:
    project.write("d.csv", "x,y\n1,a\n,b\n7,b\n")
    columns = {
        "x": {"type": "number", "max": 5, "max_nulls": 0.5},
        "y": {"type": "string", "values": ["a"]},
    }
    outcome = contract("d.csv", columns)
    assert outcome.check("x.max_nulls") == {
        "id": "x.max_nulls",
        "verdict": "pass",
        "message": "1 of 3 rows have no x; at most 50 % may",
        "estimate": 0.3333333333,
        "n": 3,
        "threshold": {"max": 0.5},
        "margin": 0.1666666667,
    }
    assert outcome.check("x.max")["message"] == "1 of 3 values of x are over 5 or NaN"
    assert outcome.check("y.values")["message"] == "2 of 3 values of y are not among the 1 allowed ones"
    assert outcome.summary == "2 of 6 checks failed: 1 of 3 values of x are over 5 or NaN."


def test_no_leftovers(contract: Any) -> None:
    _parquet("d.parquet", "SELECT i AS x FROM range(100000) t(i)")
    contract("d.parquet", {"x": {"type": "integer", "unique": True}})
    assert sorted(path.name for path in Path("_mlcc/s--g").iterdir()) == [
        "junit.xml",
        "summary.md",
        "verdict.json",
    ]


def test_without_duckdb(project: Any, contract: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("d.csv", "x,y\n1,2\n")
    monkeypatch.setitem(__import__("sys").modules, "duckdb", None)
    outcome = contract("d.csv", {"x": {"type": "integer"}})
    assert outcome.code == 2
    assert outcome.summary == (
        "DuckDB is needed: pip install --require-hashes --only-binary :all: --no-deps "
        "-r .mlcc/gates/contract.txt."
    )


def test_another_duckdb(project: Any, contract: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("d.csv", "x,y\n1,2\n")
    monkeypatch.setattr(duckdb, "__version__", "3.0.0")
    assert contract("d.csv", {"x": {"type": "integer"}}).summary.startswith("DuckDB 3.0.0 is installed")


@pytest.mark.parametrize(
    "change",
    [
        {"format": "xml"},
        {"measures": {}},
        {"measures": {"rows": {"sql": "'x'"}}},
        {"measures": {"rows": {"sql": "nothing"}}},
        {"measures": {"rows": {"sql": "COUNT(*), 1"}}},
        {"measures": {"rows": {"sql": "COUNT(*)"}}},
        {"view": []},
        {"checks": [{"id": "a", "measure": "b", "kind": "min", "column": "x", "limit": 1}]},
        {"checks": [{"id": "a", "measure": "rows", "kind": "unknown", "column": "x", "limit": 1}]},
        {"rows": {}},
        {"artifact": "other"},
        {"columns": None},
    ],
)
def test_committed_parameters_that_were_edited_badly(project: Any, contract: Any, change: Any) -> None:
    project.write("d.csv", "x,y\n1,2\n")
    assert contract("d.csv", {"x": {"type": "integer", "min": 0}}, change=change).verdict == "error"


# Columns whose names are no keys

_NAMED = {
    "customer_id": {"name": "Customer ID", "type": "integer", "unique": True},
    "size": {"name": "größe", "type": "number", "min": 0},
    "unnamed_0": {"name": "Unnamed: 0", "type": "integer", "required": False},
    "price": {"name": 'price "(EUR)"', "type": "number", "max": 5},
    "day": {"name": "the day", "type": "date"},
    "plain": {"type": "string"},
}
_NAMES = ["Customer ID", "größe", "Unnamed: 0", 'price "(EUR)"', "the day", "plain", "price"]


def _write_named(suffix: str, rows: list[list[object]]) -> str:
    path = f"d.{suffix}"
    if suffix == "parquet":
        types = ["BIGINT", "DOUBLE", "BIGINT", "DOUBLE", "DATE", "VARCHAR", "VARCHAR"]
        cells = [
            ", ".join(f"CAST('{value}' AS {type})" for value, type in zip(row, types, strict=True))
            for row in rows
        ]
        _parquet(path, _values(", ".join('"' + name.replace('"', '""') + '"' for name in _NAMES), *cells))
    elif suffix == "jsonl":
        lines = [json.dumps(dict(zip(_NAMES, row, strict=True))) for row in rows]
        Path(path).write_text("\n".join(lines) + "\n", "utf-8")
    else:
        with Path(path).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter="\t" if suffix == "tsv" else ",").writerows([_NAMES, *rows])
    return path


@pytest.mark.parametrize("suffix", _FORMATS)
def test_columns_are_judged_by_their_names_and_named_by_their_keys(contract: Any, suffix: str) -> None:
    rows: list[list[object]] = [
        [1, 0.5, 0, 4.5, "2026-01-01", "a", "x"],
        [2, -1, 1, 9, "2026-01-02", "b", "y"],
        [2, 1, 2, 1, "2026-01-02", "c", "z"],
    ]
    outcome = contract(
        _write_named(suffix, rows),
        _NAMED,
        unique=["customer_id", "day"],
        checks={"dear": {"sql": "SELECT customer_id FROM data WHERE price > 8 AND size < 0"}},
        denied=["e-mail"],
    )
    failed = {id for id, verdict in outcome.checks.items() if verdict != "pass"}
    assert failed == {"customer_id.unique", "size.min", "price.max", "key.unique", "checks.dear"}
    assert outcome.check("checks.dear")["estimate"] == 1


@pytest.mark.parametrize("suffix", _FORMATS)
def test_a_column_that_bears_a_key_is_not_taken_for_it(contract: Any, suffix: str) -> None:
    columns = {"price": {"name": "cost", "type": "integer", "min": 1}}
    path = f"d.{suffix}"
    if suffix == "parquet":
        _parquet(path, _values("cost, price", "0, 5", "2, 5"))
    elif suffix == "jsonl":
        Path(path).write_text('{"cost": 0, "price": 5}\n{"cost": 2, "price": 5}\n')
    else:
        Path(path).write_text("cost,price\n0,5\n2,5\n".replace(",", "\t" if suffix == "tsv" else ","))
    assert contract(path, columns).check("price.min")["estimate"] == 1
    extra = contract(path, columns, extra_columns="deny").check("extra_columns")
    assert extra["message"] == "1 columns are not in the contract: price"


@pytest.mark.parametrize("suffix", _FORMATS)
def test_a_column_that_is_missing_is_called_by_its_name(project: Any, contract: Any, suffix: str) -> None:
    path = _write_table(project, suffix, "integer", [1])
    columns = {"x": {"name": "The x", "type": "integer"}}
    outcome = contract(path, columns)
    assert outcome.check("x.present")["message"] == "the column The x is missing"
    assert outcome.verdict == "fail"


# What is said of data that can't be read


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        (
            "d.csv",
            "x,y\n1,2\r\n3,4\n",
            "d.csv is not proper CSV: its lines end in different ways (LF in line 1, CR LF in line 2)",
        ),
        ("d.csv", "x,y\n1,2\n3\n", "d.csv: line 3 is not proper CSV: it has too few columns: 1 instead of 2"),
        ("d.csv", "x,y\n1,2,3\n", "d.csv: line 2 is not proper CSV: it has too many columns: 3 instead of 2"),
        ("d.csv", "x,y\n1,2\n3", "d.csv: line 3 is not proper CSV: it has too few columns: 1 instead of 2"),
        (
            "d.csv",
            'x,y\n1,"2\n',
            "d.csv: line 2 is not proper CSV: a quote is not closed, or stands inside a value",
        ),
        ("d.jsonl", '{"x": 1', "d.jsonl: line 1 is not proper JSON"),
        ("d.jsonl", '{"x": 1}\n\n{"x": 2}}\n{"x": 3}\n', "d.jsonl: line 3 is not proper JSON"),
        ("d.parquet", "", "d.parquet: it is empty or cut off: too small for a Parquet file"),
        ("d.parquet", "x" * 999, "d.parquet: it is cut off, or no Parquet file: its end is missing"),
    ],
)
def test_broken_files_are_named_with_line_and_reason(
    project: Any, contract: Any, path: str, text: str, said: str
) -> None:
    project.write(path, text)
    outcome = contract(path, {"x": {"type": "integer"}})
    assert (outcome.verdict, outcome.summary) == ("error", f"{said}.")


def test_the_broken_file_of_a_folder_is_named(project: Any, contract: Any) -> None:
    project.write("d/a.parquet", "")
    Path("d/a.parquet").unlink()
    _parquet("d/a.parquet", "SELECT 1 AS x")
    project.write("d/b.parquet", Path("d/a.parquet").read_bytes()[:-30])
    outcome = contract("d/", {"x": {"type": "integer"}})
    assert outcome.summary == "d/b.parquet: it is cut off, or no Parquet file: its end is missing."


def test_damaged_pages_are_said(project: Any, contract: Any) -> None:
    _parquet("d.parquet", "SELECT range AS x, md5(range::VARCHAR) AS y FROM range(100000)")
    data = Path("d.parquet").read_bytes()
    middle = len(data) // 2
    project.write("d.parquet", data[:middle] + b"\xff" * 2000 + data[middle + 2000 :])
    outcome = contract("d.parquet", {"x": {"type": "integer"}, "y": {"type": "string", "max_length": 50}})
    assert outcome.verdict == "error"
    assert outcome.summary.startswith("d.parquet: ")


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT * FROM data WHERE nope = 1", "it names the column nope, which the table doesn't have"),
        ("SELECT d.nope FROM data d", "it names the column nope, which the table doesn't have"),
        ("SELECT * FROM read_text('/etc/passwd')", "it reads a file, which a check may not"),
        ("SELECT * FROM dta", "it names a table that isn't there; the one table is called data"),
        ("SELECT nope(x) FROM data", "it calls a function that DuckDB doesn't have"),
        (
            "SELECT x FROM data WHERE CAST(y AS INTEGER) > 0",
            "a value isn't of the type that the SQL casts it to",
        ),
        ("SELECT * FROM data WHERE y > 1", "it joins types that don't fit; cast one of them"),
    ],
)
def test_what_is_wrong_with_a_check_is_said(project: Any, contract: Any, sql: str, said: str) -> None:
    project.write("d.csv", "x,y\n1,secret\n")
    columns = {"x": {"type": "integer"}, "y": {"type": "string"}}
    outcome = contract("d.csv", columns, checks={"mine": {"sql": sql}})
    check = outcome.check("checks.mine")
    assert (check["verdict"], check["message"]) == ("error", f"the check mine did not run: {said}")
    assert "secret" not in outcome.log


def test_what_holds_of_tables_that_were_cut_off(project: Any, contract: Any) -> None:
    rows = "".join(f"{i},{i}{i}\n" for i in range(600))
    columns = {"x": {"type": "integer"}, "y": {"type": "integer"}}
    whole = "x,y\n" + rows
    for cut in range(whole.index("300,"), whole.index("302,")):
        project.write("d.csv", whole[:cut])
        row = whole[:cut].rpartition("\n")[2]
        outcome = contract("d.csv", columns)
        if row and "," not in row:
            assert outcome.verdict == "error"
            assert "too few columns" in outcome.summary
        elif row.endswith(","):
            assert outcome.verdict == "fail"  # the value is missing
        else:
            assert outcome.verdict == "pass"  # nothing shows it
        assert contract("d.csv", columns, rows={"min": 600}).verdict != "pass"
