"""From the parameters of a `drift` gate to those of its script."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mlcc.gates import DUCKDB, ArtifactInfo, GateParamsError, Loc, artifact_named, source_format
from mlcc.gates._values import cells
from mlcc.gates.drift.measures import MEASURES
from mlcc.gates.names import check_names
from mlcc.gates.strictness import CEILING, DERIVED, Way

LOOSER: Mapping[str, Way] = {
    "columns/*/missing": CEILING,
    "confidence": CEILING,  # of the quantile that an effect must exceed to block
    **dict.fromkeys(("reference/format", "current/format", "columns/*/cells/**"), DERIVED),
    **dict.fromkeys(("counts/**", "profile/**"), DERIVED),
}
"""See mlcc.gates.strictness."""


def references(params: Any) -> tuple[tuple[Loc, str], ...]:
    """Return the artifact with the reference, and the one that is judged where it is named."""
    keys = ("reference", "current")
    return tuple(((key,), getattr(params, key)) for key in keys if getattr(params, key) is not None)


def read_by_engine(params: Any, artifacts: Mapping[str, ArtifactInfo], guards: str) -> tuple[str, ...]:
    """Return the artifacts that an engine reads: a profile is none of them."""
    current = guards if params.current is None else params.current
    return (current,) if _is_profile(artifacts[params.reference]) else (current, params.reference)


def compile(params: Any, artifacts: Mapping[str, ArtifactInfo], guards: str) -> dict[str, object]:
    """Return the columns with their limits and the SQL of their cells. Raises GateParamsError.

    The bins aren't here but in the profile, which may change without a compile: what is committed is how a
    column is read, and the script counts it at whatever edges the profile has (see docs/gates.md).
    """
    current = guards if params.current is None else params.current
    if current == params.reference:
        help = (
            "name another table, or a profile of an earlier one: `mlcc profile TABLE -o baselines/NAME.json`"
        )
        raise GateParamsError(("reference",), f"'{current}' would be compared with itself", help)
    format = _table(artifacts, current, () if params.current is None else ("current",))
    is_profile = _is_profile(artifact_named(artifacts, params.reference, ("reference",)))
    reference = "profile" if is_profile else _table(artifacts, params.reference, ("reference",))
    found = {
        "reference": {"artifact": params.reference, "format": reference},
        "current": {"artifact": current, "format": format},
        "columns": _columns(params, format),
        "min_n": params.min_n,
        "confidence": params.confidence,
    }
    if artifacts[current].engine != DUCKDB:
        from mlcc.gates.drift.engines import rendered  # with sqlglot, which only other engines need

        return rendered(found, artifacts)
    return found


def _is_profile(artifact: ArtifactInfo) -> bool:
    return artifact.engine == DUCKDB and artifact.format == "json"


def _table(artifacts: Mapping[str, ArtifactInfo], id: str, loc: Loc) -> str:
    what = "the reference, unless it is a profile (.json)," if loc == ("reference",) else "the current table"
    return source_format(artifact_named(artifacts, id, loc), loc, what)


def _columns(params: Any, format: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    seen: dict[str, str] = {}
    for key, column in params.columns.items():
        stored = key if column.name is None else column.name
        loc: Loc = ("columns", key) if column.name is None else ("columns", key, "name")
        check_names({loc: stored})
        twin = seen.setdefault(stored.casefold(), key)
        if twin != key:
            raise GateParamsError(loc, f"{key} and {twin} are the same column of the table")
        limits = {name: getattr(column, name) for name in (*MEASURES, "missing")}
        for name, limit in limits.items():
            if limit is not None and not math.isfinite(limit):
                raise GateParamsError(("columns", key, name), f"{name} is not a finite number")
        given = {name: limit for name, limit in limits.items() if limit is not None}
        found.append({"id": key, "name": stored, **given, "cells": cells(stored, format)})
    return found
