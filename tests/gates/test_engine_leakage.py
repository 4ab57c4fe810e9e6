"""The same leakage gate on DuckDB, Spark and Postgres, held against counts that Python takes from the rows."""

from __future__ import annotations

import datetime
import math
import random
from collections.abc import Callable
from typing import Any
from unittest.mock import ANY

import pytest
import sqlglot

from mlcc.gates import ENGINES, GATES, ArtifactInfo
from mlcc.gates.selftest import known_bad
from tests.gates.conftest import Project
from tests.gates.engine_tables import Column, Put, places, server

__all__ = ["places", "server"]
ROWS = 300
_WORDS = ("SE", "se", "", " ", "a'b", "a\\b", "é", "e\u0301", "🙂", "ß", "\x1f", "\x1e", "trailing ", "NaN")
_REALS = (0.0, -0.0, math.nan, math.inf, -math.inf, 0.1, 0.30000000000000004, 1e-300, 1e300, 5e-324)
_LARGE = (2**53, 2**53 + 1, 2**53 + 2, 2**63 - 1, -(2**63), 0)
_START = datetime.datetime(2024, 2, 28, 23, 59, 59, 999_000, datetime.timezone.utc)


def _columns(seed: int, first: int, start: datetime.datetime) -> dict[str, Column]:
    random_ = random.Random(seed)
    wall = start.replace(tzinfo=None)

    def before(end: datetime.datetime) -> datetime.datetime:
        return end - datetime.timedelta(microseconds=random_.randint(0, 700))

    found: dict[str, Column] = {}

    def add(name: str, duck: str, pg: str, draw: Callable[[], Any], nulls: float = 0.0) -> None:
        found[name] = (duck, pg, [None if random_.random() < nulls else draw() for _ in range(ROWS)])

    add(
        "id",
        "BIGINT",
        "int8",
        lambda: random_.choice(_LARGE) if random_.random() < 0.5 else first + random_.randint(0, 999),
    )
    add("word", "VARCHAR", "text", lambda: random_.choice(_WORDS))
    add(
        "group",
        "VARCHAR",
        "text COLLATE ml.folded",
        lambda: f"{random_.choice('aAbBÄä')}{random_.randint(first, first + 60)}",
    )
    add("real", "DOUBLE", "float8", lambda: random_.choice(_REALS), 0.1)
    add("single", "FLOAT", "float4", lambda: random_.choice((0.0, 0.5, math.nan)), 0.2)
    add("price", "DECIMAL(18,3)", "numeric(18,3)", lambda: random_.choice((0.125, 12.5, -3.0)), 0.1)
    add("flag", "BOOLEAN", "bool", lambda: random_.random() < 0.4)
    add("day", "DATE", "date", lambda: _START.date() - datetime.timedelta(days=random_.randint(0, 1)), 0.1)
    add("noise", "DOUBLE", "float8", lambda: random_.gauss(0, 1), 0.2)
    add("amount", "DOUBLE", "float8", lambda: random_.expovariate(0.1))
    add("at", "TIMESTAMPTZ", "timestamptz", lambda: before(start))
    add("plain", "TIMESTAMP", "timestamp", lambda: before(wall))
    add("step", "BIGINT", "int8", lambda: first + random_.randint(0, 400))
    add("side", "VARCHAR", "text", lambda: "train" if first == 0 else "it's a test")
    # What tells the label, partly.
    leak = [label if random_.random() < 0.9 else not label for label in found["flag"][2]]
    found["leak"] = ("BOOLEAN", "bool", leak)
    found["doubled"] = ("DOUBLE", "float8", [2 * amount for amount in found["amount"][2]])
    return found


_LATER = _START + datetime.timedelta(microseconds=600)
_TRAIN, _TEST = _columns(1, 0, _START), _columns(2, 30, _LATER)
_BOTH = {name: (duck, pg, [*values, *_TEST[name][2]]) for name, (duck, pg, values) in _TRAIN.items()}
_FEATURES = ["real", "single", "price", "word", "day", "leak", "group"]
_APART = {
    "train": "earlier",
    "key": ["id", "word"],
    "features": [*_FEATURES[:6], "noise"],
    "max_shared": 0.5,
    "group": "group",
    "time": "at",
    "label": "flag",
}
_CASES: dict[str, dict[str, Any]] = {
    "apart": _APART,
    "few features": {"train": "earlier", "features": ["single", "price", "leak"], "time": "plain"},
    "by day": {"train": "earlier", "key": ["real"], "time": "day"},
    "a number": {"train": "earlier", "features": ["noise", "word", "doubled"], "time": "step", "label": "amount"},
    "split": {
        "split": {"column": "side", "train": "train", "test": "it's a test"},
        "key": ["id"],
        "features": ["word", "flag", "single"],
        "group": "group",
        "time": "step",
        "label": "leak",
    },
}  # fmt: skip


def _shared(names: list[str]) -> float:
    """Return the share of test rows that a training row equals: NaN is NaN, and -0.0 isn't 0.0."""
    sides = [
        list(map(repr, zip(*(side[name][2] for name in names), strict=True))) for side in (_TRAIN, _TEST)
    ]
    known = set(sides[0])
    return sum(row in known for row in sides[1]) / ROWS


