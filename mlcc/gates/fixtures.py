"""Inputs on which a gate must not pass, made to fit its own committed parameters.

A kind's `selftest.py` has `known_bad(document)`: it takes what `.mlcc/gates/<id>.json` holds and yields
`Fixture`s. `mlcc gates --selftest` lays each out in an empty folder beside the emitted script, and runs it.
No program of the user's is run: where a gate's parameters name one, a stand-in takes its place.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlcc.gates._values import JSON_FORMATS
from mlcc.record import field, record
from mlcc.runtime.addresses import SCHEME, is_address
from mlcc.runtime.digest import artifact_digest

_DELIMITERS = {"csv": ",", "tsv": "\t"}


@record
class Fixture:
    """One known-bad input.

    `name` says in a few words what is wrong; `verdict` is how the gate must end: fail, error or inconclusive;
    `files` maps paths relative to the project root to content. `check` names the check that must end so: then
    other checks may fail as well, and the gate's own verdict is only no pass. `program` is what stands in for
    every program of the gate's parameters, as lines of bash.
    """

    name: str
    verdict: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    check: str | None = None
    program: str = "exit 1"


def in_files(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a gate's document with what lies in a store as paths below the project, where fixtures can be put."""
    artifacts = {
        id: {**artifact, "path": _as_file(artifact["path"])} for id, artifact in document["artifacts"].items()
    }
    return {**document, "artifacts": artifacts}


def _as_file(path: Any) -> Any:
    if not is_address(path):
        return path
    place = path[len(SCHEME) :]
    return [place] if any(sign in place for sign in "*?") else place


def artifact_files(document: Mapping[str, Any]) -> dict[str, bytes]:
    """Return a file for every artifact that a gate's parameters name, so that each has a digest.

    A fixture replaces those that it is about. A path with wildcards gets a file that it matches.
    """
    files: dict[str, bytes] = {}
    for artifact in document["artifacts"].values():
        paths = [artifact["path"]] if isinstance(artifact["path"], str) else artifact["path"]
        for path in paths:
            if "://" in path:
                continue  # a table of a warehouse, which no fixture can be
            files[_one_file(path)] = b"{}\n"
    return files


def unreadable(document: Mapping[str, Any], files: Mapping[str, bytes] | None = None) -> Iterator[Fixture]:
    """Yield what a gate has whose data lies where no fixture can be put: that it can't be read must close it.

    `files` are those that the gate reads besides.
    """
    yield Fixture("the table can't be read", "error", {**artifact_files(document), **(files or {})})


def _one_file(path: str) -> str:
    """Return a file that a path names: the folder's, or one that the pattern matches."""
    plain = path.replace("*", "x").replace("?", "x")
    return plain + "part.parquet" if plain.endswith("/") else plain


def digest_of(path: str | Sequence[str], files: Mapping[str, bytes]) -> str:
    """Return the digest that a gate finds for an artifact at a path, or at several, among a fixture's files."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            place = Path(folder) / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        return artifact_digest(path, folder)


def data_file(document: Mapping[str, Any], artifact: str) -> str:
    """Return the path of an artifact that is one file, or of one file in its folder or of its first pattern."""
    paths: str | list[str] = document["artifacts"][artifact]["path"]
    return _one_file(paths if isinstance(paths, str) else paths[0])


def table_bytes(format: str, columns: Mapping[str, Sequence[Any]], copies: int = 1) -> bytes:
    """Return a table (name -> values, all as long) as the bytes of a file: parquet, csv, tsv, jsonl or json.

    Its rows are there `copies` times. Parquet is written by DuckDB, with the types of the Python values. None
    is a null.
    """
    rows = list(zip(*columns.values(), strict=True))
    if format == "parquet":
        return _parquet(list(columns), rows, copies)
    if format in JSON_FORMATS:
        lines = [json.dumps(dict(zip(columns, row, strict=True)), default=str) + "\n" for row in rows]
        lines *= copies
        return ("".join(lines) if format == "jsonl" else f"[{','.join(lines)}]").encode()
    return _delimited(_DELIMITERS[format], [list(columns)]) + _delimited(_DELIMITERS[format], rows) * copies


def _delimited(delimiter: str, rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else value


def _parquet(names: Sequence[str], rows: Sequence[Sequence[Any]], copies: int) -> bytes:
    import duckdb

    from mlcc.gates._sql import identifier, text_literal

    listed = ", ".join(identifier(name) for name in names)
    marks = ", ".join("?" * len(names))
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        path = str(Path(folder) / "t.parquet")
        first = f"SELECT * FROM (VALUES ({marks})) AS t({listed})"  # noqa: S608 - quoted names, marks
        connection.execute(f"CREATE TABLE t AS {first}", list(rows[0] if rows else [None] * len(names)))
        for row in rows[1:]:
            connection.execute(f"INSERT INTO t VALUES ({marks})", list(row))  # noqa: S608 - only marks
        if not rows:
            connection.execute("DELETE FROM t")
        all_rows = f"SELECT t.* FROM t, range({copies})"  # noqa: S608 - a number
        connection.execute(f"COPY ({all_rows}) TO {text_literal(path)} (FORMAT parquet)")
        return Path(path).read_bytes()
