"""Inputs on which a gate must not pass, made to fit its own committed parameters.

A kind's `selftest.py` has `known_bad(document)`: it takes what `.mlcc/gates/<id>.json` holds and yields
`Fixture`s. `mlcc gates --selftest` lays each out in an empty folder beside the emitted script, and runs it.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlcc.record import field, record

_DELIMITERS = {"csv": ",", "tsv": "\t"}


@record
class Fixture:
    """One known-bad input.

    `name` says in a few words what is wrong; `files` maps paths relative to the project root to content;
    `verdict` is how the gate must end: fail, error or inconclusive.
    """

    name: str
    verdict: str
    files: Mapping[str, bytes] = field(default_factory=dict)


def table_bytes(format: str, columns: Mapping[str, Sequence[Any]]) -> bytes:
    """Return a table (name -> values, all as long) as the bytes of a file: parquet, csv, tsv or jsonl.

    Parquet is written by DuckDB, with the types of the Python values. None is a null.
    """
    rows = list(zip(*columns.values(), strict=True))
    if format == "parquet":
        return _parquet(list(columns), rows)
    if format == "jsonl":
        return "".join(
            json.dumps(dict(zip(columns, row, strict=True)), default=str) + "\n" for row in rows
        ).encode()
    text = io.StringIO()
    writer = csv.writer(text, delimiter=_DELIMITERS[format], lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(["" if value is None else value for value in row] for row in rows)
    return text.getvalue().encode()


def _parquet(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
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
        connection.execute(f"COPY t TO {text_literal(path)} (FORMAT parquet)")
        return Path(path).read_bytes()