def _expected(params: dict[str, Any]) -> dict[str, float]:
    found = {}
    if "key" in params and "real" not in params["key"]:  # which has nulls
        found["key.shared"] = _shared(params["key"])
    if "features" in params:
        found["features.shared"] = _shared(params["features"])
    if "group" in params:
        found["group.shared"] = _shared([params["group"]])
    if params["time"] != "day":
        last = max(_TRAIN[params["time"]][2])
        found["time.shared"] = sum(moment <= last for moment in _TEST[params["time"]][2]) / ROWS
    return found


def _checks(project: Project, places: Put, engine: str, params: dict[str, Any]) -> Any:
    artifacts = (
        {"later": places(engine, "both", _BOTH)}
        if "split" in params
        else {"later": places(engine, "later", _TEST), "earlier": places(engine, "earlier", _TRAIN)}
    )
    project.gate("leakage", params, artifacts, engine=engine)
    outcome = project.run("leakage")
    assert outcome.record is not None
    assert outcome.record["checks"], outcome.log
    if engine == "postgres":  # and so does what a pipeline runs
        assert project.run_script("leakage").record == outcome.record | {"gate_digest": ANY}
    return outcome.record["verdict"], outcome.record["summary"], outcome.record["checks"]


# py4j leaves its sockets to the end of the process, where a gate's own ends.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("engine", ["spark", "postgres"])
@pytest.mark.parametrize("case", sorted(_CASES))
def test_verdicts_are_those_of_duckdb_and_python(
    project: Project, places: Put, engine: str, case: str
) -> None:
    params = _CASES[case]
    own, other = (_checks(project, places, one, params) for one in ("duckdb", engine))
    assert own == other
    expected = _expected(params)
    found = {check["id"]: check["estimate"] for check in other[2] if check["id"] in expected}
    assert found == pytest.approx(expected)
    assert 0 < max(found.values(), default=1) <= 1


@pytest.mark.parametrize(
    ("params", "type", "said"),
    [
        ({"key": ["x"]}, "numeric", "equal values of x may be written in different ways: cast it to a numeric with digits"),
        ({"time": "x"}, "text", "the column x is of type text, which is no time and no number"),
        ({"key": ["y"]}, "text", "the column y is missing in the artifact earlier"),
    ],
)  # fmt: skip
def test_what_an_engine_can_not_compare(
    project: Project, places: Put, params: dict[str, Any], type: str, said: str
) -> None:
    columns = {"x": ("VARCHAR", type, ["1", "2"])}
    artifacts = {name: places("postgres", name, columns) for name in ("later", "earlier")}
    project.gate("leakage", {"train": "earlier", **params}, artifacts, engine="postgres")
    outcome = project.run("leakage")
    assert (outcome.verdict, outcome.summary) == ("error", f"{said}.")


def test_types_with_other_digits_are_not_compared(project: Project, places: Put) -> None:
    artifacts = {
        name: places("postgres", name, {"x": ("DOUBLE", type, [1.5])})
        for name, type in (("later", "numeric(9,1)"), ("earlier", "numeric(9,2)"))
    }
    project.gate("leakage", {"train": "earlier", "key": ["x"]}, artifacts, engine="postgres")
    assert project.run("leakage").summary == "the column x has another type in training than in test."


@pytest.mark.parametrize("engine", ENGINES[1:])
@pytest.mark.parametrize("case", sorted(_CASES))
def test_every_query_is_sql_of_its_engine(engine: str, case: str) -> None:
    kind = GATES["leakage"]
    artifacts = {name: ArtifactInfo(f"{engine}://ml.{name}", engine) for name in ("later", "earlier")}
    params = kind.params().model_validate(_CASES[case])
    compiled: Any = kind.compiler().compile(params, artifacts, "later")
    assert compiled["engine"] == engine
    assert kind.read_by_engine(params, artifacts, "later").keys() <= artifacts.keys()
    view = [part for made in compiled["view"].values() for key, part in made.items() if key != "column"]
    labels = [sql for lines in compiled["label_queries"].values() for sql in lines]
    asked = [*view, *labels, *(sql for lines in compiled["queries"].values() for sql in lines)]
    if "split" in _CASES[case]:
        asked += [compiled[side]["where"] for side in ("train", "test")]
    for sql in asked:
        filled = sql.replace("{i}", "1").replace("{y}", "y_number")
        tree = sqlglot.parse_one(filled, read=engine, error_level=sqlglot.ErrorLevel.RAISE)
        called = {node.name.upper() for node in tree.find_all(sqlglot.exp.Anonymous)}
        assert not called, sql
        for query in tree.find_all(sqlglot.exp.Subquery):
            assert query.alias or not isinstance(query.parent, sqlglot.exp.From), sql


def test_known_bad_inputs_close_it(project: Project) -> None:
    artifacts = {"later": "spark://ml.later", "earlier": "spark://ml.earlier"}
    document = project.gate("leakage", _APART, artifacts, engine="spark")
    assert [(fixture.name, fixture.verdict) for fixture in known_bad(document)] == [
        ("the table can't be read", "error")
    ]
