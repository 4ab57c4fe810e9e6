"""Says why DuckDB could not read a table, or run a check, in words that are safe to show.

DuckDB's own text quotes rows and absolute paths, so only what is known of it is passed on: line numbers, counts, and
names that the gate's own SQL has.
"""

from __future__ import annotations

# os.path is loaded at start-up anyway.
# ruff: noqa: PTH123
import json
import re

from mlcc.gates._records import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_SCANNED_BYTES = 64 << 20  # how far a broken file is looked into
_SCANNED_LINE = 16 << 20  # DuckDB's own limit of a JSON object
_CSV = (
    ("unterminated quote", "a quote is not closed, or stands inside a value"),
    ("Invalid unicode", "it is not UTF-8"),
    ("line size", "it is too long"),
)
_FILE = (
    ("too small to be a Parquet file", "it is empty or cut off: too small for a Parquet file"),
    ("No magic bytes found at end", "it is cut off, or no Parquet file: its end is missing"),
    ("maximum_object_size", "a line or object is longer than 16 MB"),
    ("ecompression failure|Failed to read file", "a part of it is damaged"),
    ("Out of Memory Error", "it needs more memory than the gate may take"),
)
_SQL = (
    ("file system operations are disabled|Permission Error", "it reads a file, which a check may not"),
    ("Table with name .* does not exist", "it names a table that isn't there; the one table is called data"),
    ("Function with name .* does not exist", "it calls a function that DuckDB doesn't have"),
    ("Could not convert|Conversion Error", "a value isn't of the type that the SQL casts it to"),
    ("No function matches|Cannot compare values", "it joins types that don't fit; cast one of them"),
    ("Out of Memory Error", "it needs more memory than the gate may take"),
)


def file_reason(error: Exception, files: Sequence[str]) -> str:
    """Say what is wrong with one of the files of a table."""
    text = str(error)
    path = next((file for file in files if file in text), files[0])
    shown = visible(path)
    line = re.search(r"CSV Error on Line: (\d+)", text)
    if line:
        return f"{shown}: line {line[1]} is not proper CSV: {_csv_reason(text)}"
    if "CSV Parser state machine reached an invalid state" in text:
        return f"{shown} is not proper CSV: {_line_ends(path)}"
    if path.lower().endswith(".json") and ("Malformed JSON" in text or "JSON array" in text):
        return f"{shown} is not one proper JSON array"
    if "Malformed JSON" in text:
        number = _broken_json_line(path)
        return (
            f"{shown}: line {number} is not proper JSON" if number else f"{shown}: a line is not proper JSON"
        )
    said = _known(_FILE, text)
    return f"{shown}: {said}" if said else f"{shown}: DuckDB could not read it ({type(error).__name__})"


def sql_reason(error: Exception, sql: str) -> str | None:
    """Say what is wrong with SQL of the spec; None where it may be the data."""
    text = str(error)
    column = re.search(
        r'Referenced column "([^"\n]{1,80})" not found|does not have a column named "([^"\n]{1,80})"', text
    )
    if column:
        name = column[1] or column[2]
        there = f"the column {visible(name, 80)}" if name in sql else "a column"
        return f"it names {there}, which the table doesn't have"
    return _known(_SQL, text)


def _known(table: Sequence[tuple[str, str]], text: str) -> str | None:
    return next((said for pattern, said in table if re.search(pattern, text)), None)


def _csv_reason(text: str) -> str:
    columns = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text)
    if columns:
        few = "few" if int(columns[2]) < int(columns[1]) else "many"
        return f"it has too {few} columns: {columns[2]} instead of {columns[1]}"
    return _known(_CSV, text) or "it doesn't follow the rules for CSV"


def _line_ends(path: str) -> str:
    """Tell mixed line ends from what else confuses the parser."""
    first: dict[str, int] = {}
    with open(path, "rb") as file:
        for number, line in enumerate(file.read(_SCANNED_BYTES).split(b"\n")[:-1], 1):
            first.setdefault("CR LF" if line.endswith(b"\r") else "LF", number)
            if b"\r" in line[:-1]:
                first.setdefault("CR", number)
    if len(first) > 1:
        ends = ", ".join(f"{end} in line {number}" for end, number in first.items())
        return f"its lines end in different ways ({ends})"
    return "a quote is not closed, or stands inside a value"


def _broken_json_line(path: str) -> int | None:
    """Return the number of the first line that is no JSON, from 1: DuckDB's own count leaves lines out."""
    read = 0
    with open(path, "rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(_SCANNED_LINE), b""), 1):
            read += len(line)
            if read > _SCANNED_BYTES:
                return None
            try:
                if line.strip():
                    json.loads(line.decode("utf-8"))
            except (ValueError, RecursionError):
                return number
    return None
