"""The same drift gate on DuckDB, Spark and Postgres, held against counts that Python takes from the rows."""

from __future__ import annotations

import json
import math
import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from typing import Any
from unittest.mock import ANY

import pytest
import sqlglot

from mlcc.diagnostics import MlccError
from mlcc.gates import ENGINES, GATES, ArtifactInfo, GateParamsError
from mlcc.gates._engines import close_source, open_sources
from mlcc.gates._profile import PROFILE_SCHEMA, profile_of
from mlcc.gates._support import Gate
from mlcc.gates.drift.counts import COUNTS, count_cells, ranked
from mlcc.gates.selftest import known_bad
from mlcc.profiling import profile, profile_text
from tests.gates.conftest import Project
from tests.gates.engine_tables import Column, Put, places, server, write_parquet

__all__ = ["places", "server"]
ROWS = 600
_WORDS = (
    "SE", "se", "", " ", "a'b", 'a"b', "a\\b", "\\", "äöü", "ÄÖÜ", "e\u0301", "é", "日本", "🙂", "\ufb03", "a\nb", "%", "{i}",
    "{value}", "trailing ", "--", "NaN", "ß", "$$", "${env:HOME}", "${x}", "\\'",
)  # fmt: skip
_REALS = (
    *(0.0, -0.0, math.nan, math.inf, -math.inf, 0.1, 0.30000000000000004, 1e-300, 1e300, -2.5, 3.0, 5e-324),
    *(-1e308, 1.5e308, -1e-310),
)
_LARGE = (2**53 - 1, 2**53, 2**53 + 1, 2**53 + 2, 2**63 - 1, -(2**63), -(2**53) - 1, 0)


def _columns(seed: int) -> dict[str, Column]:
    random_ = random.Random(seed)
    found: dict[str, Column] = {}

    def add(name: str, duck: str, pg: str, draw: Callable[[], Any]) -> None:
        nulls = random_.choice((0.0, 0.1, 0.4))
        found[name] = (duck, pg, [None if random_.random() < nulls else draw() for _ in range(ROWS)])

    add("real", "DOUBLE", "float8", lambda: random_.choice(_REALS))
    add("normal", "DOUBLE", "float8", lambda: random_.gauss(seed / 10, 1.5))
    add("skewed", "DOUBLE", "float8", lambda: math.exp(random_.gauss(0, 9)))
    add(
        "tiny",
        "DOUBLE",
        "float8",
        lambda: random_.choice((1e-320, -3e-310, 2.0, 1e-308, 0.0)) * random_.random(),
    )
    add("far", "DOUBLE", "float8", lambda: 1e15 + random_.random())
    add("single", "FLOAT", "float4", lambda: random_.choice((0.0, 0.5, math.nan, 0.25, -1.5, math.inf)))
    add("large", "BIGINT", "int8", lambda: random_.choice(_LARGE))
    add("small", "SMALLINT", "int2", lambda: random_.randint(-40, 40))
    add("price", "DECIMAL(18,3)", "numeric(18,3)", lambda: random_.randint(-9_999, 99_999) / 8)
    add("flag", "BOOLEAN", "bool", lambda: random_.random() < 0.3)
    add("word", "VARCHAR", "text", lambda: random_.choice(_WORDS))
    add('Odd "name"', "VARCHAR", "varchar(9)", lambda: random_.choice("abcdefghijklmnopqrstuvwxyz"))
    add("many", "VARCHAR", "text", lambda: f"{random_.choice('ÄaBbß')}{int(random_.expovariate(0.05))}")
    add("folded", "VARCHAR", "text COLLATE ml.folded", lambda: random_.choice(("SE", "se", "Se", "NO", "no")))
    return found


_REFERENCE, _CURRENT = _columns(1), _columns(2)
_PARAMS: dict[str, Any] = {
    "reference": "baseline",
    "columns": {
        **{name: {} for name in _REFERENCE},
        "skewed": {"ks": 0.05, "missing": 0.2},
        "flag": {"chi_square": 0.2},
        "far": {"wasserstein": 0.1},
    },
}
_ENGINES = ("duckdb", "spark", "postgres")


def _baseline(project: Project) -> dict[str, Any]:
    write_parquet(project.root / "reference.parquet", _REFERENCE)
    found = profile(["reference.parquet"], [], 20)
    project.write("baseline.json", json.dumps(found))
    return found


