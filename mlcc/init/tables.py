"""The columns of a table, as far as its file shows them."""

from __future__ import annotations

import csv
import datetime
import math
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from mlcc.load.source import HIDDEN
from mlcc.record import record

MOST_BYTES = 32 << 20  # a longer file is read in part, and its types are guesses
SAMPLE_ROWS = 20_000
MOST_COLUMNS = 60
_MOST_CHARACTERS = 80  # of a column's name that a line of the proposal has room for
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")  # what a key of a spec may be
_PARQUET_TYPES = (
    (r"U?(TINY|SMALL|BIG)?INT(EGER)?", "integer"),
    (r"FLOAT|DOUBLE|DECIMAL.*", "number"),
    (r"VARCHAR", "string"),
    (r"BOOLEAN", "boolean"),
    (r"DATE", "date"),
    (r"TIMESTAMP.*", "timestamp"),
)


class NoTableError(Exception):
    """A contract can't be proposed for a file; the message says why, as a phrase."""


@record
class ColumnGuess:
    """A column: name, type, share of rows without a value, whether every value is different, further rules."""

    name: str
    type: str
    nulls: float
    unique: bool
    rules: tuple[str, ...] = ()  # further entries of the contract, as the spec spells them


@record
class TableGuess:
    """A table. `whole`: all of its rows were read, so that what is said of the columns holds today."""

    columns: dict[str, ColumnGuess]  # by the key that the contract gives it
    rows: int
    whole: bool
    left_out: list[str]  # columns whose names a spec can't hold, and those beyond MOST_COLUMNS


def read_table(path: Path) -> TableGuess:
    """Return what a CSV, TSV or Parquet file shows. Raises NoTableError when it can't be read as a proper table."""
    try:
        return _parquet(path) if path.suffix == ".parquet" else _delimited(path, _DELIMITERS[path.suffix])
    except UnicodeDecodeError:
        raise NoTableError("it isn't UTF-8") from None
    except OSError as problem:
        raise NoTableError(f"it can't be read: {problem.strerror}") from None


def _delimited(path: Path, delimiter: str) -> TableGuess:
    whole = path.stat().st_size <= MOST_BYTES
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file, delimiter=delimiter, strict=True)
        count = 0
        try:
            names = next(rows, [])
            _check_header(names, delimiter)
            columns = [_Column(name) for name in names]
            for row in rows:
                if len(row) != len(names):
                    raise NoTableError(
                        f"line {rows.line_num} has {len(row)} columns, and the header {len(names)}"
                    )
                for column, text in zip(columns, row, strict=True):
                    column.add(text)
                count += 1
                if not whole and count == SAMPLE_ROWS:
                    break
        except csv.Error as problem:
            raise NoTableError(f"line {rows.line_num} isn't proper CSV: {problem}") from None
    return table_guess([column.guess(whole) for column in columns], count, whole)


def _check_header(names: list[str], delimiter: str) -> None:
    other = next(
        (mark for mark in ";\t|," if len(names) == 1 and mark != delimiter and mark in names[0]), None
    )
    if other is not None:
        shown = {"\t": "tabs, as in a .tsv file"}.get(other, f"'{other}'")
        raise NoTableError(f"its columns seem to be separated by {shown}")
    _check_names(names)


def _check_names(names: list[str]) -> None:
    if not names or not all(names):
        raise NoTableError("it has a column without a name" if names else "it is empty")
    if len({name.casefold() for name in names}) < len(names):
        raise NoTableError("two of its columns have the same name")


def table_guess(columns: Iterable[ColumnGuess], rows: int, whole: bool) -> TableGuess:
    """Return the guess at a table with these columns. Raises NoTableError where it has no rows."""
    if not rows:
        raise NoTableError("it has no rows")
    every = list(columns)
    fit = [column for column in every if _can_be_named(column.name)][:MOST_COLUMNS]
    left_out = [column.name for column in every if column not in fit]
    return TableGuess(_keyed(fit), rows, whole, left_out)


def _can_be_named(name: str) -> bool:
    """Tell whether a spec can hold a column's name, and a line of it a proposal."""
    plain = name.isprintable() and name.strip() and not HIDDEN.search(name) and "${{" not in name
    return bool(plain) and len(name) <= _MOST_CHARACTERS


