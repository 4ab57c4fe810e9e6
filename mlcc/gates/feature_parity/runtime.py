"""The gate `feature_parity`: joins two tables by their key, and judges the share of rows in which a feature differs."""

from __future__ import annotations

# SQL is what this module runs; names go through `identifier`, the rest is committed.
# ruff: noqa: S608
import sys

from mlcc.gates._engines import EngineTable, close_source, open_sources, type_in
from mlcc.gates._plots import intervals
from mlcc.gates._records import Check, GateError, Verdict, number, verdict_of, visible
from mlcc.gates._shares import rows_for_share, wilson
from mlcc.gates._support import Gate, run
from mlcc.gates._table import Table
from mlcc.gates._values import TYPED_FORMATS, sort_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_SIDES = ("offline", "online")
# Types whose values are written alike whatever their lengths; of others, both sides have the very same.
_WRITTEN_ALIKE = ("string", "integer", "boolean", "date")


def judge(gate: Gate) -> Verdict:
    """Judge the columns first, then the keys, then how often each feature differs."""
    params = gate.params
    tables = open_sources(gate, [params[side] for side in _SIDES], params.get("engine"))
    try:
        checks = [
            check
            for side, table in zip(_SIDES, tables)  # noqa: B905 - strict= is newer than Python 3.8
            for check in _check_columns(params, side, table)
        ]
        checks = checks or _check_types(params, tables)
        if checks:
            return verdict_of(checks)
        rows = [_rows(params, side, table) for side, table in zip(_SIDES, tables)]  # noqa: B905
        counts = _compared(params, tables[0])
    finally:
        close_source(tables[0], gate)
    n = counts.get("n")
    if type(n) is not int:
        raise GateError("the number of matched rows is not known")
    checks = [
        _check_unmatched(side, n, total, params[f"max_unmatched_{side}"])
        for side, total in zip(_SIDES, rows)  # noqa: B905
    ]
    if n > 0:
        compared = [
            _check_feature(params, feature, i, counts, n) for i, feature in enumerate(params["columns"], 1)
        ]
        return verdict_of(checks + compared, _plots(compared, params["max_mismatch"]))
    return verdict_of([*checks, Check("matched", "fail", "no row of one table is in the other", n=0)])


def _compared(params: dict[str, Any], table: Table | EngineTable) -> dict[str, Any]:
    """Return what is counted over the matched rows, by name. Raises GateError."""
    query = params["query"]
    if isinstance(table, EngineTable):
        found: Sequence[Any] = table.aggregates(query["sums"], query["join"])
    else:
        found = table.one("\n".join(query))
    names = ["n"]
    for i, feature in enumerate(params["columns"], 1):
        names += [f"f{i}_strange", f"f{i}_differ"] if feature["kind"] == "number" else [f"f{i}_differ"]
    if len(names) != len(found):
        raise GateError("a query did not give one number for each of its measures")
    return dict(zip(names, found))  # noqa: B905 - strict= is newer than Python 3.8


def _check_types(params: dict[str, Any], tables: Sequence[Table | EngineTable]) -> list[Check]:
    """Return a failed check for each column that is compared as text, and that an engine writes in two ways."""
    checks = []
    texts = [feature["name"] for feature in params["columns"] if feature["kind"] == "text"]
    offline, online = tables
    for name in [*params["key"], *texts] if isinstance(offline, EngineTable) else []:
        types = [table.types[name] for table in (offline, online)]
        sorts = {type_in(table, name) for table in (offline, online)}
        alike = len(sorts) == 1 and sorts.issubset(_WRITTEN_ALIKE)
        # A numeric of Postgres without digits has 1.0 and 1.00, which are equal.
        if not alike and (types[0] != types[1] or types[0] == "numeric"):
            shown = visible(name, 80)
            listed = " offline and ".join(visible(type, 80) for type in types)
            message = f"the column {shown} is of type {listed} online, so that equal values may be written in different ways"
            checks.append(Check(f"{shown}.types", "fail", message))
    return checks


def _check_columns(params: dict[str, Any], side: str, table: Table | EngineTable) -> list[Check]:
    """Return a failed check for each column that is missing, or that holds no numbers where they are compared."""
    checks = []
    kinds = {**dict.fromkeys(params["key"], "key"), **{f["name"]: f["kind"] for f in params["columns"]}}
    for name, kind in kinds.items():
        shown = visible(name, 80)
        if name not in table.columns:
            message = f"the {side} table has no column {shown}"
            checks.append(Check(f"{shown}.{side}", "fail", message))
        elif (
            params[side]["format"] in TYPED_FORMATS
            and kind == "number"
            and sort_of(type_in(table, name)) != "number"
        ):
            stored = visible(table.columns[name], 80)
            message = (
                f"the column {shown} of the {side} table is of type {stored}, and its numbers are compared"
            )
            checks.append(Check(f"{shown}.{side}", "fail", message))
    return checks


