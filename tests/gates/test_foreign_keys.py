"""Foreign keys and mixed types of a contract, held against counts taken by hand or by Python."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mlcc.gates import GATES, ArtifactInfo, GateParamsError
from mlcc.gates.emit import script
from mlcc.gates.selftest import selftest
from tests.gates.conftest import Project, project

__all__ = ["project"]

_OPTIONS = {
    "parquet": "FORMAT parquet",
    "csv": "FORMAT csv, HEADER",
    "jsonl": "FORMAT json",
    "json": "FORMAT json, ARRAY true",
}
_ORDER = {"id": "BIGINT", "customer": "BIGINT", "region": "VARCHAR"}
_CUSTOMER = {"Customer ID": "BIGINT", "area": "VARCHAR"}
_ORDERS = [(1, 10, "a"), (2, 11, "b"), (3, 99, "b"), (4, None, "zz"), (5, 98, None)]
_CUSTOMERS = [(10, "a"), (11, "b"), (10, "a"), (None, None)]


def _write(path: str, columns: dict[str, str], rows: list[tuple[Any, ...]]) -> None:
    """Write rows in the format that the path's suffix names."""
    listed = ", ".join(f'"{name}" {type}' for name, type in columns.items())
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t ({listed})")
        for row in rows:
            connection.execute(f"INSERT INTO t VALUES ({', '.join('?' * len(row))})", list(row))
        connection.execute(f"COPY t TO '{path}' ({_OPTIONS[path.rpartition('.')[2]]})")


def _gate(project: Project, child: str, parent: str, **reference: Any) -> Any:
    columns = {
        "id": {"type": "integer"},
        "customer": {"type": "integer", "max_nulls": 1},
        "region": {"type": "string", "max_nulls": 1},
    }
    references = {
        "customer": {"artifact": "customers", "column": "Customer ID", **reference},
        "region": {"artifact": "customers", "column": "area"},
    }
    params = {"columns": columns, "references": references}
    document = project.gate("contract", params, {"orders": child, "customers": parent})
    return document, project.run("contract")


@pytest.mark.parametrize("child", ["parquet", "csv", "jsonl", "json"])
@pytest.mark.parametrize("parent", ["parquet", "csv", "json"])
def test_values_without_a_match(project: Project, child: str, parent: str) -> None:
    _write(f"o.{child}", _ORDER, _ORDERS)
    _write(f"c.{parent}", _CUSTOMER, _CUSTOMERS)
    _, outcome = _gate(project, f"o.{child}", f"c.{parent}")
    found = {id: outcome.check(f"{id}.references") for id in ("customer", "region")}
    assert {id: (check["verdict"], check["estimate"], check["n"]) for id, check in found.items()} == {
        "customer": ("fail", 2 / 5, 5),
        "region": ("fail", 1 / 5, 5),
    }
    assert (
        found["customer"]["message"]
        == "2 of 5 values of customer are not where it refers to; at most 0 % may"
    )
    assert project.run_script("contract").checks == outcome.checks
    _, forgiving = _gate(project, f"o.{child}", f"c.{parent}", max_unmatched=0.4)
    assert forgiving.checks["customer.references"] == "pass"


def test_a_number_that_is_none_refers_to_nothing(project: Project) -> None:
    nan = float("nan")
    _write("o.parquet", {"x": "DOUBLE"}, [(1.5,), (nan,), (None,), (2.5,)])
    _write("c.parquet", {"y": "DECIMAL(5, 2)"}, [(1.5,), (None,)])
    references = {"x": {"artifact": "c", "column": "y"}}
    params = {"columns": {"x": {"type": "number", "max_nulls": 1}}, "references": references}
    project.gate("contract", params, {"o": "o.parquet", "c": "c.parquet"})
    assert project.run("contract").check("x.references")["estimate"] == 1 / 4


def test_a_table_may_refer_to_itself(project: Project) -> None:
    _write("t.csv", {"id": "BIGINT", "above": "BIGINT"}, [(1, None), (2, 1), (3, 9)])
    columns = {"id": {"type": "integer"}, "above": {"type": "integer", "max_nulls": 1}}
    params = {"columns": columns, "references": {"above": {"artifact": "t", "column": "id"}}}
    document = project.gate("contract", params, {"t": "t.csv"})
    assert project.run_script("contract").check("above.references")["estimate"] == pytest.approx(1 / 3)
    assert _problems(document) == []


@pytest.mark.parametrize(
    ("columns", "rows", "said"),
    [
        (
            {"other": "BIGINT", "area": "VARCHAR"},
            [(1, "a")],
            "customer refers to the column Customer ID of customers, which is missing",
        ),
        ({"Customer ID": "VARCHAR", "area": "VARCHAR"}, [("10", "a")], "is of type VARCHAR, and not integer"),
    ],
)
def test_a_column_that_no_key_can_refer_to(project: Project, columns: Any, rows: Any, said: str) -> None:
    _write("o.parquet", _ORDER, _ORDERS)
    _write("c.parquet", columns, rows)
    _, outcome = _gate(project, "o.parquet", "c.parquet")
    assert outcome.checks["customer.references"] == outcome.checks["customer.parent"] == "fail"
    assert said in outcome.check("customer.parent")["message"]
    assert outcome.checks["customer.max_nulls"] == "pass"


def test_an_empty_table_matches_nothing(project: Project) -> None:
    _write("o.parquet", _ORDER, _ORDERS)
    _write("c.parquet", _CUSTOMER, [])
    assert _gate(project, "o.parquet", "c.parquet")[1].check("customer.references")["estimate"] == 4 / 5


