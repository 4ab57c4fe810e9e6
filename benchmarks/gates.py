"""Start to end of gate processes: one that judges JSON metrics, and a contract over the flights data."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from benchmarks.measure import Command, Goal, compare, goals, interleave
from benchmarks.projects import EXAMPLES, compiled_example

ROUNDS = 15
DATA = EXAMPLES / "flights" / "data" / "flights.parquet"
PASS = "python -I -c pass"


def main() -> None:
    """Print both tables and their goals; the second only where `make demo` has fetched the data."""
    _metrics()
    print()
    if DATA.exists():
        _contract()
    else:
        print("the contract over the flights data: left out, for `make demo` hasn't fetched it yet")


def _metrics() -> None:
    with compiled_example("minimal") as folder:
        (folder / "build").mkdir()
        (folder / "build" / "model.json").write_text("{}", "utf-8")
        (folder / "build" / "metrics.json").write_text(json.dumps({"n": 100, "r2": 0.9}), "utf-8")
        gate = "evaluate, metrics from JSON"
        commands = [
            Command(PASS, (sys.executable, "-I", "-c", "pass"), folder),
            Command(gate, (sys.executable, "-I", ".mlcc/gates/evaluate.file.py", "good"), folder),
        ]
        found = interleave(commands, ROUNDS)
    print(compare(found, (PASS,)))
    print(goals([Goal("at most 2 x python -I -c pass", found[gate].cpu / found[PASS].cpu, 2, True)]))


def _contract() -> None:
    gate, decode = "contract, 336,776 rows", "DuckDB's own decode"
    with compiled_example("flights") as folder:
        shutil.copytree(DATA.parent, folder / "data")
        code = _decode(folder / ".mlcc" / "gates" / "raw-contract.json")
        commands = [
            Command(PASS, (sys.executable, "-I", "-c", "pass"), folder),
            Command("import duckdb", (sys.executable, "-I", "-c", "import duckdb"), folder),
            Command(decode, (sys.executable, "-I", "-c", code), folder),
            Command(gate, (sys.executable, "-I", ".mlcc/gates/contract.py", "raw-contract"), folder),
        ]
        found = interleave(commands, ROUNDS)
    print(compare(found, (PASS, decode)))
    ratio = found[gate].cpu / found[decode].cpu
    print(goals([Goal("at most 2 x DuckDB's own decode of the same columns", ratio, 2, True)]))


def _decode(parameters: Path) -> str:
    """Return a program that decodes the contract's columns: a hash of each value, which no footer answers."""
    params = json.loads(parameters.read_text("utf-8"))["params"]
    columns = ", ".join(f'bit_xor(hash("{column["name"]}"))' for column in params["columns"])
    sql = f"SELECT {columns} FROM read_parquet('data/flights.parquet')"
    return f"import duckdb; duckdb.sql({sql!r}).fetchall()"
