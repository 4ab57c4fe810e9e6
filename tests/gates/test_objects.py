"""Tables in a store: the same verdicts as over local files, and the objects by name."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mlcc.diagnostics import OutputError
from mlcc.gates import GATES
from mlcc.gates.emit import script
from mlcc.gates.selftest import selftest
from mlcc.profiling import profile, profile_text
from tests.gates.conftest import Outcome, Project
from tests.gates.stores import project, service, store
from tests.objects.store import (
    Store,
    etag,
)

__all__ = ["project", "service", "store"]


def _table(path: str, rows: int = 400, start: int = 0) -> bytes:
    """Return a table of rows with an id, a number, a word, a label and a score, as a file of the name's format."""
    select = (
        f"SELECT i + {start} AS id, (i * 37 % 101) / 2.0 AS x, "
        "CASE WHEN i % 5 = 0 THEN NULL ELSE chr((97 + i % 7)::INTEGER) END AS word, "
        f"i % 2 AS y, (i % 2) * 0.2 + (i * 13 % 51) / 51.0 AS p FROM range({rows}) t(i)"
    )
    target = Path("scratch")
    endings = {
        "parquet": "parquet",
        "csv": "csv",
        "tsv": "csv, DELIMITER '\t'",
        "jsonl": "json",
        "json": "json, ARRAY",
    }
    duckdb.execute(f"COPY ({select}) TO '{target}' (FORMAT {endings[path.rpartition('.')[2]]})")
    found = target.read_bytes()
    target.unlink()
    return found


def _put(project: Project, store: Store, prefix: str, files: dict[str, bytes]) -> None:
    """Write files below the project, and the same below a prefix of the bucket."""
    for path, content in files.items():
        project.write(path, content)
        store.put("acme-ml", f"{prefix}/{path}", content)


def _both(
    project: Project, kind: str, params: dict[str, Any], paths: dict[str, str | list[str]], prefix: str
) -> tuple[Outcome, Outcome]:
    """Run a gate over local files by hand and, as the emitted script, over the same in the store."""
    project.gate(kind, params, paths)
    here = project.run(kind)
    there = {
        id: f"s3://acme-ml/{prefix}/{path if isinstance(path, str) else path[0]}"
        for id, path in paths.items()
    }
    project.gate(kind, params, there)
    return here, project.run_script(kind)


