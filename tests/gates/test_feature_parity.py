"""The gate `feature_parity`: joins, tolerances, NaN and missing values, keys, and what is enough rows.

Expected counts are by hand; bounds by scipy.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import pytest
from scipy.stats import binomtest, norm

from mlcc.gates import GATES, ArtifactInfo, GateParamsError
from mlcc.gates._shares import rows_for_share, wilson

_SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/verdict.schema.json").read_text())
_ARTIFACTS = {"on": "on.parquet", "off": "off.parquet"}


def _write(name: str, columns: dict[str, tuple[str, list[Any]]]) -> None:
    """Write columns (name to DuckDB's type and values) as Parquet."""
    with duckdb.connect() as connection:
        connection.execute(
            f"CREATE TABLE t ({', '.join(f'{key} {type}' for key, (type, _) in columns.items())})"
        )
        rows = list(zip(*(values for _, values in columns.values()), strict=True))
        if rows:
            connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(columns))})", rows)
        connection.execute(f"COPY t TO '{name}' (FORMAT parquet)")


@pytest.fixture
def parity(project: Any) -> Any:
    """Return a function that runs a gate over tables that were written before."""

    def run(columns: dict[str, Any], artifacts: dict[str, str] = _ARTIFACTS, **params: Any) -> Any:
        stated = {"offline": "off", "online": "on", "key": ["id"], "columns": columns, "min_n": 1, **params}
        project.gate("feature_parity", stated, artifacts)
        outcome = project.run("feature_parity")
        jsonschema.validate(outcome.record, _SCHEMA)
        return outcome

    return run


def _pairs(offline: list[Any], online: list[Any], type: str = "DOUBLE") -> None:
    ids = list(range(len(offline)))
    _write("off.parquet", {"id": ("BIGINT", ids), "f": (type, offline)})
    _write("on.parquet", {"id": ("BIGINT", ids[::-1]), "f": (type, online[::-1])})


_NAN, _INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("feature", "offline", "online", "differ"),
    [
        ({"tolerance": 0}, [1.0, 2.0, 3.0], [1.0, 2.5, 3.0], 1),
        ({"tolerance": 0.5}, [1.0, 2.0, 3.0], [1.5, 2.625, 2.5], 1),
        ({"relative": 0.1}, [100.0, 100.0, -100.0], [110.0, 112.0, -91.0], 1),
        ({"tolerance": 1, "relative": 0.1}, [100.0, 1.0, 1.0], [109.0, 2.0, 2.25], 1),
        ({"tolerance": 0}, [0.0], [-0.0], 0),
        ({"tolerance": 9}, [_NAN, _NAN, None, None, 1.0, 1.0], [_NAN, None, _NAN, None, _NAN, None], 4),
        (
            {"tolerance": 9, "relative": 0.9},
            [_INF, _INF, -_INF, 1.0, _INF],
            [_INF, -_INF, -_INF, _INF, 1e308],
            3,
        ),
        ({"relative": 0.5}, [1e308, -1e308], [-1e308, -1e308], 1),
    ],
)
def test_numbers(
    parity: Any, feature: dict[str, float], offline: list[Any], online: list[Any], differ: int
) -> None:
    _pairs(offline, online)
    outcome = parity({"f": feature})
    check = outcome.check("f.mismatch")
    assert check["estimate"] == pytest.approx(differ / len(offline))
    assert outcome.verdict == check["verdict"] == ("fail" if differ else "pass")


