"""DuckDB's SQL in other dialects: what is translated, what is refused, and patterns that mean the same everywhere.

BigQuery, Snowflake and Databricks are not run here: their text is parsed again, and read by a reviewer. What Spark and
Postgres make of theirs is in test_engines.py.
"""

from __future__ import annotations

import importlib.metadata
import re
from typing import Any

import duckdb
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st

from mlcc.gates import ENGINES, GATES, ArtifactInfo, GateParamsError
from mlcc.gates._sql import text_literal
from mlcc.gates.dialects import (
    SQLGLOT,
    UntranslatableError,
    check_installed,
    check_select,
    table_name,
    translate,
)
from mlcc.gates.regexes import UnportableError, portable
from mlcc.planning.planner import TIME_TRAVEL

_OTHERS = ENGINES[1:]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            """SUM(CASE WHEN NOT ("x" = ANY(['a', 'b'])) THEN 1 ELSE 0 END)""",
            {
                "spark": "SUM(CASE WHEN NOT (`x` IN ('a', 'b')) THEN 1 ELSE 0 END)",
                "postgres": """SUM(CASE WHEN NOT ("x" IN ('a', 'b')) THEN 1 ELSE 0 END)""",
            },
        ),
        (
            'isnan("x")',
            {
                "spark": "ISNAN(`x`)",
                "databricks": "ISNAN(`x`)",
                "bigquery": "IS_NAN(`x`)",
                "postgres": "\"x\" = CAST('NaN' AS DOUBLE PRECISION)",
                "snowflake": "\"x\" = CAST('NaN' AS DOUBLE)",
            },
        ),
        (
            'epoch(MAX("t"))',
            {
                "spark": "UNIX_TIMESTAMP(MAX(`t`))",
                "databricks": "UNIX_TIMESTAMP(MAX(`t`))",
                "bigquery": "UNIX_SECONDS(CAST(MAX(`t`) AS TIMESTAMP))",
                "postgres": "DATE_PART('epoch', MAX(\"t\"))",
                "snowflake": 'EXTRACT(epoch_second FROM MAX("t"))',
            },
        ),
        (
            "regexp_full_match(\"s\", '\\d+\\.')",
            {
                "spark": r"`s` RLIKE '\\A([0-9]+\\.)\\z'",
                "databricks": r"REGEXP_LIKE(`s`, '\\A([0-9]+\\.)\\z')",
                "bigquery": r"REGEXP_CONTAINS(`s`, '^([0-9]+\\.)$')",
                "postgres": r""""s" ~ '^([0-9]+\.)$'""",
                "snowflake": r"""REGEXP_LIKE("s", '[0-9]+\\.')""",
            },
        ),
        (
            'CAST("s" AS VARCHAR) COLLATE C',
            {
                "spark": "CAST(`s` AS STRING)",
                "databricks": "CAST(`s` AS STRING) COLLATE UTF8_BINARY",
                "bigquery": "COLLATE(CAST(`s` AS STRING), '')",
                "postgres": 'CAST("s" AS TEXT) COLLATE "C"',
                "snowflake": "COLLATE(CAST(\"s\" AS VARCHAR), 'utf8')",
            },
        ),
        (
            "count_if(isnan(x))",
            {
                "spark": "COUNT(CASE WHEN ISNAN(x) THEN 1 END)",
                "bigquery": "COUNT(CASE WHEN IS_NAN(x) THEN 1 END)",
                "postgres": "COUNT(CASE WHEN x = CAST('NaN' AS DOUBLE PRECISION) THEN 1 END)",
            },
        ),
        (
            "isfinite(x)",
            {
                "spark": "ABS(x) <= 1.7976931348623157e308",
                "snowflake": "ABS(x) <= CAST(1.7976931348623157e308 AS DOUBLE)",
            },
        ),
        (
            "epoch_us(CAST(t AS TIMESTAMPTZ))",
            {
                "spark": "UNIX_MICROS(CAST(t AS TIMESTAMP))",
                "databricks": "UNIX_MICROS(CAST(t AS TIMESTAMP))",
                "bigquery": "UNIX_MICROS(CAST(t AS TIMESTAMP))",
                "postgres": "DATE_PART('epoch', CAST(t AS TIMESTAMPTZ)) * 1e6",
                "snowflake": "DATE_PART('epoch_microsecond', CAST(t AS TIMESTAMPTZ))",
            },
        ),
        (
            "SELECT SUM(n) OVER (ORDER BY x ROWS UNBOUNDED PRECEDING) FROM (SELECT 1 AS n, 2 AS x)",
            {
                "postgres": "SELECT SUM(n) OVER (ORDER BY x ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) "
                "FROM (SELECT 1 AS n, 2 AS x) AS derived1",
                "bigquery": "SELECT SUM(n) OVER (ORDER BY x ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) "
                "FROM (SELECT 1 AS n, 2 AS x) AS derived1",
            },
        ),
        (
            'CAST("x" AS DOUBLE) > 1.5e-3',
            {
                "spark": "CAST(`x` AS DOUBLE) > 1.5e-3",
                "databricks": "CAST(`x` AS DOUBLE) > 1.5e-3",
                "bigquery": "CAST(`x` AS FLOAT64) > 1.5e-3",
                "postgres": 'CAST("x" AS DOUBLE PRECISION) > 1.5e-3',
                "snowflake": 'CAST("x" AS DOUBLE) > CAST(1.5e-3 AS DOUBLE)',
            },
        ),
        (
            "CAST(\"t\" AS TIMESTAMP) < TIMESTAMP '2024-01-31 12:00:00'",
            {
                "spark": "CAST(`t` AS TIMESTAMP_NTZ) < CAST('2024-01-31 12:00:00' AS TIMESTAMP_NTZ)",
                "databricks": "CAST(`t` AS TIMESTAMP_NTZ) < CAST('2024-01-31 12:00:00' AS TIMESTAMP_NTZ)",
                "bigquery": "CAST(`t` AS DATETIME) < CAST('2024-01-31 12:00:00' AS DATETIME)",
                "postgres": "CAST(\"t\" AS TIMESTAMP) < CAST('2024-01-31 12:00:00' AS TIMESTAMP)",
                "snowflake": "CAST(\"t\" AS TIMESTAMPNTZ) < CAST('2024-01-31 12:00:00' AS TIMESTAMPNTZ)",
            },
        ),
    ],
)
def test_translated(sql: str, expected: dict[str, str]) -> None:
    assert {engine: translate(sql, engine) for engine in expected} == expected


