"""The same contract on DuckDB, Spark and Postgres, held against counts that Python takes from the rows."""

from __future__ import annotations

import datetime
import math
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mlcc.gates._sql import identifier, text_literal
from mlcc.gates._support import Gate
from mlcc.gates.contract.runtime import judge
from tests.gates.engine_services import need_spark, postgres

ROWS = 240
_WORDS = (
    "SE", "NO", "no", "", " ", "a'b", 'a"b', "a\\b", "\\", "a\nb", "tab\there", "line\u2028end", "\r\n", "äöü", "ÄÖÜ",
    "e\u0301", "é", "日本", "🙂🙂", "x" * 300, "NaN", "null", "NULL", "%", "_", "a_b", "0", "-1", "1e5", "$$", "{x}", "--",
    "/* */", "a  b", "trailing ", "İ", "ß", "\u00a0", "A1", "B22", "${env:HOME}", "abc", "abc\n", "\v", "_9",
)  # fmt: skip
_PATTERNS = (
    "[a-z]+", r"[A-Z]\d+", r"\w*", r"\s+", r".*", r"a.b", r"^abc$", r"(a|b)+.*", r"[^a-z]*", r"(?:x{100}){3}", r"\\+",
    r"[\\'\"]+", r"[äöü]+", r".{2}", r"\S+", r"[\d-]+", r"[]a\[ ]+", r"\$\$|\{x\}", r"\x{1F642}+", r"[a-z&&[b]*", r"\W",
    r"a?b*?|NO|no", r"[\w\s]+", r"\D+", r"-1|1e5",
)  # fmt: skip
_DAY, _MOMENT = datetime.date(2024, 2, 28), datetime.datetime(2024, 2, 28, 23, 59, 59)
_Column = tuple[str, str, list[Any], dict[str, Any]]


def _columns() -> dict[str, _Column]:
    """Return column -> DuckDB's type, Postgres' type, values, and what a contract says of it."""
    random_ = random.Random(20_240_229)
    found: dict[str, _Column] = {}

    def add(duck: str, pg: str, draw: Callable[[], Any], **column: Any) -> None:
        nulls = random_.choice((0.0, 0.1, 0.5))
        values = [None if random_.random() < nulls else draw() for _ in range(ROWS)]
        found[f"c{len(found)}"] = (duck, pg, values, {"max_nulls": 1, **column})

    for pattern in _PATTERNS:
        add(
            "VARCHAR",
            "text",
            lambda: random_.choice(_WORDS),
            type="string",
            pattern=pattern,
            max_length=random_.choice((1, 2, 3)),
        )
    for values in (
        ["SE", "NO"],
        [""],
        ["a'b", 'a"b', "a\\b"],
        ["🙂🙂", "é"],
        ["trailing ", " "],
        ["\\", "%"],
        ["${env:HOME}"],
    ):
        add(
            "VARCHAR",
            "text",
            lambda: random_.choice(_WORDS),
            type="string",
            values=values,
            unique="SE" in values,
        )
    add(
        "VARCHAR",
        "varchar(400)",
        lambda: random_.choice(_WORDS),
        type="string",
        values=["ß", "İ"],
        max_length=299,
    )
    for low, high in ((-5, 5), (0, 0), (-(2**63), 2**63 - 1), (2**53, 2**53 + 1)):
        for duck, pg, most in (
            ("BIGINT", "int8", 2**63 - 1),
            ("INTEGER", "int4", 2**31 - 1),
            ("SMALLINT", "int2", 2**15 - 1),
        ):

            def whole(most: int = most) -> int:
                return random_.choice((0, 1, -1, 5, 6, -6, most, -most - 1, random_.randint(-most, most)))

            add(
                duck, pg, whole, type="integer", min=low, max=high, values=[0, 5, -6], unique=duck == "BIGINT"
            )
    reals = (
        0.0,
        -0.0,
        math.nan,
        math.inf,
        -math.inf,
        0.1,
        0.30000000000000004,
        1e-300,
        1e300,
        -2.5,
        3.0,
        5e-324,
    )
    for low, high in ((0.0, 1.0), (-2.5, 0.3), (1e-300, 1e300), (0, 3)):
        add(
            "DOUBLE",
            "float8",
            lambda: random_.choice(reals),
            type="number",
            min=low,
            max=high,
            values=[0.1, 3, -2.5],
            unique=low == 0,
        )
    add(
        "FLOAT",
        "float4",
        lambda: random_.choice((0.0, 0.5, math.nan, 0.25, -1.5)),
        type="number",
        min=0,
        max=0.4,
        values=[0.5],
    )
    add(
        "DECIMAL(18,3)",
        "numeric(18,3)",
        lambda: random_.choice((0.125, 12.5, -3.0, 99999.875)),
        type="number",
        min=0.2,
        values=[0.125, -3],
    )
    add(
        "DECIMAL(18,3)",
        "numeric(18,3)",
        lambda: random_.randint(-9, 9) / 8,
        type="number",
        max=0.5,
        unique=True,
    )
    for days in (1, 40, 4000):
        add("DATE", "date", lambda d=days: _DAY + datetime.timedelta(days=random_.randint(-d, d)),
            type="date", min="2024-02-28", max="2024-03-01", values=["2024-02-29", "2023-12-31"], unique=True)  # fmt: skip
    for seconds in (1, 90_000, 10**8):
        for duck, pg in (("TIMESTAMP", "timestamp"), ("TIMESTAMPTZ", "timestamptz")):

            def moment(s: int = seconds) -> datetime.datetime:
                micro = random_.choice((0, 1, 999_999))
                return _MOMENT + datetime.timedelta(seconds=random_.randint(-s, s), microseconds=micro)

            add(duck, pg, moment, type="timestamp", min="2024-02-28T23:59:59Z",
                max="2024-02-29T01:00:00+01:00", unique=duck == "TIMESTAMPTZ")  # fmt: skip
    add("BOOLEAN", "bool", lambda: random_.random() < 0.5, type="boolean", values=[True])
    add("BOOLEAN", "bool", lambda: random_.random() < 0.5, type="boolean", unique=True)
    return found


