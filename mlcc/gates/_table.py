"""Tables for gates: DuckDB in memory, allowed to read the gate's artifact and nothing else."""

from __future__ import annotations

# os.path is loaded at start-up anyway.
# SQL is what this module writes; whatever comes from outside goes through `identifier` or `text_literal`.
# ruff: noqa: PTH106, PTH118, PTH123, S608
import os

from mlcc.gates._files import check_array, partitions_of, table_files
from mlcc.gates._reasons import file_reason, sql_reason
from mlcc.gates._records import GateError, visible
from mlcc.gates._sql import identifier, text_literal
from mlcc.gates._support import Gate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

# DuckDB takes what it is given before it writes to disk: first little, and more only for a query that fails by it.
MEMORY_LIMIT, MOST_MEMORY = "128MB", "2GB"
_MAJOR = "2"
_HEADER_CHARACTERS = 1 << 20
_MAX_KEYS = 10_000
_DELIMITERS = {"csv": ",", "tsv": "\t"}
_JSON_READERS = {"jsonl": "read_ndjson_objects({})", "json": "read_json_objects({}, format = 'array')"}


class Table:
    """An artifact opened for SQL. `columns` maps its columns' names to DuckDB types, in their order.

    `source` is its SQL table expression: the columns as they are for Parquet, as text for CSV and TSV; for
    JSON one column `json`, and `columns` has the keys that occur, of type JSON. `files` are its files, and
    `partitions` the columns, of text, that the names of their folders stand for, with their values.
    """

    def __init__(
        self,
        connection: Any,
        files: Sequence[str],
        source: str,
        columns: dict[str, str],
        partitions: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.connection = connection
        self.files = files
        self.source = source
        self.columns = columns
        self.partitions = partitions or {}

    @property
    def types(self) -> Mapping[str, str]:
        """The columns' types in full, with lengths and digits."""
        return self.columns

    def text(self, value: str) -> str:
        """Return text as SQL spells it."""
        return text_literal(value)

    def define(self, name: str, select: str) -> None:
        """Give a query a name that later ones can use. Raises GateError."""
        self.rows(f"CREATE VIEW {name} AS {select}")

    def aggregates(self, parts: Sequence[str], relation: str) -> list[Any]:
        """Return the values of aggregates over all rows, by one scan. Raises GateError."""
        return list(self.one("SELECT\n  " + ",\n  ".join(parts) + f"\nFROM {relation}"))

    def cast(self, column: str, type: str) -> None:
        """Give a column another type of DuckDB's."""
        name = identifier(column)
        self.source = f"(SELECT * REPLACE (CAST({name} AS {type}) AS {name}) FROM {self.source})"
        self.columns[column] = type

    def one(self, sql: str, named: Mapping[str, str] | None = None) -> tuple[Any, ...]:
        """Return the one row of a query. `named` are queries that this one knows by name. Raises GateError."""
        views = ",\n".join(f"{name} AS ({select})" for name, select in (named or {}).items())
        rows = self.rows(f"WITH {views}\n{sql}" if views else sql)
        if len(rows) != 1:
            raise GateError("a query did not give one row")
        return rows[0]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return all rows of a query. Raises GateError."""
        return query(self.connection, self.files, sql)

    def arrays(self, sql: str) -> dict[str, Any]:
        """Return the columns of a query as numpy arrays, masked where there are nulls. Raises GateError."""
        found: dict[str, Any] = _fetched(self.connection, self.files, sql, "fetchnumpy", own=True)
        return found

    def check(self, sql: str) -> list[tuple[Any, ...]]:
        """Return all rows of a query that comes from the spec. Raises GateError."""
        return query(self.connection, self.files, sql, own=False)


def open_table(gate: Gate, artifact: str, format: str) -> Table:
    """Open an artifact. Raises GateError where it isn't a sound table of its format or DuckDB is missing."""
    path = gate.paths(artifact)
    return open_files(gate, path, table_files(path, format), format)


def open_tables(gate: Gate, artifacts: Sequence[tuple[str, str]]) -> list[Table]:
    """Open several artifacts (id and format) in one database, so that queries can join them. Raises GateError."""
    paths = [gate.paths(artifact) for artifact, _ in artifacts]
    files = [table_files(path, format) for path, (_, format) in zip(paths, artifacts)]  # noqa: B905
    connection = _connect(gate, [file for some in files for file in some])
    return [
        _open_as(connection, path, some, format)
        for path, some, (_, format) in zip(paths, files, artifacts)  # noqa: B905
    ]


def open_files(gate: Gate, path: str | Sequence[str], files: Sequence[str], format: str) -> Table:
    """Open the files at a path as one table; all have the same columns. Raises GateError as `open_table`."""
    if format in _DELIMITERS:
        _names(files, format)  # what is wrong with a header is said without DuckDB, too
    return _open_as(_connect(gate, files), path, files, format)


def _open_as(connection: Any, path: str | Sequence[str], files: Sequence[str], format: str) -> Table:
    if format in _DELIMITERS:
        names = _names(files, format)
        source = _csv_source(files, names, _DELIMITERS[format])
        return Table(connection, files, source, dict.fromkeys(names, "VARCHAR"))
    if format in _JSON_READERS:
        return _open_json(connection, files, format)
    if format == "parquet":
        return _open_parquet(connection, files, partitions_of(path, files))
    raise GateError(f"the format {visible(format)} is not known")


def _names(files: Sequence[str], format: str) -> list[str]:
    names = _header(files[0], _DELIMITERS[format])
    for file in files[1:]:
        if _header(file, _DELIMITERS[format]) != names:
            raise GateError(f"{visible(file)} has another header than {visible(files[0])}")
    return names


def query(connection: Any, files: Sequence[str], sql: str, *, own: bool = True) -> list[tuple[Any, ...]]:
    """Return all rows of a query over `files`. Raises GateError, without values of the data in its message.

    `own`: the SQL is mlcc's, so that whatever goes wrong is the data's fault.
    """
    found: list[tuple[Any, ...]] = _fetched(connection, files, sql, "fetchall", own=own)
    return found


def _fetched(connection: Any, files: Sequence[str], sql: str, how: str, *, own: bool) -> Any:
    import duckdb

    try:
        try:
            return getattr(connection.execute(sql), how)()
        except duckdb.OutOfMemoryException:
            connection.execute(f"SET memory_limit = '{MOST_MEMORY}'")
            return getattr(connection.execute(sql), how)()
    except duckdb.Error as error:
        reason = None if own else sql_reason(error, sql)
        raise GateError(reason or file_reason(error, files)) from None


def footer_nulls(table: Table) -> dict[str, int]:
    """Return column -> nulls, for the columns whose nulls each footer of the Parquet files tells."""
    files = ", ".join(text_literal(file) for file in table.files)
    found = table.rows(
        "SELECT path_in_schema, SUM(stats_null_count), COUNT(stats_null_count), COUNT(DISTINCT (file_name, row_group_id)) "
        f"FROM parquet_metadata([{files}]) GROUP BY path_in_schema"
    )
    groups = max((groups for *_, groups in found), default=0)
    return {name: int(nulls) for name, nulls, told, _ in found if told == groups}


def close(table: Table, gate: Gate) -> None:
    """Close the connection, and remove the folder that DuckDB may have made for what didn't fit in memory."""
    table.connection.close()
    try:
        os.rmdir(os.path.join(gate.folder, "spill"))
    except OSError:
        return


def _connect(gate: Gate, files: Sequence[str]) -> Any:
    try:
        import duckdb
    except ImportError:
        raise GateError(_how_to_install(gate)) from None
    if duckdb.__version__.split(".")[0] != _MAJOR:
        raise GateError(f"DuckDB {visible(duckdb.__version__)} is installed: {_how_to_install(gate)}")
    config: Mapping[str, str] = {
        "memory_limit": MEMORY_LIMIT,
        "temp_directory": os.path.join(gate.folder, "spill"),
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "allow_community_extensions": "false",
        "python_enable_replacements": "false",
    }
    try:
        connection = duckdb.connect(":memory:", config=dict(config))
        for setting in (
            "SET TimeZone = 'UTC'",
            "SET enable_progress_bar = false",
            "SET allowed_configs = ['memory_limit']",
            "SET preserve_insertion_order = false",
            f"SET allowed_paths = {_listed(files)}",
            "SET enable_external_access = false",
            "SET lock_configuration = true",
        ):
            connection.execute(setting)
    except duckdb.Error as error:
        raise GateError(f"DuckDB could not be locked down: {type(error).__name__}") from None
    return connection


def _how_to_install(gate: Gate) -> str:
    list_ = f".mlcc/gates/{gate.kind}.txt"
    return f"DuckDB is needed: pip install --require-hashes --only-binary :all: --no-deps -r {list_}"


def _header(path: str, delimiter: str) -> list[str]:
    """Return the column names of a CSV file, from its first record."""
    import csv  # here, so that a gate that reads only JSON doesn't wait for it

    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            lines = iter(lambda: file.readline(_HEADER_CHARACTERS), "")
            names = next(csv.reader(lines, delimiter=delimiter, strict=True), [])
    except UnicodeDecodeError:
        raise GateError(f"{visible(path)} is not UTF-8") from None
    except csv.Error as error:
        raise GateError(f"the header of {visible(path)} is not proper CSV: {error}") from None
    if not names or not all(names):
        raise GateError(f"{visible(path)} has no header, or a column without a name")
    _refuse_twins(names, path)
    return names


def _refuse_twins(names: Sequence[str], path: str) -> None:
    """SQL names don't tell case apart, so neither may the columns of a table that is judged by SQL."""
    seen: dict[str, str] = {}
    for name in names:
        twin = seen.setdefault(name.casefold(), name)
        if seen[name.casefold()] is not name or names.count(name) > 1:
            raise GateError(f"{visible(path)} has the columns {visible(twin, 80)} and {visible(name, 80)}")


def _listed(files: Sequence[str]) -> str:
    return "[" + ", ".join(text_literal(file) for file in files) + "]"


def _csv_source(files: Sequence[str], names: Sequence[str], delimiter: str) -> str:
    columns = ", ".join(f"{text_literal(name)}: 'VARCHAR'" for name in names)
    options = (
        "auto_detect = false, header = true, quote = '\"', escape = '\"', nullstr = '', strict_mode = true, "
        "null_padding = false, ignore_errors = false, compression = 'none'"
    )
    return (
        f"read_csv({_listed(files)}, delim = {text_literal(delimiter)}, {options}, columns = {{{columns}}})"
    )


def _open_json(connection: Any, files: Sequence[str], format: str) -> Table:
    unit = "lines" if format == "jsonl" else "items"
    for file in files if format == "json" else ():
        check_array(file)
    source = _JSON_READERS[format].format(f"{_listed(files)}, ignore_errors = false, compression = 'none'")
    ((other, twice),) = query(
        connection,
        files,
        "SELECT SUM(CASE WHEN json_type(json) <> 'OBJECT' THEN 1 ELSE 0 END), SUM(CASE WHEN "
        f"len(json_keys(json)) <> len(list_distinct(json_keys(json))) THEN 1 ELSE 0 END) FROM {source}",
    )
    if other or twice:
        what = "no JSON object" if other else "objects with a key that occurs twice"
        raise GateError(f"{other or twice} {unit} of {_shown(files)} are {what}")
    keys = query(
        connection,
        files,
        f"SELECT DISTINCT unnest(json_keys(json)) AS key FROM {source} LIMIT {_MAX_KEYS + 1}",
    )
    if len(keys) > _MAX_KEYS:
        raise GateError(f"{_shown(files)} has over {_MAX_KEYS} different keys")
    return Table(connection, files, source, {key: "JSON" for (key,) in sorted(keys)})


def _shown(files: Sequence[str]) -> str:
    return visible(files[0]) + (f" and {len(files) - 1} more" if len(files) > 1 else "")


def _open_parquet(connection: Any, files: Sequence[str], partitions: Mapping[str, Sequence[str]]) -> Table:
    list_ = _listed(files)
    schemas: dict[str, list[tuple[Any, ...]]] = {file: [] for file in files}
    for file, *fields in query(
        connection,
        files,
        "SELECT file_name, name, num_children, type, converted_type, CAST(logical_type AS VARCHAR) "
        f"FROM parquet_schema({list_})",
    ):
        schemas[file].append(tuple(fields))
    first = schemas[files[0]]
    for file, schema in schemas.items():
        # The root's name tells only who wrote the file.
        if schema[1:] != first[1:]:
            raise GateError(f"{visible(file)} has another schema than {visible(files[0])}")
    names = _top_names(first)
    _refuse_twins(names, files[0])
    # Statistics in Parquet leave NaN out, and DuckDB believes them unless it is told: it would see no NaN in a column.
    hive = "true, hive_types_autocast = false" if partitions else "false"
    source = f"read_parquet({list_}, hive_partitioning = {hive}, union_by_name = false, can_have_nan = true)"
    if partitions:
        _refuse_twins([*names, *partitions], files[0])
        # DuckDB takes the names of the folders above the artifact for columns, too.
        own = ", ".join(map(identifier, (*names, *partitions)))
        source = f"(SELECT {own} FROM {source})"
    columns = {row[0]: row[1] for row in query(connection, files, f"DESCRIBE SELECT * FROM {source}")}
    if list(columns) != [*names, *partitions]:
        raise GateError(f"the columns of {visible(files[0])} could not be told apart")
    return Table(connection, files, source, columns, partitions)


def _top_names(schema: Sequence[tuple[Any, ...]]) -> list[str]:
    """Return the names of the top level of a Parquet schema, which lists its tree depth first, root first."""
    names: list[str] = []
    below: list[int] = []  # per open level, how many nodes are still to come
    for name, children, *_ in schema:
        if len(below) == 1:
            names.append(name)
        if below:
            below[-1] -= 1
        if children:
            below.append(children)
        while below and below[-1] == 0:
            below.pop()
    return names