def _rows(params: dict[str, Any], side: str, table: Table | EngineTable) -> int:
    """Give a table its view, and return its number of rows. Raises GateError where the key doesn't name rows."""
    table.define(f"{side}_source", f"SELECT * FROM {table.source}")
    if isinstance(table, EngineTable):
        table.define(side, params["views"][side])
    else:
        table.rows("\n".join(params["views"][side]))
    parts = [f"k{i}" for i in range(1, len(params["key"]) + 1)]
    missing = " OR ".join(f"{part} IS NULL" for part in parts)
    rows, lacking = table.one(f"SELECT COUNT(*), COUNT(CASE WHEN {missing} THEN 1 END) FROM {side}")
    key = visible(", ".join(params["key"]), 80)
    if rows == 0:
        raise GateError(f"the {side} table has no rows")
    if lacking:
        raise GateError(f"{lacking} of {rows} rows of the {side} table lack a part of the key {key}")
    again = f"SELECT 1 FROM {side} GROUP BY {', '.join(parts)} HAVING COUNT(*) > 1"
    (repeated,) = table.one(f"SELECT COUNT(*) FROM ({again}) AS again")
    if repeated:
        raise GateError(f"{repeated} values of the key {key} occur more than once in the {side} table")
    return int(rows)


def _check_unmatched(side: str, matched: int, rows: int, limit: float) -> Check:
    alone = rows - matched
    share = alone / rows
    return Check(
        f"unmatched.{side}",
        "pass" if share <= limit else "fail",
        f"{alone} of {rows} {side} rows ({number(100 * share)} %) are not in the other table; "
        f"at most {number(100 * limit)} % may be",
        estimate=share,
        n=rows,
        threshold={"max": limit},
        margin=limit - share,
    )


def _check_feature(
    params: dict[str, Any], feature: dict[str, Any], i: int, counts: dict[str, Any], n: int
) -> Check:
    """Pass when the upper bound keeps to the limit, fail when the share itself doesn't, else inconclusive.

    A limit of 0 is no share to be estimated: then no row may differ.
    """
    differ, strange = counts.get(f"f{i}_differ"), counts.get(f"f{i}_strange", 0)
    shown = visible(feature["name"], 80)
    if type(differ) is not int or type(strange) is not int:
        raise GateError(f"how often {shown} differs is not known")
    if strange:
        return Check(
            f"{shown}.mismatch", "error", f"{strange} of {n} pairs of {shown} have what is no number", n=n
        )
    limit, z = params["max_mismatch"], params["z"]
    share, bound = differ / n, wilson(differ, n, z)[1]
    decides = share if limit == 0 else bound
    note = ""
    if n < params["min_n"]:
        verdict, note = "inconclusive", f"; {params['min_n']} rows are needed"
    elif decides <= limit:
        verdict = "pass"
    elif share > limit:
        verdict = "fail"
    elif share == limit:
        verdict, note = "inconclusive", "; no number of rows would settle it at this share"
    else:
        verdict, note = "inconclusive", f"; about {rows_for_share(share, limit, z)} rows would settle it"
    message = (
        f"{shown} differs in {differ} of {n} rows ({number(100 * share)} %, {number(100 * params['confidence'])} % upper "
        f"bound {number(100 * bound)} %); at most {number(100 * limit)} % may{note}"
    )
    return Check(
        f"{shown}.mismatch",
        verdict,
        message,
        estimate=share,
        interval=(0.0, bound),
        confidence=params["confidence"],
        n=n,
        threshold={"max": limit},
        margin=limit - decides,
    )


def _plots(checks: Sequence[Check], limit: float) -> list[dict[str, Any]]:
    rows = [
        (check.id, check.estimate, check.interval[0], check.interval[1], check.verdict)
        for check in checks
        if check.estimate is not None and check.interval is not None
    ]
    return (
        [intervals("Rows in which a feature differs", "share of rows", rows, limits={"max": limit})]
        if rows
        else []
    )


def main() -> int:
    """Run the gate that the command line names."""
    return run("feature_parity", judge, __file__, sys.argv[1:])
