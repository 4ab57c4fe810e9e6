"""PROFILE: what the columns of a table are like, as a small file to commit; drift gates compare with it."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlcc.diagnostics import MlccError, OutputError, SpecError, error, suggest
from mlcc.gates import ArtifactInfo, GateParamsError
from mlcc.gates._engines import EngineTable, open_engine_tables
from mlcc.gates._profile import PROFILE_SCHEMA, profile_of
from mlcc.gates._records import GateError, visible
from mlcc.gates._report import write_whole
from mlcc.gates._support import Gate
from mlcc.gates._table import Table, close, open_files
from mlcc.gates._values import cells
from mlcc.gates.dialects import check_installed, table_name, translated
from mlcc.gates.drift.engines import profile_queries
from mlcc.runtime.addresses import is_address, local_path
from mlcc.runtime.digest import DigestError, file_digest
from mlcc.spec.scalars import check_table


def profile(paths: Sequence[str], columns: Sequence[str], bins: int) -> dict[str, Any]:
    """Return the profile of a table in one or more files, with the digest of what was read.

    A path is a file, a folder (all files below it but those with a leading '.' or '_'), or a pattern of
    `glob`. Folders of Parquet named COLUMN=VALUE are columns, as gates read them; those above a folder aren't.
    What lies at an address `s3://BUCKET/PATH` is fetched first; a single ENGINE://SCHEMA.TABLE is read by its engine, and
    has no digest. `columns` are the columns to profile, by default all. Raises SpecError and OutputError.
    """
    if len(paths) == 1 and "://" in paths[0] and not is_address(paths[0]):
        return _profile_of_warehouse(paths[0], columns, bins)
    with tempfile.TemporaryDirectory() as folder:
        copies = os.path.realpath(folder)
        return _profile([_here(path, f"{copies}/{i}") for i, path in enumerate(paths)], columns, bins)


def _here(path: str, folder: str) -> str:
    """Return a path, or where the copy lies of what an address names."""
    if not is_address(path):
        return path
    from mlcc.objects.answers import StoreError
    from mlcc.objects.main import read_address

    try:
        read_address(path, folder)
    except StoreError as problem:
        raise _unreadable(f"{visible(path)} can't be read: {problem}") from None
    return local_path(path, folder)


def _profile(paths: Sequence[str], columns: Sequence[str], bins: int) -> dict[str, Any]:
    files, format = _files(paths)
    try:
        import duckdb  # noqa: F401 - only tried: the reading lies in mlcc.gates._table
    except ImportError:
        how = "pip install 'mlcc[gates]'"
        raise SpecError([error("missing-package", "profiles need DuckDB", None, help=how)]) from None
    with tempfile.TemporaryDirectory() as folder:
        gate = _gate(folder)
        try:
            digest = _digest(files)
            below = f"{paths[0].rstrip('/')}/" if len(paths) == 1 and Path(paths[0]).is_dir() else files
            table = open_files(gate, files[0] if list(paths) == files else below, files, format)
            try:
                found = profile_of(table, format, _chosen(table, columns), bins)
            finally:
                close(table, gate)
        except (GateError, DigestError) as problem:
            raise OutputError([error("unreadable-data", str(problem), None)]) from None
    return {**found, "digest": digest}


def _gate(folder: str) -> Gate:
    frame = {"kind": "drift", "guards": "", "artifacts": {}, "on_inconclusive": "fail", "params": {}}
    return Gate("profile", folder, frame)


def _profile_of_warehouse(path: str, columns: Sequence[str], bins: int) -> dict[str, Any]:
    """Return the profile of a table that another engine than DuckDB holds, with the columns that drift looks at."""
    artifact = ArtifactInfo(path, path.partition("://")[0])
    try:
        check_table(path)
        check_installed(artifact.engine)
    except ValueError as problem:
        raise SpecError([error("bad-call", str(problem), None)]) from None
    except GateParamsError as problem:
        raise SpecError([error("missing-package", problem.message, None, help=problem.help)]) from None
    try:
        (table,) = open_engine_tables(_gate(""), [("", table_name(artifact))], artifact.engine)
        try:
            names = _chosen(table, columns)
            own = {
                name: {key: translated(sql, artifact.engine, ()) for key, sql in cells(name, "table").items()}
                for name in names
            }
            sql = {**profile_queries(artifact.engine), "cells": own}
            return profile_of(table, "table", names, bins, sql)
        finally:
            table.end()
    except GateError as problem:
        raise OutputError([error("unreadable-data", str(problem), None)]) from None


def profile_text(found: dict[str, Any]) -> str:
    """Return a profile as JSON, sorted, one column a line: so a change of one column is a change of one line."""

    def spelled(value: object) -> str:
        return json.dumps(value, sort_keys=True, allow_nan=False, ensure_ascii=True)

    columns = ",\n".join(
        f"    {spelled(name)}: {spelled(column)}" for name, column in sorted(found["columns"].items())
    )
    known = [key for key in ("digest", "rows", "schema") if key in found]
    rest = "".join(f",\n  {spelled(key)}: {spelled(found[key])}" for key in known)
    return f'{{\n  "columns": {{\n{columns}\n  }}{rest}\n}}\n'


def save_profile(text: str, path: Path) -> None:
    """Write a profile, in place of an earlier one. Raises OutputError; any other file is left as it is."""
    try:
        if path.exists() and f'"schema": "{PROFILE_SCHEMA}"' not in _start_and_end(path):
            message = f"{visible(str(path))} is there already and is no profile"
            raise OutputError([error("file-exists", message, None, help="name another file with -o")])
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(str(path), text)
    except (OSError, GateError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        message = f"{visible(str(path))} can't be written: {reason}"
        raise OutputError([error("unwritable-file", message, None)]) from None


def _start_and_end(path: Path) -> str:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1000))
        return file.read().decode("utf-8", "replace")


def _files(paths: Sequence[str]) -> tuple[list[str], str]:
    """Return the files that paths name, sorted, and their one format."""
    files: list[str] = []
    for path in paths:
        found = _below(path) if Path(path).is_dir() else [path]
        if not Path(path).exists():
            found = sorted(glob.glob(path, recursive=True))  # noqa: PTH207 - as the user spelled it
        if not found:
            raise _unreadable(f"{visible(path)} names no file")
        files += found
    files = sorted(dict.fromkeys(files))
    formats = {ArtifactInfo(file).format for file in files}
    format = next(iter(formats)) if len(formats) == 1 else None
    if format is None:
        what = "files of several formats" if len(formats) > 1 else visible(files[0])
        help = "its files' names end in .parquet, .csv, .tsv, .jsonl, .ndjson or .json, all alike"
        raise SpecError([error("bad-call", f"{what} can't be read as one table", None, help=help)])
    for file in files:
        if any(sign in file for sign in "*?[{"):
            raise _unreadable(f"the file name {visible(file)} has a wildcard in it")
        if not Path(file).is_file():
            raise _unreadable(f"{visible(file)} is not a file")
    return files, format


def _below(folder: str) -> list[str]:
    return [
        str(path) for path in sorted(Path(folder).rglob("*")) if path.is_file() and path.name[0] not in "._"
    ]


def _digest(files: Sequence[str]) -> str:
    """Return a file's digest; of several, that of the lines `<hex>  <path>`, as of a folder."""
    if len(files) == 1:
        return file_digest(files[0])
    base = os.path.commonpath([os.path.dirname(file) for file in files])  # noqa: PTH120 - Path has none
    lines = [
        f"{file_digest(file).partition(':')[2]}  {os.path.relpath(file, base or '.')}\n" for file in files
    ]
    return "sha256:" + hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def _chosen(table: Table | EngineTable, columns: Sequence[str]) -> list[str]:
    for name in columns:
        if name not in table.columns:
            close_name = suggest(name, table.columns)
            help = f"did you mean {visible(close_name, 80)}?" if close_name else None
            message = f"the table has no column {visible(name, 80)}"
            raise SpecError([error("bad-call", message, None, help=help)])
    return list(dict.fromkeys(columns)) or list(table.columns)


def _unreadable(message: str) -> MlccError:
    return OutputError([error("unreadable-data", message, None)])