def _expected(values: Any, column: dict[str, Any]) -> list[int]:
    """Return the rows in each cell of a profile, as Python takes them."""
    given = [value for value in values if value is not None]
    if "edges" in column:
        numbers = [float(value) for value in given]
        cells = Counter(bisect_left(column["edges"], x) for x in numbers if x == x)
        found = [cells[i] for i in range(len(column["edges"]) + 1)]
        return [*found, len(values) - len(given), sum(x != x for x in numbers)]
    texts = Counter(str(value).lower() if isinstance(value, bool) else value for value in given)
    named = [texts[value] for value in ranked(column)]
    return [*named, len(given) - sum(named), len(values) - len(given)]


# py4j leaves its sockets to the end of the process, where a gate's own ends.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("engine", _ENGINES)
def test_counts_are_those_of_python(project: Project, places: Put, engine: str) -> None:
    baseline = _baseline(project)
    place = places(engine, "current", _CURRENT)
    artifacts = {"live": place, "baseline": "baseline.json"}
    document = project.gate("drift", _PARAMS, artifacts, engine={"live": engine})
    params: Any = document["params"]
    gate = Gate("g", "_mlcc/s--g", document)
    (table,) = open_sources(gate, [params["current"]], params.get("engine"))
    try:
        profiles = [baseline["columns"][column["name"]] for column in params["columns"]]
        rows, counted = count_cells(table, params["columns"], profiles, params.get("counts", COUNTS))
    finally:
        close_source(table, gate)
    assert rows == ROWS
    for column, reference, counts in zip(params["columns"], profiles, counted, strict=True):
        name = column["name"]
        assert counts.current == _expected(_CURRENT[name][2], reference), name
        assert counts.reference == _expected(_REFERENCE[name][2], reference), name
        assert counts.strange == 0


def _checks(project: Project, params: dict[str, Any], artifacts: dict[str, str], engines: Any) -> Any:
    project.gate("drift", params, artifacts, engine=engines)
    outcome = project.run("drift")
    assert outcome.record is not None
    if "postgres" in engines.values():  # and so does what a pipeline runs
        assert project.run_script("drift").record == outcome.record | {"gate_digest": ANY}
    return outcome.record["verdict"], outcome.record["summary"], outcome.record["checks"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("engine", ["spark", "postgres"])
@pytest.mark.parametrize("reference", ["profile", "table"])
def test_verdicts_are_those_of_duckdb(project: Project, places: Put, engine: str, reference: str) -> None:
    _baseline(project)
    params = {**_PARAMS, "columns": {**_PARAMS["columns"], "gone": {}, "small": {"wasserstein": 0.01}}}
    found = []
    for one in ("duckdb", engine):
        other = places(one, "reference", _REFERENCE) if reference == "table" else "baseline.json"
        artifacts = {"live": places(one, "current", _CURRENT), "baseline": other}
        engines = dict.fromkeys(artifacts, one) if reference == "table" else {"live": one}
        found.append(_checks(project, params, artifacts, engines))
    assert found[0] == found[1]
    assert {check["verdict"] for check in found[0][2]} >= {"pass", "fail"}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("engine", ["spark", "postgres"])
def test_profiles_are_those_of_duckdb(project: Project, places: Put, engine: str) -> None:
    artifacts = {
        "live": places(engine, "current", _CURRENT),
        "baseline": places(engine, "reference", _REFERENCE),
    }
    document = project.gate("drift", _PARAMS, artifacts, engine=engine)
    params: Any = document["params"]
    gate = Gate("g", "_mlcc/s--g", document)
    (table,) = open_sources(gate, [params["reference"]], engine)
    try:
        cells = {column["name"]: column["cells"] for column in params["columns"]}
        found = profile_of(table, "table", list(cells), committed={**params["profile"], "cells": cells})
    finally:
        close_source(table, gate)
    assert found == _without_moments(_baseline(project))


def _without_moments(profile: dict[str, Any]) -> dict[str, Any]:
    """Return a profile without what engines don't tell alike."""
    columns = {
        name: {key: value for key, value in column.items() if key not in ("mean", "std", "unique")}
        for name, column in profile["columns"].items()
    }
    return {"schema": profile["schema"], "rows": profile["rows"], "columns": columns}


def test_the_command_profiles_a_table_of_postgres(project: Project, places: Put) -> None:
    days = ("DATE", "date", [None] * ROWS)
    path = places("postgres", "reference", {**_REFERENCE, "day": days})
    found = profile([path], [], 20)
    assert found["columns"].pop("day") == {"type": "date", "nulls": ROWS}
    assert found == _without_moments(_baseline(project))
    assert list(profile([path], ["small"], 5)["columns"]) == ["small"]
    assert json.loads(profile_text(found)) == found


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("oracle://ml.t", "a table is ENGINE://SCHEMA.TABLE"),
        ("snowflake://ml.t", "this version of the gate runs no SQL on snowflake"),
        ("postgres://ml.none", 'the table "ml"."none" can\'t be read: UndefinedTable'),
    ],
)
def test_no_table_to_profile(places: Put, path: str, said: str) -> None:
    places("postgres", "small", {"x": ("BIGINT", "int8", [1])})
    with pytest.raises(MlccError) as caught:
        profile([path], [], 20)
    assert said in caught.value.diagnostics[0].message