GOOD = b"x\n1\n"
COLUMNS: dict[str, Any] = {
    "id": {"type": "integer", "unique": True, "min": 0},
    "x": {"type": "number", "max": 60},
    "word": {"type": "string", "max_nulls": 0.25, "pattern": "[a-g]"},
}
FORMS: dict[str, tuple[str | list[str], tuple[str, ...]]] = {
    "parquet": ("data/t.parquet", ("data/t.parquet",)),
    "csv": ("data/t.csv", ("data/t.csv",)),
    "tsv": ("data/t.tsv", ("data/t.tsv",)),
    "json lines": ("data/t.jsonl", ("data/t.jsonl",)),
    "json": ("data/t.json", ("data/t.json",)),
    "csv by pattern": (["data/2024-*.csv"], ("data/2024-01.csv", "data/2024-02.csv", "data/2023-12.csv")),
    "json lines by deep pattern": (["data/**/*.jsonl"], ("data/a/1.jsonl", "data/b/c/2.jsonl", "other.jsonl")),
    "folder": ("data/", ("data/1.parquet", "data/more/2.parquet", "data/_SUCCESS", "data.parquet")),
    "partitions": ("data/", ("data/year=2023/m=01/a.parquet", "data/year=2024/m=02/a.parquet")),
    "partitions by pattern": (
        ["data/year=*/*.parquet"],
        ("data/year=2023/a.parquet", "data/year=2024/a b+ü.parquet"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_contract_over_objects_counts_what_it_counts_over_files(
    project: Project, store: Store, form: str
) -> None:
    path, names = FORMS[form]
    files = {
        name: b"" if name.endswith("_SUCCESS") else _table(name, start=1000 * i)
        for i, name in enumerate(names)
    }
    prefix = form.replace(" ", "-")
    _put(project, store, prefix, files)
    columns = {**COLUMNS, **({"year": {"type": "integer"}} if "partitions" in form else {})}
    here, there = _both(project, "contract", {"columns": columns}, {"raw": path}, prefix)
    assert (here.verdict, there.verdict, there.code) == ("pass", "pass", 0)
    assert here.record is not None
    assert there.record is not None
    assert there.record["checks"] == here.record["checks"]
    columns = {**columns, "x": {"type": "number", "max": 40}}
    here, there = _both(project, "contract", {"columns": columns}, {"raw": path}, prefix)
    assert (here.verdict, there.verdict, there.code) == ("fail", "fail", 1)
    assert there.check("x.max") == here.check("x.max")
    assert there.summary == here.summary
    assert not (project.root / "_mlcc/objects/g").exists()


CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "leakage": ("leakage", {"train": "b", "key": ["id"]}, {"train": "b", "key": ["x"]}),
    "drift": ("drift", {"reference": "b", "columns": {"x": {}}}, {"reference": "b", "columns": {"id": {}}}),
    "parity": (
        "feature_parity",
        {"offline": "a", "online": "c", "key": ["id"], "columns": {"x": {}}},
        {"offline": "a", "online": "b", "key": ["y", "id"], "columns": {"x": {}}},
    ),
    "evaluate": (
        "evaluate",
        {"predictions": "a", "label": "y", "score": "p", "metrics": {"roc_auc": {"min": 0.6}}},
        {"predictions": "a", "label": "y", "score": "p", "metrics": {"roc_auc": {"min": 0.9}}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_other_gates_over_objects(project: Project, store: Store, case: str) -> None:
    kind, passing, failing = CASES[case]
    _put(
        project,
        store,
        case,
        {
            "a.parquet": _table("t.parquet", 4000),
            "c.parquet": _table("t.parquet", 4000),
            "b.parquet": _table("t.parquet", 4000, start=10_000),
        },
    )
    paths: dict[str, str | list[str]] = {"a": "a.parquet", "b": "b.parquet", "c": "c.parquet"}
    here, there = _both(project, kind, passing, paths, case)
    assert (here.verdict, there.verdict) == ("pass", "pass"), there.log
    assert (there.checks, there.summary) == (here.checks, here.summary)
    here, there = _both(project, kind, failing, paths, case)
    assert (here.verdict, there.verdict) == ("fail", "fail"), there.log
    assert here.record is not None
    assert there.record is not None
    assert there.record["checks"] == here.record["checks"]


def test_a_committed_profile_against_objects(project: Project, store: Store) -> None:
    _put(project, store, "profile", {"old.parquet": _table("t.parquet"), "new.csv": _table("t.csv")})
    project.write("base.json", profile_text(profile(["old.parquet"], ["x"], 10)))
    project.gate(
        "drift",
        {"reference": "base", "columns": {"x": {}}},
        {"live": "s3://acme-ml/profile/new.csv", "base": "base.json"},
    )
    assert project.run("drift").verdict == "pass"


@pytest.mark.parametrize("form", ["parquet", "csv by pattern", "partitions"])
def test_a_profile_of_objects_is_that_of_files(project: Project, store: Store, form: str) -> None:
    path, names = FORMS[form]
    prefix = f"profiles-{form.replace(' ', '-')}"
    _put(project, store, prefix, {name: _table(name, start=1000 * i) for i, name in enumerate(names)})
    place = path if isinstance(path, str) else path[0]
    here = profile([place], [], 20)
    there = profile([f"s3://acme-ml/{prefix}/{place}"], [], 20)
    assert there["columns"] == here["columns"]
    assert there["rows"] == here["rows"]
    with pytest.raises(OutputError) as caught:
        profile([f"s3://acme-ml/{prefix}/nothing.csv"], [], 20)
    assert "nothing.csv can't be read: there is no object" in caught.value.diagnostics[0].message


def test_the_verdict_names_the_objects(project: Project, store: Store) -> None:
    store.bucket("versioned", versions=True)
    one, two = _table("t.csv"), _table("t.csv", 10, start=5000)
    for key, content in (("d/1.csv", two), ("d/1.csv", one), ("d/2.csv", two), ("d/", b"")):
        store.put("versioned", key, content)
    project.gate("contract", {"columns": COLUMNS}, {"raw": "s3://versioned/d/*.csv"})
    outcome = project.run("contract")
    assert outcome.verdict == "pass"
    assert outcome.record is not None
    found = outcome.record["inputs"]["raw"]
    lines = f"{etag(one)}  {len(one)}  d/1.csv\n{etag(two)}  {len(two)}  d/2.csv\n"
    ordered = "".join(sorted(lines.splitlines(keepends=True)))
    assert found["path"] == "s3://versioned/d/*.csv"
    assert found["digest"] == "objects:" + hashlib.sha256(ordered.encode()).hexdigest()
    versions = [object.pop("version") for object in found["objects"]]
    assert all(versions)
    assert len(set(versions)) == 2
    assert found["objects"] == [
        {
            "key": key,
            "etag": etag(content),
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        for key, content in (("d/1.csv", one), ("d/2.csv", two))
    ]


def test_the_verdict_keeps_to_its_schema(project: Project, store: Store) -> None:
    import jsonschema

    schema = json.loads((Path(__file__).parents[2] / "schemas/verdict.schema.json").read_text())
    _put(project, store, "schema", {"t.csv": _table("t.csv")})
    project.gate("contract", {"columns": COLUMNS}, {"raw": "s3://acme-ml/schema/t.csv"})
    jsonschema.Draft202012Validator(schema).validate(project.run("contract").record)


def test_messages_name_addresses(project: Project, store: Store) -> None:
    _put(project, store, "headers", {"a.csv": b"id\n1\n", "b.csv": b"x\n1\n"})
    project.gate("contract", {"columns": {"id": {"type": "integer"}}}, {"raw": "s3://acme-ml/headers/*.csv"})
    outcome = project.run("contract")
    assert outcome.verdict == "error"
    assert outcome.summary == "s3://acme-ml/headers/b.csv has another header than s3://acme-ml/headers/a.csv."
    assert not (project.root / "_mlcc/objects/g").exists()


def test_a_gate_that_only_names_objects_fetches_none(project: Project, store: Store) -> None:
    _put(project, store, "named", {"t.csv": b"x\n"})
    run = 'test "$ARTIFACT_RAW" = s3://acme-ml/named/t.csv && test ! -e _mlcc/objects'
    project.gate("command", {"run": run}, {"raw": "s3://acme-ml/named/t.csv"})
    outcome = project.run("command")
    assert outcome.verdict == "pass"
    assert outcome.record is not None
    assert outcome.record["inputs"]["raw"]["objects"] == [
        {"key": "named/t.csv", "etag": etag(b"x\n"), "size": 2}
    ]


def test_a_model_made_from_objects(project: Project, store: Store) -> None:
    _put(project, store, "made", {"t.csv": GOOD})
    line = f"{etag(GOOD)}  {len(GOOD)}  made/t.csv\n"
    stated = "objects:" + hashlib.sha256(line.encode()).hexdigest()
    files = [{"path": "model.json", "format": "json"}, {"path": "meta.json", "format": "json"}]
    params = {"files": files, "lineage": {"live": "made_from"}, "metadata": "meta.json"}
    for digest, verdict in (
        (stated, "pass"),
        (stated[len("objects:") :], "fail"),
        ("objects:" + "0" * 64, "fail"),
    ):
        project.write("m/model.json", "{}")
        project.write("m/meta.json", json.dumps({"made_from": digest}))
        artifacts: dict[str, str | list[str]] = {"model": "m/", "live": "s3://acme-ml/made/t.csv"}
        project.gate("artifact", params, artifacts, artifact_kind="model")
        assert project.run("artifact").checks["lineage.live"] == verdict


def test_self_tests_need_no_store(project: Project) -> None:
    for address in ("s3://acme-ml/d/t.csv", "s3://acme-ml/d/x-*.jsonl", "s3://acme-ml/d/"):
        document = project.gate("contract", {"columns": {"x": {"type": "integer"}}}, {"raw": address})
        outcomes = list(selftest(script(GATES["contract"]).encode(), document))
        assert len(outcomes) > 5
        assert [outcome.problem for outcome in outcomes if outcome.problem] == []
