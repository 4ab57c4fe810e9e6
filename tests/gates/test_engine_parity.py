"""The same feature_parity gate on DuckDB, Spark and Postgres, held against counts that Python takes from the rows."""

from __future__ import annotations

import datetime
import math
import random
from collections.abc import Callable, Sequence
from typing import Any
from unittest.mock import ANY

import pytest
import sqlglot

from mlcc.gates import ENGINES, GATES, ArtifactInfo, GateParamsError
from mlcc.gates.selftest import known_bad
from tests.gates.conftest import Project
from tests.gates.engine_tables import Column, Put, places, server

__all__ = ["places", "server"]
ROWS = 700
_WORDS = ("SE", "se", "", " ", "a'b", "a\\b", "é", "e\u0301", "🙂", "ß", "trailing ", "NaN")
_REALS = (
    *(0.0, -0.0, math.nan, math.inf, -math.inf, 0.1, 0.30000000000000004, 1e-300, 1e300, 1e-290, 5e-324, 2.5e-323),
    *(1.7e308, -1.7e308, 9e307, -9e307, 7.9e307, -7.9e307, 1.0, 1.0000001),
)  # fmt: skip
_LARGE = (2**53, 2**53 + 1, 2**53 + 2, 2**63 - 1, -(2**63), 0)
_MOMENT = datetime.datetime(2024, 2, 28, 23, 59, 59, 999_000, datetime.timezone.utc)
_FEATURES: dict[str, dict[str, Any]] = {
    "real": {"tolerance": 0},
    "near": {"tolerance": 0.25},
    "share": {"relative": 0.5},
    "either": {"tolerance": 1e-6, "relative": 1e-6},
    "large": {"tolerance": 0},
    "price": {"tolerance": 0.125},
    "exact": {},
    "whole": {},
    "word": {},
    "flag": {},
    "at": {},
    "day": {},
    "folded": {},
}


def _columns(seed: int, first: int) -> dict[str, Column]:
    random_ = random.Random(seed)
    found: dict[str, Column] = {
        "id": ("BIGINT", "int8", [2**53 + first + i for i in range(ROWS)]),
        "part": (
            "VARCHAR",
            "text COLLATE ml.folded",
            [("a", "A", "ä")[(first + i) % 3] for i in range(ROWS)],
        ),
    }

    def add(name: str, duck: str, pg: str, draw: Callable[[], Any]) -> None:
        found[name] = (duck, pg, [None if random_.random() < 0.1 else draw() for _ in range(ROWS)])

    def real() -> float:
        return random_.choice(_REALS)

    for name in ("real", "near", "share", "either", "exact"):
        add(name, "DOUBLE", "float8", real)
    add("large", "BIGINT", "int8", lambda: random_.choice(_LARGE))
    add("price", "DECIMAL(18,3)", "numeric(18,3)", lambda: random_.randint(-3, 3) / 8)
    add("whole", "BIGINT", "int8", lambda: random_.choice(_LARGE))
    add("word", "VARCHAR", "text", lambda: random_.choice(_WORDS))
    add("flag", "BOOLEAN", "bool", lambda: random_.random() < 0.5)
    add(
        "at",
        "TIMESTAMPTZ",
        "timestamptz",
        lambda: _MOMENT + datetime.timedelta(microseconds=random_.randint(0, 3)),
    )
    add("day", "DATE", "date", lambda: _MOMENT.date() + datetime.timedelta(days=random_.randint(0, 2)))
    add("folded", "VARCHAR", "text COLLATE ml.folded", lambda: random_.choice(("SE", "se", "Se")))
    return found


_SHIFT = 40
_OFFLINE, _ONLINE = _columns(1, 0), _columns(2, _SHIFT)
_PARAMS = {
    "offline": "offline",
    "online": "online",
    "key": ["id", "part"],
    "columns": _FEATURES,
    "max_mismatch": 0.9,
    "max_unmatched_online": 0.01,
    "max_unmatched_offline": 0.1,
}


def _same(a: Any, b: Any, feature: dict[str, Any]) -> bool:
    if a is None or b is None or not feature:
        return repr(a) == repr(b)
    a, b = float(a), float(b)
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return math.isclose(a, b, abs_tol=feature.get("tolerance", 0), rel_tol=feature.get("relative", 0))


def _differing(values: Sequence[Any], others: Sequence[Any], feature: dict[str, Any]) -> float:
    pairs = list(zip(values[_SHIFT:], others, strict=False))
    return sum(not _same(a, b, feature) for a, b in pairs) / len(pairs)


def _checks(project: Project, places: Put, engine: str) -> Any:
    artifacts = {"online": places(engine, "online", _ONLINE), "offline": places(engine, "offline", _OFFLINE)}
    project.gate("feature_parity", _PARAMS, artifacts, engine=engine)
    outcome = project.run("feature_parity")
    assert outcome.record is not None
    assert outcome.record["checks"], outcome.log
    if engine == "postgres":  # and so does what a pipeline runs
        assert project.run_script("feature_parity").record == outcome.record | {"gate_digest": ANY}
    return outcome.record["verdict"], outcome.record["summary"], outcome.record["checks"]