_COLUMNS = _columns()
_CONTRACT = {
    "columns": {name: column for name, (_, _, _, column) in _COLUMNS.items()},
    "unique": ["c0", "c1"],
    "max_duplicates": 0,
}
# A check of one's own is in the engine's dialect.
_ODD = {"spark": r"SELECT * FROM data WHERE c0 = 'a\'b' OR c0 IS NULL"}
_DUCKDB_ODD = "SELECT * FROM data WHERE c0 = 'a''b' OR c0 IS NULL"


def _expected() -> dict[str, float]:
    """Return the counts of the checks, as Python takes them from the rows."""
    found: dict[str, float] = {}
    for name, (_, _, values, column) in _COLUMNS.items():
        present = [value for value in values if value is not None]
        kind = column["type"]
        found[f"{name}.max_nulls"] = sum(value is None or value != value for value in values) / ROWS
        if "min" in column:
            found[f"{name}.min"] = sum(not value >= _bound(kind, column["min"]) for value in present)
        if "max" in column:
            found[f"{name}.max"] = sum(not value <= _bound(kind, column["max"]) for value in present)
        if "values" in column:
            allowed = [_bound(kind, value) for value in column["values"]]
            found[f"{name}.values"] = sum(value not in allowed for value in present)
        if "pattern" in column:
            found[f"{name}.pattern"] = sum(not _matches(column["pattern"], value) for value in present)
        if "max_length" in column:
            found[f"{name}.max_length"] = sum(len(value) > column["max_length"] for value in present)
        if column.get("unique"):
            found[f"{name}.unique"] = len(present) - len({"NaN" if v != v else v for v in present})
    keys = list(zip(_COLUMNS["c0"][2], _COLUMNS["c1"][2], strict=True))
    found["key.nulls"] = sum(None in key for key in keys)
    found["key.unique"] = sum(keys.count(key) > 1 for key in set(keys))
    rows = zip(*(values for _, _, values, _ in _COLUMNS.values()), strict=True)
    found["duplicates"] = 1 - len({str(row) for row in rows}) / ROWS
    found["checks.odd"] = sum(value is None or value == "a'b" for value in _COLUMNS["c0"][2])
    return found


def _bound(kind: str, value: Any) -> Any:
    if kind == "date":
        return datetime.date.fromisoformat(value)
    if kind == "timestamp":
        moment = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
        return moment.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    return value


def _matches(pattern: str, value: str) -> bool:
    """Whether RE2 would match all of a value. Python wants [ escaped."""
    own = pattern.replace(r"\x{1F642}", "🙂").replace("[]a", r"[\]a").replace("&&[b", r"&\&\[b")
    own = own.replace(r"\s", r" \t\n\f\r" if r"[\w\s]" in own else r"[ \t\n\f\r]").replace(
        r"\S", r"[^ \t\n\f\r]"
    )
    return re.compile(rf"(?:{own})\Z", re.ASCII).match(value) is not None


