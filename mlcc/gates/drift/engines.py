"""A drift gate's SQL for another engine than DuckDB: the same cells and counts, in its dialect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.gates import ArtifactInfo
from mlcc.gates._profile import NUMBER_MEASURES, PROFILE_QUERIES
from mlcc.gates.dialects import check_installed, stated, translated
from mlcc.gates.drift.counts import COUNTS

# What the gate fills in: a column's number, and what it knows only then.
_MARKS = ("i", "edge", "value", "low", "high", "least", "step", "start")


def rendered(compiled: dict[str, Any], artifacts: Mapping[str, ArtifactInfo]) -> dict[str, object]:
    """Return compiled parameters with their SQL in the dialect of the engine that has the current table.

    Where the reference is a table, too, they have the queries that make its profile. Raises GateParamsError.
    """
    engine = artifacts[compiled["current"]["artifact"]].engine
    check_installed(engine)
    for column in compiled["columns"]:
        loc = ("columns", column["id"])
        column["cells"] = {key: translated(sql, engine, loc) for key, sql in column["cells"].items()}
    is_table = compiled["reference"]["format"] != "profile"
    return {
        **compiled,
        "reference": stated(compiled["reference"], artifacts),
        "current": stated(compiled["current"], artifacts),
        "engine": engine,
        "counts": _translated(COUNTS, engine),
        "profile": profile_queries(engine) if is_table else {},
    }


def profile_queries(engine: str) -> dict[str, str]:
    """Return the queries that make a table's profile, in an engine's dialect."""
    return _translated({**PROFILE_QUERIES, **NUMBER_MEASURES}, engine)


def _translated(queries: Mapping[str, str], engine: str) -> dict[str, str]:
    return {name: translated(sql, engine, (), *_MARKS) for name, sql in queries.items()}