@pytest.mark.parametrize("engine", _OTHERS)
def test_marks_stay_for_the_gate_to_fill_in(engine: str) -> None:
    sql = translate("COUNT(CASE WHEN c{i}_number <= CAST({edge} AS DOUBLE) THEN 1 END)", engine, "i", "edge")
    double = {"postgres": "DOUBLE PRECISION", "bigquery": "FLOAT64"}.get(engine, "DOUBLE")
    assert sql == f"COUNT(CASE WHEN c{{i}}_number <= CAST({{edge}} AS {double}) THEN 1 END)"


@pytest.mark.parametrize("engine", _OTHERS)
@pytest.mark.parametrize(
    "sql",
    [
        "x COLLATE NOCASE",
        "bitstring_agg(x)",
        "json_extract_string(j, '/a')",
        "list_distinct(x)",
        "TRY_CAST(x AS INTEGER)",
        "quantile_cont(x, 0.5)",
        "made_up(x)",
        "regexp_full_match(x, 'a\\b')",
        "SUM(CASE WHEN isnan(made_up(x)) THEN 1 ELSE 0 END)",
    ],
)
def test_what_an_engine_has_no_equivalent_of_is_refused(engine: str, sql: str) -> None:
    with pytest.raises(UntranslatableError):
        translate(sql, engine)


