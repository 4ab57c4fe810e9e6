"""The gate `pipeline_smoke`: the pipeline runs on a sample, and what it leaves is new, whole and finite."""

from __future__ import annotations

# os.path is loaded at start-up anyway.
# ruff: noqa: PTH118, PTH123
import mmap
import os
import stat
import sys

from mlcc.gates._records import Check, GateError, Verdict, counted, number, verdict_of, visible
from mlcc.gates._shell import exit_check, program, run_program
from mlcc.gates._sql import identifier
from mlcc.gates._support import Gate, run
from mlcc.gates._table import close, open_table
from mlcc.gates.pipeline_smoke.onnx_file import tally_onnx
from mlcc.gates.pipeline_smoke.tally import Tally
from mlcc.gates.pipeline_smoke.tensors import tally_npy, tally_safetensors
from mlcc.gates.pipeline_smoke.texts import tally_json, tally_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

_BINARY = {".npy": "npy", ".safetensors": "safetensors", ".onnx": "onnx"}
_TEXT = ("json", "csv", "tsv", "jsonl")
_FORMATS = (*_TEXT, *_BINARY.values(), "parquet", "folder")
_NUMERIC = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL")


def judge(gate: Gate) -> Verdict:
    """Run the pipeline, then look at each output."""
    setup, command = program(gate.params)
    outputs = _checked(gate.params)
    before = [_marks(output["path"]) for output in outputs]
    code = run_program(gate, setup, command, {})
    checks = [exit_check(code, "the pipeline")]
    if code == 0:
        for output, marks in zip(outputs, before):  # noqa: B905 - strict= is newer than Python 3.8
            checks += _output_checks(gate, output, marks)
    return verdict_of(checks)


def _output_checks(gate: Gate, output: dict[str, Any], before: Mapping[str, tuple[int, ...]]) -> list[Check]:
    """Return the checks of an output: that it is there and new, its numbers, and its way down."""
    id, path = output["id"], output["path"]
    try:
        checks = [_new_check(id, path, _marks(path), before)]
        if checks[0].verdict != "pass" or "format" not in output:
            return checks
        tally = Tally()
        _tally(gate, path, output, tally)
    except GateError as error:
        return [Check(f"{id}: finite" if "format" in output else f"{id}: new", "error", str(error))]
    checks.append(_finite_check(id, path, tally))
    if "decreases" in output:
        checks.append(_decrease_check(id, path, tally))
    return checks


def _marks(path: str) -> dict[str, tuple[int, ...]]:
    """Return what changes when a file is written: of a file itself, or of each below a folder. {}: none."""
    top = path.rstrip("/")
    names = [top]
    if path.endswith("/"):
        names = sorted(os.path.join(folder, name) for folder, _, files in os.walk(top) for name in files)
    found: dict[str, tuple[int, ...]] = {}
    for name in names:
        try:
            state = os.lstat(name)
        except FileNotFoundError:
            continue
        if not stat.S_ISREG(state.st_mode):
            raise GateError(f"{visible(name)} is not a regular file")
        found[name] = (state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)
    return found


def _new_check(
    id: str, path: str, after: Mapping[str, tuple[int, ...]], before: Mapping[str, tuple[int, ...]]
) -> Check:
    old = [name for name, marks in after.items() if before.get(name) == marks]
    empty = [name for name, (_, size, _, _) in after.items() if size == 0]
    if not after:
        return Check(f"{id}: new", "fail", f"{visible(path)} was not written")
    if old:
        return Check(
            f"{id}: new", "fail", f"{visible(old[0])} is from an earlier run: this one did not write it"
        )
    if empty:
        return Check(f"{id}: new", "fail", f"{visible(empty[0])} is empty")
    return Check(
        f"{id}: new", "pass", f"{visible(path)} was written by this run ({counted(len(after), 'file')})"
    )


def _finite_check(id: str, path: str, tally: Tally) -> Check:
    if not tally.numbers:
        return Check(f"{id}: finite", "error", f"{visible(path)} holds no number")
    if tally.bad:
        message = (
            f"{tally.bad} of {tally.numbers} numbers in {visible(path)} are NaN, infinite or missing, "
            f"the first in {tally.place}; none may be"
        )
        return Check(
            f"{id}: finite", "fail", message, estimate=tally.bad, n=tally.numbers, threshold={"max": 0}
        )
    message = f"all {tally.numbers} numbers in {visible(path)} are finite"
    return Check(f"{id}: finite", "pass", message, estimate=0, n=tally.numbers, threshold={"max": 0})