def test_more_counts_than_postgres_gives_at_once(project: Project, places: Put) -> None:
    random_ = random.Random(3)
    values = [random_.random() for _ in range(ROWS)]
    edges = sorted({0.0, *(random_.random() for _ in range(2000))})
    cells = Counter(bisect_left(edges, x) for x in values)
    column = {"type": "number", "nulls": 0, "nan": 0, "edges": edges, "medians": edges[1:]}
    counts = [cells[i] for i in range(len(edges) + 1)]
    stated = {"schema": PROFILE_SCHEMA, "rows": ROWS, "columns": {"x": {**column, "counts": counts}}}
    project.write("baseline.json", json.dumps(stated))
    artifacts = {
        "live": places("postgres", "wide", {"x": ("DOUBLE", "float8", values)}),
        "baseline": "baseline.json",
    }
    params = {"reference": "baseline", "columns": {"x": {"ks": 0.0001}}}
    project.gate("drift", params, artifacts, engine={"live": "postgres"})
    assert project.run("drift").check("x.ks")["estimate"] == 0


@pytest.mark.parametrize("engine", ENGINES[1:])
@pytest.mark.parametrize("reference", ["baseline.json", "TABLE"])
def test_every_query_is_sql_of_its_engine(engine: str, reference: str) -> None:
    other = (
        ArtifactInfo(f"{engine}://ml.earlier", engine) if reference == "TABLE" else ArtifactInfo(reference)
    )
    artifacts = {"live": ArtifactInfo(f"{engine}://ml.live", engine), "baseline": other}
    compiled: Any = _compile(_PARAMS, artifacts)
    assert compiled["engine"] == engine
    cells = [sql for column in compiled["columns"] for sql in column["cells"].values()]
    fill = {
        "i": "1",
        "edge": "1.5e0",
        "value": "'x'",
        "low": "-1e0",
        "high": "2e0",
        "least": "1e-300",
        "step": "1e0",
    }
    asked = [*cells, *compiled["counts"].values(), *compiled["profile"].values()]
    assert len(asked) == len(cells) + len(COUNTS) + (9 if reference == "TABLE" else 0)
    for sql in asked:
        for mark, part in {**fill, "start": "-1e0"}.items():
            sql = sql.replace(f"{{{mark}}}", part)
        tree = sqlglot.parse_one(sql, read=engine, error_level=sqlglot.ErrorLevel.RAISE)
        called = {node.name.upper() for node in tree.find_all(sqlglot.exp.Anonymous)}
        assert called <= {"INF"}, sql
        assert "{" not in sql


def _compile(params: dict[str, Any], artifacts: dict[str, ArtifactInfo]) -> Any:
    kind = GATES["drift"]
    return kind.compiler().compile(kind.params().model_validate(params), artifacts, "live")


def test_an_engine_reads_parquet_alone() -> None:
    artifacts = {"live": ArtifactInfo("live.csv", "spark"), "baseline": ArtifactInfo("b.json")}
    with pytest.raises(GateParamsError, match=r"spark reads Parquet, and live\.csv isn't") as caught:
        _compile(_PARAMS, artifacts)
    assert caught.value.loc == ()


def test_a_table_of_an_engine_that_is_not_run_closes_the_gate(project: Project) -> None:
    _baseline(project)
    project.gate(
        "drift",
        _PARAMS,
        {"live": "bigquery://ml.t", "baseline": "baseline.json"},
        engine={"live": "bigquery"},
    )
    outcome = project.run("drift")
    assert outcome.verdict == "error"
    assert outcome.summary == "this version of the gate runs no SQL on bigquery."


def test_known_bad_inputs_close_it(project: Project) -> None:
    artifacts = {"live": "postgres://ml.t", "baseline": "baseline.json"}
    document = project.gate("drift", _PARAMS, artifacts, engine={"live": "postgres"})
    (fixture,) = known_bad(document)
    assert (fixture.name, fixture.verdict) == ("the table can't be read", "error")
    assert json.loads(fixture.files["baseline.json"])["schema"] == PROFILE_SCHEMA