@pytest.mark.parametrize("engine", _OTHERS)
@settings(deadline=None, max_examples=60)
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12))
def test_text_and_names_survive(engine: str, text: str) -> None:
    """Parsed again in its dialect, a literal is the same text, and so is a quoted name (BigQuery's have no dots)."""
    called = text.replace(".", "_") or "x"
    name = '"' + called.replace('"', '""') + '"'
    tree = sqlglot.parse_one(
        translate(f"CASE WHEN {name} = {text_literal(text)} THEN 1 ELSE 0 END", engine), read=engine
    )
    assert [literal.this for literal in tree.find_all(sqlglot.exp.Literal) if literal.is_string] == [text]
    assert [column.name for column in tree.find_all(sqlglot.exp.Column)] == [called]


_CONTRACT: dict[str, Any] = {
    "columns": {
        "id": {"type": "integer", "unique": True, "min": 0},
        "x": {"type": "number", "min": 0.5, "max": 1, "max_nulls": 0.1},
        "s": {"type": "string", "pattern": "[a-z]+", "values": ["a'b", "c\\d"], "max_length": 9},
        "d": {"type": "date", "max": "2024-01-31"},
        "t": {"type": "timestamp", "min": "2024-01-31T12:00:00+01:00"},
        "b": {"type": "boolean", "values": [True]},
        "odd": {"name": 'odd `" name', "type": "number"},
    },
    "unique": ["id", "d"],
    "freshness": {"column": "t", "max_age": "2d"},
    "checks": {"mine": {"sql": "SELECT id FROM data WHERE x < 0"}},
}


@pytest.mark.parametrize("engine", _OTHERS)
def test_every_query_of_a_contract_is_sql_of_its_engine(engine: str) -> None:
    kind = GATES["contract"]
    info = ArtifactInfo(f"{engine}://ml.requests", engine)
    compiled = kind.compiler().compile(kind.params().model_validate(_CONTRACT), {"raw": info}, "raw")
    assert (compiled["engine"], compiled["format"]) == (engine, "table")
    assert "view" not in compiled
    parts: Any = compiled
    for select in ("sql", "absent"):
        data = f"SELECT {', '.join(column[select] for column in parts['columns'])} FROM {parts['table']}"
        asked = [measure["sql"] for measure in parts["measures"].values()]
        whole = f"WITH data AS ({data}) SELECT {', '.join(asked)} FROM data"
        (tree,) = sqlglot.parse(whole, read=engine, error_level=sqlglot.ErrorLevel.RAISE)
        assert isinstance(tree, sqlglot.exp.Select)
        assert len(tree.expressions) == len(asked)
        assert not list(tree.find_all(sqlglot.exp.Anonymous))
    queries = [check["query"] for check in parts["checks"] if "query" in check]
    assert len(queries) == 2
    for (query,) in queries:
        assert isinstance(sqlglot.parse_one(query, read=engine), sqlglot.exp.Select)


