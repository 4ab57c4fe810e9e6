"""The gate `leakage`: counts what a test set shares with training, and how well single features tell the label."""

from __future__ import annotations

# SQL is what this module runs: committed text and sources written by mlcc.gates._table.
# ruff: noqa: S608
import sys
from math import sqrt

from mlcc.gates._engines import EngineTable, close_source, open_sources, type_in
from mlcc.gates._plots import intervals
from mlcc.gates._records import Check, GateError, Verdict, is_finite, number, verdict_of, visible
from mlcc.gates._support import Gate, run
from mlcc.gates._table import Table
from mlcc.gates._values import TYPED_FORMATS, sort_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SIDES = ("train", "test")
_LEAST_CLASS = 30
_BOTH_SIDES = "(SELECT * FROM train UNION ALL SELECT * FROM test) AS both_sides"
_Z = 1.959963984540054  # 95 %, two sides
_WORDS = {
    "key": "have a key that occurs in training",
    "features": "have the same in all features as a training row",
    "group": "belong to a group that occurs in training",
    "time": "are not after the last training row",
}
_LACKING = {
    "key": "lack a part of the key",
    "features": "have no fingerprint",
    "group": "have no group",
    "time": "have no time, or one of another sort (numbers and dates can't be compared)",
}


def judge(gate: Gate) -> Verdict:
    """Judge what the two sides share first, then the label against each feature."""
    params = gate.params
    if not params.get("queries") or not all(
        is_finite(params.get(f"max_{key}")) for key in ("shared", "auc", "correlation")
    ):
        raise GateError("the gate's parameters are not complete")
    sources = {params[side]["artifact"]: {**params[side], "format": params["format"]} for side in _SIDES}
    tables = open_sources(gate, list(sources.values()), params.get("engine"))
    try:
        _check_columns(params, dict(zip(sources, tables)))  # noqa: B905  (Python 3.8)
        for side, table in zip(_SIDES, (tables[0], tables[-1])):  # noqa: B905
            table.define(f"{side}_source", f"SELECT * FROM {table.source}")
            _define_side(params, side, table)
        table = tables[0]
        train, test = table.one("SELECT (SELECT COUNT(*) FROM train), (SELECT COUNT(*) FROM test)")
        checks = _check_rows(train, test)
        if checks:
            return verdict_of(checks)
        for id, query in sorted(params["queries"].items()):
            checks.append(_check_shared(id, table.one("\n".join(query)), test, params))
        told = _check_label(params, table) if params["label"] is not None else []
    finally:
        close_source(tables[0], gate)
    return verdict_of(checks + told, _plots(told))


def _define_side(params: dict[str, Any], side: str, table: Table | EngineTable) -> None:
    """Give a side its view; of an engine's table, made of what its columns' types have."""
    if not isinstance(table, EngineTable):
        table.rows("\n".join(params[side]["view"]))
        return
    parts = []
    for name, made in params["view"].items():
        type = type_in(table, made["column"])
        sql = made.get("any") or made.get("time" if type in ("date", "timestamp") else sort_of(type))
        if sql is not None:
            parts.append(f"{sql} AS {name}")
        elif name == "t":
            shown = visible(made["column"], 80)
            raise GateError(
                f"the column {shown} is of type {table.columns[made['column']]}, which is no time and no number"
            )
    where = f"\nWHERE {params[side]['where']}" if "where" in params[side] else ""
    table.define(side, "SELECT\n  " + ",\n  ".join(parts) + f"\nFROM {side}_source{where}")


def _check_columns(params: dict[str, Any], tables: dict[str, Table | EngineTable]) -> None:
    """Refuse columns that are missing, or whose equal values may look different: the other side has another type."""
    for name in params["columns"]:
        shown = visible(name, 80)
        lacking = [id for id, table in tables.items() if name not in table.columns]
        if lacking:
            raise GateError(f"the column {shown} is missing in the artifact {lacking[0]}")
        if len({table.types[name] for table in tables.values()}) > 1:
            raise GateError(f"the column {shown} has another type in training than in test")
        if any(
            table.types[name] == "numeric" for table in tables.values()
        ):  # of Postgres: 1.0 and 1.00 are equal
            raise GateError(
                f"equal values of {shown} may be written in different ways: cast it to a numeric with digits"
            )


def _check_rows(train: int, test: int) -> list[Check]:
    counts = (("train.rows", train, "training"), ("test.rows", test, "test"))
    return [
        Check(id, "fail", f"there are no {what} rows", estimate=0, threshold={"min": 1})
        for id, rows, what in counts
        if not rows
    ]


def _check_shared(id: str, found: tuple[Any, ...], test: int, params: dict[str, Any]) -> Check:
    count, unknown = found
    allowed = params["max_shared"] if id == "features" else 0
    if unknown:
        return Check(
            f"{id}.shared", "fail", f"{unknown} rows {_LACKING[id]}, so that nothing is known of them"
        )
    share = count / test
    limit, margin = number(100 * allowed), number(100 * (allowed - share))
    message = f"{count} of {test} test rows {_WORDS[id]}; at most {limit} % may, margin {margin} %"
    return Check(
        f"{id}.shared",
        "pass" if share <= allowed else "fail",
        message,
        estimate=share,
        n=test,
        threshold={"max": allowed},
        margin=allowed - share,
    )