# py4j leaves its sockets to the end of the process, where a gate's own ends.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("engine", ["spark", "postgres"])
def test_verdicts_are_those_of_duckdb_and_python(project: Project, places: Put, engine: str) -> None:
    own, other = (_checks(project, places, one) for one in ("duckdb", engine))
    assert own == other
    found = {check["id"]: check["estimate"] for check in other[2]}
    assert found.pop("unmatched.offline") == found.pop("unmatched.online") == pytest.approx(_SHIFT / ROWS)
    expected = {
        f"{name}.mismatch": _differing(_OFFLINE[name][2], _ONLINE[name][2], feature)
        for name, feature in _FEATURES.items()
    }
    assert found == pytest.approx(expected)
    assert all(0 < share < 1 for share in found.values())


@pytest.mark.parametrize(
    ("types", "said"),
    [
        (("float8", "int8"), "the column x is of type float8 offline and int8 online"),
        (("numeric", "numeric"), "the column x is of type numeric offline and numeric online"),
        (
            ("numeric(9,1)", "numeric(9,2)"),
            "the column x is of type numeric(9,1) offline and numeric(9,2) online",
        ),
    ],
)
def test_what_is_written_in_different_ways(
    project: Project, places: Put, types: tuple[str, str], said: str
) -> None:
    artifacts = {
        side: places("postgres", side, {"k": ("BIGINT", "int8", [1]), "x": ("DOUBLE", type, [1])})
        for side, type in zip(("online", "offline"), reversed(types), strict=True)
    }
    params = {"offline": "offline", "online": "online", "key": ["k"], "columns": {"x": {}}}
    project.gate("feature_parity", params, artifacts, engine="postgres")
    outcome = project.run("feature_parity")
    assert outcome.checks == {"x.types": "fail"}
    assert (
        outcome.check("x.types")["message"]
        == f"{said}, so that equal values may be written in different ways"
    )


def test_lengths_of_texts_and_integers_make_no_difference(project: Project, places: Put) -> None:
    artifacts = {
        side: places(
            "postgres", side, {"k": ("BIGINT", whole, list(range(200))), "x": ("VARCHAR", text, ["a"] * 200)}
        )
        for side, whole, text in (("online", "int4", "varchar(5)"), ("offline", "int8", "text"))
    }
    params = {"offline": "offline", "online": "online", "key": ["k"], "columns": {"x": {}}}
    project.gate("feature_parity", params, artifacts, engine="postgres")
    assert project.run("feature_parity").verdict == "pass"


def _compile(engine: str, columns: dict[str, Any]) -> Any:
    kind = GATES["feature_parity"]
    artifacts = {name: ArtifactInfo(f"{engine}://ml.{name}", engine) for name in ("offline", "online")}
    params = kind.params().model_validate({**_PARAMS, "columns": columns})
    return kind.compiler().compile(params, artifacts, "online")


@pytest.mark.parametrize("engine", ENGINES[1:])
def test_every_query_is_sql_of_its_engine(engine: str) -> None:
    features = {name: feature for name, feature in _FEATURES.items() if feature or engine != "snowflake"}
    compiled = _compile(engine, features)
    assert compiled["engine"] == engine
    query = f"SELECT {', '.join(compiled['query']['sums'])} FROM {compiled['query']['join']}"
    for sql in (*compiled["views"].values(), query):
        tree = sqlglot.parse_one(sql, read=engine, error_level=sqlglot.ErrorLevel.RAISE)
        assert isinstance(tree, sqlglot.exp.Select)
        assert not list(tree.find_all(sqlglot.exp.Anonymous)), sql


def test_snowflake_writes_numbers_with_15_digits() -> None:
    with pytest.raises(GateParamsError, match="snowflake writes no more than 15 digits") as caught:
        _compile("snowflake", {"real": {"tolerance": 0}, "word": {}})
    assert caught.value.loc == ("columns", "word")
    assert "give it a tolerance" in str(caught.value.help)


def test_a_tolerance_beyond_all_differences() -> None:
    with pytest.raises(GateParamsError, match="it is under 8e") as caught:
        _compile("postgres", {"x": {"tolerance": 8e307}})
    assert caught.value.loc == ("columns", "x", "tolerance")


def test_known_bad_inputs_close_it(project: Project) -> None:
    artifacts = {"online": "postgres://ml.online", "offline": "postgres://ml.offline"}
    document = project.gate("feature_parity", _PARAMS, artifacts, engine="postgres")
    assert [(fixture.name, fixture.verdict) for fixture in known_bad(document)] == [
        ("the table can't be read", "error")
    ]
