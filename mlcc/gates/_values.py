"""How a column's cells are read as numbers or as categories, written as SQL, per data format.

A column becomes up to three columns of the relation `data`: `c1_given` is null where the cell is empty, `c1_number` and
`c1_text` are null where it isn't of that sort. What a query doesn't use costs nothing.
"""

from __future__ import annotations

from mlcc.gates._sql import identifier, text_literal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NUMBERS = frozenset(("integer", "number"))
CATEGORIES = frozenset(("string", "boolean"))
JSON_FORMATS = frozenset(("json", "jsonl"))
TYPED_FORMATS = frozenset(("parquet", "table"))  # `table`: of another engine than DuckDB
# What text must look like to be of a type. DuckDB's own casts are laxer: '1.5' becomes the integer 2, '1_0'
# the number 10.
TEXT_FORMS = {
    "integer": r"[+-]?[0-9]{1,19}",
    "number": r"[+-]?(([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[nN]a[nN]|[iI]nf(inity)?)",
    "boolean": r"[tT]rue|[fF]alse|TRUE|FALSE|0|1",
    "date": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "timestamp": (
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}"
        r"(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?"
    ),
}
JSON_TYPES = {
    "string": "'VARCHAR'",
    "integer": "'UBIGINT', 'BIGINT'",
    "number": "'UBIGINT', 'BIGINT', 'DOUBLE'",
    "boolean": "'BOOLEAN'",
    "date": "'VARCHAR'",
    "timestamp": "'VARCHAR'",
}
_JSON_TEXTS = "'VARCHAR', 'BOOLEAN'"
_STORED = (
    ("integer", ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")),
    ("integer", ("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT")),
    ("number", ("DOUBLE", "FLOAT", "DECIMAL")),
    ("string", ("VARCHAR", "ENUM")),
    ("boolean", ("BOOLEAN",)),
    ("date", ("DATE",)),
    ("timestamp", ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE")),
)


def sort_of(type: str) -> str:
    """Return how values of a type are compared: as a `number`, as a `category`, or not at all (`other`)."""
    return "number" if type in NUMBERS else "category" if type in CATEGORIES else "other"


def type_of(stored: str) -> str:
    """Return what a type of DuckDB's is called in specs and profiles; `other` for nested and binary ones."""
    plain = stored.partition("(")[0]
    return next((type for type, names in _STORED if plain in names), "other")


def cells(name: str, format: str) -> dict[str, str]:
    """Return the SQL of a column's `given`, `number` and `text`, over the table's `source`."""
    if format in JSON_FORMATS:
        text, kind = f"json_extract_string(json, {_pointer(name)})", _json_type(name)
        return {
            "given": text,
            "number": f"CASE WHEN {kind} IN ({JSON_TYPES['number']}) THEN TRY_CAST({text} AS DOUBLE) END",
            "text": f"CASE WHEN {kind} IN ({_JSON_TEXTS}) THEN {text} END",
        }
    given = identifier(name)
    if format == "table":  # whose text may be compared and sorted in some language's way
        return {
            "given": given,
            "number": f"CAST({given} AS DOUBLE)",
            "text": f"CAST({given} AS VARCHAR) COLLATE C",
        }
    if format == "parquet":
        # The type is looked at first; a decimal would make every comparison several times slower.
        return {
            "given": given,
            "number": f"CAST({given} AS DOUBLE)",
            "text": f"CAST({given} AS VARCHAR)",
        }
    form = text_literal(TEXT_FORMS["number"])
    number = f"CASE WHEN regexp_full_match({given}, {form}) THEN TRY_CAST({given} AS DOUBLE) END"
    return {"given": given, "number": number, "text": given}


def has_type(name: str, format: str, type: str) -> str:
    """Return SQL that tells whether a cell of a text format (CSV, TSV, JSON lines) is given, and of a type."""
    text = cells(name, format)["given"]
    fits = f"{text} IS NOT NULL"
    if type in TEXT_FORMS:
        fits = f"regexp_full_match({text}, {text_literal(TEXT_FORMS[type])})"
    return f"{fits} AND {_json_type(name)} IN ({JSON_TYPES[type]})" if format in JSON_FORMATS else fits


def _json_type(name: str) -> str:
    return f"json_type(json, {_pointer(name)})"


def _pointer(name: str) -> str:
    return text_literal("/" + name.replace("~", "~0").replace("/", "~1"))


def select_cells(columns: Sequence[Mapping[str, str]]) -> str:
    """Return the SELECT of the relation `data`: the cells of `columns`, in order, as c1_given, c1_number, …"""
    parts = [f"  {sql} AS c{i}_{key}" for i, column in enumerate(columns, 1) for key, sql in column.items()]
    return "SELECT\n" + ",\n".join(parts) + "\nFROM source"


def count_where(condition: str) -> str:
    """Return SQL that counts rows. In DuckDB, count_if takes half as long as SUM(CASE ...); of nulls alone it is null."""
    return f"CAST(COALESCE(count_if({condition}), 0) AS BIGINT)"


def filled(sql: str, **marks: object) -> str:
    """Return SQL with its marks filled in, in the order given: `{edge}` by what is called `edge`.

    What may itself look like a mark, a literal of text, comes last.
    """
    for mark, part in marks.items():
        sql = sql.replace(f"{{{mark}}}", str(part))
    return sql
