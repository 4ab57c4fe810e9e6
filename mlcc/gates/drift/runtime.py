"""The gate `drift`: holds how far columns have moved against their thresholds, and against chance."""

from __future__ import annotations

import sys

from mlcc.gates._engines import EngineTable, close_source, open_sources, type_in
from mlcc.gates._plots import histogram, intervals
from mlcc.gates._profile import profile_of
from mlcc.gates._records import Check, GateError, Verdict, is_finite, number, verdict_of, visible
from mlcc.gates._strict import read_json
from mlcc.gates._support import Gate, run
from mlcc.gates._table import Table
from mlcc.gates._values import TYPED_FORMATS, sort_of
from mlcc.gates.drift.counts import COUNTS, Counts, check_profile, count_cells
from mlcc.gates.drift.measures import (
    BOUNDED,
    MEASURES,
    ORDERED,
    Sample,
    cells_of,
    hidden,
    populated,
    rows_needed,
    share_over,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

_DEFAULTS = {"number": ("psi", 0.2), "category": ("l_infinity", 0.1)}
_DEFAULT_MISSING = 0.1
_MOST_HISTOGRAMS = 40
# How many times the threshold chance alone may give before a pass says too little to be one.
_MOST_CHANCE = 10
_WORDS = {
    "psi": "the population stability index of {}",
    "jensen_shannon": "the Jensen-Shannon distance of {}",
    "l_infinity": "the change of a share of {}",
    "ks": "the Kolmogorov-Smirnov distance of {}",
    "wasserstein": "the Wasserstein distance of {}, in standard deviations,",
    "chi_square": "Cramér's V of {}",
    "missing": "the change of the share of empty cells or NaN of {}",
}


class _Comparison:
    """One column by one measure: what is to be judged once it is known how many of them there are."""

    __slots__ = ("id", "measure", "sample", "shown", "threshold")

    def __init__(self, id: str, shown: str, measure: str, threshold: float, sample: Sample) -> None:
        self.id = id
        self.shown = shown
        self.measure = measure
        self.threshold = threshold
        self.sample = sample


def judge(gate: Gate) -> Verdict:
    """Judge every column: it is there, of the reference's type, and moved no further than it may."""
    params = gate.params
    if (
        not is_finite(params.get("confidence"))
        or not is_finite(params.get("min_n"))
        or not params.get("columns")
    ):
        raise GateError("the gate's parameters are not complete")
    reference = _reference(gate)
    (table,) = open_sources(gate, [params["current"]], params.get("engine"))
    try:
        checks, columns = _check_columns(params, table, reference)
        profiles = [reference["columns"][column["name"]] for column in columns]
        rows, counted = count_cells(table, columns, profiles, params.get("counts", COUNTS))
    finally:
        close_source(table, gate)
    if not rows:
        return verdict_of([Check("rows", "fail", "the table has no rows", estimate=0, threshold={"min": 1})])
    checks += _check_rows(rows, reference["rows"], params["min_n"])
    compared: list[_Comparison] = []
    for column, profile, counts in zip(columns, profiles, counted):  # noqa: B905 - strict= is newer than 3.8
        if counts.strange:
            message = (
                f"{counts.strange} of {rows} cells of {visible(column['name'], 80)} are no {profile['type']}"
            )
            checks.append(Check(f"{column['id']}.type", "fail", message, n=rows))
            continue
        try:
            compared += _comparisons(column, profile, counts)
        except ValueError as error:
            checks.append(Check(f"{column['id']}.measure", "error", f"{column['id']}: {error}"))
    tail = (1 - params["confidence"]) / max(len(compared), 1)
    judged = [_judge(comparison, tail, rows, reference["rows"]) for comparison in compared]
    verdict = verdict_of(checks + judged, _plots(columns, counted, judged, "schema" in reference))
    verdict.summary += _allowance(verdict)
    return verdict


def _allowance(verdict: Verdict) -> str:
    """Return what a summary of several passes leaves out: that so few rows may hide more than is allowed."""
    wide = [
        check
        for check in verdict.checks
        if check.interval is not None and check.threshold and check.interval[1] > check.threshold["max"]
    ]
    if verdict.verdict != "pass" or len(verdict.checks) == 1 or not wide:
        return ""
    return (
        f" {len(wide)} of them would pass with more than is allowed too, on so few rows: {wide[0].message}."
    )


def _reference(gate: Gate) -> dict[str, Any]:
    """Return the reference's profile: as it was committed, or made of its table."""
    reference = gate.params["reference"]
    path = gate.path(reference["artifact"])
    if reference["format"] == "profile":
        return check_profile(read_json(path), visible(path))
    (table,) = open_sources(gate, [reference], gate.params.get("engine"))
    try:
        cells = {
            column["name"]: column["cells"]
            for column in gate.params["columns"]
            if column["name"] in table.columns
        }
        if not cells:
            raise GateError(f"{visible(path)} has none of the columns")
        committed = {**gate.params["profile"], "cells": cells} if "engine" in gate.params else None
        found = profile_of(table, reference["format"], list(cells), committed=committed)
    finally:
        close_source(table, gate)
    del found["schema"]  # it isn't committed: its categories are data
    return found


def _check_columns(
    params: dict[str, Any], table: Table | EngineTable, reference: dict[str, Any]
) -> tuple[list[Check], list[dict[str, Any]]]:
    """Return a check of each column that can't be compared, and the columns that can."""
    checks: list[Check] = []
    columns: list[dict[str, Any]] = []
    for column in params["columns"]:
        id, shown = column["id"], visible(column["name"], 80)
        profile = reference["columns"].get(column["name"])
        if column["name"] not in table.columns:
            checks.append(Check(f"{id}.present", "fail", f"the column {shown} is missing"))
        elif profile is None:
            checks.append(Check(f"{id}.present", "error", f"the reference has no column {shown}"))
        elif sort_of(profile["type"]) == "other":
            message = f"{shown} is of a type ({visible(profile['type'], 40)}) whose drift isn't measured"
            checks.append(Check(f"{id}.type", "error", message))
        elif params["current"]["format"] in TYPED_FORMATS and (
            sort_of(type_in(table, column["name"])) != sort_of(profile["type"])
        ):
            message = f"the column {shown} is of type {visible(table.columns[column['name']], 80)}"
            checks.append(Check(f"{id}.type", "fail", f"{message}; the reference's is {profile['type']}"))
        else:
            columns.append(column)
    return checks, columns


def _check_rows(n: int, m: int, least: int) -> list[Check]:
    """Return an inconclusive check where a side has too few rows for any measure."""
    checks = []
    for id, rows, what in (("rows", n, "the table"), ("reference.rows", m, "the reference")):
        if rows < least:
            message = f"{what} has {rows} rows, and {least} are needed"
            margin = rows - least
            checks.append(
                Check(
                    id,
                    "inconclusive",
                    message,
                    estimate=rows,
                    n=rows,
                    threshold={"min": least},
                    margin=margin,
                )
            )
    return checks


def _comparisons(column: dict[str, Any], profile: Mapping[str, Any], counts: Counts) -> list[_Comparison]:
    """Return what a column is judged by. Raises ValueError where its measure isn't one for it."""
    id, shown = column["id"], visible(column["name"], 80)
    sort = sort_of(profile["type"])
    named = [(measure, column[measure]) for measure in MEASURES if measure in column]
    measure, threshold = named[0] if named else _DEFAULTS[sort]
    found: list[_Comparison] = []
    if measure not in ORDERED:
        found.append(_Comparison(id, shown, measure, threshold, Sample(counts.reference, counts.current)))
    elif sort != "number":
        raise ValueError(f"{measure} is for numbers, and the reference's column is a {profile['type']}")
    if "missing" in column or measure in ORDERED:
        sides = [
            [sum(cells[: counts.present]), *cells[counts.present :]]
            for cells in (counts.reference, counts.current)
        ]
        limit = column.get("missing", _DEFAULT_MISSING)
        found.append(_Comparison(id, shown, "missing", limit, Sample(*sides)))
    if measure in ORDERED:
        medians = profile["medians"]
        if not medians:
            raise ValueError("the reference has no finite number")
        positions = [
            medians[0],
            *medians,
            medians[-1],
        ]  # what is beyond the reference's range lies at its ends
        sample = Sample(counts.reference[: counts.present], counts.current[: counts.present], positions)
        MEASURES[measure][0](sample)
        found.append(_Comparison(id, shown, measure, threshold, sample))
    return found


def decide(measure: str, sample: Sample, threshold: float, tail: float) -> tuple[str, float, float]:
    """Return the verdict on a sample, its effect, and the limit that chance exceeds with probability `tail`.

    Fail when the effect exceeds the threshold and what chance gives; a pass says that it doesn't. Inconclusive
    where a pass would say nothing: chance gives over 10 times the threshold, or no effect is over the limit, or
    the cells can't be told apart.
    """
    effect_of, limit_of = MEASURES[measure]
    cells = cells_of(measure, sample)
    effect, limit = effect_of(cells), limit_of(cells, cells.n, cells.m, tail)
    if effect > max(threshold, limit):
        return "fail", effect, limit
    over = share_over(cells, threshold, tail) if measure == "l_infinity" else None
    if over:
        return "fail", *over
    blind = limit > _MOST_CHANCE * threshold or (measure in BOUNDED and limit >= 1)
    blind = blind or (_is_one_cell(cells, sample) and hidden(cells) >= 1)
    return "inconclusive" if blind else "pass", effect, limit


def _is_one_cell(cells: Sample, sample: Sample) -> bool:
    """Whether a sample with several cells has become one of a single cell, which no change within it moves."""
    return len(cells.reference) == 1 < len(populated(sample).reference)


def _judge(comparison: _Comparison, tail: float, rows: int, reference_rows: int) -> Check:
    sample, threshold = comparison.sample, comparison.threshold
    measure = "l_infinity" if comparison.measure == "missing" else comparison.measure
    verdict, effect, limit = decide(measure, sample, threshold, tail)
    margin = max(threshold, limit) - effect
    what = _WORDS[comparison.measure].format(comparison.shown)
    message = (
        f"{what} is {number(effect)} (without drift up to {number(limit)}, n = {rows} against {reference_rows}); "
        f"at most {number(threshold)} is allowed, margin {number(margin)}"
    )
    if verdict != "fail":
        message += _blind_spot(measure, sample, threshold, limit, tail)
    return Check(
        f"{comparison.id}.{comparison.measure}",
        verdict,
        message,
        estimate=effect,
        interval=(0.0, limit),
        confidence=1 - tail,
        n=sample.n,
        threshold={"max": threshold},
        margin=margin,
    )


def _blind_spot(measure: str, sample: Sample, threshold: float, limit: float, tail: float) -> str:
    """Return what a pass doesn't say, where the rows are too few to tell an effect of the threshold from chance."""
    cells = cells_of(measure, sample)
    if _is_one_cell(cells, sample):
        grown = hidden(cells)
        shown = f": only a share that grows by {number(grown)} shows" if grown < 1 else ""
        return f"; with so few rows its cells can't be told apart{shown}"
    if limit <= threshold:
        return ""
    needed = rows_needed(measure, sample, threshold, tail)
    more = (
        f"about {_rounded_up(needed)} rows would tell one of {number(threshold)}"
        if needed
        else f"the reference has too few rows to tell one of {number(threshold)}"
    )
    return f"; so few rows can't tell an effect up to {number(limit)} from chance: {more}"


def _rounded_up(rows: int) -> int:
    """Return a number of rows to two significant digits, upwards."""
    unit: int = 10 ** max(len(str(rows)) - 2, 0)
    return -(-rows // unit) * unit


def _plots(
    columns: Sequence[dict[str, Any]], counted: Sequence[Counts], checks: Sequence[Check], named: bool
) -> list[dict[str, Any]]:
    """Return the effects beside what chance gives, and the columns' shares. `named`: categories may be shown."""
    plots = []
    scaled = []
    for check in checks:
        if check.estimate is not None and check.interval is not None and check.threshold is not None:
            limit = check.threshold["max"]
            scaled.append((check.id, check.estimate / limit, 0.0, check.interval[1] / limit, check.verdict))
    if scaled:
        note = "The bar is what chance gives without drift; a column fails beyond both the bar and 1."
        plots.append(intervals("Drift", "effect / threshold", scaled, limits={"max": 1.0}, note=note))
    for column, counts in list(zip(columns, counted))[:_MOST_HISTOGRAMS]:  # noqa: B905
        sides = {"reference": counts.reference, "current": counts.current}
        shares = {name: [cell / max(sum(cells), 1) for cell in cells] for name, cells in sides.items()}
        labels = list(counts.labels)
        if not named and "NaN" not in labels:
            labels[: counts.present - 1] = [f"category {i}" for i in range(1, counts.present)]
        plots.append(histogram(f"{column['name']}: shares", labels, shares))
    return plots


def main() -> int:
    """Run the gate that the command line names."""
    return run("drift", judge, __file__, sys.argv[1:])