@pytest.mark.parametrize(
    ("type", "offline", "online", "differ"),
    [
        ("VARCHAR", ["a", "a", "", None, None], ["a", "A", None, "", None], 3),
        ("BIGINT", [2**53, 2**53], [2**53 + 1, 2**53], 1),
        ("BOOLEAN", [True, False, None], [True, True, False], 2),
        ("DATE", ["2024-01-31"], ["2024-02-01"], 1),
    ],
)
def test_without_a_tolerance(
    parity: Any, type: str, offline: list[Any], online: list[Any], differ: int
) -> None:
    _pairs(offline, online, type)
    assert parity({"f": {}}).check("f.mismatch")["estimate"] == pytest.approx(differ / len(offline))


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl"])
def test_other_formats(project: Any, parity: Any, suffix: str) -> None:
    """Online text against offline Parquet: 4 rows match, x differs in one of them, s in two."""
    rows = [(1, 0.5, "a"), (2, 1.5, "b"), (3, "NaN", ""), (4, 2.0, "d"), (9, 0.0, "e")]
    if suffix == "jsonl":
        lines = [json.dumps({"id": i, "x": None if x == "NaN" else x, "s": s}) for i, x, s in rows]
    else:
        delimiter = "\t" if suffix == "tsv" else ","
        lines = [delimiter.join(("id", "x", "s")), *(delimiter.join(map(str, row)) for row in rows)]
    project.write(f"on.{suffix}", "\n".join(lines) + "\n")
    missing = None if suffix == "jsonl" else _NAN
    columns = {
        "id": ("BIGINT", [4, 3, 2, 1]),
        "x": ("DOUBLE", [2.0, missing, 1.25, 0.5]),
        "s": ("VARCHAR", ["D", "c", "b", "a"]),
    }
    _write("off.parquet", columns)
    outcome = parity(
        {"x": {"tolerance": 0.1}, "s": {}},
        {"on": f"on.{suffix}", "off": "off.parquet"},
        max_unmatched_online=0.2,
    )
    found = {check["id"]: (check["verdict"], check["estimate"]) for check in outcome.record["checks"]}
    assert found == {
        "unmatched.offline": ("pass", 0),
        "unmatched.online": ("pass", pytest.approx(0.2)),
        "x.mismatch": ("fail", 0.25),
        "s.mismatch": ("fail", 0.5),
    }


def test_keys_of_several_columns(parity: Any) -> None:
    key = {"a": ("BIGINT", [1, 1, 2]), "b": ("VARCHAR", ["x", "y", "x"])}
    _write("off.parquet", {**key, "f": ("DOUBLE", [1.0, 2.0, 3.0])})
    _write("on.parquet", {**key, "f": ("DOUBLE", [1.0, 2.0, 4.0])})
    outcome = parity({"f": {"tolerance": 0}}, key=["a", "b"])
    assert outcome.check("f.mismatch")["estimate"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("ids", "summary"),
    [
        ([1, 2, 2], "1 values of the key id occur more than once in the online table."),
        ([1, 2, None], "1 of 3 rows of the online table lack a part of the key id."),
        ([], "the online table has no rows."),
    ],
)
def test_keys_that_name_no_rows(parity: Any, ids: list[Any], summary: str) -> None:
    _write("off.parquet", {"id": ("BIGINT", [1, 2, 3]), "f": ("DOUBLE", [1.0, 1.0, 1.0])})
    _write("on.parquet", {"id": ("BIGINT", ids), "f": ("DOUBLE", [1.0] * len(ids))})
    outcome = parity({"f": {"tolerance": 0}}, max_unmatched_offline=1)
    assert (outcome.verdict, outcome.summary) == ("error", summary)


def test_rows_of_one_table_alone(parity: Any) -> None:
    _write("off.parquet", {"id": ("BIGINT", list(range(10))), "f": ("DOUBLE", [1.0] * 10)})
    _write("on.parquet", {"id": ("BIGINT", [0, 1, 2, 99]), "f": ("DOUBLE", [1.0] * 4)})
    outcome = parity({"f": {"tolerance": 0}})
    assert outcome.checks == {"unmatched.offline": "fail", "unmatched.online": "fail", "f.mismatch": "pass"}
    assert outcome.check("unmatched.offline")["message"] == (
        "7 of 10 offline rows (70 %) are not in the other table; at most 0 % may be"
    )
    assert (
        parity({"f": {"tolerance": 0}}, max_unmatched_offline=0.7, max_unmatched_online=0.25).verdict
        == "pass"
    )


def test_no_row_is_in_both(parity: Any) -> None:
    _write("off.parquet", {"id": ("BIGINT", [1]), "f": ("DOUBLE", [1.0])})
    _write("on.parquet", {"id": ("BIGINT", [2]), "f": ("DOUBLE", [1.0])})
    outcome = parity({"f": {"tolerance": 0}}, max_unmatched_offline=1, max_unmatched_online=0.99)
    assert outcome.check("matched")["verdict"] == "fail"


