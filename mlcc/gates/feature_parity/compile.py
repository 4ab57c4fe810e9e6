"""From the parameters of a `feature_parity` gate to those of its script: two views, and one query over their join."""

from __future__ import annotations

# SQL is what this module writes; names go through `identifier`.
from collections.abc import Mapping
from typing import Any

from mlcc.gates import DUCKDB, ArtifactInfo, GateParamsError, Loc, artifact_named, source_format
from mlcc.gates._metrics.levels import normal_quantile
from mlcc.gates._sql import real_literal
from mlcc.gates._values import cells, count_where
from mlcc.gates.strictness import DERIVED, SLACK, Way

LOOSER: Mapping[str, Way] = {
    "max_unmatched_*": SLACK,
    **dict.fromkeys(("z", "views/**", "query/**", "offline/format", "online/format"), DERIVED),
}
"""See mlcc.gates.strictness."""
_SIDES = ("offline", "online")
# A product of a relative tolerance and a number may vanish, and a difference overflow, which engines refuse.
_VANISHING, _LARGE = 1e-300, "8e307"


def references(params: Any) -> tuple[tuple[Loc, str], ...]:
    """Return the two tables."""
    return tuple(((side,), getattr(params, side)) for side in _SIDES)


def read_by_engine(params: Any, artifacts: Mapping[str, ArtifactInfo], guards: str) -> tuple[str, ...]:
    """Return the artifacts that an engine reads: the guarded one may be a model that is served."""
    del artifacts, guards
    return (params.offline, params.online)


def compile(params: Any, artifacts: Mapping[str, ArtifactInfo], guards: str) -> dict[str, object]:
    """Return what is compared, and the SQL. Raises GateParamsError."""
    del guards
    if params.offline == params.online:
        raise GateParamsError(("online",), f"{params.online} is compared with itself")
    formats = {side: _format(artifacts, getattr(params, side), side) for side in _SIDES}
    _check_names(params)
    features = [_feature(name, feature) for name, feature in params.columns.items()]
    selects = {side: _select(side, params.key, features, formats[side]) for side in _SIDES}
    sums = _sums(features, formats["offline"])
    join = f"offline JOIN online ON {' AND '.join(f'offline.k{i} = online.k{i}' for i, _ in enumerate(params.key, 1))}"
    found: dict[str, object] = {
        **{side: {"artifact": getattr(params, side), "format": formats[side]} for side in _SIDES},
        "key": list(params.key),
        "columns": features,
        "max_mismatch": params.max_mismatch,
        "max_unmatched_online": params.max_unmatched_online,
        "max_unmatched_offline": params.max_unmatched_offline,
        "min_n": params.min_n,
        "confidence": params.confidence,
        "z": normal_quantile(params.confidence),
        "views": {side: [f"CREATE VIEW {side} AS", *lines] for side, lines in selects.items()},
        "query": ["SELECT", *_listed(sums), f"FROM {join}"],
    }
    if artifacts[params.offline].engine != DUCKDB:
        from mlcc.gates.feature_parity.engines import rendered  # with sqlglot, which only other engines need

        views = {side: "\n".join(lines) for side, lines in selects.items()}
        return rendered(found, views, sums, join, artifacts)
    return found


def _format(artifacts: Mapping[str, ArtifactInfo], id: str, side: str) -> str:
    return source_format(artifact_named(artifacts, id, (side,)), (side,), "a table of features")


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


def _select(side: str, key: list[str], features: list[dict[str, object]], format: str) -> list[str]:
    """Return a side's lines: the key as text, k1, k2, …; of each feature what is given as text, and its number."""

    def text(name: str) -> str:
        found = cells(name, format)
        return found["text"] if format == "table" else f"CAST({found['given']} AS VARCHAR)"

    parts = [f"{text(name)} AS k{i}" for i, name in enumerate(key, 1)]
    for i, feature in enumerate(features, 1):
        name = str(feature["name"])
        parts.append(f"{text(name)} AS f{i}_given")
        if feature["kind"] == "number":
            parts.append(f"{cells(name, format)['number']} AS f{i}_number")
    return ["SELECT", *_listed(parts), f"FROM {side}_source"]


def _listed(parts: list[str]) -> list[str]:
    return [f"  {part}," for part in parts[:-1]] + [f"  {parts[-1]}"]


def _sums(features: list[dict[str, object]], format: str) -> list[str]:
    """Return what is counted over matched rows: how many there are, and per feature what isn't a number and what differs."""
    sums = ["COUNT(*) AS n"]
    for i, feature in enumerate(features, 1):
        if feature["kind"] == "number":
            sides = [f"({side}.f{i}_given IS NOT NULL AND {side}.f{i}_number IS NULL)" for side in _SIDES]
            sums.append(f"{count_where(' OR '.join(sides))} AS f{i}_strange")
        sums.append(f"{count_where(f'NOT ({_same(i, feature, format)})')} AS f{i}_differ")
    return sums


def _same(i: int, feature: Mapping[str, Any], format: str) -> str:
    """Return SQL that is true where two values are the same, and false, never null, elsewhere.

    Numbers are as in Python's math.isclose: infinities equal themselves alone.
    """
    column = f"f{i}_number" if feature["kind"] == "number" else f"f{i}_given"
    a, b = f"offline.{column}", f"online.{column}"
    if feature["kind"] == "text":
        return f"{a} IS NOT DISTINCT FROM {b}"
    larger = f"GREATEST(ABS({a}), ABS({b}))"
    allowed = [real_literal(feature.get("tolerance", 0))]
    if feature.get("relative", 0) and format == "table":
        least = real_literal(_VANISHING / feature["relative"])
        share = f"{real_literal(feature['relative'])} * {larger}"
        allowed.append(f"CASE WHEN {larger} < {least} THEN 0e0 ELSE {share} END")
    elif "relative" in feature and format != "table":
        allowed.append(f"{real_literal(feature['relative'])} * {larger}")
    most = allowed[0] if len(allowed) == 1 else f"GREATEST({', '.join(allowed)})"
    absent = f"CASE WHEN {a} IS NULL OR {b} IS NULL THEN {a} IS NULL AND {b} IS NULL"
    if format != "table":
        return (
            f"{absent} WHEN isfinite({a}) AND isfinite({b}) THEN ABS({a} - {b}) <= {most} ELSE {a} = {b} END"
        )
    apart = " OR ".join(
        f"({x} > {_LARGE} AND {y} < 0) OR ({x} < -{_LARGE} AND {y} > 0)" for x, y in ((a, b), (b, a))
    )
    return (
        f"{absent} WHEN isnan({a}) OR isnan({b}) THEN isnan({a}) AND isnan({b}) "
        f"WHEN NOT (isfinite({a}) AND isfinite({b})) THEN {a} = {b} WHEN {apart} THEN FALSE "
        f"ELSE ABS({a} - {b}) <= {most} END"
    )
