"""A repository around a table of people: a spec, compiled, for mlcc's gates, and the task for the peers' programs.

As a script, `python -m benchmarks.people_project FOLDER ROWS [dirty]`, it makes one in a process of its own: DuckDB would
raise the peaks that are measured from the process that imports it (see measure.run).
"""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks import people
from benchmarks.peers import DRIFT, QUALITY

TABLE, TASK = "people.parquet", "task.json"
GATES = {"contract": QUALITY, "drift": DRIFT}
"""The gates of the spec, each of the kind that it is called by, and which checks it makes."""
SCANNED = ("id", "income", "score", "status", "code")
"""The columns that no Parquet footer answers for, for these checks: it knows of no NaN, which no range lets pass."""
# What the checks are called in the gates' records.
_RECORDED = {
    "rows": "rows.min",
    **{name: f"{name}.max_nulls" for name in people.NULLED},
    "unique": "id.unique",
    "age": "age.max",
    "income": "income.min",
    "status": "status.values",
    "code": "code.pattern",
    "freshness": "freshness",
    **{name: f"{column}.{name}" for name in ("psi", "ks") for column in people.CHECKS[name]},
}
_NO_COUNTS = ("freshness", "psi", "ks")
_REFERENCE, _BASELINE = "reference.parquet", "baseline.json"
# Into how many equally likely bins of the reference those peers count that have no drift of their own.
_BINS = {"psi": 10, "ks": 100}


def make(folder: Path, rows: int, *, dirty: bool) -> None:
    """Make the repository in a folder that is empty, or that has held the same one before."""
    table, reference = folder / TABLE, folder / _REFERENCE
    if not reference.exists():  # it is written last
        folder.mkdir(parents=True, exist_ok=True)
        people.write_table(table, rows, dirty=dirty)
        people.write_table(reference, people.REFERENCE_ROWS, first=people.REFERENCE_FIRST)
    task = {
        **people.CHECKS,
        "statuses": list(people.STATUSES),
        **_ages(),
        "rows": rows,
        "columns": [*people.NULLED, "id", "created", "age", "income", "status", "code"],
        "scanned": SCANNED,
        "table": str(table),
        "reference": str(reference),
        "frozen": _frozen(reference),
    }
    (folder / TASK).write_text(json.dumps(task), "utf-8")
    (folder / "mlcc.yaml").write_text(json.dumps(_spec(task)), "utf-8")  # JSON is YAML, too
    mlcc = [sys.executable, "-m", "mlcc"]
    commands = (
        ["git", "init", "--quiet", "."],
        [*mlcc, "profile", _REFERENCE, "-o", _BASELINE],
        ["git", "add", _BASELINE],
        [*mlcc, "compile"],
    )
    for command in commands:
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def _spec(task: Mapping[str, Any]) -> dict[str, Any]:
    """Return the spec: a table that a job makes, and the gates over it."""
    columns = {name: {effect: most} for effect in _BINS for name, most in task[effect].items()}
    return {
        "version": 1,
        "name": "people",
        "triggers": {"push": {"branches": ["main"]}},
        "artifacts": {
            "people": {"kind": "data", "path": TABLE},
            "baseline": {"kind": "data", "path": _BASELINE},
        },
        "jobs": {"fetch": {"run": "python fetch.py", "writes": ["people"]}},
        "gates": {
            "contract": {"guards": "people", "contract": _contract(task)},
            "drift": {"guards": "people", "drift": {"reference": "baseline", "columns": columns}},
        },
    }


def _contract(task: Mapping[str, Any]) -> dict[str, Any]:
    some = {"max_nulls": task["max_nulls"]}
    return {
        "rows": {"min": task["rows"]},
        "freshness": {"column": "created", "max_age": f"{task['max_age_days']}d"},
        "columns": {
            "id": {"type": "integer", "unique": True},
            "created": {"type": "timestamp"},
            "customer": {"type": "integer", **some},
            "city": {"type": "string", **some},
            "age": {"type": "integer", "max": task["max_age"]},
            "income": {"type": "number", "min": task["min_income"]},
            "score": {"type": "number", **some},
            "status": {"type": "string", "values": task["statuses"]},
            "code": {"type": "string", "pattern": task["pattern"]},
        },
    }


def recorded(folder: Path, id: str) -> tuple[set[str], dict[str, int]]:
    """Return which checks failed by the verdict of a gate that has run there, and their counts."""
    record = json.loads((folder / f"_mlcc/s--{id}" / "verdict.json").read_text("utf-8"))
    checks = {check["id"]: check for check in record["checks"]}
    found = {name: checks[_RECORDED[name]] for name in GATES[id]}
    failed = {name for name, check in found.items() if check["verdict"] == "fail"}
    counts = {name: check["estimate"] for name, check in found.items() if name not in _NO_COUNTS}
    for name in counts.keys() & set(people.NULLED):
        counts[name] = round(counts[name] * found[name]["n"])  # of a share
    return failed, counts


def _ages() -> dict[str, object]:
    """Return how old the newest row may be: clean tables keep to it today, and dirty ones don't."""
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    newest = datetime.datetime.fromisoformat(people.NEWEST)
    days = (now - newest).days + people.STALE_DAYS // 2
    oldest = now - datetime.timedelta(days)
    return {"max_age_days": days, "oldest": oldest.isoformat(timespec="seconds")}


def _frozen(reference: Path) -> dict[str, Any]:
    """Return, for each column that may drift, the edges of equally likely bins and how many values each has.

    A value on an edge belongs to the bin below it.
    """
    import duckdb

    source = f"FROM read_parquet('{reference}')"
    found = {}
    for effect, bins in _BINS.items():
        for column in people.CHECKS[effect]:
            quantiles = [bin / bins for bin in range(1, bins)]
            ((edges,),) = duckdb.sql(f"SELECT quantile_disc({column}, {quantiles}) {source}").fetchall()
            below = ", ".join(f"count_if({column} <= CAST({edge!r} AS DOUBLE))" for edge in edges)
            ((*steps, total),) = duckdb.sql(f"SELECT {below}, count({column}) {source}").fetchall()
            steps = [0, *steps, total]
            counts = [high - low for low, high in pairwise(steps)]
            found[column] = {"edges": edges, "counts": counts}
    return found


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]), dirty="dirty" in sys.argv[3:])