_EXPECTED = _expected()


def _parquet(path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        columns = ", ".join(f"{identifier(name)} {duck}" for name, (duck, *_) in _COLUMNS.items())
        connection.execute(f"CREATE TABLE t ({columns})")
        rows = list(zip(*(values for _, _, values, _ in _COLUMNS.values()), strict=True))
        connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(_COLUMNS))})", rows)
        connection.execute(f"COPY t TO {text_literal(str(path))} (FORMAT parquet)")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with postgres(tmp_path_factory.mktemp("postgres")) as variables:
        yield variables


def _differences(project: Any, artifact: str, engine: str) -> dict[str, tuple[float, float]]:
    """Return check -> (what the gate counts, what Python does), where they differ."""
    checks = {"odd": {"sql": _ODD.get(engine, _DUCKDB_ODD)}}
    project.gate("contract", {**_CONTRACT, "checks": checks}, {"raw": artifact}, engine=engine)
    outcome = project.run("contract")
    assert outcome.verdict == "fail", outcome.log
    found = {id: outcome.check(id)["estimate"] for id in outcome.checks if id in _EXPECTED}
    assert set(found) == set(_EXPECTED)
    return {
        id: (count, _EXPECTED[id]) for id, count in found.items() if count != pytest.approx(_EXPECTED[id])
    }


_ORDERS = (
    "SELECT * FROM (VALUES (1, 10, 1.5, '1'), (2, 99, 2.5, '2'), (3, NULL, NULL, 'a'), "
    "(4, 10, CAST('NaN' AS float8), '2024-01-31')) AS t(id, customer, price, code)"
)
_CUSTOMERS = "SELECT * FROM (VALUES (10, 1.5), (11, NULL)) AS t(id, price)"
_REFERRING = {
    "columns": {
        "id": {"type": "integer"},
        "customer": {"type": "integer", "max_nulls": 1},
        "price": {"type": "number", "max_nulls": 1},
        "code": {"type": "string", "max_mixed": 0.1},
    },
    "references": {
        "customer": {"artifact": "customers", "column": "id"},
        "price": {"artifact": "customers", "column": "price"},
    },
}
_UNMATCHED = {"customer.references": 1 / 4, "price.references": 1 / 4, "code.max_mixed": 2 / 4}


def _unmatched(project: Any, orders: str, customers: str, engine: str) -> dict[str, float]:
    project.gate("contract", _REFERRING, {"orders": orders, "customers": customers}, engine=engine)
    outcome = project.run("contract")
    assert outcome.verdict == "fail", outcome.log
    return {id: outcome.check(id)["estimate"] for id in _UNMATCHED}


def _orders_and_customers() -> None:
    numbers = "CAST(id AS BIGINT) AS id, CAST(price AS DOUBLE) AS price"
    orders = f"SELECT {numbers}, CAST(customer AS BIGINT) AS customer, code FROM ({_ORDERS})"
    duckdb.sql(f"COPY ({orders}) TO 'orders.parquet' (FORMAT parquet)")
    duckdb.sql(f"COPY (SELECT {numbers} FROM ({_CUSTOMERS})) TO 'customers.parquet' (FORMAT parquet)")


