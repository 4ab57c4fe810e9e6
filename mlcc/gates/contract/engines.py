"""A contract's SQL for another engine than DuckDB: the same checks, in its dialect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.gates import ArtifactInfo, GateParamsError, Loc
from mlcc.gates._sql import identifier
from mlcc.gates.contract.columns import Column, from_table, nothing
from mlcc.gates.dialects import UntranslatableError, check_installed, check_select, table_name, translated


def rendered(
    compiled: dict[str, Any],
    columns: list[Column],
    artifact: ArtifactInfo,
    artifacts: Mapping[str, ArtifactInfo],
) -> dict[str, object]:
    """Return compiled parameters with their SQL in the dialect of the artifact's engine.

    A check of the user's own is in that dialect already, and stays as it is. Raises GateParamsError where the engine
    has no equivalent, at the place of what asks for it.
    """
    engine = artifact.engine
    check_installed(engine)
    own = {column.name: column for column in columns}
    for declared in compiled["columns"]:
        column = own[declared["name"]]
        name = identifier(column.name)
        declared["sql"] = translated(f"{from_table(column)} AS {name}", engine, column.loc)
        declared["absent"] = translated(f"{nothing(column)} AS {name}", engine, column.loc)
    places = {check["measure"]: _place(check, own) for check in compiled["checks"] if "measure" in check}
    measures = {
        name: {"sql": translated(measure["sql"], engine, places.get(name, ()))}
        for name, measure in compiled["measures"].items()
    }
    for check in compiled["checks"]:
        if "query" in check:
            check["query"] = [translated("\n".join(check["query"]), engine, _place(check, own))]
    for parent in compiled["parents"] or ():
        other = artifacts[parent["artifact"]]
        parent["sql"] = translated(parent["sql"], engine, ("references", parent["column"]))
        if other.is_table:
            parent["table"] = table_name(other)
    for id, lines in compiled["sql"].items():
        _check(lines, engine, ("checks", id, "sql"))
    return {
        **{key: value for key, value in compiled.items() if key != "view"},
        "engine": engine,
        "table": table_name(artifact) if artifact.is_table else None,
        "measures": measures,
    }


def _place(check: dict[str, Any], columns: dict[str, Column]) -> Loc:
    """Return where the spec asks for a check."""
    if check["kind"] == "references":
        return ("references", check["column"])
    if "column" not in check:
        return ("unique",) if check["kind"].startswith("key") else ()
    stated = check["kind"] if check["kind"] != "type" else ()
    return (*columns[check["column"]].loc, *([stated] if stated else []))


def _check(lines: list[str], engine: str, loc: Loc) -> None:
    try:
        check_select("\n".join(lines), engine)
    except UntranslatableError as error:
        help = f"over an artifact of {engine}, a check of your own is in its dialect"
        raise GateParamsError(loc, f"the check can't be used: {error}", help) from None
