from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flight_rows import Row, generate, read, write_csv
from flights import featurize, fetch, train


@pytest.fixture(scope="session")
def rows() -> list[Row]:
    return generate()


@pytest.fixture
def features_of(tmp_path: Path) -> Callable[[list[Row]], list[Row]]:
    """Turns rows of the source into rows of features, through the files that the pipeline uses."""

    def compute(rows: list[Row]) -> list[Row]:
        write_csv(rows, tmp_path / "flights.csv")
        fetch.convert(tmp_path / "flights.csv", tmp_path / "flights.parquet")
        featurize.featurize(tmp_path / "flights.parquet", tmp_path / "features.parquet")
        return read(tmp_path / "features.parquet")

    return compute


@pytest.fixture(scope="session")
def sample(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with flights.csv, flights.parquet, features.parquet and model/ made from the sample."""
    folder = tmp_path_factory.mktemp("sample")
    write_csv(rows, folder / "flights.csv")
    fetch.convert(folder / "flights.csv", folder / "flights.parquet")
    featurize.featurize(folder / "flights.parquet", folder / "features.parquet")
    train.export(folder / "features.parquet", folder / "model", learning_rate=0.1)
    return folder
