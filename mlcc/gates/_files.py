"""The files that make up a table, and the columns that the names of its folders stand for."""

from __future__ import annotations

# os.path is loaded at start-up anyway.
# ruff: noqa: PTH113, PTH118, PTH123
import os
import re

from mlcc.gates._records import GateError, visible
from mlcc.runtime.digest import DigestError, files_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_ENDINGS = {
    "parquet": (".parquet",),
    "csv": (".csv",),
    "tsv": (".tsv",),
    "jsonl": (".jsonl", ".ndjson"),
    "json": (".json",),
}
_PARTITION = re.compile(r"([^/=]+)=([^/]*)/")
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_END_CHARACTERS = 1 << 16
_BLANK = b" \t\r\n"


def table_files(path: str | Sequence[str], format: str) -> list[str]:
    """Return the files of an artifact, sorted: itself, those in its folder, or those that its patterns name.

    Marks such as _SUCCESS and .part.crc, which writers leave beside their files, are left out. Raises GateError for
    files of another format, for none, and for names that SQL would take for a pattern.
    """
    if isinstance(path, str) and not path.endswith("/"):
        found = [path]
    else:
        found = [name for name in _listed_files(path) if not _is_mark(name, format)]
    shown = visible(path if isinstance(path, str) else ", ".join(path))
    if not found:
        raise GateError(f"{shown} holds no file of the format {visible(format)}")
    for name in found:
        if found != [path] and not _ends_as(name, format):
            raise GateError(f"{shown} holds {visible(name)}, which doesn't end in {_ENDINGS[format][0]}")
        if any(c in name for c in "*?[{"):
            raise GateError(f"the file name {visible(name)} has a wildcard in it")
        if not os.path.isfile(name):
            raise GateError(f"{visible(name)} is missing")
    return found


def _listed_files(path: str | Sequence[str]) -> list[str]:
    if isinstance(path, str):
        return sorted(os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names)
    try:
        return sorted(files_of(path))
    except DigestError as error:
        raise GateError(str(error)) from None


def _is_mark(name: str, format: str) -> bool:
    base = name.rpartition("/")[2]
    # Readers of Parquet skip whatever begins so.
    return base[0] in "._" and (format == "parquet" or not _ends_as(name, format))


def _ends_as(name: str, format: str) -> bool:
    return name.lower().endswith(_ENDINGS.get(format, ()))


def partitions_of(path: str | Sequence[str], files: Sequence[str]) -> dict[str, list[str]]:
    """Return column -> its values, sorted, of files that lie in folders named COLUMN=VALUE, as Hive has it.

    Of a folder, those below it count; of patterns all. A value is as the folder spells it. Raises GateError where the
    files lie in folders of different columns.
    """
    if isinstance(path, str) and not path.endswith("/"):
        return {}
    start = len(path) if isinstance(path, str) else 0
    levels = [_PARTITION.findall(file[start:]) for file in files]
    names = [name for name, _ in levels[0]]
    for file, level in zip(files, levels):  # noqa: B905 - strict= is newer than Python 3.8
        if [name for name, _ in level] != names:
            raise GateError(f"{visible(file)} lies in folders of other columns than {visible(files[0])}")
    if len({name.casefold() for name in names}) < len(names):
        raise GateError(f"{visible(files[0])} lies in two folders of one column")
    return {name: sorted({level[i][1] for level in levels}) for i, name in enumerate(names)}


def check_array(file: str) -> None:
    """Raise GateError unless a file begins and ends as a JSON array does.

    DuckDB takes a blank file for an empty array, and one that is cut off behind a comma at times for a whole one.
    """
    with open(file, "rb") as content:
        head = content.read(_END_CHARACTERS)
        content.seek(max(content.seek(0, os.SEEK_END) - _END_CHARACTERS, 0))
        tail = content.read()
    head = head[3:] if head.startswith(b"\xef\xbb\xbf") else head
    if not head.lstrip(_BLANK).startswith(b"["):
        raise GateError(f"{visible(file)} is no JSON array of objects; name a file of JSON lines .jsonl")
    if not tail.rstrip(_BLANK).endswith(b"]"):
        raise GateError(f"{visible(file)} is cut off: its JSON array has no end")
