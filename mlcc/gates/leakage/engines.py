"""A leakage gate's SQL for another engine than DuckDB: the same sides and counts, in its dialect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.gates import ArtifactInfo
from mlcc.gates._sql import text_literal
from mlcc.gates._values import cells
from mlcc.gates.dialects import check_installed, stated, translated

# What engines would do in another way: some keep few digits of a decimal's mean, and Spark divides by the deviation 0.
_OTHERWISE = {
    "class": {"1.0": "CAST(1 AS DOUBLE)", "0.0": "CAST(0 AS DOUBLE)"},
    "correlation": {"CORR(rx, ry)": "COVAR_POP(rx, ry) / NULLIF(STDDEV_POP(rx) * STDDEV_POP(ry), 0)"},
}


def rendered(
    compiled: dict[str, Any], params: Any, artifacts: Mapping[str, ArtifactInfo]
) -> dict[str, object]:
    """Return compiled parameters with their SQL in the dialect of the engine that has the rows.

    `view` are the columns of both sides, by name: of which column of the table each is made, and how, by the sort of that
    column where it matters. Raises GateParamsError.
    """
    engine = artifacts[compiled["test"]["artifact"]].engine
    check_installed(engine)
    return {
        **compiled,
        "engine": engine,
        **{side: _side(side, compiled, params, artifacts, engine) for side in ("train", "test")},
        "view": {
            name: {
                key: part if key == "column" else translated(part, engine, ()) for key, part in made.items()
            }
            for name, made in _view(params).items()
        },
        "queries": {
            id: [translated("\n".join(lines), engine, ())] for id, lines in compiled["queries"].items()
        },
        "label_queries": {
            id: [translated(_label_query(id, lines), engine, (), "i", "y")]
            for id, lines in compiled["label_queries"].items()
        },
    }


def _side(
    side: str, compiled: dict[str, Any], params: Any, artifacts: Mapping[str, ArtifactInfo], engine: str
) -> dict[str, object]:
    source = stated({"artifact": compiled[side]["artifact"]}, artifacts)
    if params.split is None:
        return source
    condition = f"{_text(params.split.column)} = {text_literal(getattr(params.split, side))}"
    return {**source, "where": translated(condition, engine, ())}


def _label_query(id: str, lines: list[str]) -> str:
    sql = "\n".join(lines)
    for part, other in _OTHERWISE.get(id, {}).items():
        sql = sql.replace(part, other)
    return sql


def _text(name: str) -> str:
    return cells(name, "table")["text"]


def _view(params: Any) -> dict[str, dict[str, str]]:
    """Return the SQL of a side's columns, by the sort of what they are made of: `number`, `time` or `any`."""
    found = {f"k{i}": _any(name) for i, name in enumerate(params.key or (), 1)}
    if params.group is not None:
        found["g"] = _any(params.group)
    if params.time is not None:
        found["t"] = {
            "column": params.time,
            "number": cells(params.time, "table")["number"],
            "time": f"epoch_us(CAST({cells(params.time, 'table')['given']} AS TIMESTAMPTZ)) / 1e6",
        }
    for i, name in enumerate(params.features or (), 1):
        found[f"f{i}_given"] = {"column": name, "any": cells(name, "table")["given"]}
        found[f"f{i}_number"] = _number(name)
        found[f"f{i}_text"] = _any(name)
    if params.features:
        joined = " || chr(31) || ".join(f"COALESCE({_text(name)}, chr(30))" for name in params.features)
        found["h"] = {"column": params.features[0], "any": f"md5({joined})"}
    if params.label is not None:
        found["y_class"], found["y_number"] = _any(params.label), _number(params.label)
    return found


def _any(name: str) -> dict[str, str]:
    return {"column": name, "any": _text(name)}


def _number(name: str) -> dict[str, str]:
    return {"column": name, "number": cells(name, "table")["number"]}