def test_columns_that_are_missing_or_no_numbers(project: Any, parity: Any) -> None:
    _write("off.parquet", {"id": ("BIGINT", [1]), "f": ("VARCHAR", ["1"])})
    _write("on.parquet", {"other": ("BIGINT", [1]), "f": ("DOUBLE", [1.0])})
    outcome = parity({"f": {"tolerance": 0}})
    assert outcome.checks == {"f.offline": "fail", "id.online": "fail"}
    project.write("on.csv", "id,f\n1,x\n")
    _write("off.parquet", {"id": ("BIGINT", [1]), "f": ("DOUBLE", [1.0])})
    outcome = parity({"f": {"tolerance": 0}}, {"on": "on.csv", "off": "off.parquet"})
    assert (outcome.verdict, outcome.summary) == (
        "error",
        "1 of 3 checks could not be judged: 1 of 1 pairs of f have what is no number.",
    )


@pytest.mark.parametrize(
    ("rows", "differ", "limit", "verdict"),
    [
        (3000, 0, 0.001, "pass"),
        (2000, 0, 0.001, "inconclusive"),
        (3000, 4, 0.001, "fail"),
        (3000, 3, 0.001, "inconclusive"),
        (3000, 3, 0.01, "pass"),
        (3000, 0, 0, "pass"),
        (3000, 1, 0, "fail"),
    ],
)
def test_the_bound_decides(parity: Any, rows: int, differ: int, limit: float, verdict: str) -> None:
    _pairs([0.0] * rows, [1.0] * differ + [0.0] * (rows - differ))
    outcome = parity({"f": {"tolerance": 0}}, max_mismatch=limit)
    check = outcome.check("f.mismatch")
    assert (outcome.verdict, check["verdict"], check["n"]) == (verdict, verdict, rows)
    # A two-sided interval of 90 % ends at the one-sided bounds of 95 %.
    bound = binomtest(differ, rows).proportion_ci(0.9, method="wilson").high
    assert check["interval"][1] == pytest.approx(bound, rel=1e-9)
    assert check["margin"] == pytest.approx(limit - (bound if limit else differ / rows), abs=1e-12)


def test_too_few_rows(parity: Any) -> None:
    _pairs([1.0] * 9, [1.0] * 9)
    outcome = parity({"f": {"tolerance": 0}}, min_n=10)
    assert outcome.verdict == "inconclusive"
    assert outcome.summary.endswith("at most 0 % may; 10 rows are needed.")


@pytest.mark.parametrize(("share", "limit"), [(0.0, 0.001), (0.01, 0.012), (0.05, 0.06)])
def test_the_rows_that_settle_it(share: float, limit: float) -> None:
    """At so many rows the bound meets the limit; at a hundredth less it doesn't."""
    z = float(norm.ppf(0.95))
    n = rows_for_share(share, limit, z)
    assert wilson(round(share * n), n, z)[1] == pytest.approx(limit, rel=0.01)
    fewer = int(n * 0.97)
    assert wilson(round(share * fewer), fewer, z)[1] > limit


@pytest.mark.parametrize(
    ("changes", "loc"),
    [
        ({"online": "off"}, ("online",)),
        ({"key": ["id", "id"]}, ("key", 1)),
        ({"key": ["f"]}, ("columns", "f")),
        ({"offline": "text"}, ("offline",)),
    ],
)
def test_refuses(changes: dict[str, Any], loc: tuple[object, ...]) -> None:
    kind = GATES["feature_parity"]
    stated = {"offline": "off", "online": "on", "key": ["id"], "columns": {"f": {}}, **changes}
    artifacts = {id: ArtifactInfo(path) for id, path in {**_ARTIFACTS, "text": "a.txt"}.items()}
    with pytest.raises(GateParamsError) as caught:
        kind.compiler().compile(kind.params().model_validate(stated), artifacts, "on")
    assert caught.value.loc == loc


def test_what_is_drawn(project: Any, parity: Any) -> None:
    _pairs([1.0, 2.0], [1.0, 2.0])
    parity({"f": {"tolerance": 0}})
    (plot,) = json.loads((project.root / "_mlcc/s--g/plots.json").read_text())
    assert plot["plot"] == "intervals"
    assert [row["label"] for row in plot["rows"]] == ["f.mismatch"]
