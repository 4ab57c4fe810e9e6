"""Where the rows of a gate's tables lie: JSON arrays, patterns of committed files, folders that stand for columns."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mlcc.compiler import analyse, compile_files
from mlcc.gates import GATES, ArtifactInfo, GateParamsError, file_format
from mlcc.gates._files import check_array, partitions_of, table_files
from mlcc.gates._records import GateError
from mlcc.gates.emit import script
from mlcc.gates.selftest import selftest
from tests.gates.conftest import Project, project

__all__ = ["project"]

_X = {"x": {"type": "integer", "unique": True}}


def _parquet(path: str, select: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    duckdb.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")


def _contract(project: Project, path: str | list[str], columns: dict[str, Any], **params: Any) -> Any:
    project.gate("contract", {"columns": columns, **params}, {"raw": path})
    return project.run("contract")


@pytest.mark.parametrize(
    ("paths", "format"),
    [
        (["a.json"], "json"),
        (["data/2024-*.parquet"], "parquet"),
        (["a/*.csv", "b/**/c.csv"], "csv"),
        (["a/", "b/*.parquet"], "parquet"),
        (["a.jsonl", "b.ndjson"], "jsonl"),
    ],
)
def test_the_format_of_an_artifact(paths: list[str], format: str) -> None:
    info = ArtifactInfo(paths[0], more=tuple(paths[1:]))
    assert file_format(info, (), "it") == format


@pytest.mark.parametrize("paths", [["a.csv", "b.tsv"], ["data/*"], ["a.csv.gz"], ["a/", "b.csv"]])
def test_files_of_several_formats_or_none(paths: list[str]) -> None:
    with pytest.raises(GateParamsError, match="files of one format") as caught:
        file_format(ArtifactInfo(paths[0], more=tuple(paths[1:])), ("here",), "the table")
    assert caught.value.loc == ("here",)
    assert ".json (one array of objects)" in str(caught.value.help)


# --- JSON arrays --------------------------------------------------------------------------------------------


def test_a_json_array(project: Project) -> None:
    rows = [{"x": 1, "name": "a"}, {"x": 2, "name": None}, {"x": 3}]
    project.write("d.json", json.dumps(rows, indent=2))
    columns = {**_X, "name": {"type": "string", "max_nulls": 0.7}}
    outcome = _contract(project, "d.json", columns, extra_columns="deny", rows={"min": 3, "max": 3})
    assert outcome.verdict == "pass"
    assert outcome.check("name.max_nulls")["estimate"] == pytest.approx(2 / 3)
    script = project.run_script("contract")
    assert script.verdict == "pass"
    project.write("d.json", json.dumps([*rows, {"x": 3}, {"x": "4"}]))
    assert {id for id, verdict in _contract(project, "d.json", columns).checks.items() if verdict != "pass"} == {
        "x.type", "x.unique", "name.max_nulls",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no JSON array of objects"),
        ("  \n", "is no JSON array of objects"),
        ('{"x": 1}\n{"x": 2}\n', "name a file of JSON lines .jsonl"),
        ("null", "is no JSON array"),
        ('[{"x": 1}, {"x": 2}', "is cut off"),
        ('[{"x": 1},', "is cut off"),
        ('[{"x": 1}] [{"x": 2}]', "is not one proper JSON array"),
        ('[{"x": 1}, {"x": [2]', "is not one proper JSON array"),
        ('[{"x": 1} {"x": 2}]', "is not one proper JSON array"),
        ('[{"x": 1}, 2, [3], null]', "3 items of d.json are no JSON object"),
        ('[{"x": 1, "x": 2}]', "objects with a key that occurs twice"),
    ],
)
def test_what_is_no_json_array_of_objects(project: Project, text: str, said: str) -> None:
    project.write("d.json", text)
    outcome = _contract(project, "d.json", _X)
    assert outcome.verdict == "error"
    assert said in outcome.summary


def test_every_part_of_a_json_array_is_an_error(project: Project) -> None:
    whole = '[{"x": 1, "y": [1, {"z": "]"}]},\n {"x": 22, "y": []}]'
    project.write("d.json", whole)
    assert _contract(project, "d.json", _X).verdict == "pass"
    for end in range(1, len(whole)):
        project.write("d.json", whole[:end])
        assert project.run("contract").verdict == "error", whole[:end]


def test_the_ends_of_a_json_array(tmp_path: Path) -> None:
    file = tmp_path / "d.json"
    file.write_bytes(b"\xef\xbb\xbf [ {}, {} ]\r\n\n")
    check_array(str(file))
    file.write_bytes(b"[{}," + b" " * 70_000)
    with pytest.raises(GateError, match="has no end"):
        check_array(str(file))


def test_an_empty_json_array_is_a_table_without_rows(project: Project) -> None:
    project.write("d.json", "[]")
    assert (
        _contract(project, "d.json", {"x": {"type": "integer", "required": False}}).checks["rows.min"]
        == "fail"
    )


def test_other_kinds_read_json_arrays(project: Project) -> None:
    rows = [{"id": i, "y": i % 2, "p": i % 2, "a": i % 7, "s": "ab"[i % 2]} for i in range(8000)]
    other = [{**row, "id": row["id"] + 10_000} for row in rows]
    project.write("a.json", json.dumps(rows))
    project.write("b.json", json.dumps(other))
    artifacts = {"b": "b.json", "a": "a.json"}
    project.gate("leakage", {"train": "a", "key": ["id"]}, artifacts)
    assert project.run_script("leakage").verdict == "pass"
    project.gate("leakage", {"train": "a", "key": ["a"]}, artifacts)
    assert project.run("leakage").verdict == "fail"
    parity = {"offline": "a", "online": "b", "key": ["id"], "columns": {"s": {}}}
    project.gate("feature_parity", parity, {"a": "a.json", "b": "a.json"})
    assert project.run("feature_parity").verdict == "pass"
    metrics = {"predictions": "b", "label": "y", "prediction": "p", "metrics": {"accuracy": {"min": 0.9}}}
    project.gate("evaluate", metrics, artifacts)
    assert project.run_script("evaluate").check("accuracy.min")["estimate"] == 1
    project.write("c.csv", "a,s\n" + "".join(f"{row['a']},{row['s']}\n" for row in rows))
    drift = {"reference": "c", "columns": {"a": {}, "s": {}}}
    project.gate("drift", drift, {"b": "b.json", "c": "c.csv"})
    assert project.run("drift").verdict == "pass"


# --- patterns -----------------------------------------------------------------------------------------------


def test_a_pattern_of_files(project: Project) -> None:
    for i in range(3):
        project.write(f"data/2024-0{i}.csv", f"x\n{i}\n")
    project.write("data/2023-01.csv", "x\n0\n")
    columns, rows = _X, {"min": 3, "max": 3}
    assert _contract(project, ["data/2024-*.csv"], columns, rows=rows).verdict == "pass"
    assert project.run_script("contract").verdict == "pass"
    both = _contract(project, ["data/2024-*.csv", "data/2023-01.csv"], columns)
    assert both.checks["x.unique"] == "fail"
    assert both.check("x.unique")["n"] == 4
    project.write("data/2024-09.csv", "y\n9\n")
    outcome = _contract(project, ["data/2024-*.csv"], columns)
    assert (outcome.verdict, "another header" in outcome.summary) == ("error", True)


def test_a_pattern_that_names_nothing(project: Project) -> None:
    project.write("data/a.csv", "x\n1\n")
    outcome = _contract(project, ["data/a.csv", "data/b-*.csv"], _X)
    assert outcome.verdict == "error"
    assert "data/b-*.csv names no file" in outcome.summary


def test_only_committed_files_belong_to_a_pattern(project: Project) -> None:
    project.write("data/a.csv", "x\n1\n")
    project.write("data/b.csv", "x\n1\n")
    for command in (["init", "-q"], ["add", "data/a.csv"]):
        subprocess.run(["git", *command], check=True)
    assert _contract(project, ["data/*.csv"], _X, rows={"max": 1}).verdict == "pass"
    assert table_files(["data/*.csv"], "csv") == ["data/a.csv"]


def test_folders_in_a_list_hold_files_of_their_format(project: Project) -> None:
    project.write("a/x.csv", "x\n1\n")
    project.write("a/_x.csv", "x\n1\n")
    project.write("a/.keep", "")
    assert table_files(["a/"], "csv") == ["a/_x.csv", "a/x.csv"]
    project.write("a/README", "")
    with pytest.raises(GateError, match=r"holds a/README, which doesn't end in \.csv"):
        table_files(["a/"], "csv")
    with pytest.raises(GateError, match=r"holds no file of the format"):
        table_files(["a/.keep"], "csv")


# --- folders that stand for columns -------------------------------------------------------------------------


def _events(root: str = "data/") -> None:
    for year in (2023, 2024):
        for month in ("01", "02"):
            _parquet(f"{root}year={year}/month={month}/part.parquet", f"SELECT {year}{month} AS x")


def test_folders_are_columns_of_text(project: Project) -> None:
    _events()
    columns = {
        **_X,
        "year": {"type": "string", "values": ["2023", "2024"]},
        "month": {"type": "string", "values": ["01", "02"]},
    }
    outcome = _contract(project, "data/", columns, extra_columns="deny", unique=["year", "month"])
    assert outcome.verdict == "pass"
    assert project.run_script("contract").verdict == "pass"


def test_folders_have_the_types_that_a_contract_gives_them(project: Project) -> None:
    _events()
    columns = {**_X, "year": {"type": "integer", "min": 2024}, "month": {"type": "number"}}
    outcome = _contract(project, "data/", columns)
    assert outcome.check("year.min")["message"] == "2 of 4 values of year are under 2024"
    assert outcome.checks["month.type"] == "pass"
    columns = {**_X, "year": {"type": "integer"}, "month": {"type": "integer"}}
    checks = {"sum": {"sql": "SELECT 1 FROM data WHERE year * 100 + month <> x"}}
    assert _contract(project, "data/", columns, checks=checks).verdict == "pass"


def test_folders_whose_names_are_of_another_type(project: Project) -> None:
    _events()
    _parquet("data/year=2024x/month=01/part.parquet", "SELECT 1 AS x")
    outcome = _contract(project, "data/", {**_X, "year": {"type": "integer"}, "month": {"type": "integer"}})
    assert (outcome.checks["year.type"], outcome.checks["month.type"]) == ("fail", "pass")
    assert "is of type VARCHAR; the contract says integer" in outcome.check("year.type")["message"]


def test_a_folder_without_a_value_is_a_null(project: Project) -> None:
    _events()
    _parquet("data/year=__HIVE_DEFAULT_PARTITION__/month=01/part.parquet", "SELECT 1 AS x")
    outcome = _contract(project, "data/", {**_X, "year": {"type": "integer"}})
    assert outcome.check("year.max_nulls")["estimate"] == pytest.approx(1 / 5)


def test_folders_above_an_artifact_are_no_columns(project: Project) -> None:
    _events("runs/seed=1/data/")
    columns = {**_X, "year": {"type": "date", "required": False}, "month": {"type": "string"}}
    outcome = _contract(project, "runs/seed=1/data/", columns, extra_columns="deny")
    assert outcome.checks["extra_columns"] == "pass"
    assert outcome.checks["year.type"] == "fail"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("data/year=2024/part.parquet", "lies in folders of other columns than"),
        ("data/month=01/year=2024/part.parquet", "lies in folders of other columns than"),
        ("data/year=2024/month=01/notes.txt", "doesn't end in .parquet"),
    ],
)
def test_folders_that_are_no_table(project: Project, path: str, said: str) -> None:
    _events()
    if path.endswith(".txt"):
        project.write(path, "x")
    else:
        _parquet(path, "SELECT 1 AS x")
    outcome = _contract(project, "data/", _X)
    assert outcome.verdict == "error"
    assert said in outcome.summary


def test_a_folder_and_a_column_of_one_name(project: Project) -> None:
    _parquet("data/X=1/part.parquet", "SELECT 1 AS x")
    outcome = _contract(project, "data/", _X)
    assert outcome.verdict == "error"
    assert "has the columns x and X" in outcome.summary


def test_partitions() -> None:
    files = ["d/a=1/b=x%20y/f", "d/a=2/b=x%20y/f"]
    assert partitions_of("d/", files) == {"a": ["1", "2"], "b": ["x%20y"]}
    assert partitions_of("d/a=1/f.parquet", ["d/a=1/f.parquet"]) == {}
    with pytest.raises(GateError, match="two folders of one column"):
        partitions_of("d/", ["d/a=1/A=2/f"])


def test_other_kinds_read_folders_as_columns(project: Project) -> None:
    for side, start in (("train", 0), ("test", 4000)):
        for day in ("2024-01-01", "2024-01-02"):
            _parquet(f"{side}/day={day}/p.parquet", f"SELECT {start} + i AS id FROM range(4000) t(i)")
    project.gate("leakage", {"train": "a", "group": "day"}, {"b": "test/", "a": "train/"})
    assert project.run_script("leakage").verdict == "fail"
    drift = {"reference": "a", "columns": {"day": {}}}
    project.gate("drift", drift, {"b": "test/", "a": "train/"})
    assert project.run("drift").verdict == "pass"


def test_self_tests_put_files_where_patterns_name_them(project: Project) -> None:
    for paths in (["data/x-*.json", "more/*.json"], ["data/**/*.csv"], ["data/", "b.parquet"]):
        document = project.gate("contract", {"columns": _X}, {"raw": paths})
        outcomes = list(selftest(script(GATES["contract"]).encode(), document))
        assert len(outcomes) > 8
        assert [outcome.problem for outcome in outcomes if outcome.problem] == []


def test_a_pattern_at_the_base_is_the_folder_that_holds_the_base(project: Project) -> None:
    spec = """version: 1
name: demo
triggers: {pull_request: {branches: [main]}}
artifacts:
  new: {kind: data, path: "data/*.csv"}
  old: {kind: data, path: "data/*.csv", at: base}
gates:
  g: {guards: new, drift: {reference: old, columns: {x: {}}}}
"""
    path = project.write("mlcc.yaml", spec)
    files = compile_files(analyse(path, project.root, assume_committed=True), ["github"])
    document = json.loads(next(file.text for file in files if file.path.endswith("gates/g.json")))
    assert document["artifacts"]["new"]["path"] == ["data/*.csv"]
    assert document["artifacts"]["old"]["path"] == "_mlcc/base/old/"
    project.write("_mlcc/base/old/data/a.csv", "x\n1\n")
    assert table_files(document["artifacts"]["old"]["path"], "csv") == ["_mlcc/base/old/data/a.csv"]
