"""Foreign keys: values of a column that must occur in a column of another table, as one anti-join each."""

from __future__ import annotations

# SQL is what this module writes; names go through `identifier`.
# ruff: noqa: S608
from collections.abc import Mapping
from typing import Any

from mlcc.gates import DUCKDB, ArtifactInfo, GateParamsError, Loc, artifact_named, file_format
from mlcc.gates._sql import identifier
from mlcc.gates.contract.columns import Column, from_table, typed


def parents_of(
    params: Any, columns: list[Column], artifacts: Mapping[str, ArtifactInfo]
) -> list[dict[str, object]]:
    """Return how the column behind each foreign key is read, in the spec's order. Raises GateParamsError.

    `sql` is its value with the type of the column that refers to it, over its table. `name` is a view of that one
    column, `value`.
    """
    known = {column.name: column for column in columns}
    found: list[dict[str, object]] = []
    for i, (name, wanted) in enumerate(params.references.items(), 1):
        loc: Loc = ("references", name)
        if name not in known:
            raise GateParamsError(loc, f"`columns` doesn't declare {name}", "declare it with its type")
        artifact = artifact_named(artifacts, wanted.artifact, (*loc, "artifact"))
        column = Column(wanted.column, wanted.column, known[name].params, "")
        is_file = artifact.engine == DUCKDB
        format = file_format(artifact, (*loc, "artifact"), "what a key refers to") if is_file else "table"
        found.append(
            {
                "name": f"parent{i}",
                "column": name,
                "artifact": wanted.artifact,
                "format": format,
                "stored": wanted.column,
                "type": column.params.type,
                "sql": typed(column, format) if is_file else from_table(column),
            }
        )
    return found


def reference_checks(params: Any, parents: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return the check of each foreign key: how many values have no match. Nulls and NaN refer to nothing."""
    found: list[dict[str, object]] = []
    for parent in parents:
        column = f"data.{identifier(str(parent['column']))}"
        nan = f" AND NOT isnan({column})" if parent["type"] == "number" else ""
        query = [
            f"SELECT COUNT(*) AS unmatched FROM data LEFT JOIN (SELECT DISTINCT value FROM {parent['name']}) AS parent",
            f"ON {column} = parent.value WHERE {column} IS NOT NULL{nan} AND parent.value IS NULL",
        ]
        found.append(
            {
                "id": f"{parent['column']}.references",
                "kind": "references",
                "column": parent["column"],
                "limit": params.references[parent["column"]].max_unmatched,
                "query": query,
            }
        )
    return found
