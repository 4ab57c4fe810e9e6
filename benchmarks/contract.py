"""A contract over 10 million rows of 20 columns, against DuckDB's own decode of the columns that the contract is about."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Command, Goal, compare, goals, interleave

ROWS, ROUNDS = 10_000_000, 5
MEGABYTE = 1 << 20
COLUMNS: dict[str, dict[str, object]] = {
    "id": {"type": "integer", "unique": True},
    "created": {"type": "timestamp"},
    "income": {"type": "number", "min": 0, "max": 1_000_000, "max_nulls": 0.02},
    "age": {"type": "integer", "min": 18, "max": 120},
    "region": {"type": "string", "values": ["SE", "NO", "DK", "FI", "IS"]},
}
PATTERN = {"email": {"type": "string", "pattern": "[a-z0-9]+@[a-z0-9.]+"}}
CASES = {"without a pattern": COLUMNS, "with a pattern": {**COLUMNS, **PATTERN}}


def main() -> None:
    """Print a table of the gate and of what it can't do without, and the goals."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = str(folder / "t.parquet")
        code = (
            f"from pathlib import Path; import benchmarks.tables as t; t.write_table(Path({path!r}), {ROWS})"
        )
        subprocess.run([sys.executable, "-c", code], check=True)
        commands = [Command("sha256 of the file", (sys.executable, "-I", "-c", _hash()), folder)]
        for case, columns in CASES.items():
            id = case.replace(" ", "-")
            _write_gate(folder, id, columns)
            gate = (sys.executable, "-I", ".mlcc/gates/contract.py", id)
            decode = (sys.executable, "-I", "-c", _decode(list(columns)))
            commands += [Command(f"contract {case}", gate, folder), Command(f"decode {case}", decode, folder)]
        found = interleave(commands, ROUNDS)
    print(compare(found, ("decode with a pattern",)))
    digest = found["sha256 of the file"].cpu
    bounds = []
    for case in CASES:
        gate, decode = found[f"contract {case}"], found[f"decode {case}"]
        ratio = (gate.cpu - digest) / decode.cpu
        bounds.append(Goal(f"{case}, less the sha256: at most 2 x DuckDB's decode", ratio, 2, True))
        bounds.append(Goal(f"{case}: peak memory, of 200 MB", gate.peak / (200 * MEGABYTE), 1, True))
    print(goals(bounds))


def _hash() -> str:
    return "import hashlib; hashlib.file_digest(open('t.parquet', 'rb'), 'sha256').hexdigest()"


def _decode(columns: list[str]) -> str:
    """Return a program that decodes columns: a hash of each value, which no footer answers."""
    hashes = ", ".join(f'bit_xor(hash("{column}"))' for column in columns)
    sql = f"SELECT {hashes} FROM read_parquet('t.parquet')"
    return f"import duckdb; duckdb.sql({sql!r}).fetchall()"


def _write_gate(folder: Path, id: str, columns: dict[str, dict[str, object]]) -> None:
    from mlcc.gates import GATES, ArtifactInfo
    from mlcc.gates.emit import scripts

    stated = {"columns": columns, "rows": {"min": 1000}}
    kind = GATES["contract"]
    params = kind.params().model_validate({**stated, "freshness": {"column": "created", "max_age": "9999d"}})
    document = {
        "kind": "contract",
        "gate": id,
        "guards": "raw",
        "artifacts": {"raw": {"path": "t.parquet", "kind": "data"}},
        "on_inconclusive": "fail",
        "params": kind.compiler().compile(params, {"raw": ArtifactInfo("t.parquet")}, "raw"),
    }
    for file in scripts(["contract"]):
        (folder / file.path).parent.mkdir(parents=True, exist_ok=True)
        (folder / file.path).write_text(file.text, "utf-8")
    (folder / f".mlcc/gates/{id}.json").write_text(json.dumps(document), "utf-8")