@pytest.mark.parametrize("engine", _OTHERS)
def test_foreign_keys_are_sql_of_their_engine(engine: str) -> None:
    """Parsed again, each key is one anti-join of its column with the distinct values of the other table's."""
    kind = GATES["contract"]
    names = {"id": "integer", "customer": "integer", "price": "number", "at": "timestamp", "who": "string"}
    references = {
        "customer": {"artifact": "customers", "column": 'Customer "ID`'},
        "price": {"artifact": "customers", "column": "price", "max_unmatched": 0.1},
        "who": {"artifact": "orders", "column": "name"},
    }
    params = kind.params().model_validate(
        {"columns": {name: {"type": type} for name, type in names.items()}, "references": references}
    )
    artifacts = {name: ArtifactInfo(f"{engine}://ml.{name}", engine) for name in ("orders", "customers")}
    compiled: Any = kind.compiler().compile(params, artifacts, "orders")
    parents = {parent["name"]: parent for parent in compiled["parents"]}
    assert [parent["table"] for parent in parents.values()] == [
        table_name(artifacts[name]) for name in ("customers", "customers", "orders")
    ]
    views = [f"{name} AS (SELECT {p['sql']} AS value FROM {p['table']})" for name, p in parents.items()]
    columns = ", ".join(column["sql"] for column in compiled["columns"])
    views.append(f"data AS (SELECT {columns} FROM {compiled['table']})")
    checks = [check for check in compiled["checks"] if check["kind"] == "references"]
    assert [check["id"] for check in checks] == [f"{name}.references" for name in references]
    for check, (name, parent) in zip(checks, parents.items(), strict=True):
        (query,) = check["query"]
        tree = sqlglot.parse_one(
            f"WITH {', '.join(views)} {query}", read=engine, error_level=sqlglot.ErrorLevel.RAISE
        )
        (join,) = tree.args["joins"]
        assert join.side == "LEFT"
        assert [table.name for table in join.find_all(sqlglot.exp.Table)] == [name]
        assert join.find(sqlglot.exp.Distinct) is not None
        on = join.args["on"]
        assert (on.this.name, on.expression.name) == (parent["column"], "value")
        assert len(list(tree.args["where"].find_all(sqlglot.exp.Is))) == 2
        stored = sqlglot.parse_one(parent["sql"], read=engine).find(sqlglot.exp.Column)
        assert stored is not None
        assert stored.name == references[parent["column"]]["column"]


def test_table_names_are_quoted() -> None:
    names = {engine: table_name(ArtifactInfo(f"{engine}://a-b.c.d$", engine)) for engine in _OTHERS}
    assert names == {
        "spark": "`a-b`.`c`.`d$`",
        "databricks": "`a-b`.`c`.`d$`",
        "bigquery": "`a-b`.`c`.`d$`",
        "postgres": '"a-b"."c"."d$"',
        "snowflake": '"a-b"."c"."d$"',
    }


def test_tables_as_of_a_moment() -> None:
    """Rendered and parsed again; no warehouse is asked."""
    names = {
        engine: table_name(ArtifactInfo(f"{engine}://a.b.c", engine, snapshot=True)) for engine in TIME_TRAVEL
    }
    assert names == {
        "bigquery": "(SELECT * FROM `a`.`b`.`c` FOR SYSTEM_TIME AS OF TIMESTAMP '{moment}')",
        "snowflake": '(SELECT * FROM "a"."b"."c" AT (TIMESTAMP => \'{moment}\'::TIMESTAMP_TZ))',
    }
    for engine, name in names.items():
        sql = f"SELECT COUNT(*) FROM {name.replace('{moment}', '2026-11-26T17:30:00Z')}"
        tree = sqlglot.parse_one(sql, read=engine)
        (table,) = tree.find_all(sqlglot.exp.Table)
        assert [part.name for part in table.parts] == ["a", "b", "c"]
        when = table.args.get("version") or table.args.get("when")
        assert when is not None
        assert [literal.name for literal in when.find_all(sqlglot.exp.Literal)] == ["2026-11-26T17:30:00Z"]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; DROP TABLE t",
        "DELETE FROM t",
        "SELECT 1 INTO t",
        "WITH x AS (DELETE FROM t RETURNING 1) SELECT * FROM x",
        "SELECT * FROM data FOR UPDATE",
        "SELECT (",
        "",
        "SELECT 1) AS x, (SELECT 2",
        "COPY t TO '/tmp/x'",
    ],
)
def test_a_check_of_ones_own_only_selects(sql: str) -> None:
    with pytest.raises(UntranslatableError):
        check_select(sql, "postgres")


def test_a_check_of_ones_own_is_in_its_dialect() -> None:
    check_select("SELECT * FROM data WHERE s ~ '^a' -- why\n", "postgres")
    check_select("(SELECT 1 AS x) UNION ALL SELECT 2", "spark")
    check_select(
        "WITH x AS (SELECT * FROM data QUALIFY ROW_NUMBER() OVER (ORDER BY id) > 3) SELECT * FROM x",
        "snowflake",
    )


