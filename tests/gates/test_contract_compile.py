"""From a contract to SQL: refusals with their places, and quoting tried on hostile names and values."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pydantic
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlcc.gates import GATES, ArtifactInfo, GateParamsError
from mlcc.gates._sql import identifier, real_literal, text_literal
from mlcc.gates.contract.compile import compile, references

_DEFAULTS = {
    "name": None,
    "type": "integer",
    "required": True,
    "max_nulls": 0,
    "min": None,
    "max": None,
    "values": None,
    "pattern": None,
    "unique": False,
    "max_length": None,
    "max_mixed": None,
}


def _column(type: str = "integer", **changes: Any) -> SimpleNamespace:
    return SimpleNamespace(**{**_DEFAULTS, "type": type, **changes})


def _params(**changes: Any) -> SimpleNamespace:
    """Parameters as a loader without pydantic makes them."""
    defaults = {
        "columns": {"x": _column()},
        "extra_columns": "allow",
        "unique": None,
        "max_duplicates": None,
        "conflicts": None,
        "references": {},
        "rows": None,
        "freshness": None,
        "checks": {},
        "denied": [],
    }
    return SimpleNamespace(**{**defaults, **changes})


def _compile(params: Any, path: str = "d.parquet") -> dict[str, Any]:
    return compile(params, {"raw": ArtifactInfo(path)}, "raw")


def _sql(text: str) -> SimpleNamespace:
    return SimpleNamespace(sql=text)


@pytest.mark.parametrize(
    ("changes", "loc"),
    [
        ({"columns": {"a": _column(), "A": _column()}}, ("columns", "A")),
        ({"columns": {"": _column()}}, ("columns", "")),
        ({"columns": {"a\0b": _column()}}, ("columns", "a\0b")),
        ({"columns": {"x": _column(min="a")}}, ("columns", "x", "min")),
        ({"columns": {"x": _column(min=0.5)}}, ("columns", "x", "min")),
        ({"columns": {"x": _column(min=3, max=2)}}, ("columns", "x", "max")),
        ({"columns": {"x": _column("number", min=float("nan"))}}, ("columns", "x", "min")),
        ({"columns": {"x": _column("number", max=float("inf"))}}, ("columns", "x", "max")),
        ({"columns": {"x": _column("number", min=True)}}, ("columns", "x", "min")),
        ({"columns": {"x": _column("string", min=1)}}, ("columns", "x", "min")),
        ({"columns": {"x": _column("string", max="z")}}, ("columns", "x", "max")),
        ({"columns": {"x": _column("boolean", max=True)}}, ("columns", "x", "max")),
        ({"columns": {"x": _column("date", min="soon")}}, ("columns", "x", "min")),
        ({"columns": {"x": _column("date", min="2023-02-29")}}, ("columns", "x", "min")),
        ({"columns": {"x": _column("date", min=20240101)}}, ("columns", "x", "min")),
        (
            {"columns": {"x": _column("date", min="2024-01-02", max="2024-01-01")}},
            ("columns", "x", "max"),
        ),
        ({"columns": {"x": _column("timestamp", max="2024-01-01")}}, ("columns", "x", "max")),
        ({"columns": {"x": _column(values=[1, "a"])}}, ("columns", "x", "values", 1)),
        ({"columns": {"x": _column(values=[True])}}, ("columns", "x", "values", 0)),
        ({"columns": {"x": _column("string", values=[1])}}, ("columns", "x", "values", 0)),
        ({"columns": {"x": _column(pattern="a")}}, ("columns", "x", "pattern")),
        ({"columns": {"x": _column(max_length=3)}}, ("columns", "x", "max_length")),
        ({"columns": {"x": _column("string", pattern="(?=a)b")}}, ("columns", "x", "pattern")),
        ({"columns": {"x": _column("string", pattern="(?<!a)b")}}, ("columns", "x", "pattern")),
        ({"columns": {"x": _column("string", pattern=r"(a)\1")}}, ("columns", "x", "pattern")),
        ({"columns": {"x": _column("string", pattern="a++")}}, ("columns", "x", "pattern")),
        ({"unique": ["y"]}, ("unique", 0)),
        ({"unique": ["x", "x"]}, ("unique", 1)),
        ({"conflicts": SimpleNamespace(label="x", max=0)}, ("conflicts", "label")),
        ({"conflicts": SimpleNamespace(label="y", max=0)}, ("conflicts", "label")),
        ({"rows": SimpleNamespace(min=5, max=4)}, ("rows", "max")),
        ({"freshness": SimpleNamespace(column="x", max_age="3d")}, ("freshness", "column")),
        ({"freshness": SimpleNamespace(column="y", max_age="3d")}, ("freshness", "column")),
        ({"denied": ["name", "X"]}, ("denied", 1)),
        ({"denied": [""]}, ("denied", 0)),
        ({"checks": {"a": _sql("drop table data")}}, ("checks", "a", "sql")),
        ({"checks": {"a": _sql("select 1; select 2")}}, ("checks", "a", "sql")),
        ({"checks": {"a": _sql("-- select")}}, ("checks", "a", "sql")),
        ({"checks": {"a": _sql("selection")}}, ("checks", "a", "sql")),
    ],
)
def test_refuses(changes: dict[str, Any], loc: tuple[object, ...]) -> None:
    with pytest.raises(GateParamsError) as caught:
        _compile(_params(**changes))
    assert caught.value.loc == loc
    assert caught.value.message


@pytest.mark.parametrize("path", ["d", "d.csv.gz", "d.xlsx", "data/*", "data/**", "parquet", ".parquet.zip"])
def test_refuses_formats(path: str) -> None:
    with pytest.raises(GateParamsError) as caught:
        _compile(_params(), path)
    assert caught.value.help


def test_refuses_an_artifact_that_is_not_there() -> None:
    with pytest.raises(GateParamsError, match="there is no artifact 'other'"):
        compile(_params(), {"raw": ArtifactInfo("d.csv")}, "other")


@pytest.mark.parametrize(
    ("path", "format"),
    [
        ("a/d.parquet", "parquet"),
        ("d.PARQUET", "parquet"),
        ("a.b/", "parquet"),
        ("d.csv", "csv"),
        ("d.tsv", "tsv"),
        ("d.jsonl", "jsonl"),
        ("d.ndjson", "jsonl"),
    ],
)
def test_formats(path: str, format: str) -> None:
    assert _compile(_params(), path)["format"] == format


@pytest.mark.parametrize(
    "pattern",
    [r"a\\1", "[*+?]+", r"\d+\.\d", "(?:a|b)+?", "(?i)x", r"[]+*]{2}", r"\+\+", r"\x{41}+", r"\p{Greek}+"],
)
def test_patterns_that_re2_knows(pattern: str) -> None:
    compiled = _compile(_params(columns={"x": _column("string", pattern=pattern)}))
    assert duckdb.sql(f"SELECT regexp_full_match('', {text_literal(pattern)})").fetchall()
    assert text_literal(pattern) in compiled["measures"]["x.pattern"]["sql"]


def test_compiled_is_readable() -> None:
    columns = {
        "income": _column("number", min=0, max_nulls=0.02),
        "region": _column("string", values=["SE", "NO"]),
    }
    compiled = _compile(
        _params(columns=columns, unique=["region"], checks={"odd": _sql("select 1\nwhere false;")})
    )
    assert compiled["view"] == [
        "CREATE VIEW data AS",
        "SELECT * REPLACE (",
        '  CAST("income" AS DOUBLE) AS "income",',
        '  CAST("region" AS VARCHAR) AS "region"',
        ")",
        "FROM source",
    ]
    assert compiled["measures"] == {
        "rows": {"sql": "COUNT(*)", "footer": "COUNT(*)"},
        "income.max_nulls": {"sql": 'SUM(CASE WHEN "income" IS NULL OR isnan("income") THEN 1 ELSE 0 END)'},
        "income.min": {"sql": 'SUM(CASE WHEN "income" < 0 OR isnan("income") THEN 1 ELSE 0 END)'},
        "region.max_nulls": {"sql": 'COUNT(*) - COUNT("region")', "nulls": "region"},
        "region.values": {"sql": "SUM(CASE WHEN NOT (\"region\" = ANY(['SE', 'NO'])) THEN 1 ELSE 0 END)"},
        "key.nulls": {"sql": 'SUM(CASE WHEN "region" IS NULL THEN 1 ELSE 0 END)'},
    }
    assert compiled["checks"][-1] == {
        "id": "key.unique",
        "kind": "key",
        "query": [
            "SELECT COUNT(*) AS repeated FROM "
            '(SELECT 1 AS one FROM data GROUP BY "region" HAVING COUNT(*) > 1) AS again'
        ],
    }
    assert compiled["sql"] == {"odd": ["select 1", "where false"]}
    json.dumps(compiled, allow_nan=False)


@pytest.mark.parametrize(
    ("lists", "others", "spelled"), [(1, 80, "= ANY(["), (64, 0, "= ANY(["), (65, 0, "NOT IN (")]
)
def test_the_number_of_lists_decides_how_values_are_listed(lists: int, others: int, spelled: str) -> None:
    columns = {f"c{i}": _column("string", values=["a", "b"]) for i in range(lists)}
    columns.update({f"o{i}": _column("string") for i in range(others)})
    measures = _compile(_params(columns=columns))["measures"]
    listed = [measure["sql"] for name, measure in measures.items() if name.endswith(".values")]
    assert len(listed) == lists
    assert all(spelled in sql for sql in listed)


@pytest.mark.parametrize("lists", [64, 65])
def test_many_lists_count_the_same(project: Any, lists: int) -> None:
    """A value off the list fails, an empty cell is none."""
    columns = {f"c{i}": {"type": "string", "values": ["a", "b"], "max_nulls": 0.5} for i in range(lists)}
    rows = [list(columns), ["a"] * lists, ["b"] * (lists - 1) + ["x"], [""] + ["a"] * (lists - 1)]
    project.write("t.csv", "".join(",".join(row) + "\n" for row in rows))
    project.gate("contract", {"columns": columns}, {"t": "t.csv"})
    found = project.run("contract")
    assert found.verdict == "fail"
    failed = [id for id, verdict in found.checks.items() if verdict == "fail"]
    assert failed == [f"c{lists - 1}.values"]


def test_both_kinds_of_parameters_compile_alike() -> None:
    raw = {
        "columns": {"x": {"type": "integer", "min": 1}, "t": {"type": "date"}},
        "rows": {"min": 2, "max": 9},
        "freshness": {"column": "t", "max_age": "36h"},
        "checks": {"a": {"sql": "select * from data where false"}},
        "unique": ["x"],
        "denied": ["mail"],
    }
    model = GATES["contract"].params().model_validate(raw)
    plain = _params(
        columns={"x": _column(min=1), "t": _column("date")},
        rows=SimpleNamespace(min=2, max=9),
        freshness=SimpleNamespace(column="t", max_age="36h"),
        checks={"a": _sql("select * from data where false")},
        unique=["x"],
        denied=["mail"],
    )
    assert _compile(model) == _compile(plain)
    assert _compile(model)["freshness"] == {"column": "t", "max_age": "36h", "seconds": 129_600}
    assert references(model) == ()


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"columns": {}},
        {"columns": {"x": {}}},
        {"columns": {"x": {"type": "int"}}},
        {"columns": {"x": {"type": "integer", "max_nulls": 1.5}}},
        {"columns": {"x": {"type": "integer", "max_nulls": "0.5"}}},
        {"columns": {"x": {"type": "integer", "max_nulls": True}}},
        {"columns": {"x": {"type": "integer", "nullable": True}}},
        {"columns": {"x": {"type": "integer", "required": "no"}}},
        {"columns": {"x": {"type": "integer", "values": []}}},
        {"columns": {"x": {"type": "string", "max_length": 0}}},
        {"columns": {"x": {"type": "integer"}}, "rows": {"min": 0}},
        {"columns": {"x": {"type": "integer"}}, "rows": {"min": 1.5}},
        {"columns": {"x": {"type": "integer"}}, "unique": []},
        {"columns": {"x": {"type": "integer"}}, "extra_columns": "ignore"},
        {"columns": {"x": {"type": "integer"}}, "freshness": {"column": "x", "max_age": "soon"}},
    ],
)
def test_the_model_refuses(params: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        GATES["contract"].params().model_validate(params)


# --- quoting ------------------------------------------------------------------------------------------------

_HOSTILE = [
    'a"b',
    "a'b",
    'a""b',
    "a b",
    "a,b",
    "a;b",
    "a--b",
    "/*",
    "*/ a",
    "a\\",
    "\\'",
    "$1",
    "?",
    ":x",
    "{x}",
    "%s",
    "select",
    "rows",
    "x.max_nulls",
    "data",
    "source",
    "raw1",
    "a.b",
    "a/b",
    "a~b",
    "~1",
    "äöü",
    "🙂",
    "a\nb",
    "a\tb",
    '"); DROP VIEW data; --',
    "' OR 1=1 --",
    "COLUMNS(*)",
    "json",
]
_NAMES = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12
) | st.sampled_from(_HOSTILE)


@settings(deadline=None)
@given(_NAMES)
def test_text_literals(text: str) -> None:
    assert duckdb.execute(f"SELECT {text_literal(text)}").fetchall() == [(text,)]


@settings(deadline=None)
@given(_NAMES)
def test_identifiers(name: str) -> None:
    cursor = duckdb.execute(f"SELECT x AS {identifier(name)} FROM (SELECT 7 AS x)")
    assert [column[0] for column in cursor.description] == [name]
    assert duckdb.execute(f"SELECT {identifier(name)} FROM (SELECT 7 AS {identifier(name)})").fetchall() == [
        (7,)
    ]


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_real_literals(value: float) -> None:
    assert duckdb.execute(f"SELECT {real_literal(value)}, typeof({real_literal(value)})").fetchall() == [
        (value, "DOUBLE")
    ]


def _write(path: Path, suffix: str, names: list[str], rows: list[list[str]]) -> None:
    if suffix == "jsonl":
        lines = [json.dumps(dict(zip(names, row, strict=True))) for row in rows]
        path.write_text("".join(f"{line}\n" for line in lines))
    elif suffix == "csv":
        text = io.StringIO()
        csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([names, *rows])
        path.write_bytes(text.getvalue().encode())
    else:
        columns = ", ".join(identifier(name) for name in names)
        values = ", ".join("(" + ", ".join(map(text_literal, row)) + ")" for row in rows)
        duckdb.execute(f"COPY (SELECT * FROM (VALUES {values}) t({columns})) TO '{path}' (FORMAT parquet)")


_TABLES = st.lists(
    st.tuples(_NAMES, _NAMES), min_size=1, max_size=4, unique_by=lambda pair: pair[0].casefold()
).filter(lambda pairs: len({name.lower() for name, _ in pairs}) == len(pairs))


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_TABLES)
def test_hostile_names_and_values(project: Any, suffix: str, table: list[tuple[str, str]]) -> None:
    """A value that is allowed passes, another one is counted, whatever the names and values are."""
    if suffix == "csv":  # DuckDB and the csv module see a lone carriage return as the end of a line
        table = [tuple(re.sub(r"[\r\n]+", "\n", text) for text in pair) for pair in table]  # type: ignore[misc]  # pairs stay pairs
    names = [name for name, _ in table]
    good, bad = [value for _, value in table], [value + "x" for _, value in table]
    path = f"d.{suffix}"
    for rows, count in (([good, good], 0), ([good, bad, bad], 2)):
        _write(project.root / path, suffix, names, rows)
        columns = {name: _column("string", values=[value], unique=True) for name, value in table}
        compiled = _compile(_params(columns=columns, extra_columns="deny"), path)
        document = {
            "kind": "contract",
            "gate": "g",
            "guards": "raw",
            "artifacts": {"raw": {"path": path, "kind": "data"}},
            "on_inconclusive": "fail",
            "params": compiled,
        }
        project.write(".mlcc/gates/g.json", json.dumps(document))
        outcome = project.run("contract")
        for name in names:
            assert outcome.check(f"{name}.values")["estimate"] == count, outcome.log
            assert outcome.check(f"{name}.unique")["estimate"] == 1
        assert outcome.checks["extra_columns"] == "pass"


@pytest.mark.parametrize(
    ("columns", "denied", "loc", "message"),
    [
        ({"a": _column(name="X y"), "b": _column(name="x Y")}, [], ("columns", "b", "name"), "b and a are"),
        ({"a": _column(name="b"), "b": _column()}, [], ("columns", "b"), "b and a are the same column"),
        ({"a": _column(name="X y")}, ["x y"], ("denied", 0), "the column x y is declared and denied"),
        ({"a": _column(name="X y")}, ["A"], ("denied", 0), "the column A is declared and denied"),
        ({"a": _column(name="x\0")}, [], ("columns", "a", "name"), "the text has characters"),
    ],
)
def test_names_of_columns_that_are_refused(
    columns: dict[str, Any], denied: list[str], loc: tuple[object, ...], message: str
) -> None:
    with pytest.raises(GateParamsError) as caught:
        _compile(_params(columns=columns, denied=denied))
    assert caught.value.loc == loc
    assert caught.value.message.startswith(message)
