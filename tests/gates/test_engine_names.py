"""Hostile names of columns on Spark and Postgres: what is found is what DuckDB finds."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gates.conftest import Project
from tests.gates.engine_tables import Column, Put, places, server

__all__ = ["places", "server"]
ROWS = 200
_NAMES = (
    'a"b', "a`b", "a'b", "a;b", "{i}", "{value}", "{edge}", "mlcc_mark_i", "a b", "select", "ä", "--x", "/*", "*/", "%s",
    "a\\b", "\\", "$$", "${x}", "c1_number", "c1_text", "source", "data", "a.b", "x')--", '" FROM t; --', "?", ":x", "@x", "k1",
    "h", "y_class", "train", "offline", "trailing ", "🙂", "a,b", "(a", "=1", "f1_given",
)  # fmt: skip


def _columns(text: str) -> dict[str, Column]:
    """Return columns of two texts each, the second in as many rows as the column's turn, and a number each."""
    found: dict[str, Column] = {}
    for i, name in enumerate(_NAMES):
        found[name] = ("VARCHAR", "text", ["b"] * i + [text] * (ROWS - i))
        found[f"{name}#"] = ("DOUBLE", "float8", [float(row % (i + 2)) for row in range(ROWS)])
    found["row"] = ("BIGINT", "int8", list(range(ROWS)))
    return found


_BEFORE, _AFTER = _columns("a"), _columns("c")
_SIDES = {"after": _AFTER, "before": _BEFORE}
_PARAMS: dict[str, dict[str, Any]] = {
    "drift": {"reference": "before", "columns": {f"n{i}": {"name": name} for i, name in enumerate(_BEFORE)}},
    "leakage": {
        "train": "before",
        "key": list(_NAMES),
        "features": list(_BEFORE)[:4],
        "group": "{i}",
        "label": "row",
    },
    "feature_parity": {
        "offline": "before",
        "online": "after",
        "key": ["row"],
        "columns": {
            name: {"tolerance": 0} if name.endswith("#") else {} for name in _BEFORE if name != "row"
        },
    },
}


# py4j leaves its sockets to the end of the process, where a gate's own ends.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("engine", ["spark", "postgres"])
@pytest.mark.parametrize("kind", sorted(_PARAMS))
def test_names(project: Project, places: Put, engine: str, kind: str) -> None:
    records = []
    for one in ("duckdb", engine):
        artifacts = {name: places(one, name, columns) for name, columns in _SIDES.items()}
        project.gate(kind, _PARAMS[kind], artifacts, engine=one)
        outcome = project.run(kind)
        assert outcome.record is not None
        records.append((outcome.record["verdict"], outcome.record["summary"], outcome.record["checks"]))
    assert records[0] == records[1]
    assert len(records[0][2]) >= (len(_NAMES) if kind != "leakage" else 3)