def _check_label(params: dict[str, Any], table: Table | EngineTable) -> list[Check]:
    """Return a check of each feature's values, and of their being empty where some are."""
    queries = {name: "\n".join(lines) for name, lines in params["label_queries"].items()}
    classes, unknown = table.one(queries["classes"])
    if unknown:
        return [Check("label", "fail", f"{unknown} rows have no label")]
    if classes < 2:
        return [Check("label", "error", "all rows have the same label: there is nothing to tell")]
    numeric = _is_numeric(params["label"], "COUNT(y_class), COUNT(y_number)", table, params)
    if classes > 2 and not numeric:
        return [
            Check("label", "error", f"the label has {classes} classes: only two, or numbers, can be compared")
        ]
    y = queries["class"] if classes == 2 else "y_number"
    checks = []
    for i, name in enumerate(params["features"], 1):
        shown = visible(name, 80)
        query = {key: sql.replace("{i}", str(i)).replace("{y}", y) for key, sql in queries.items()}
        given, rows = table.one(f"SELECT COUNT(f{i}_given), COUNT(*) FROM {_BOTH_SIDES}")
        sort = (
            "number" if _is_numeric(name, f"COUNT(f{i}_given), COUNT(f{i}_number)", table, params) else "text"
        )
        if given < rows:
            checks.append(
                _tell(f"{name}.empty", f"{shown} being empty", query, "empty", classes, table, params)
            )
        if given:
            checks.append(_tell(f"{name}.values", shown, query, sort, classes, table, params))
    return checks


def _is_numeric(name: str, counts: str, table: Table | EngineTable, params: dict[str, Any]) -> bool:
    """Whether a column has numbers: by its type where it has one, else as all of its values are."""
    if params["format"] in TYPED_FORMATS:
        return sort_of(type_in(table, name)) == "number"
    given, numbers = table.one(f"SELECT {counts} FROM {_BOTH_SIDES}")
    return bool(given == numbers)


def _tell(
    id: str,
    shown: str,
    query: dict[str, str],
    sort: str,
    classes: int,
    table: Table | EngineTable,
    params: dict[str, Any],
) -> Check:
    """Return the check of how well one feature tells the label."""
    scored = {"scored": query[sort]}
    if classes == 2:
        return _tell_class(id, shown, table.one(query["auc"], scored), params["max_auc"])
    value, n = table.one(query["correlation"], scored)
    found = min(abs(value), 1.0) if is_finite(value) else 0.0  # a constant is correlated with nothing
    limit = params["max_correlation"]
    few = "; there are too few rows to tell" if n < _LEAST_CLASS and found <= limit else ""
    message = (
        f"the rank correlation of {shown} with the label is {number(found)} (n = {n}); "
        f"at most {number(limit)} is allowed, margin {number(limit - found)}"
    )
    verdict = "fail" if found > limit else "inconclusive" if few else "pass"
    return Check(
        id, verdict, message + few, estimate=found, n=n, threshold={"max": limit}, margin=limit - found
    )


def _tell_class(id: str, shown: str, sums: tuple[Any, ...], limit: float) -> Check:
    """Judge an area under the ROC curve, with the standard error of Hanley and McNeil (1982)."""
    wins, positives, negatives = (float(value or 0) for value in sums)
    if not positives or not negatives:
        return Check(
            id, "inconclusive", f"{shown} is given for one class only: see whether it is empty for the other"
        )
    area = wins / positives / negatives
    area = max(area, 1 - area)
    q1, q2 = area / (2 - area), 2 * area * area / (1 + area)
    spread = area * (1 - area) + (positives - 1) * (q1 - area**2) + (negatives - 1) * (q2 - area**2)
    error = sqrt(max(spread, 0.0) / positives / negatives)
    ends = (max(area - _Z * error, 0.0), min(area + _Z * error, 1.0))
    few = min(positives, negatives) < _LEAST_CLASS and area <= limit
    n = int(positives + negatives)
    message = (
        f"{shown} alone tells the label with an AUC of {number(area)} (95 % interval {number(ends[0])} to "
        f"{number(ends[1])}, n = {n}); at most {number(limit)} is allowed, margin {number(limit - area)}"
    )
    return Check(
        id,
        "fail" if area > limit else "inconclusive" if few else "pass",
        message + (f"; a class has under {_LEAST_CLASS} rows" if few else ""),
        estimate=area,
        interval=ends,
        confidence=0.95,
        n=n,
        threshold={"max": limit},
        margin=limit - area,
    )


def _plots(checks: list[Check]) -> list[dict[str, Any]]:
    rows = [
        (check.id, check.estimate, *(check.interval or (check.estimate, check.estimate)), check.verdict)
        for check in checks
        if check.estimate is not None
    ]
    limits = next((check.threshold for check in checks if check.threshold is not None), None)
    return (
        [intervals("Single features against the label", "AUC or rank correlation", rows, limits=limits)]
        if rows
        else []
    )


def main() -> int:
    """Run the gate that the command line names."""
    return run("leakage", judge, __file__, sys.argv[1:])