def test_foreign_keys_on_duckdb(project: Any) -> None:
    _orders_and_customers()
    assert _unmatched(project, "orders.parquet", "customers.parquet", "duckdb") == _UNMATCHED


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_foreign_keys_on_spark(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    need_spark()
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--conf spark.sql.shuffle.partitions=2 pyspark-shell")
    _orders_and_customers()
    assert _unmatched(project, "orders.parquet", "customers.parquet", "spark") == _UNMATCHED


def test_foreign_keys_on_postgres(
    project: Any, server: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    for name, value in server.items():
        monkeypatch.setenv(name, value)
    with psycopg.connect("") as connection:
        connection.execute("CREATE SCHEMA shop")
        orders = (
            "CAST(id AS int8) AS id, CAST(customer AS int8) AS customer, CAST(price AS float8) AS price, code"
        )
        connection.execute(f"CREATE TABLE shop.orders AS SELECT {orders} FROM ({_ORDERS}) AS o".encode())
        connection.execute(f"CREATE TABLE shop.customers AS {_CUSTOMERS}".encode())
    assert (
        _unmatched(project, "postgres://shop.orders", "postgres://shop.customers", "postgres") == _UNMATCHED
    )


def test_there_is_enough_to_compare() -> None:
    assert len(_EXPECTED) >= 150
    assert sum(count > 0 for count in _EXPECTED.values()) > 100


def test_duckdb(project: Any) -> None:
    _parquet(project.root / "d.parquet")
    assert _differences(project, "d.parquet", "duckdb") == {}


# py4j leaves its sockets to the end of the process, where a gate's own ends.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_spark(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    need_spark()
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--conf spark.sql.shuffle.partitions=2 pyspark-shell")
    _parquet(project.root / "d.parquet")
    assert _differences(project, "d.parquet", "spark") == {}


def test_postgres(project: Any, server: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    import psycopg

    for name, value in server.items():
        monkeypatch.setenv(name, value)
    with psycopg.connect("", options="-c TimeZone=UTC") as connection:
        columns = ", ".join(f"{identifier(name)} {pg}" for name, (_, pg, *_) in _COLUMNS.items())
        connection.execute("CREATE SCHEMA ml")
        connection.execute(f"CREATE TABLE ml.rows ({columns})".encode())
        rows = zip(*(values for _, _, values, _ in _COLUMNS.values()), strict=True)
        marks = ", ".join(["%s"] * len(_COLUMNS))
        connection.cursor().executemany(f"INSERT INTO ml.rows VALUES ({marks})".encode(), rows)
    assert _differences(project, "postgres://ml.rows", "postgres") == {}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_spark_logs_no_value_of_a_query_that_fails(project: Any, capfd: pytest.CaptureFixture[str]) -> None:
    need_spark()
    duckdb.sql("COPY (SELECT 'Ada Lovelace' AS who) TO 'd.parquet' (FORMAT parquet)")
    checks = {"odd": {"sql": "SELECT CAST(who AS INT) AS x FROM data WHERE CAST(who AS INT) > 1"}}
    params = {"columns": {"who": {"type": "string"}}, "checks": checks}
    document = project.gate("contract", params, {"raw": "d.parquet"}, engine="spark")
    verdict = judge(Gate("g", "_mlcc/s--g", document))
    said = " ".join(check.message for check in verdict.checks if check.verdict == "error")
    assert said == "the check odd did not run: the engine could not run a query: NumberFormatException"
    shown = capfd.readouterr()
    assert "Lovelace" not in shown.out + shown.err


_FOLDED = ["SE", "se", "Se", "NO"]
_FOLDED_PARAMS = {
    "columns": {"x": {"type": "string", "values": ["se"], "pattern": "[A-Z]+", "unique": True}},
    "references": {"x": {"artifact": "known", "column": "x"}},
}
_FOLDED_COUNTS = {"x.values": 3, "x.pattern": 2, "x.unique": 0, "x.references": 3 / 4}


def _folded(project: Any, table: str, known: str, engine: str) -> dict[str, float]:
    project.gate("contract", _FOLDED_PARAMS, {"t": table, "known": known}, engine=engine)
    outcome = project.run("contract")
    assert outcome.verdict == "fail", outcome.log
    return {id: outcome.check(id)["estimate"] for id in _FOLDED_COUNTS}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_text_is_its_bytes_under_a_collation_of_spark(project: Any, tmp_path: Path) -> None:
    need_spark()
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.config("spark.sql.warehouse.dir", str(tmp_path / "w")).getOrCreate()
    values = ", ".join(f"('{value}')" for value in _FOLDED)
    # The gate takes this session, with its views, and ends it.
    spark.sql(
        f"CREATE TEMP VIEW folded AS SELECT CAST(x AS STRING COLLATE UTF8_LCASE) AS x FROM VALUES {values} AS t(x)"
    )
    spark.sql("CREATE TEMP VIEW known AS SELECT CAST('se' AS STRING COLLATE UTF8_LCASE) AS x")
    assert _folded(project, "spark://folded", "spark://known", "spark") == _FOLDED_COUNTS


def test_text_is_its_bytes_under_a_collation_of_postgres(
    project: Any, server: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    for name, value in server.items():
        monkeypatch.setenv(name, value)
    with psycopg.connect("") as connection:
        connection.execute("CREATE SCHEMA folding")
        made = "(provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
        connection.execute(f"CREATE COLLATION folding.folded {made}".encode())
        for table, values in (("t", _FOLDED), ("known", ["se"])):
            connection.execute(f"CREATE TABLE folding.{table} (x text COLLATE folding.folded)".encode())
            listed = ", ".join(f"('{value}')" for value in values)
            connection.execute(f"INSERT INTO folding.{table} VALUES {listed}".encode())
    found = _folded(project, "postgres://folding.t", "postgres://folding.known", "postgres")
    assert found == _FOLDED_COUNTS