def test_sqlglot_is_missing_or_another(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", absent)
    with pytest.raises(GateParamsError, match="sqlglot, which isn't installed") as caught:
        check_installed("spark")
    assert "pip install 'mlcc\\[sql]'".replace("\\", "") in str(caught.value.help)
    monkeypatch.setattr(importlib.metadata, "version", lambda _: "1.0")
    with pytest.raises(GateParamsError, match=f"sqlglot {SQLGLOT}, and 1.0 is installed"):
        check_installed("spark")


# --- patterns -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("abc", "abc"),
        ("^abc$", "abc"),
        ("^a|b$", "a|b"),
        ("(?:a|b)+?", "(a|b)+"),
        (r"\d\D\w", "[0-9][^0-9][0-9A-Za-z_]"),
        (r"[\d\s-]", "[0-9\t\n\f\r \\-]"),
        (r"\.\-\/", r"\.-/"),
        ("[^]a]", r"[^\]a]"),
        ("[a-c&&d]", r"[a-c\&\&d]"),
        (r"\x41\x{1F642}\t", "A🙂\t"),
        ("a{2}b{3,}c{1,4}", "a{2}b{3,}c{1,4}"),
        (".", "[^\n]"),
        ("", ""),
        ("a||b", "a||b"),
    ],
)
def test_portable(pattern: str, expected: str) -> None:
    assert portable(pattern) == expected


@pytest.mark.parametrize(
    "pattern",
    [
        "(?i)a", "(?P<n>a)", r"\bfoo", r"\pL", r"\p{Greek}", r"\Qa\E", r"\A", r"\z", r"\1", "[[:alpha:]]", "a^b", "a$b",
        "(^a)", "a(b$)", "a**", "a{2}{3}", "a+*", "a{256}", "a{3,2}", "{2}", "a{", "}", "]", "(a", "a)", "[a", "[b-a]", r"[\D]",
        r"[\W]", r"\x00", r"\x{D800}", r"\x{110000}", "\\", "*a", "?", "+", r"\k", r"[a-\d]", "(" * 40 + ")" * 40,
    ],
)  # fmt: skip
def test_not_portable(pattern: str) -> None:
    with pytest.raises(UnportableError, match=r"\A[^\n]{10,}\Z"):
        portable(pattern)


_ATOMS = st.sampled_from(
    (
        "a",
        "b",
        ".",
        r"\d",
        r"\w",
        r"\s",
        r"\S",
        "[a-c]",
        "[^a]",
        r"[\]-]",
        r"\.",
        "ä",
        "-",
        "[]b]",
        r"[\w.]",
        " ",
        r"\n",
    )
)
_REPEATS = st.sampled_from(("", "", "", "*", "+", "?", "{2}", "{1,}", "{0,2}", "*?", "+?"))
_PATTERNS = st.recursive(
    st.lists(st.tuples(_ATOMS, _REPEATS).map("".join), max_size=4).map("".join),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("|".join),
        inner.map("({})".format),
        st.tuples(inner.map("(?:{})".format), _REPEATS).map("".join),
    ),
    max_leaves=4,
)  # fmt: skip
_VALUES = st.lists(st.text("abcz0_.-] \n\t\väÄé🙂", max_size=5), min_size=1, max_size=12)


@settings(deadline=None, max_examples=150)
@given(_PATTERNS, _VALUES)
def test_a_portable_pattern_means_the_same(pattern: str, values: list[str]) -> None:
    """To RE2 (in DuckDB), and to Python's engine, which reads such plain patterns as Java does."""
    written = portable(pattern)
    found = duckdb.execute(
        "SELECT v, regexp_full_match(v, $p), regexp_full_match(v, $w) FROM (SELECT unnest($v) AS v)",
        {"p": pattern, "w": written, "v": values},
    ).fetchall()
    own = re.compile(written)
    for value, given_, portable_ in found:
        assert portable_ == given_, (pattern, written, value)
        assert (own.fullmatch(value) is not None) == given_, (pattern, written, value)