def _decrease_check(id: str, path: str, tally: Tally) -> Check:
    first, last = tally.first, tally.last
    if tally.numbers < 2 or tally.bad or first is None or last is None:
        return Check(
            f"{id}: decreases", "error", f"{visible(path)} has no series of two or more finite numbers"
        )
    message = (
        f"the last of {tally.numbers} numbers in {visible(path)} is {number(last)}, the first {number(first)}; "
        f"the last must be below, margin {number(first - last)}"
    )
    return Check(
        f"{id}: decreases",
        "pass" if last < first else "fail",
        message,
        estimate=last - first,
        n=tally.numbers,
        threshold={"max": 0},
        margin=first - last,
    )


def _tally(gate: Gate, path: str, output: dict[str, Any], tally: Tally) -> None:
    """Count the numbers of an output. Raises GateError."""
    format = output["format"]
    if format == "folder":
        _tally_folder(path, tally)
    elif format == "json":
        tally_json(path, output.get("value"), tally)
    elif format in _TEXT:
        tally_table(path, format, output["columns"], tally)
    elif format == "parquet":
        _tally_parquet(gate, path, output["columns"], tally)
    else:
        _tally_binary(path, format, tally)


def _tally_folder(path: str, tally: Tally) -> None:
    """Count the numbers of the files of a folder whose formats are known: weights and JSON."""
    for name in sorted(_marks(path)):
        suffix = "." + name.rpartition(".")[2].lower()
        if suffix == ".json":
            tally_json(name, None, tally)
        elif suffix in _BINARY:
            _tally_binary(name, _BINARY[suffix], tally)
    if not tally.numbers:
        raise GateError(
            f"{visible(path)} holds no file whose numbers are read (.json, {', '.join(_BINARY)}): "
            "name other files as outputs of their own"
        )


def _tally_binary(path: str, format: str, tally: Tally) -> None:
    read = {"npy": tally_npy, "safetensors": tally_safetensors, "onnx": tally_onnx}[format]
    with open(path, "rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    # It isn't closed by hand: what is left of a reader that gave up may still look into it.
    read(memoryview(mapped), visible(path), tally)


def _tally_parquet(gate: Gate, path: str, columns: Sequence[str], tally: Tally) -> None:
    frame = {"kind": gate.kind, "guards": "output", "artifacts": {"output": {"path": path}}}
    probe = Gate(gate.id, gate.folder, {**frame, "on_inconclusive": "fail", "params": {}})
    table = open_table(probe, "output", "parquet")
    try:
        for column in columns:
            kind = table.columns.get(column, "")
            if not kind.lstrip("U").startswith(_NUMERIC):
                raise GateError(f"{visible(path)} has no column {visible(column, 80)} of numbers")
            name = identifier(column)
            sql = f"SELECT count(*), count_if(isfinite({name}::DOUBLE)) FROM {table.source}"  # noqa: S608 - a quoted name
            rows, sound = table.one(sql)
            tally.count(rows, rows - sound, visible(column, 80))
    finally:
        close(table, probe)


def _checked(params: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the outputs to look at. Raises GateError where the parameters that decide aren't proper."""
    outputs = params.get("outputs")
    if not isinstance(outputs, list) or not outputs or not all(_is_output(output) for output in outputs):
        raise GateError("the gate's parameters have no proper outputs")
    return outputs


def _is_output(output: Any) -> bool:
    if not isinstance(output, dict) or not all(isinstance(output.get(key), str) for key in ("id", "path")):
        return False
    if not output["path"].rstrip("/") or output.get("format", "json") not in _FORMATS:
        return False
    lists = [output[key] for key in ("value", "columns") if key in output]
    named = all(isinstance(x, list) and x and all(isinstance(step, str) for step in x) for x in lists)
    is_table = output.get("format") in ("csv", "tsv", "jsonl", "parquet")
    return named and is_table == ("columns" in output)


def main() -> int:
    """Run the gate that the command line names."""
    return run("pipeline_smoke", judge, __file__, sys.argv[1:])