def _keyed(columns: list[ColumnGuess]) -> dict[str, ColumnGuess]:
    """Give each column a key: its name, or where that can't be a key, one that is made from it."""
    taken = {column.name.casefold() for column in columns if KEY.fullmatch(column.name)}
    keyed: dict[str, ColumnGuess] = {}
    for column in columns:
        key = column.name
        if not KEY.fullmatch(key):
            wanted, number = key_for(column.name), 2
            key = wanted
            while key in taken:
                key, number = f"{wanted}_{number}", number + 1
            taken.add(key)
        keyed[key] = column
    return keyed


def key_for(name: str) -> str:
    """Return a key made from a column's name: `Unnamed: 0` gives unnamed_0, `größe` grosse."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    words = re.findall(r"[a-z0-9]+", "".join(c for c in letters if not unicodedata.combining(c)))
    key = "_".join(words)
    return key if KEY.fullmatch(key) else f"column_{key}".rstrip("_")


class _Column:
    """What the values of a text column have in common."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.types = list(_CHECKS)
        self.count = self.empty = 0
        self.seen: set[str] | None = set()

    def add(self, text: str) -> None:
        self.count += 1
        if text == "":
            self.empty += 1
            return
        self.types = [type for type in self.types if _CHECKS[type](text)]
        if self.seen is not None:
            if text in self.seen:
                self.seen = None
            else:
                self.seen.add(text)

    def guess(self, whole: bool) -> ColumnGuess:
        type = self.types[0] if self.types and self.empty < self.count else "string"
        nulls = self.empty / self.count if self.count else 0.0
        return ColumnGuess(self.name, type, nulls, whole and self.seen is not None and not self.empty)


def _is_number(text: str) -> bool:
    return re.fullmatch(
        r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text
    ) is not None and math.isfinite(float(text))


def _is_date(text: str) -> bool:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return False
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_timestamp(text: str) -> bool:
    parts = re.fullmatch(r"([0-9-]{10})[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]{1,6})?)?Z?", text)
    if not parts or not _is_date(parts[1]):
        return False
    return int(parts[2]) < 24 and int(parts[3]) < 60 and int(parts[4] or 0) < 60


# In this order: the first type that all values have is the column's. 18 digits fit into 64 bits.
_CHECKS = {
    "integer": lambda text: re.fullmatch(r"[+-]?[0-9]{1,18}", text) is not None,
    "number": _is_number,
    "boolean": lambda text: text in ("true", "false", "True", "False", "TRUE", "FALSE"),
    "date": _is_date,
    "timestamp": _is_timestamp,
}


def _parquet(path: Path) -> TableGuess:
    try:
        import duckdb  # of the extra `gates`; without it a Parquet file stays closed
    except ImportError:
        raise NoTableError("reading Parquet needs DuckDB: pip install 'mlcc[gates]'") from None
    try:
        with duckdb.connect(":memory:") as connection:
            described = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
            types = {str(row[0]): _parquet_type(str(row[1])) for row in described}
            known = {name: type for name, type in types.items() if type}
            _check_names(list(types))
            if not known:
                raise NoTableError("none of its columns has a type that a contract knows")
            filled = ", ".join(f"count({_filled(name, type)})" for name, type in known.items())
            # Each name is quoted as SQL wants it; the path is a parameter.
            query = f"SELECT count(*), {filled} FROM read_parquet(?)"  # noqa: S608
            rows, *counts = connection.execute(query, [str(path)]).fetchone() or (0,)
    except duckdb.Error:
        raise NoTableError("it isn't proper Parquet") from None
    pairs = zip(known.items(), counts, strict=True)
    return table_guess(
        (ColumnGuess(name, type, 1 - count / max(rows, 1), False) for (name, type), count in pairs),
        rows,
        True,
    )


def _filled(name: str, type: str) -> str:
    """Return SQL that is null where a contract sees no value: NaN is none."""
    quoted = _quoted(name)
    return f"CASE WHEN NOT isnan(CAST({quoted} AS DOUBLE)) THEN 1 END" if type == "number" else quoted


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _parquet_type(type: str) -> str:
    return next((ours for pattern, ours in _PARQUET_TYPES if re.fullmatch(pattern, type)), "")


def allowed_nulls(share: float) -> str:
    """Return the `max_nulls` that today's share keeps to, with room for a fifth more; '' where it is 0."""
    return f"{min(1.0, math.ceil(share * 120) / 100):g}" if share > 0 else ""
