"""`mlcc profile`."""

from __future__ import annotations

import json
import sys

import pytest

from tests.cli.project import Project

CSV = "income,region\n" + "".join(f"{i},{'north' if i % 3 else 'south'}\n" for i in range(60))


def test_writes_a_profile(project: Project) -> None:
    project.write("data/raw.csv", CSV)
    done = project.run("profile", "data/raw.csv")
    assert (done.code, done.err) == (0, "")
    assert done.out == "wrote baselines/profile.json: 2 columns, 60 rows; commit it\n"
    found = json.loads((project.root / "baselines/profile.json").read_text())
    assert found["columns"]["region"]["values"] == {"north": 40, "south": 20}
    shown = project.run("profile", "data/raw.csv", "--stdout")
    assert shown.out == (project.root / "baselines/profile.json").read_text()


def test_options(project: Project) -> None:
    project.write("raw.csv", CSV)
    done = project.run("profile", "raw.csv", "--columns", "income", "--bins", "4", "-o", "p.json")
    assert done.code == 0, done.err
    (column,) = json.loads((project.root / "p.json").read_text())["columns"].values()
    assert column["counts"] == [0, 15, 15, 15, 15, 0]


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("nix.csv",), 3, "error[unreadable-data]: nix.csv names no file"),
        (("raw.csv", "--columns", "incom"), 2, "error[bad-call]: the table has no column incom"),
        (
            ("raw.csv", "-o", "mlcc.yaml"),
            3,
            "error[file-exists]: mlcc.yaml is there already and is no profile",
        ),
        (("raw.csv", "--bins", "1"), 2, "--bins"),
    ],
)
def test_refused(project: Project, args: tuple[str, ...], code: int, said: str) -> None:
    project.write("raw.csv", CSV)
    before = project.tree()
    done = project.run("profile", *args)
    assert done.code == code
    assert said in done.err
    assert project.tree() == before


def test_without_duckdb(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("raw.csv", CSV)
    monkeypatch.setitem(sys.modules, "duckdb", None)
    done = project.run("profile", "raw.csv")
    assert done.code == 2
    assert "error[missing-package]: profiles need DuckDB" in done.err
    assert "pip install 'mlcc[gates]'" in done.err
    assert not (project.root / "baselines").exists()


def test_init_with_a_table(project: Project) -> None:
    (project.root / "mlcc.yaml").unlink()
    project.write("raw.csv", CSV)
    done = project.run("init", "--data", "raw.csv")
    assert done.code == 0, done.err
    text = (project.root / "mlcc.yaml").read_text()
    assert "income: {type: integer, unique: true}" in text
    assert "region: {type: string, values: [north, south]}" in text
    assert project.run("compile").code == 0
    project.write("raw.csv", "a,b\n1\n")
    done = project.run("init", "--data", "raw.csv", "--stdout")
    assert (done.code, done.out) == (3, "")
    assert "error[unreadable-data]" in done.err
