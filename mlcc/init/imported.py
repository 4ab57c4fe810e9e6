"""A table's contract in another tool's file, as far as a `contract` gate can say it."""

from __future__ import annotations

import json
import re
from typing import Any

from mlcc.record import field, record

_TYPES = {
    "string": ("string", "str", "text", "varchar", "char", "category", "object", "uuid", "email"),
    "integer": ("integer", "int", "bigint", "smallint", "tinyint", "int8", "int16", "int32", "int64", "long"),
    "number": ("number", "float", "double", "decimal", "numeric", "real", "float16", "float32", "float64"),
    "boolean": ("boolean", "bool"),
    "date": ("date",),
    "timestamp": (
        "timestamp",
        "datetime",
        "timestamp_ntz",
        "timestamptz",
        "datetime64",
    ),
}


@record
class Imported:
    """A table's contract: what each column must be, by name, what the table must be, and what can't be said."""

    name: str
    columns: dict[str, dict[str, Any]] = field(default_factory=dict)
    table: dict[str, Any] = field(default_factory=dict)
    references: dict[str, tuple[str, str]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def leave_out(self, place: str, what: object) -> None:
        """List what a contract can't say."""
        shown = what if isinstance(what, str) else json.dumps(what, default=str, sort_keys=True)
        self.left_out.append(" ".join(f"{place}: {shown}".split()))


def column_of(found: Imported, name: str, stated: object) -> dict[str, Any]:
    """Return a new column, with its `type` where a contract knows it (see `settled`)."""
    plain_type = re.split(r"[(\[]", str(stated or ""), maxsplit=1)[0].strip().lower()
    type = next((ours for ours, theirs in _TYPES.items() if plain_type in theirs), None)
    if type is None:
        found.leave_out(name, f"its type is {stated or 'not said'}; declare the column by hand")
    return found.columns.setdefault(name, {"type": type})


def settled(found: Imported) -> Imported:
    """Return a contract whose columns all have a type; what is said of the others is listed."""
    unknown = {name: column for name, column in found.columns.items() if column["type"] is None}
    for name, column in unknown.items():
        del found.columns[name]
        rules = {key: value for key, value in column.items() if key not in ("type", "max_nulls")}
        if name in found.references:
            rules["references"] = found.references.pop(name)
        if rules:
            found.leave_out(name, rules)
    if set(found.table.get("unique", ())) - set(found.columns):
        found.leave_out("the table", {"unique": found.table.pop("unique")})
    return found