def test_keys_refer_to_what_folders_stand_for(project: Project) -> None:
    _write("o.csv", {"year": "BIGINT"}, [(2024,), (2025,)])
    for year in (2023, 2024):
        Path(f"c/year={year}").mkdir(parents=True)
        _write(f"c/year={year}/p.parquet", {"x": "BIGINT"}, [(1,)])
    params = {
        "columns": {"year": {"type": "integer"}},
        "references": {"year": {"artifact": "c", "column": "year"}},
    }
    project.gate("contract", params, {"o": "o.csv", "c": "c/"})
    assert project.run("contract").check("year.references")["estimate"] == 1 / 2


def _problems(document: dict[str, Any]) -> list[str]:
    outcomes = list(selftest(script(GATES["contract"]).encode(), json.loads(json.dumps(document))))
    return [f"{outcome.fixture}: {outcome.problem}" for outcome in outcomes if outcome.problem]


@pytest.mark.parametrize("parent", ["c.json", "c/"])
def test_known_bad(project: Project, parent: str) -> None:
    project.write("o.csv", "id,customer,region\n1,10,a\n")
    project.write("c.json", "[]")
    document, _ = _gate(project, "o.csv", parent)
    assert _problems(document) == []
    names = {outcome.fixture for outcome in selftest(script(GATES["contract"]).encode(), document)}
    assert {"customer refers to what isn't there", "region refers to what isn't there"} <= names


@pytest.mark.parametrize(
    ("references", "loc", "said"),
    [
        ({"y": {"artifact": "c", "column": "id"}}, ("references", "y"), "doesn't declare y"),
        ({"x": {"artifact": "z", "column": "id"}}, ("references", "x", "artifact"), "no artifact 'z'"),
        ({"x": {"artifact": "t", "column": "id"}}, ("references", "x", "artifact"), "files of one format"),
        ({"x": {"artifact": "c", "column": "a\0"}}, ("references", "x", "column"), ""),
    ],
)
def test_refused(references: Any, loc: Any, said: str) -> None:
    kind = GATES["contract"]
    params = kind.params().model_construct(
        columns={"x": _column()}, references={key: _reference(**value) for key, value in references.items()}
    )
    infos = {"o": ArtifactInfo("o.csv"), "c": ArtifactInfo("c.csv"), "t": ArtifactInfo("t.txt")}
    with pytest.raises(GateParamsError) as caught:
        kind.compiler().compile(params, infos, "o")
    assert caught.value.loc == loc
    assert said in caught.value.message


def _column() -> Any:
    from mlcc.gates.contract.params import Column

    return Column(type="integer")


def _reference(**keys: Any) -> Any:
    from mlcc.gates.contract.params import Reference

    return Reference.model_construct(max_unmatched=0, **keys)


# --- mixed types --------------------------------------------------------------------------------------------

_VALUES = [
    "1",
    "-2.5",
    "3e4",
    ".5",
    "2024-01-31",
    "2024-01-31T10:00",
    "SE",
    "",
    "nan",
    "Inf",
    "1_0",
    "2024-1-3",
    None,
]


def _sort(value: str) -> str:
    """Tell a value's sort apart from the gate: by Python's own conversions."""
    try:
        float(value)
        return "text" if re.search("[a-df-z_]", value.lower()) else "number"
    except ValueError:
        return "time" if re.match(r"\d{4}-\d\d-\d\d", value) else "text"


@pytest.mark.parametrize("suffix", ["parquet", "csv", "json"])
@pytest.mark.parametrize("most", ["7", "2023-05-06", "word"])
def test_mixed_types(project: Project, suffix: str, most: str) -> None:
    values = [*_VALUES, *[most] * 9]
    path = f"d.{suffix}"
    _write(path, {"x": "VARCHAR", "i": "BIGINT"}, [(value, i) for i, value in enumerate(values)])
    if suffix == "csv":  # in which an empty text is a null
        values = [value or None for value in values]
    given = [value for value in values if value is not None]
    expected = len(given) - max(sum(_sort(v) == sort for v in given) for sort in ("number", "time", "text"))
    column = {"type": "string", "max_nulls": 1, "max_mixed": 0}
    document = project.gate("contract", {"columns": {"x": column}}, {"d": path})
    check = project.run("contract").check("x.max_mixed")
    assert check["estimate"] == pytest.approx(expected / len(values))
    assert check["verdict"] == "fail"
    assert "are of another sort (number, date, text) than most; at most 0 % may" in check["message"]
    if suffix == "csv":
        assert _problems(document) == []


def test_one_sort_is_not_mixed(project: Project) -> None:
    for values in (["1", "2.5"], ["a", "b c"], ["2024-01-31", "2024-01-31 10:00:00Z"]):
        _write("d.csv", {"x": "VARCHAR"}, [(value,) for value in values])
        project.gate("contract", {"columns": {"x": {"type": "string", "max_mixed": 0}}}, {"d": "d.csv"})
        assert project.run("contract").verdict == "pass"


def test_only_strings_can_be_mixed() -> None:
    kind = GATES["contract"]
    params = kind.params().model_validate({"columns": {"x": {"type": "date", "max_mixed": 0}}})
    with pytest.raises(GateParamsError, match="max_mixed is for strings") as caught:
        kind.compiler().compile(params, {"d": ArtifactInfo("d.csv")}, "d")
    assert caught.value.loc == ("columns", "x", "max_mixed")
