"""A feature_parity gate's SQL for another engine than DuckDB: the same join and comparison, in its dialect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.gates import ArtifactInfo, GateParamsError
from mlcc.gates.dialects import check_installed, stated, translated

# Beyond it, a difference of two numbers of different signs may overflow, which engines refuse.
_LARGEST = 8e307


def rendered(
    compiled: dict[str, Any],
    views: Mapping[str, str],
    sums: list[str],
    join: str,
    artifacts: Mapping[str, ArtifactInfo],
) -> dict[str, object]:
    """Return compiled parameters with their SQL in the dialect of the engine that has both tables.

    `views` are the sides' columns, `sums` what is counted over the `join`. Raises GateParamsError where a comparison
    would be another one than DuckDB's.
    """
    engine = artifacts[compiled["offline"]["artifact"]].engine
    check_installed(engine)
    for feature in compiled["columns"]:
        _check_feature(feature, engine)
    return {
        **compiled,
        "engine": engine,
        "offline": stated(compiled["offline"], artifacts),
        "online": stated(compiled["online"], artifacts),
        "views": {side: translated(sql, engine, ()) for side, sql in views.items()},
        "query": {
            "sums": [translated(sql, engine, ()) for sql in sums],
            "join": join,  # of names alone, which every engine reads
        },
    }


def _check_feature(feature: Mapping[str, Any], engine: str) -> None:
    name = feature["name"]
    if feature["kind"] == "text" and engine == "snowflake":
        message = f"{engine} writes no more than 15 digits of a number, so that different values of {name} may look alike"
        help = "give it a tolerance (0: the numbers are the same); compare texts from snapshots in files"
        raise GateParamsError(("columns", name), message, help)
    if feature.get("tolerance", 0) >= _LARGEST:
        raise GateParamsError(
            ("columns", name, "tolerance"), f"over an artifact of {engine}, it is under {_LARGEST}"
        )
