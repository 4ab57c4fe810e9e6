"""Reads the numbers of text files: JSON, JSON lines, CSV and TSV."""

from __future__ import annotations

# os.path is loaded at start-up anyway.
# ruff: noqa: PTH123
import csv

from mlcc.gates._records import GateError, visible
from mlcc.gates._strict import parse_json, read_json
from mlcc.gates.pipeline_smoke.tally import Tally

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MOST_JSON = 64 << 20
_LONGEST_LINE = 16 << 20
_SEPARATORS = {"csv": ",", "tsv": "\t"}


def tally_json(path: str, value: Sequence[str] | None, tally: Tally) -> None:
    """Count all numbers of a JSON file, or the number or list of numbers at `value`. Raises GateError."""
    document = read_json(path, _MOST_JSON, finite=False)
    if value is None:
        tally.add_tree(document, "")
        return
    place = visible(".".join(value), 100)
    for step in value:
        document = document.get(step) if isinstance(document, dict) else None
    if document is None:
        raise GateError(f"{visible(path)} has nothing at {place}")
    for i, item in enumerate(document if isinstance(document, list) else [document]):
        tally.add(item, f"{place}[{i}]" if isinstance(document, list) else place)


def tally_table(path: str, format: str, columns: Sequence[str], tally: Tally) -> None:
    """Count the cells of some columns; a cell without a number is bad. Raises GateError."""
    rows = _json_rows(path) if format == "jsonl" else _rows(path, _SEPARATORS[format])
    for number, row in rows:
        for column in columns:
            if column not in row:
                raise GateError(f"{visible(path)} has no column {visible(column, 80)} in line {number}")
            value = row[column]
            tally.add(_number(value) if format != "jsonl" else value, f"{visible(column, 80)}, line {number}")


def _number(cell: object) -> object:
    """Return the number that a cell of text spells; what spells none stays text."""
    try:
        return float(cell) if isinstance(cell, str) and "_" not in cell else cell
    except ValueError:
        return cell


def _json_rows(path: str) -> Iterator[tuple[int, dict[str, object]]]:
    for number, line in _lines_of(path):
        if line.strip():
            row = parse_json(line, f"line {number} of {visible(path)}", finite=False)
            if not isinstance(row, dict):
                raise GateError(f"line {number} of {visible(path)} is no JSON object")
            yield number, row


def _rows(path: str, delimiter: str) -> Iterator[tuple[int, dict[str, object]]]:
    reader = csv.reader((line for _, line in _lines_of(path)), delimiter=delimiter, strict=True)
    try:
        names = next(reader, [])
        if len(set(names)) < len(names):
            raise GateError(f"{visible(path)} has two columns of the same name")
        for row in reader:
            if len(row) != len(names):
                raise GateError(
                    f"line {reader.line_num} of {visible(path)} has {len(row)} columns instead of {len(names)}"
                )
            yield reader.line_num, dict(zip(names, row))  # noqa: B905 - strict= is newer than Python 3.8
    except csv.Error:
        raise GateError(f"line {reader.line_num} of {visible(path)} is not proper CSV") from None


def _lines_of(path: str) -> Iterator[tuple[int, str]]:
    """Yield (number, line) of a text file, with the line ends."""
    with open(path, "rb") as file:
        number = 0
        while True:
            data = file.readline(_LONGEST_LINE + 1)
            if not data:
                return
            number += 1
            if len(data) > _LONGEST_LINE:
                raise GateError(f"line {number} of {visible(path)} has over {_LONGEST_LINE} bytes")
            try:
                yield number, data.decode("utf-8")
            except UnicodeDecodeError:
                raise GateError(f"line {number} of {visible(path)} is not UTF-8") from None
