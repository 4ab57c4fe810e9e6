"""NaN in Parquet files whose statistics leave it out, as the format says they should: the gates must see it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

# Written by pyarrow 26.0.1: id is 1, 2, 3 and x is 1.0, NaN, 2.0.
_FILE = Path(__file__).parent / "parquet" / "nan.parquet"


def test_the_statistics_know_of_no_nan() -> None:
    source = f"parquet_metadata('{_FILE}') WHERE path_in_schema = 'x'"
    ((low, high),) = duckdb.sql(f"SELECT stats_min_value, stats_max_value FROM {source}").fetchall()
    assert (float(low), float(high)) == (1.0, 2.0)


@pytest.mark.parametrize(
    ("column", "check", "estimate"),
    [
        ({"min": 0, "max_nulls": 1}, "x.min", 1),
        ({"max": 5, "max_nulls": 1}, "x.max", 1),
        ({"max_nulls": 0.3}, "x.max_nulls", 1 / 3),
    ],
)
def test_a_contract_counts_it(project: Any, column: dict[str, Any], check: str, estimate: float) -> None:
    shutil.copy(_FILE, "d.parquet")
    project.gate("contract", {"columns": {"x": {"type": "number", **column}}}, {"raw": "d.parquet"})
    outcome = project.run_script("contract")
    assert outcome.code == 1
    assert outcome.checks[check] == "fail"
    assert outcome.check(check)["estimate"] == pytest.approx(estimate)


@pytest.mark.parametrize("condition", ["isnan(x)", "x > 5", "x NOT BETWEEN 0 AND 5"])
def test_a_check_of_ones_own_finds_it(project: Any, condition: str) -> None:
    shutil.copy(_FILE, "d.parquet")
    columns = {"x": {"type": "number", "max_nulls": 1}}
    checks = {"own": {"sql": f"SELECT id FROM data WHERE {condition}"}}
    project.gate("contract", {"columns": columns, "checks": checks}, {"raw": "d.parquet"})
    outcome = project.run_script("contract")
    assert outcome.code == 1
    assert outcome.check("checks.own")["estimate"] == 1
