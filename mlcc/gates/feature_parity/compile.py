"""From the parameters of a `feature_parity` gate to those of its script: two views, and one query over their join."""

from __future__ import annotations

# SQL is what this module writes; names go through `identifier`.
from collections.abc import Mapping
from typing import Any

from mlcc.gates import ArtifactInfo, GateParamsError, Loc, artifact_named, file_format
from mlcc.gates._metrics.levels import normal_quantile
from mlcc.gates._sql import real_literal
from mlcc.gates._values import cells, count_where
from mlcc.gates.strictness import DERIVED, SLACK, Way

LOOSER: Mapping[str, Way] = {
    "max_unmatched_*": SLACK,
    **dict.fromkeys(("z", "views/**", "query/*", "offline/format", "online/format"), DERIVED),
}
"""See mlcc.gates.strictness."""
_SIDES = ("offline", "online")


def references(params: Any) -> tuple[tuple[Loc, str], ...]:
    """Return the two tables."""
    return tuple(((side,), getattr(params, side)) for side in _SIDES)


def compile(params: Any, artifacts: Mapping[str, ArtifactInfo], guards: str) -> dict[str, object]:
    """Return what is compared, and the SQL. Raises GateParamsError."""
    del guards
    if params.offline == params.online:
        raise GateParamsError(("online",), f"{params.online} is compared with itself")
    formats = {side: _format(artifacts, getattr(params, side), side) for side in _SIDES}
    _check_names(params)
    features = [_feature(name, feature) for name, feature in params.columns.items()]
    return {
        **{side: {"artifact": getattr(params, side), "format": formats[side]} for side in _SIDES},
        "key": list(params.key),
        "columns": features,
        "max_mismatch": params.max_mismatch,
        "max_unmatched_online": params.max_unmatched_online,
        "max_unmatched_offline": params.max_unmatched_offline,
        "min_n": params.min_n,
        "confidence": params.confidence,
        "z": normal_quantile(params.confidence),
        "views": {side: _view(side, params.key, features, formats[side]) for side in _SIDES},
        "query": _query(len(params.key), features),
    }


def _format(artifacts: Mapping[str, ArtifactInfo], id: str, side: str) -> str:
    return file_format(artifact_named(artifacts, id, (side,)), (side,), "a table of features")


def _check_names(params: Any) -> None:
    for i, name in enumerate(params.key):
        if name in params.key[:i]:
            raise GateParamsError(("key", i), f"the key has {name} twice")
        if name in params.columns:
            raise GateParamsError(
                ("columns", name), f"{name} is a part of the key, so that it is always the same"
            )


def _feature(name: str, feature: Any) -> dict[str, object]:
    tolerances = {"tolerance": feature.tolerance, "relative": feature.relative}
    known = {key: value for key, value in tolerances.items() if value is not None}
    return {"name": name, "kind": "number" if known else "text", **known}


def _view(side: str, key: list[str], features: list[dict[str, object]], format: str) -> list[str]:
    """Return a view's lines: the key as text, k1, k2, …; of each feature what is given as text, and its number."""
    parts = [f"CAST({cells(name, format)['given']} AS VARCHAR) AS k{i}" for i, name in enumerate(key, 1)]
    for i, feature in enumerate(features, 1):
        found = cells(str(feature["name"]), format)
        parts.append(f"CAST({found['given']} AS VARCHAR) AS f{i}_given")
        if feature["kind"] == "number":
            parts.append(f"{found['number']} AS f{i}_number")
    lines = [f"  {part}," for part in parts[:-1]] + [f"  {parts[-1]}"]
    return [f"CREATE VIEW {side} AS", "SELECT", *lines, f"FROM {side}_source"]


def _query(parts: int, features: list[dict[str, object]]) -> list[str]:
    """Return the query whose one row has the matched rows, and per feature what isn't a number and what differs."""
    sums = ["COUNT(*) AS n"]
    for i, feature in enumerate(features, 1):
        if feature["kind"] == "number":
            sides = [f"({side}.f{i}_given IS NOT NULL AND {side}.f{i}_number IS NULL)" for side in _SIDES]
            sums.append(f"{count_where(' OR '.join(sides))} AS f{i}_strange")
        sums.append(f"{count_where(f'NOT ({_same(i, feature)})')} AS f{i}_differ")
    keys = " AND ".join(f"offline.k{i} = online.k{i}" for i in range(1, parts + 1))
    lines = [f"  {part}," for part in sums[:-1]] + [f"  {sums[-1]}"]
    return ["SELECT", *lines, f"FROM offline JOIN online ON {keys}"]


def _same(i: int, feature: Mapping[str, Any]) -> str:
    """Return SQL that is true where two values are the same, and false, never null, elsewhere.

    Numbers are as in Python's math.isclose: infinities equal themselves alone.
    """
    column = f"f{i}_number" if feature["kind"] == "number" else f"f{i}_given"
    a, b = f"offline.{column}", f"online.{column}"
    if feature["kind"] == "text":
        return f"{a} IS NOT DISTINCT FROM {b}"
    allowed = [real_literal(feature.get("tolerance", 0))]
    if "relative" in feature:
        allowed.append(f"{real_literal(feature['relative'])} * GREATEST(ABS({a}), ABS({b}))")
    most = allowed[0] if len(allowed) == 1 else f"GREATEST({', '.join(allowed)})"
    return (
        f"CASE WHEN {a} IS NULL OR {b} IS NULL THEN {a} IS NULL AND {b} IS NULL "
        f"WHEN isfinite({a}) AND isfinite({b}) THEN ABS({a} - {b}) <= {most} ELSE {a} = {b} END"
    )
