"""Reads the records that CI systems keep of runs into DuckDB, as they are; what is none is named, not skipped.

Below a folder, at any depth: `lineage.jsonl` (a run), `releases.jsonl` (the release log of a run), and of runs that have
none `s--NODE/state.json` with the `verdict.json` beside it, and the line of the log in it. The release log is JSON lines of
a time (ISO 8601, with its zone), an action (release, rollback, incident or restored), an environment, and of a release the
commit. Of a rollback or incident of a candidate that never was live, `live` is false, `reached` says whether it had reached
users, and `since` from when on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlcc.diagnostics import SpecError, error
from mlcc.gates._records import GateError, visible
from mlcc.gates._strict import parse_json, read_bytes
from mlcc.runtime.predicates import RECORD

if TYPE_CHECKING:
    import duckdb

MOST_BYTES = 64 << 20  # of one file
ACTIONS = ("release", "rollback", "incident", "restored")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_KINDS = {"lineage.jsonl": "run", "state.json": "state", "verdict.json": "verdict"}
_LOG = "releases.jsonl"


class Records:
    """The table `records` (kind, place, text) in DuckDB; `problems` says what could not be read."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, problems: Sequence[str]) -> None:
        self.connection = connection
        self.problems = list(problems)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Return the rows of a query, by name."""
        found = self.connection.execute(sql)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def read_records(folder: Path, releases: Path | None) -> Records:
    """Return the records below a folder, and those of a release log. Raises SpecError and OSError."""
    connection = _connect()
    problems: list[str] = []
    logs = {path.resolve(): path for path in (*sorted(folder.rglob(_LOG)), *([releases] if releases else ()))}
    found = [
        *_runs(folder, problems),
        *(line for path in logs.values() for line in _releases(path, problems)),
    ]
    if not found:
        help = "name a folder with lineage.jsonl files, or with the s--NODE folders of runs"
        raise SpecError([error("no-records", f"there is no record of a run below {folder}", None, help=help)])
    connection.execute("CREATE TABLE records (kind VARCHAR, place VARCHAR, text JSON)")
    columns = [list(column) for column in zip(*found, strict=True)]
    connection.execute("INSERT INTO records SELECT unnest(?), unnest(?), unnest(?)", columns)
    return Records(connection, problems)


def _connect() -> duckdb.DuckDBPyConnection:
    try:
        import duckdb
    except ImportError:
        how = "pip install 'mlcc[gates]'"
        raise SpecError([error("missing-package", "signals need DuckDB", None, help=how)]) from None
    connection = duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false"})
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_external_access = false")
    return connection


def _runs(folder: Path, problems: list[str]) -> Iterator[tuple[str, str, str]]:
    for path in sorted(path for name in _KINDS for path in folder.rglob(name)):
        kind = _KINDS[path.name]
        for text, value in _values(path, lines=kind == "run", problems=problems):
            if kind != "run" or value.get("predicateType") == RECORD:
                yield kind, str(path.parent), text
            if kind == "state" and isinstance(value.get("log"), dict):
                yield from _logged(path, json.dumps(value["log"], sort_keys=True), value["log"], problems)


def _values(path: Path, *, lines: bool, problems: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the JSON objects of a file, each as text and value."""
    try:
        text = read_bytes(str(path), MOST_BYTES).decode("utf-8")
    except (GateError, UnicodeDecodeError) as problem:
        problems.append(
            str(problem) if isinstance(problem, GateError) else f"{visible(str(path))} is not UTF-8"
        )
        return
    for part in text.splitlines() if lines else [text]:
        try:
            value = parse_json(part, visible(str(path)))
        except GateError as problem:
            problems.append(str(problem))
            continue
        if isinstance(value, dict):
            yield part, value
        else:
            problems.append(f"{visible(str(path))} holds something else than JSON objects")


def _releases(path: Path, problems: list[str]) -> Iterator[tuple[str, str, str]]:
    for text, value in _values(path, lines=True, problems=problems):
        yield from _logged(path, text, value, problems)


def _logged(
    path: Path, text: str, line: dict[str, Any], problems: list[str]
) -> Iterator[tuple[str, str, str]]:
    """Yield a line of the release log, where it is one."""
    proper = line.get("action") in ACTIONS and isinstance(line.get("environment"), str)
    if proper and _is_time(line.get("time")) and _is_time(line.get("since", line["time"])):
        yield "release", str(path), text
    else:
        problems.append(f"{visible(str(path))} has a line without a proper time, action or environment")


def _is_time(text: object) -> bool:
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return False
    return True
