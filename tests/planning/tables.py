"""Broken specs about tables of a warehouse, and about engines."""

from __future__ import annotations

from tests.planning.case import Case

CONTRACT = "contract: {columns: {x: {type: string}}}"
GATE = f"gates:\n  ok: {{guards: live, {CONTRACT}}}\n"


def _live(keys: str = "") -> str:
    return f"artifacts:\n  live: {{kind: data, table: postgres://ml.t{keys}}}\n"


_CURE = (
    "leave `snapshot` out; bigquery and snowflake know the past of their tables. To bind the bytes of another table, let a job "
    "write a copy as an artifact, and let the gate guard that"
)
TABLES = (
    Case(
        "a snapshot of a table of another engine",
        _live(", ◆snapshot: true") + GATE,
        "bad-snapshot", "postgres can't read 'live' as of a moment that the run decides", help=_CURE,
    ),
    Case(
        "a snapshot of a file",
        "artifacts:\n  live: {kind: data, path: a.csv, ◆snapshot: true}\n" + GATE,
        "bad-snapshot", "'live' is no table of a warehouse, and only such a one is read as of a moment", help=_CURE,
    ),
    Case(
        "a table of a model",
        "artifacts:\n  live: {kind: ◆model, table: spark://t}\n" + GATE,
        "bad-table", "a table holds data, and 'live' is of kind model",
    ),
    Case(
        "a table with an engine of its own", _live(", ◆engine: duckdb") + GATE,
        "bad-table", "a table has no `engine`: its own name says its engine",
    ),
    Case(
        "a table from the base", _live(", ◆at: base") + GATE,
        "bad-table", "a table has no `at`: the warehouse keeps it, and nothing fetches it",
    ),
    Case(
        "a table that is kept", _live(", ◆retain: 3d") + GATE,
        "bad-table", "a table has no `retain`: the warehouse keeps it, and nothing fetches it",
    ),
    Case(
        "a table that is fetched", _live(", ◆from: {command: make}") + GATE,
        "bad-table", "a table has no `from`: the warehouse keeps it, and nothing fetches it",
    ),
    Case(
        "a table that a job writes", _live() + "jobs:\n  load: {run: make, ◆writes: [live]}\n" + GATE,
        "bad-table", "'live' is in a warehouse, so that 'load' can't pass it on",
        help="take it out of `writes`; who reads the table after the job names it under `needs`",
    ),
    Case(
        "an engine for several paths",
        "artifacts:\n  live: {kind: data, path: [a.parquet], engine: ◆spark}\n" + GATE,
        "bad-engine", "spark reads data at one path, without wildcards, and 'live' isn't that",
    ),
    Case(
        "an engine for a format that it doesn't read here",
        "artifacts:\n  live: {kind: data, path: a.csv, engine: spark}\n" + GATE.replace("contract: {", "contract: ◆{"),
        "bad-gate", "spark reads Parquet, and a.csv isn't", help="leave `engine` out: DuckDB reads CSV, TSV and JSON, too",
    ),
    Case(
        "a pattern that an engine reads otherwise",
        _live() + "gates:\n  ok: {guards: live, contract: {columns: {x: {type: string, pattern: ◆'[[:alpha:]]+'}}}}\n",
        "bad-gate",
        "postgres can't do this as DuckDB does: it has a named class such as [:alpha:]; write its characters out",
    ),
    Case(
        "a check that is no SELECT of its engine",
        _live() + "gates:\n  ok: {guards: live, "
        "contract: {columns: {x: {type: string}}, checks: {a: {sql: ◆SELECT 1 INTO t}}}}\n",
        "bad-gate", "the check can't be used: it does more than to select",
        help="over an artifact of postgres, a check of your own is in its dialect",
    ),
    Case(
        "a kind that reads by DuckDB alone",
        _live().replace("live:", "①live:") + "  model: {kind: model, path: m.bin}\n"
        "gates:\n  ok: {guards: model, ◆evaluate: {predictions: live, label: y, score: s, metrics: {roc_auc: {min: 0.6}}}}\n",
        "bad-engine", "a gate of the kind evaluate has its data read by DuckDB, and 'live' by postgres", others=("the artifact",),
        help="other engines are for `contract`, `leakage`, `drift` and `feature_parity`",
    ),
    Case(
        "tables that several engines have",
        _live() + "  old: {kind: data, table: spark://t}\n"
        "gates:\n  ok: {guards: live, ◆drift: {reference: old, columns: {x: {}}}}\n",
        "bad-engine", "one engine runs a gate's SQL, and it would be 'live' by postgres, 'old' by spark",
        help="let a job write one of them as a snapshot (Parquet), and name that: DuckDB reads files, and Spark both",
    ),
    Case(
        "a variable of a table that not every node has",
        _live(", env: {A: ◆{context: commit}}") + GATE,
        "bad-value", "A comes with 'live' to every node that takes it: it is a text, a secret or a variable",
    ),
    Case(
        "two tables with one variable",
        "artifacts:\n  ①live: {kind: data, table: postgres://a, env: {PGHOST: one}}\n"
        "  ②more: {kind: data, table: postgres://b, env: {PGHOST: two}}\njobs:\n  ◆use: {run: make, reads: [live, more]}\n",
        "two-values", "PGHOST comes with 'live' and, with another value, with 'more'", others=("one of them", "one of them"),
        help="say under the node's own `env` what PGHOST is",
    ),
)  # fmt: skip
