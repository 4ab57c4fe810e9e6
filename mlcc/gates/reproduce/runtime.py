"""The gate `reproduce`: runs with the same seed give the same bytes, or metrics within a tolerance."""

from __future__ import annotations

# os.path is loaded at start-up anyway.
# ruff: noqa: PTH103, PTH108, PTH112, PTH114, PTH118, PTH120
import os
import shutil
import sys

from mlcc.gates._records import Check, GateError, Verdict, counted, is_finite, number, verdict_of, visible
from mlcc.gates._shell import EndAsError, exit_check, program, run_program
from mlcc.gates._strict import read_json
from mlcc.gates._support import Gate, run
from mlcc.gates.reproduce.trees import file_digests, first_differences
from mlcc.runtime.digest import DigestError, file_digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


def judge(gate: Gate) -> Verdict:
    """Run the program several times, each without the outputs of another, and compare what it wrote."""
    setup, command = program(gate.params)
    params = _checked(gate.params)
    lock = _lock_digest(params)
    folders = [os.path.join(gate.folder, f"run-{i + 1}") for i in range(params["runs"])]
    variables = {"MLCC_SEED": str(params["seed"]), "PYTHONHASHSEED": "0"}
    try:
        with EndAsError(), _Kept(gate.folder, params["kept"]) as kept:
            for folder in folders:
                _remove(folder)
                code = run_program(gate, setup, command, variables)
                if code != 0:  # there is nothing to compare, which is no evidence either way
                    return verdict_of([Check("command", "error", exit_check(code, "a run").message)])
                kept.take(folder)
        checks = _comparisons(params, folders)
    finally:
        for folder in folders:
            _remove(folder)
    if lock is not None:
        checks.append(_lock_check(params["lock"], lock))
    return verdict_of(checks)


class _Kept:
    """The outputs as they are before the first run: put aside in the gate's folder, then put back.

    Raises GateError where an earlier gate was killed and left them aside.
    """

    def __init__(self, folder: str, paths: Sequence[str]) -> None:
        self._aside = os.path.join(folder, "kept")
        self._paths = [path.rstrip("/") for path in paths]

    def __enter__(self) -> _Kept:
        if os.path.lexists(self._aside):
            raise GateError(
                f"an earlier run was killed and left what was there in {visible(self._aside)}: "
                "move it back, or remove the folder"
            )
        self._move("", self._aside)
        return self

    def take(self, folder: str) -> None:
        """Move what a run wrote to a folder of its own. Raises GateError where it didn't write all."""
        missing = [path for path in self._paths if not os.path.lexists(path)]
        if missing:
            raise GateError(f"the program ended well and did not write {visible(missing[0])}")
        self._move("", folder)

    def __exit__(self, *_: object) -> None:
        for path in self._paths:
            _remove(path)
        self._move(self._aside, "")
        _remove(self._aside)

    def _move(self, origin: str, target: str) -> None:
        for path in self._paths:
            source, place = os.path.join(origin, path), os.path.join(target, path)
            if os.path.lexists(source):
                os.makedirs(os.path.dirname(place) or ".", exist_ok=True)
                shutil.move(source, place)


def _comparisons(params: dict[str, Any], folders: Sequence[str]) -> list[Check]:
    if "metrics" not in params:
        return [_bytes_check(path, folders) for path in params["outputs"]]
    path = params["metrics"]["path"]
    documents = [read_json(os.path.join(folder, path)) for folder in folders]
    return [_metric_check(tolerance, documents, path) for tolerance in params["metrics"]["tolerances"]]


def _bytes_check(path: str, folders: Sequence[str]) -> Check:
    found = [file_digests(os.path.join(folder, path.rstrip("/"))) for folder in folders]
    id = f"output {path}"
    for i, other in enumerate(found[1:]):
        differences = first_differences(found[0], other)
        if differences:
            return Check(
                id,
                "fail",
                f"{visible(path)} is not the same in run 1 and run {i + 2}: {differences}",
                n=len(folders),
            )
    files = counted(len(found[0]), "file")
    return Check(
        id, "pass", f"{visible(path)} has the same bytes in {len(folders)} runs ({files})", n=len(folders)
    )


def _metric_check(tolerance: dict[str, Any], documents: Sequence[object], path: str) -> Check:
    values = [_value(document, tolerance["value"]) for document in documents]
    id, limit = f"metric {tolerance['id']}", tolerance["max"]
    shown = visible(tolerance["id"], 80)
    if not all(is_finite(value) for value in values):
        return Check(id, "error", f"{shown} in {visible(path)} is not a finite number after each run")
    spread = max(values) - min(values)
    return Check(
        id,
        "pass" if spread <= limit else "fail",
        f"{shown} differs by {number(spread)} over {len(values)} runs; at most {number(limit)} is allowed, "
        f"margin {number(limit - spread)}",
        estimate=spread,
        n=len(values),
        threshold={"max": limit},
        margin=limit - spread,
    )


def _value(document: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        document = document.get(step) if isinstance(document, dict) else None
    return document


def _lock_check(path: str, before: str) -> Check:
    try:
        same = file_digest(path) == before
    except DigestError:
        same = False
    what = "is unchanged after the runs" if same else "was changed by a run: the packages aren't pinned"
    return Check("lock", "pass" if same else "fail", f"the lock file {visible(path)} {what}")


def _lock_digest(params: dict[str, Any]) -> str | None:
    if "lock" not in params:
        return None
    try:
        return file_digest(params["lock"])
    except DigestError as error:
        raise GateError(f"the lock file can't be read: {error}") from None


def _remove(path: str) -> None:
    """Remove a file or a folder, if it is there. A symlink is removed, not followed."""
    try:
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.unlink(path)
    except OSError as error:
        raise GateError(f"{visible(path)} can't be removed: {error.strerror}") from None


def _checked(params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters. Raises GateError where one that decides isn't proper."""
    sound = all(_is_paths(params.get(key)) for key in ("outputs", "kept"))
    sound = sound and type(params.get("runs")) is int and params["runs"] >= 2
    sound = sound and type(params.get("seed")) is int and isinstance(params.get("lock", ""), str)
    if not sound or not _is_metrics(params.get("metrics")):
        raise GateError("the gate's parameters have no proper outputs, runs, seed, lock or metrics")
    return params


def _is_paths(value: Any) -> bool:
    return (
        isinstance(value, list) and bool(value) and all(isinstance(x, str) and x.rstrip("/") for x in value)
    )


def _is_metrics(metrics: Any) -> bool:
    if metrics is None:
        return True
    if not isinstance(metrics, dict) or not isinstance(metrics.get("path"), str):
        return False
    limits = metrics.get("tolerances")
    if not isinstance(limits, list) or not limits or not all(isinstance(limit, dict) for limit in limits):
        return False
    named = all(isinstance(limit.get("id"), str) and isinstance(limit.get("value"), list) for limit in limits)
    return named and all(is_finite(limit.get("max")) and limit["max"] >= 0 for limit in limits)


def main() -> int:
    """Run the gate that the command line names."""
    return run("reproduce", judge, __file__, sys.argv[1:])
