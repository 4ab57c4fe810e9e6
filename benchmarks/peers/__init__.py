"""What the peers of mlcc's data gates do with the same checks: a program each, run in an environment of its own.

`python PROGRAM TASK FACTS` reads the checks from the JSON file TASK and writes what it found to the JSON file FACTS.
`*.txt` are the exact versions of what is installed. Each program is written as its library's documentation shows it, reads
only the columns that it needs where the library lets it, and ends with status 0 whatever it found.
"""

from __future__ import annotations

from dataclasses import dataclass

QUALITY = frozenset(
    ("rows", "customer", "city", "score", "unique", "age", "income", "status", "code", "freshness")
)
"""The ten checks of a table by itself: number of rows, three shares of nulls, uniqueness, two ranges, a set, a regular
expression and freshness."""
DRIFT = frozenset(("psi", "ks"))
"""The checks against a reference."""
FLOOR, GREAT_EXPECTATIONS = "DuckDB's decode", "Great Expectations"


@dataclass(frozen=True, slots=True)
class Peer:
    """A program of this folder, the environment that it runs in, the module that it imports, and what it checks."""

    program: str
    environment: str
    module: str
    checks: frozenset[str] = QUALITY | DRIFT


PEERS = {
    FLOOR: Peer("decode", "duckdb", "duckdb", frozenset()),
    "DuckDB, one query": Peer("naive_duckdb", "duckdb", "duckdb"),
    "polars, streaming": Peer("polars_streaming", "polars", "polars"),
    "pandera on polars": Peer("pandera_polars", "pandera", "pandera.polars"),
    "Soda Core 3": Peer("soda_core", "soda-core", "soda.scan", QUALITY),
    "pandas": Peer("pandas_frame", "pandas", "pandas"),
    GREAT_EXPECTATIONS: Peer("gx_pandas", "great-expectations", "great_expectations", QUALITY),
    "Evidently": Peer("evidently_drift", "evidently", "evidently", DRIFT),
}
"""The peers by their names in tables."""
